/** Lists: what a selector matches, in pages of one moment. */
import type { KubeList, KubeObject, ListOptions } from 'autopilot-runtime/ports';
import { matchesSelector, parseSelector } from 'autopilot-runtime/ports';
import { badRequest, expired } from './errors.ts';
import type { Kind } from './kinds.ts';
import type { Records } from './records.ts';
import { inVersion } from './records.ts';

export type Matches = (object: KubeObject) => boolean;

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/** The rests of lists that were given in part, by their continue token. */
export class Pages {
  readonly #rests = new Map<string, KubeList>();
  #count = 0;

  clear(): void {
    this.#rests.clear();
  }

  /** The first items; the rest is kept as it is now. */
  first({ resourceVersion, items }: KubeList, limit: number): KubeList {
    if (items.length <= limit) {
      return { resourceVersion, items };
    }
    const token = `rest-${++this.#count}`;
    this.#rests.set(token, { resourceVersion, items: items.slice(limit) });
    return { resourceVersion, items: items.slice(0, limit), continue: token };
  }

  /** @throws ApiError 410 when it is forgotten, 400 when it never was */
  next(token: string, limit: number): KubeList {
    const rest = this.#rests.get(token);
    if (rest !== undefined) {
      return this.first(rest, limit);
    }
    throw /^rest-\d+$/.test(token)
      ? expired(TOO_OLD)
      : badRequest('invalid continue token: continue key is not valid');
  }
}

/** @throws ApiError 400 for selectors that cannot be read */
export function list(kind: Kind, options: ListOptions, records: Records, pages: Pages): KubeList {
  const { limit = Infinity, continue: token } = options;
  if (token !== undefined) {
    return pages.next(token, limit);
  }
  const matches = matcherOf(options, kind);
  const items = records
    .list(kind)
    .flatMap((stored) => (matches(stored.object) ? [inVersion(stored.served, kind)] : []));
  return pages.first({ resourceVersion: String(records.version), items }, limit);
}

/** What can be asked for beside labels. */
const FIELDS = /^metadata\.(name|namespace)$/;
const EVENT_FIELDS =
  /^(metadata\.(name|namespace)|regarding\.\w+|reason|type|reportingController)$/;

/** @throws ApiError 400 */
export function matcherOf(
  {
    namespace,
    labelSelector,
    fieldSelector,
  }: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>,
  type: Pick<Kind, 'group' | 'plural'>,
): Matches {
  const requirements = labelSelector === undefined ? [] : readSelector(labelSelector);
  const known = type.group === 'events.k8s.io' && type.plural === 'events' ? EVENT_FIELDS : FIELDS;
  const fields = (fieldSelector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => fieldRequirement(part, known));
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesSelector(requirements, object.metadata.labels) &&
    fields.every(({ path, value, equal }) => (textAt(object, path) === value) === equal);
}

function readSelector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text);
  } catch (error) {
    throw badRequest(`unable to parse requirement: ${(error as Error).message}`);
  }
}

interface FieldRequirement {
  readonly path: readonly string[];
  readonly value: string;
  readonly equal: boolean;
}

function fieldRequirement(part: string, known: RegExp): FieldRequirement {
  const [, field = part, operator, value = ''] = /^(.*?)(!=|==|=)(.*)$/.exec(part) ?? [];
  if (!known.test(field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  return { path: field.split('.'), value, equal: operator !== '!=' };
}

/** A field that is not there counts as empty. */
function textAt(object: KubeObject, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (at, name) => (at as Readonly<Record<string, unknown>> | undefined)?.[name],
    object,
  );
  return typeof found === 'string' ? found : '';
}
