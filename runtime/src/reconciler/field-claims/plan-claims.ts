/**
 * Plans field claims: from the fields that a worker claims to one JSON patch, and back.
 *
 * The patch tests uid and resourceVersion, sets the fields, and writes the annotation
 * `<group>/field-claims` in the same request.
 *
 * Guarantees
 * - Every claimed field can be restored, also by a process that starts between two requests.
 * - A value that another client has written since is recognised and stays.
 */
import type { ClaimedField } from '../../api/field-claim.ts';
import { PermanentError } from '../../api/worker.ts';
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import type { KubeObject } from '../../client/object.ts';
import { describeObject } from '../../client/object.ts';
import { fieldClaimsAnnotation } from '../../client/well-known-names.ts';
import { deepEqual, hashOf } from '../../util/json.ts';
import { OutputConflict } from '../reconcile-errors.ts';
import type { ClaimEntry } from './claims-annotation.ts';
import { annotationOperations, readClaims, sortClaims } from './claims-annotation.ts';
import type { FieldLocation, FieldLookup, FieldPath } from './field-path.ts';
import { formatPath, locateField, pathsOverlap, validateFieldPath } from './field-path.ts';

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
  /** True: `fields` are all claims of the resource, so other claims are released. */
  readonly isComplete: boolean;
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
}

/**
 * Plans the patch after which the resource has claimed exactly these fields. Other claims of the
 * resource in the object are released when they overlap, and all of them for a complete request.
 *
 * @throws PermanentError for a path that does not lead to one field; OutputConflict for a field
 * that another resource has claimed
 */
export function planClaims(live: KubeObject, request: ClaimRequest): ClaimPlan {
  const { fields, claimant, group } = request;
  const before = readClaims(live, group);
  const own = before.filter(({ uid }) => uid === claimant.uid);
  const others = before.filter(({ uid }) => uid !== claimant.uid);
  validateClaims(live, request, others);

  const draft = new ClaimDraft(live, [...fields, ...own]);
  const released = releaseClaims(draft, request, own);
  const claimed = claimFields(draft, request, own);

  const after = [...others, ...released.claims, ...claimed.claims];
  const annotation = annotationOperations({
    before: sortClaims(before),
    after: sortClaims(after),
    annotations: draft.annotations,
    group,
  });
  const operations = [...released.operations, ...claimed.operations, ...annotation];
  return {
    live,
    draft: draft.object,
    patch: withPreconditions(live, operations),
    notRestored: released.notRestored,
  };
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

interface ClaimChange {
  /** Claims of the resource that the annotation lists afterwards. */
  readonly claims: readonly ClaimEntry[];
  readonly operations: readonly JsonPatchOperation[];
}

/** Restores claimed fields that are not claimed any more. Keeps claims that stay untouched. */
function releaseClaims(
  draft: ClaimDraft,
  { fields, isComplete }: ClaimRequest,
  own: readonly ClaimEntry[],
): ClaimChange & { readonly notRestored: readonly string[] } {
  const claims: ClaimEntry[] = [];
  const operations: JsonPatchOperation[] = [];
  const notRestored: string[] = [];
  const skip = (path: FieldPath, reason: string): void => {
    const name = describeObject(draft.object);
    notRestored.push(`${formatPath(path)} of ${name} was not restored: ${reason}`);
  };
  for (const claim of own) {
    const { path, original, hash } = claim;
    if (fields.some((field) => deepEqual(field.path, path))) {
      continue; // claimFields handles it
    }
    const overlaps = fields.some((field) => pathsOverlap(field.path, path));
    if (!isComplete && !overlaps) {
      claims.push(claim);
      continue;
    }
    const location = draft.locate(path);
    if (location.type === 'missing') {
      skip(path, location.reason);
      continue;
    }
    if (hashOf(location.value) !== hash) {
      skip(path, 'another client has changed it since');
      continue;
    }
    operations.push(...draft.set(location, path, original));
  }
  return { claims, operations, notRestored };
}

/** Sets the claimed fields. @throws PermanentError for a path that does not lead to one field */
function claimFields(
  draft: ClaimDraft,
  { fields, claimant, place }: ClaimRequest,
  own: readonly ClaimEntry[],
): ClaimChange {
  const claims: ClaimEntry[] = [];
  const operations: JsonPatchOperation[] = [];
  for (const { path, value } of fields) {
    const location = draft.locate(path);
    if (location.type === 'missing') {
      throw new PermanentError(
        `${place}: ${formatPath(path)} of ${describeObject(draft.object)} cannot be set: ${location.reason}`,
        'NoSuchField',
      );
    }
    const claim = own.find((known) => deepEqual(known.path, path));
    const wanted = hashOf(value);
    const current = hashOf(location.value);
    const wasSent = claim !== undefined && (claim.sentHash ?? claim.hash) === wanted;
    if (wasSent && claim.hash === current) {
      claims.push(claim);
      continue;
    }
    const original = claim === undefined ? location.value : claim.original;
    if (current !== wanted) {
      operations.push(...draft.set(location, path, value));
    }
    claims.push({ path, ...claimant, ...(original !== undefined && { original }), hash: wanted });
  }
  return { claims, operations };
}

/**
 * Plans the second patch after a write: hashes of fields that the API server stores in another form
 * than they were sent in.
 *
 * @param response the object as the API server returned it
 * @returns undefined when nothing has to be written
 */
export function planStoredHashes(
  response: KubeObject,
  claimant: Claimant,
  group: string,
): readonly JsonPatchOperation[] | undefined {
  const before = readClaims(response, group);
  const after = before.map((claim): ClaimEntry => {
    if (claim.uid !== claimant.uid || claim.sentHash !== undefined) {
      return claim;
    }
    const location = locateField(response, claim.path);
    const stored = location.type === 'missing' ? claim.hash : hashOf(location.value);
    return stored === claim.hash ? claim : { ...claim, hash: stored, sentHash: claim.hash };
  });
  const { annotations } = response.metadata;
  const operations = annotationOperations({ before, after, annotations, group });
  return operations.length === 0 ? undefined : withPreconditions(response, operations);
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

/**
 * A copy of the object that the claims are applied to. Labels and annotations that the object lacks
 * are present in the copy as empty maps, so that a path into them leads to a field.
 */
class ClaimDraft {
  readonly object: KubeObject;
  /** Maps of metadata that are in the draft only, because no operation has added them yet. */
  readonly #missingMaps = new Set<string>();

  constructor(live: KubeObject, fields: readonly { readonly path: FieldPath }[]) {
    this.object = structuredClone(live) as KubeObject;
    const metadata = this.object.metadata as { labels?: object; annotations?: object };
    for (const { path } of fields) {
      const [first, map] = path;
      const isMap = first === 'metadata' && (map === 'labels' || map === 'annotations');
      if (isMap && metadata[map] === undefined) {
        metadata[map] = {};
        this.#missingMaps.add(map);
      }
    }
  }

  /** The annotations as the operations so far leave them. */
  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.#missingMaps.has('annotations') ? undefined : this.object.metadata.annotations;
  }

  locate(path: FieldPath): FieldLookup {
    return locateField(this.object, path);
  }

  /** Sets a field of the draft. @param value undefined removes the field. @returns operations */
  set(location: FieldLocation, path: FieldPath, value: unknown): readonly JsonPatchOperation[] {
    const { parent, key, pointer, value: before } = location;
    if (value === undefined) {
      if (before === undefined) {
        return [];
      }
      delete parent[key];
      return [{ op: 'remove', path: pointer }];
    }
    parent[key] = structuredClone(value);
    const op = before === undefined ? 'add' : 'replace';
    return [...this.#addMissingMap(path), { op, path: pointer, value }];
  }

  #addMissingMap([first, map]: FieldPath): readonly JsonPatchOperation[] {
    const isAdded =
      first === 'metadata' && typeof map === 'string' && this.#missingMaps.delete(map);
    return isAdded ? [{ op: 'add', path: `/metadata/${map}`, value: {} }] : [];
  }
}

/** The operations behind tests of uid and resourceVersion; empty without operations. */
function withPreconditions(
  object: KubeObject,
  operations: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  if (operations.length === 0) {
    return [];
  }
  const { uid, resourceVersion } = object.metadata;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    ...operations,
  ];
}
