/**
 * Plans the request that finishes a change of claimed fields: field ownership goes back to the
 * owners, and the annotation gets the hashes of the values as the API server stores them.
 *
 * The annotation holds everything that is needed, so any process can finish a change that another
 * process has begun.
 */
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import type { KubeObject } from '../../client/object.ts';
import { fieldClaimsAnnotation } from '../../client/well-known-names.ts';
import { hashOf } from '../../util/json.ts';
import { withPreconditions } from './claim-draft.ts';
import type { ClaimEntry } from './claims-annotation.ts';
import { annotationOperations, isReleased, readClaims, sortClaims } from './claims-annotation.ts';
import { haveSameFields, managedFieldsOf, returnOwnership } from './field-ownership.ts';
import { locateField } from './field-path.ts';
import { isClaimedValue } from './found-value.ts';

/** Has the object a change of this resource that is not finished? */
export function hasUnfinishedChange(object: KubeObject, group: string, uid: string): boolean {
  return readClaims(object, group).some(
    (claim) => claim.uid === uid && claim.unfinished !== undefined,
  );
}

/**
 * Plans the request that finishes all changes in the object, also those of other resources.
 *
 * @param object the object with managedFields, as the API server returned it
 * @param manager field manager of the claims
 * @returns undefined when nothing has to be written
 */
export function planFinish(
  object: KubeObject,
  group: string,
  manager: string,
): readonly JsonPatchOperation[] | undefined {
  const before = sortClaims(readClaims(object, group));
  const after = before
    .filter((claim) => !isReleased(claim))
    .map((claim) => finishClaim(claim, object, manager));
  const { annotations } = object.metadata;
  const operations = [
    ...annotationOperations({ before, after, annotations, group }),
    ...ownershipOperations(object, before, after, { group, manager }),
  ];
  return operations.length === 0 ? undefined : withPreconditions(object, operations);
}

/** The claim with the hash of the stored value. */
function finishClaim(claim: ClaimEntry, object: KubeObject, manager: string): ClaimEntry {
  const { unfinished, ...finished } = claim;
  const location = locateField(object, claim.path);
  if (unfinished === undefined || location.type === 'missing') {
    return finished;
  }
  const stored = hashOf(location.value);
  const isOtherForm =
    stored !== claim.hash && isClaimedValue(claim, location.value, object, manager);
  return isOtherForm ? { ...finished, hash: stored, sentHash: claim.hash } : finished;
}

/** A list of one empty entry removes all entries. An empty list would change nothing. */
function ownershipOperations(
  object: KubeObject,
  before: readonly ClaimEntry[],
  after: readonly ClaimEntry[],
  { group, manager }: { readonly group: string; readonly manager: string },
): readonly JsonPatchOperation[] {
  const entries = managedFieldsOf(object);
  const returned = returnOwnership(entries, {
    manager,
    owners: before.flatMap(({ unfinished }) => unfinished?.owners ?? []),
    annotation: after.length === 0 ? undefined : fieldClaimsAnnotation(group),
  });
  if (haveSameFields(entries, returned)) {
    return [];
  }
  const value = returned.length === 0 ? [{}] : returned;
  return [{ op: 'replace', path: '/metadata/managedFields', value }];
}
