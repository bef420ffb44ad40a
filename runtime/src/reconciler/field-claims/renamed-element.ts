/** Finds the list element of a claim again after its owner has renamed the element. */
import type { KubeObject } from '../../client/object.ts';
import { containsFields, deepEqual, hashOf, isRecord } from '../../util/json.ts';
import type { ClaimEntry } from './claims-annotation.ts';
import { isReleased } from './claims-annotation.ts';
import type { FieldPath } from './field-path.ts';
import { formatPath, locateField } from './field-path.ts';

/** Where the field of a claim is. */
export type ClaimSearch =
  /** The path of the claim leads to the field. */
  | { readonly type: 'found' }
  /** The element has another name, so the field has another path. */
  | { readonly type: 'renamed'; readonly path: FieldPath }
  /** The claimed value may be left in one of several elements. */
  | { readonly type: 'unresolved'; readonly reason: string }
  /** The claimed value is in no element any more. */
  | { readonly type: 'gone'; readonly reason: string };

/** A list element that may be the renamed one. */
interface Candidate {
  /** Undefined: the element has no name. */
  readonly name: string | undefined;
  /** Path of the field in this element. Undefined: no path leads to this element alone. */
  readonly path: FieldPath | undefined;
}

/**
 * Searches the field of a claim. An element counts as the renamed one if its name is new in the
 * list, no other claim is for it, and its field has the claimed value. The owner may have given the
 * earlier name to another element, whose field has another value.
 *
 * @param claims all claims in the object
 */
export function searchClaim(
  object: KubeObject,
  claim: ClaimEntry,
  claims: readonly ClaimEntry[],
): ClaimSearch {
  const location = locateField(object, claim.path);
  const isFound = location.type === 'found';
  if (isFound && isTrace(claim, location.value)) {
    return { type: 'found' };
  }
  const candidates = findCandidates(object, claim, claims);
  const [only] = candidates;
  if (candidates.length === 1 && only?.path !== undefined) {
    return { type: 'renamed', path: only.path };
  }
  if (isFound) {
    return { type: 'found' };
  }
  const { reason } = location;
  return candidates.length === 0
    ? { type: 'gone', reason }
    : { type: 'unresolved', reason: describeCandidates(reason, candidates) };
}

/** Elements that may be the renamed one. */
function findCandidates(
  object: KubeObject,
  claim: ClaimEntry,
  claims: readonly ClaimEntry[],
): readonly Candidate[] {
  const { path } = claim;
  const step = path.findLastIndex((element) => typeof element !== 'string');
  const list = step < 0 ? undefined : valueAt(object, path.slice(0, step));
  if (!Array.isArray(list)) {
    return [];
  }
  const own = path[step];
  const isRenamed = typeof own === 'object' && countElements(list, own.name) === 0;
  return list.flatMap((element: unknown): readonly Candidate[] => {
    const location = locateField(element, path.slice(step + 1));
    if (!isRecord(element) || location.type === 'missing') {
      return [];
    }
    const isLikely =
      location.value === undefined
        ? isRenamed && isAbsenceOf(claim, list.length)
        : isTrace(claim, location.value);
    const { name } = element;
    if (!isLikely) {
      return [];
    }
    if (typeof name !== 'string' || countElements(list, name) > 1) {
      return [{ name: typeof name === 'string' ? name : undefined, path: undefined }];
    }
    const renamed = path.with(step, { name });
    return isNew(claim, claims, name, renamed) ? [{ name, path: renamed }] : [];
  });
}

/** Messages about the claims of a resource whose element cannot be told. */
export function unresolvedClaims(
  object: KubeObject,
  claims: readonly ClaimEntry[],
  uid: string,
): readonly string[] {
  return claims
    .filter((claim) => claim.uid === uid && !isReleased(claim))
    .flatMap((claim) => {
      const search = searchClaim(object, claim, claims);
      return search.type === 'unresolved' ? [`${formatPath(claim.path)}: ${search.reason}`] : [];
    });
}

/** Names of the other elements in the list of the last `{ name }` step. */
export function siblingsOf(object: KubeObject, path: FieldPath): readonly string[] | undefined {
  const step = path.findLastIndex((element) => typeof element !== 'string');
  const own = path[step];
  const list = step < 0 ? undefined : valueAt(object, path.slice(0, step));
  if (!Array.isArray(list) || own === undefined || typeof own === 'string') {
    return undefined;
  }
  return list.flatMap((element: unknown) =>
    isRecord(element) && typeof element['name'] === 'string' && element['name'] !== own.name
      ? [element['name']]
      : [],
  );
}

/** Is this value left by the claim? */
function isTrace({ hash, unfinished }: ClaimEntry, value: unknown): boolean {
  const isSentValue = unfinished?.sent !== undefined && containsFields(value, unfinished.sent);
  return hashOf(value) === hash || isSentValue;
}

/**
 * Is a field absent because the claim has removed it? That can be told only where the list has as
 * many elements as at the time of the claim, so that one of them was renamed.
 */
function isAbsenceOf({ hash, siblings }: ClaimEntry, elements: number): boolean {
  return hash === hashOf(undefined) && siblings?.length === elements - 1;
}

function countElements(list: readonly unknown[], name: string): number {
  return list.filter((element) => isRecord(element) && element['name'] === name).length;
}

function isNew(
  { siblings = [] }: ClaimEntry,
  claims: readonly ClaimEntry[],
  name: string,
  renamed: FieldPath,
): boolean {
  const isClaimed = claims.some((claim) => !isReleased(claim) && deepEqual(claim.path, renamed));
  return !siblings.includes(name) && !isClaimed;
}

function describeCandidates(reason: string, candidates: readonly Candidate[]): string {
  const names = candidates.map(({ name }) =>
    name === undefined ? 'one without a name' : `'${name}'`,
  );
  return `${reason}; the claimed value is in ${names.join(', ')}`;
}

function valueAt(object: unknown, path: FieldPath): unknown {
  const location = locateField(object, path);
  return location.type === 'missing' ? undefined : location.value;
}
