/** Lists: what a selector matches, in pages of one moment. */
import type { KubeList, KubeObject, ListOptions } from 'autopilot-runtime/ports';
import { matchesSelector, parseSelector } from 'autopilot-runtime/ports';
import { badRequest, expired } from './errors.ts';
import type { Kind } from './kinds.ts';
import type { Records } from './records.ts';
import { inVersion } from './records.ts';

export type Matches = (object: KubeObject) => boolean;

const TOO_OLD = 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/** The rests of lists that were given in part, by their continue token. */
export class Pages {
  readonly #rests = new Map<string, KubeList>();
  #count = 0;

  clear(): void {
    this.#rests.clear();
  }

  /** The first items; the rest is kept as it is now. */
  first({ resourceVersion, items }: KubeList, limit: number): KubeList {
    if (items.length <= limit) return { resourceVersion, items };
    const token = `rest-${++this.#count}`;
    this.#rests.set(token, { resourceVersion, items: items.slice(limit) });
    return { resourceVersion, items: items.slice(0, limit), continue: token };
  }

  /** @throws ApiError 410 when it is forgotten, 400 when it never was */
  next(token: string, limit: number): KubeList {
    const rest = this.#rests.get(token);
    if (rest !== undefined) return this.first(rest, limit);
    throw /^rest-\d+$/.test(token) ? expired(TOO_OLD) : badRequest('invalid continue token: continue key is not valid');
  }
}

/** @throws ApiError 400 for selectors that cannot be read */
export function list(kind: Kind, options: ListOptions, records: Records, pages: Pages): KubeList {
  const { limit = Infinity, continue: token } = options;
  if (token !== undefined) return pages.next(token, limit);
  const matches = matcherOf(options);
  const items = records.list(kind).flatMap((stored) => (matches(stored.object) ? [inVersion(stored.served, kind)] : []));
  return pages.first({ resourceVersion: String(records.version), items }, limit);
}

/** @throws ApiError 400 */
export function matcherOf({ namespace, labelSelector, fieldSelector }: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>): Matches {
  const requirements = labelSelector === undefined ? [] : readSelector(labelSelector);
  const fields = (fieldSelector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => fieldRequirement(part));
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    matchesSelector(requirements, metadata.labels) &&
    fields.every(({ field, value, equal }) => (metadata[field] === value) === equal);
}

function readSelector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text);
  } catch (error) {
    throw badRequest(`unable to parse requirement: ${(error as Error).message}`);
  }
}

interface FieldRequirement {
  readonly field: 'name' | 'namespace';
  readonly value: string;
  readonly equal: boolean;
}

function fieldRequirement(part: string): FieldRequirement {
  const match = /^metadata\.(name|namespace)(!=|==|=)(.*)$/.exec(part);
  if (match === null) throw badRequest(`field label not supported: ${part.split(/[!=]/)[0] ?? part}`);
  return { field: match[1] as FieldRequirement['field'], value: match[3] ?? '', equal: match[2] !== '!=' };
}
