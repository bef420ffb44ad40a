/** Decides whose value a claimed field has: the claim's own, or one that another client wrote. */
import type { KubeObject } from '../../client/object.ts';
import { containsFields, hashOf } from '../../util/json.ts';
import type { ClaimEntry } from './claims-annotation.ts';
import { isReleased } from './claims-annotation.ts';
import { managedFieldsOf, ownsField } from './field-ownership.ts';
import type { FieldPath } from './field-path.ts';
import { locateField } from './field-path.ts';
import { searchClaim } from './renamed-element.ts';

/**
 * Is the value of a claimed field the one that the claim set?
 *
 * While a change is unfinished, the hash of the form in which the API server stores the value is
 * not known yet. The value is the claim's then if it contains what was sent, or if the manager of
 * the claims still owns the field, because no other client has changed the field since.
 *
 * @param object the object, with managedFields where they are known
 * @param manager field manager of the claims
 */
export function isClaimedValue(
  claim: ClaimEntry,
  value: unknown,
  object: KubeObject,
  manager: string,
): boolean {
  const { hash, unfinished, path } = claim;
  if (hashOf(value) === hash) {
    return true;
  }
  return (
    unfinished !== undefined &&
    (containsFields(value, unfinished.sent) || ownsField(managedFieldsOf(object), path, manager))
  );
}

/**
 * The value to restore after another client has changed a claimed field: the value that it wrote.
 * Where that value contains everything that the claim sets, it may be the claim's own value in
 * another form of storage. The earlier original stays then.
 *
 * @param wanted the value that the worker claims now
 */
export function originalAfterChange(claim: ClaimEntry, found: unknown, wanted: unknown): unknown {
  const isSameClaim = (claim.sentHash ?? claim.hash) === hashOf(wanted);
  return isSameClaim && containsFields(found, wanted) ? claim.original : found;
}

/** Paths of fields whose value is not the claim's any more. A missing field does not count. */
export function undonePaths(
  object: KubeObject,
  claims: readonly ClaimEntry[],
  uid: string,
  manager: string,
): readonly FieldPath[] {
  const active = claims.filter((claim) => !isReleased(claim));
  return active.flatMap((claim) => {
    if (claim.uid !== uid || searchClaim(object, claim, active).type !== 'found') {
      return [];
    }
    const location = locateField(object, claim.path);
    const isUndone =
      location.type === 'found' && !isClaimedValue(claim, location.value, object, manager);
    return isUndone ? [claim.path] : [];
  });
}
