/** Lists: the objects that selectors match, in pages of one version. */
import type { KubeList, KubeObject, ListOptions } from 'autopilot-runtime/internal';
import { matchesSelector, parseSelector } from 'autopilot-runtime/internal';
import { badRequest, expired } from './api-errors.ts';
import type { Kind } from './kind-registry.ts';
import type { ObjectStore } from './object-store.ts';
import { toVersion } from './object-store.ts';

/** Whether an object matches the selectors of a request. */
export type ObjectMatcher = (object: KubeObject) => boolean;

const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/** The remaining items of paged lists, by continue token. */
export class ListPages {
  readonly #remaining = new Map<string, KubeList>();
  #count = 0;

  clear(): void {
    this.#remaining.clear();
  }

  /** The first page. The remaining items are kept in their present state. */
  firstPage({ resourceVersion, items }: KubeList, limit: number): KubeList {
    if (items.length <= limit) {
      return { resourceVersion, items };
    }
    const token = `rest-${++this.#count}`;
    this.#remaining.set(token, { resourceVersion, items: items.slice(limit) });
    return { resourceVersion, items: items.slice(0, limit), continue: token };
  }

  /** The next page. @throws ApiError 410 for an expired token, 400 for an unknown token */
  nextPage(token: string, limit: number): KubeList {
    const page = this.#remaining.get(token);
    if (page !== undefined) {
      return this.firstPage(page, limit);
    }
    throw /^rest-\d+$/.test(token)
      ? expired(CONTINUE_TOO_OLD)
      : badRequest('invalid continue token: continue key is not valid');
  }
}

/** Lists objects. @throws ApiError 400 for selectors that cannot be parsed */
export function listObjects(
  kind: Kind,
  options: ListOptions,
  store: ObjectStore,
  listPages: ListPages,
): KubeList {
  const { limit = Infinity, continue: token } = options;
  if (token !== undefined) {
    return listPages.nextPage(token, limit);
  }
  const matches = createMatcher(options, kind);
  const items = store
    .list(kind)
    .flatMap((stored) => (matches(stored.object) ? [toVersion(stored.served, kind)] : []));
  return listPages.firstPage({ resourceVersion: String(store.version), items }, limit);
}

/** Fields that field selectors may name. */
const SELECTABLE_FIELDS = /^metadata\.(name|namespace)$/;
const SELECTABLE_EVENT_FIELDS =
  /^(metadata\.(name|namespace)|regarding\.\w+|reason|type|reportingController)$/;

/** A predicate for label and field selectors. @throws ApiError 400 for invalid selectors */
export function createMatcher(
  {
    namespace,
    labelSelector,
    fieldSelector,
  }: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>,
  type: Pick<Kind, 'group' | 'plural'>,
): ObjectMatcher {
  const requirements = labelSelector === undefined ? [] : parseLabelSelector(labelSelector);
  const known =
    type.group === 'events.k8s.io' && type.plural === 'events'
      ? SELECTABLE_EVENT_FIELDS
      : SELECTABLE_FIELDS;
  const fields = (fieldSelector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => fieldRequirement(part, known));
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesSelector(requirements, object.metadata.labels) &&
    fields.every(({ path, value, isEqual }) => (stringAt(object, path) === value) === isEqual);
}

function parseLabelSelector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text);
  } catch (error) {
    throw badRequest(`unable to parse requirement: ${(error as Error).message}`);
  }
}

interface FieldRequirement {
  readonly path: readonly string[];
  readonly value: string;
  readonly isEqual: boolean;
}

function fieldRequirement(part: string, known: RegExp): FieldRequirement {
  const [, field = part, operator, value = ''] = /^(.*?)(!=|==|=)(.*)$/.exec(part) ?? [];
  if (!known.test(field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  return { path: field.split('.'), value, isEqual: operator !== '!=' };
}

/** The string at a path. An absent field is an empty string. */
function stringAt(object: KubeObject, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (at, name) => (at as Readonly<Record<string, unknown>> | undefined)?.[name],
    object,
  );
  return typeof found === 'string' ? found : '';
}
