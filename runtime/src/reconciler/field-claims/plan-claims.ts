/**
 * Plans field claims: from the fields that a worker claims to one JSON patch, and back.
 *
 * The patch tests uid and resourceVersion, sets the fields, and writes the annotation
 * `<group>/field-claims` in the same request. `planFinish` plans the request that follows.
 *
 * Guarantees
 * - Every claimed field can be restored, also by a process that starts between two requests.
 * - A value that another client has written since is recognised. It stays when the claim is
 *   released, and it is the value to restore while the claim lasts.
 */
import type { ClaimedField } from '../../api/field-claim.ts';
import { PermanentError } from '../../api/worker.ts';
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import type { KubeObject } from '../../client/object.ts';
import { describeObject } from '../../client/object.ts';
import { fieldClaimsAnnotation } from '../../client/well-known-names.ts';
import { deepEqual, hashOf } from '../../util/json.ts';
import { OutputConflict } from '../reconcile-errors.ts';
import { ClaimDraft, withPreconditions } from './claim-draft.ts';
import type { ClaimEntry, UnfinishedChange } from './claims-annotation.ts';
import { annotationOperations, isReleased, readClaims, sortClaims } from './claims-annotation.ts';
import type { ManagedFieldsEntry } from './field-ownership.ts';
import { managedFieldsOf, ownersOf, returnOwnership } from './field-ownership.ts';
import type { FieldLocation, FieldPath } from './field-path.ts';
import { formatPath, locateField, pathsOverlap, validateFieldPath } from './field-path.ts';
import { isClaimedValue, originalAfterChange } from './found-value.ts';
import { searchClaim, siblingsOf } from './renamed-element.ts';

/** The resource that claims fields. */
export interface Claimant {
  /** Name of the resource, as people read it: `Canary default/web`. */
  readonly resource: string;
  readonly uid: string;
}

/** The claims of one resource in one object. */
export interface ClaimRequest {
  readonly fields: readonly ClaimedField[];
  readonly claimant: Claimant;
  /** API group of the operator's kind, for the annotation. */
  readonly group: string;
  /** Field manager of the claims. */
  readonly manager: string;
  /** True: `fields` are all claims of the resource, so other claims are released. */
  readonly isComplete: boolean;
  /** True: the resource is being deleted, so a claim that cannot be resolved is dropped too. */
  readonly isFinal: boolean;
  /** True: a field that another client has changed stays as it is. Default: it is set again. */
  readonly leaveUndone?: boolean;
  /** Where the claims are made, for messages: `outputs.virtualservices of phase Evaluating`. */
  readonly place: string;
}

/** What has to be sent for one object. */
export interface ClaimPlan {
  readonly live: KubeObject;
  /** The object with the claimed values. */
  readonly draft: KubeObject;
  /** Empty: nothing to send. */
  readonly patch: readonly JsonPatchOperation[];
  /** Released fields that were not restored, each as a message. */
  readonly notRestored: readonly string[];
  /** Claimed fields that another client has changed, and that the patch sets again. */
  readonly undone: readonly UndoneClaim[];
}

/** A claimed field that another client has changed. */
export interface UndoneClaim {
  readonly path: FieldPath;
  /** The value that the other client wrote. Undefined: it removed the field. */
  readonly found: unknown;
  /** False: the worker wants another value than before, so that setting it is no repair. */
  readonly isSameWish: boolean;
}

/**
 * Plans the patch after which the resource has claimed exactly these fields. Other claims of the
 * resource in the object are released when they overlap, and all of them for a complete request.
 *
 * @param live the object; with managedFields when the patch is to be sent
 * @throws PermanentError for a path that does not lead to one field; OutputConflict for a field
 * that another resource has claimed
 */
export function planClaims(live: KubeObject, request: ClaimRequest): ClaimPlan {
  const { fields, claimant, group } = request;
  const before = readClaims(live, group);
  const released = before.filter(isReleased);
  const active = before.filter((claim) => !isReleased(claim));
  const others = active.filter(({ uid }) => uid !== claimant.uid);
  const own = active
    .filter(({ uid }) => uid === claimant.uid)
    .map((claim) => followRename(live, claim, active));
  validateClaims(live, request, others);

  const draft = new ClaimDraft(live, [...fields, ...own]);
  const planner = new ClaimPlanner(draft, request, own, ownersBefore(live, before, request));
  planner.release();
  planner.claim();

  const annotation = annotationOperations({
    before: sortClaims(before),
    after: sortClaims([...others, ...released, ...planner.claims]),
    annotations: draft.annotations,
    group,
  });
  return {
    live,
    draft: draft.object,
    patch: withPreconditions(live, [...planner.operations, ...annotation]),
    notRestored: planner.notRestored,
    undone: planner.undone,
  };
}

/** The owners of all fields, as if no change were unfinished. */
function ownersBefore(
  live: KubeObject,
  claims: readonly ClaimEntry[],
  { manager }: ClaimRequest,
): readonly ManagedFieldsEntry[] {
  return returnOwnership(managedFieldsOf(live), {
    manager,
    owners: claims.flatMap(({ unfinished }) => unfinished?.owners ?? []),
    annotation: undefined,
  });
}

/** The claim with the path that leads to its field now. */
function followRename(
  live: KubeObject,
  claim: ClaimEntry,
  claims: readonly ClaimEntry[],
): ClaimEntry {
  const search = searchClaim(live, claim, claims);
  return search.type === 'renamed' ? { ...claim, path: search.path } : claim;
}

/** @throws PermanentError for an invalid or doubled path, OutputConflict for a claimed field */
function validateClaims(
  live: KubeObject,
  { fields, group, place }: ClaimRequest,
  others: readonly ClaimEntry[],
): void {
  const name = describeObject(live);
  const annotation = fieldClaimsAnnotation(group);
  for (const [index, { path }] of fields.entries()) {
    validateFieldPath(path, `${place}: ${name}`, annotation);
    const doubled = fields.slice(0, index).find((earlier) => pathsOverlap(earlier.path, path));
    if (doubled !== undefined) {
      throw new PermanentError(
        `${place}: ${name} has both ${formatPath(doubled.path)} and ${formatPath(path)}, which overlap`,
      );
    }
    const conflicting = others.find((claim) => pathsOverlap(claim.path, path));
    if (conflicting !== undefined) {
      throw new OutputConflict(
        `${formatPath(path)} of ${name} is claimed by ${conflicting.resource}; claim another field, delete that resource, or, if it does not exist any more, remove its entry from the annotation ${annotation}`,
      );
    }
  }
}

/** Collects what one request does to the claims of one resource. */
class ClaimPlanner {
  /** Claims of the resource that the annotation lists afterwards. */
  readonly claims: ClaimEntry[] = [];
  readonly operations: JsonPatchOperation[] = [];
  readonly notRestored: string[] = [];
  readonly undone: UndoneClaim[] = [];
  readonly #draft: ClaimDraft;
  readonly #request: ClaimRequest;
  readonly #own: readonly ClaimEntry[];
  readonly #owners: readonly ManagedFieldsEntry[];

  constructor(
    draft: ClaimDraft,
    request: ClaimRequest,
    own: readonly ClaimEntry[],
    owners: readonly ManagedFieldsEntry[],
  ) {
    this.#draft = draft;
    this.#request = request;
    this.#own = own;
    this.#owners = owners;
  }

  /** Restores claimed fields that are not claimed any more. Keeps claims that stay untouched. */
  release(): void {
    const { fields, isComplete } = this.#request;
    for (const claim of this.#own) {
      if (fields.some((field) => deepEqual(field.path, claim.path))) {
        continue; // `claim` handles it
      }
      const overlaps = fields.some((field) => pathsOverlap(field.path, claim.path));
      if (isComplete || overlaps) {
        this.#releaseClaim(claim);
      } else {
        this.claims.push(claim);
      }
    }
  }

  /** Sets the claimed fields. @throws PermanentError for a path that leads to no field */
  claim(): void {
    for (const field of this.#request.fields) {
      const earlier = this.#own.find((known) => deepEqual(known.path, field.path));
      if (field.remove === 'permanently') {
        this.#removeField(field.path, earlier);
      } else {
        this.#setField(field.path, field.value, earlier);
      }
    }
  }

  #releaseClaim(claim: ClaimEntry): void {
    const { path, original } = claim;
    const location = this.#draft.locate(path);
    if (location.type === 'missing') {
      this.#releaseMissing(claim, location.reason);
      return;
    }
    if (!this.#isClaimedValue(claim, location)) {
      this.#skip(path, 'another client has changed it since');
      this.#keepUntilFinished(claim, []);
      return;
    }
    this.#keepUntilFinished(claim, this.#draft.set(location, path, original));
  }

  /** A claim whose value may be left somewhere stays in the annotation. */
  #releaseMissing(claim: ClaimEntry, reason: string): void {
    const search = searchClaim(this.#draft.object, claim, this.#own);
    if (search.type === 'unresolved' && !this.#request.isFinal) {
      this.claims.push(claim);
      return;
    }
    this.#skip(claim.path, search.type === 'unresolved' ? search.reason : reason);
    this.#keepUntilFinished(claim, []);
  }

  /** Removes a field for good. A field that cannot be found is absent already. */
  #removeField(path: FieldPath, earlier: ClaimEntry | undefined): void {
    const location = this.#draft.locate(path);
    const operations =
      location.type === 'missing' ? [] : this.#draft.set(location, path, undefined);
    const claim = earlier ?? { path, ...this.#request.claimant, hash: hashOf(undefined) };
    this.#keepUntilFinished(claim, operations);
  }

  #setField(path: FieldPath, value: unknown, earlier: ClaimEntry | undefined): void {
    const { claimant, place } = this.#request;
    const location = this.#draft.locate(path);
    if (location.type === 'missing') {
      throw new PermanentError(
        `${place}: ${formatPath(path)} of ${describeObject(this.#draft.object)} cannot be set: ${location.reason}`,
        'NoSuchField',
      );
    }
    const isUnchanged = earlier !== undefined && this.#isClaimedValue(earlier, location);
    const wanted = hashOf(value);
    const isSameWish = earlier !== undefined && (earlier.sentHash ?? earlier.hash) === wanted;
    if (isSameWish && (isUnchanged || this.#request.leaveUndone === true)) {
      this.claims.push(earlier);
      return;
    }
    const original = this.#originalOf(earlier, location, value);
    const siblings = siblingsOf(this.#draft.object, path);
    const claim = {
      path,
      ...claimant,
      ...(original !== undefined && { original }),
      hash: wanted,
      ...(siblings !== undefined && { siblings }),
    };
    if (hashOf(location.value) === wanted) {
      this.claims.push({ ...claim, ...pickUnfinished(earlier) });
      return;
    }
    const owners = ownersOf(this.#owners, path, this.#request.manager);
    const unfinished = { owners, ...(value !== undefined && { sent: value }) };
    this.operations.push(...this.#draft.set(location, path, value));
    this.claims.push({ ...claim, unfinished });
  }

  /** The value to restore later. Records that another client has changed the field. */
  #originalOf(earlier: ClaimEntry | undefined, location: FieldLocation, wanted: unknown): unknown {
    if (earlier === undefined) {
      return location.value;
    }
    if (this.#isClaimedValue(earlier, location)) {
      return earlier.original;
    }
    const isSameWish = (earlier.sentHash ?? earlier.hash) === hashOf(wanted);
    this.undone.push({ path: earlier.path, found: location.value, isSameWish });
    return originalAfterChange(earlier, location.value, wanted);
  }

  #isClaimedValue(claim: ClaimEntry, { value }: FieldLocation): boolean {
    return isClaimedValue(claim, value, this.#draft.object, this.#request.manager);
  }

  /** A released claim stays in the annotation until its field is back with its owners. */
  #keepUntilFinished(claim: ClaimEntry, operations: readonly JsonPatchOperation[]): void {
    if (operations.length === 0 && claim.unfinished === undefined) {
      return;
    }
    const owners = ownersOf(this.#owners, claim.path, this.#request.manager);
    this.operations.push(...operations);
    this.claims.push({ ...claim, unfinished: { owners, isReleased: true } });
  }

  #skip(path: FieldPath, reason: string): void {
    const name = describeObject(this.#draft.object);
    this.notRestored.push(`${formatPath(path)} of ${name} was not restored: ${reason}`);
  }
}

function pickUnfinished(claim: ClaimEntry | undefined): { readonly unfinished?: UnfinishedChange } {
  return claim?.unfinished === undefined ? {} : { unfinished: claim.unfinished };
}

/** Have these fields the same values in both objects? */
export function haveSameValues(
  a: KubeObject,
  b: KubeObject,
  fields: readonly ClaimedField[],
): boolean {
  return fields.every(({ path }) => deepEqual(valueAt(a, path), valueAt(b, path)));
}

function valueAt(object: KubeObject, path: FieldPath): unknown {
  const location = locateField(object, path);
  return location.type === 'missing' ? undefined : location.value;
}
