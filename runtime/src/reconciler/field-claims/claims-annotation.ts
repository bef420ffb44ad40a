/**
 * The annotation `<group>/field-claims` of an object: which resource has claimed which field, the
 * original value, and a hash of the claimed value.
 */
import type { FieldPathElement } from '../../api/field-claim.ts';
import { PermanentError } from '../../api/worker.ts';
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import type { KubeObject } from '../../client/object.ts';
import { describeObject } from '../../client/object.ts';
import { fieldClaimsAnnotation } from '../../client/well-known-names.ts';
import { canonicalJson, isRecord } from '../../util/json.ts';
import type { ManagedFieldsEntry } from './field-ownership.ts';
import { escapePointer } from './field-path.ts';

/** One claimed field. */
export interface ClaimEntry {
  readonly path: readonly FieldPathElement[];
  /** The resource that has the claim, for people: `Canary default/web`. */
  readonly resource: string;
  /** uid of that resource. */
  readonly uid: string;
  /** The value to restore: what another client wrote last. Absent: the field was absent. */
  readonly original?: unknown;
  /** Hash of the value as the API server stores it. */
  readonly hash: string;
  /** Hash of the value as it was sent, when the API server stores another form (with defaults). */
  readonly sentHash?: string;
  /** Names of the other elements in the list of the last `{ name }` step of the path. */
  readonly siblings?: readonly string[];
  /** Present from the request that changes the value until the request that finishes the change. */
  readonly unfinished?: UnfinishedChange;
}

/** What a process needs to finish a change that another process may have begun. */
export interface UnfinishedChange {
  /** The owners of the field before the change, to whom the field goes back. */
  readonly owners: readonly ManagedFieldsEntry[];
  /** The value as it was sent. Absent: the change removes the field. */
  readonly sent?: unknown;
  /** True: the claim is released, and its entry goes when the change is finished. */
  readonly isReleased?: true;
}

/** Is the value restored or removed already, so that only the ownership has to go back? */
export function isReleased({ unfinished }: ClaimEntry): boolean {
  return unfinished?.isReleased === true;
}

/** @throws PermanentError when the annotation is not valid */
export function readClaims(object: KubeObject, group: string): readonly ClaimEntry[] {
  const annotation = fieldClaimsAnnotation(group);
  const json = object.metadata.annotations?.[annotation];
  if (json === undefined) {
    return [];
  }
  const claims = parseJson(json);
  if (!Array.isArray(claims) || !claims.every(isClaimEntry)) {
    throw new PermanentError(
      `the annotation ${annotation} of ${describeObject(object)} is not a JSON list of claims; repair or remove it`,
      'FieldClaimsUnreadable',
    );
  }
  return claims;
}

/** @returns undefined when the string is not JSON */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isClaimEntry(claim: unknown): claim is ClaimEntry {
  return isRecord(claim) && Array.isArray(claim['path']);
}

/** A change of the annotation. */
export interface AnnotationChange {
  readonly before: readonly ClaimEntry[];
  readonly after: readonly ClaimEntry[];
  /** The annotations of the object at that point of the patch. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly group: string;
}

/** The operations that write the annotation; empty when the claims do not differ. */
export function annotationOperations({
  before,
  after,
  annotations,
  group,
}: AnnotationChange): readonly JsonPatchOperation[] {
  if (canonicalJson(before) === canonicalJson(after)) {
    return [];
  }
  const annotation = fieldClaimsAnnotation(group);
  const path = `/metadata/annotations/${escapePointer(annotation)}`;
  const value = canonicalJson(after);
  if (after.length === 0) {
    const isOnlyAnnotation = Object.keys(annotations ?? {}).length === 1;
    return [{ op: 'remove', path: isOnlyAnnotation ? '/metadata/annotations' : path }];
  }
  return annotations === undefined
    ? [{ op: 'add', path: '/metadata/annotations', value: { [annotation]: value } }]
    : [{ op: 'add', path, value }];
}

/** The order of claims in the annotation, so that equal claims give an equal annotation. */
export function sortClaims(claims: readonly ClaimEntry[]): readonly ClaimEntry[] {
  const rank = ({ path, uid }: ClaimEntry): string => canonicalJson([path, uid]);
  return claims.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
