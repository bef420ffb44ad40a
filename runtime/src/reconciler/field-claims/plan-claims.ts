/**
 * Edits of single fields in somebody else's object: from what a worker wants to one JSON Patch, and
 * back. Pure.
 *
 * The patch tests uid and resourceVersion, sets the fields, and in the same request notes in
 * `<group>/field-claims` who holds them, what
 * stood there before, and a hash of what is there now. So whatever happens between two requests,
 * every held field can be put back, and
 * a value that somebody else has written since is known as such.
 */
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import { fieldClaimsAnnotation } from '../../client/well-known-names.ts';
import type { KubeObject } from '../../client/object.ts';
import { describeObject } from '../../client/object.ts';
import type { FieldPathElement, ClaimedField } from '../../api/field-claim.ts';
import { PermanentError } from '../../api/worker.ts';
import { OutputConflict } from '../reconcile-errors.ts';
import { canonicalJson, deepEqual, hashOf, isRecord } from '../../util/json.ts';

/** One held field, as the annotation lists it. */
export interface ClaimEntry {
  readonly path: readonly FieldPathElement[];
  /** `Canary default/web`: for people. */
  readonly resource: string;
  readonly uid: string;
  /** What stood there; absent: nothing did. */
  readonly original?: unknown;
  /** Of the value as the server stores it. */
  readonly hash: string;
  /** Of the value as it was sent, when the server stores it in another form (with its defaults). */
  readonly sentHash?: string;
}

export interface Claimant {
  readonly resource: string;
  readonly uid: string;
}

export interface ClaimPlan {
  readonly live: KubeObject;
  /** The object with the edits. */
  readonly draft: KubeObject;
  /** Empty: there is nothing to do. */
  readonly patch: readonly JsonPatchOperation[];
  /** Held fields that were not put back, as sentences. */
  readonly notRestored: readonly string[];
}

/** `spec.http[split].route` */
export function formatPath(path: readonly FieldPathElement[]): string {
  return path
    .map((step, index) =>
      typeof step === 'string' ? `${index === 0 ? '' : '.'}${step}` : `[${step.name}]`,
    )
    .join('');
}

/** @throws PermanentError when the annotation was damaged. */
export function readClaims(object: KubeObject, group: string): readonly ClaimEntry[] {
  const text = object.metadata.annotations?.[fieldClaimsAnnotation(group)];
  if (text === undefined) {
    return [];
  }
  try {
    const claims: unknown = JSON.parse(text);
    if (
      Array.isArray(claims) &&
      claims.every((claim) => isRecord(claim) && Array.isArray(claim['path']))
    ) {
      return claims as readonly ClaimEntry[];
    }
  } catch {
    // Said below.
  }
  throw new PermanentError(
    `the annotation ${fieldClaimsAnnotation(group)} of ${describeObject(object)} cannot be read; mend or remove it`,
    'FieldClaimsUnreadable',
  );
}

/**
 * The patch after which the holder holds these fields. Its other holds in the object are put back
 * when they overlap, or all of them
 * when the list is `complete`.
 * @param place for messages: `outputs.virtualservices of phase Evaluating`.
 * @throws PermanentError for a path that does not lead to one place, OutputConflict for a field
 * that somebody else holds.
 */
export function planClaims(
  live: KubeObject,
  fields: readonly ClaimedField[],
  claimant: Claimant,
  group: string,
  complete: boolean,
  place: string,
): ClaimPlan {
  const name = describeObject(live);
  const draft = structuredClone(live) as KubeObject;
  const patch: JsonPatchOperation[] = [];
  const notRestored: string[] = [];
  const before = readClaims(live, group);
  const own = before.filter(({ uid }) => uid === claimant.uid);
  const others = before.filter(({ uid }) => uid !== claimant.uid);
  fields.forEach((field, index) => {
    validateFieldPath(field.path, `${place}: ${name}`, group);
    const twice = fields.slice(0, index).find(({ path }) => pathsOverlap(path, field.path));
    if (twice !== undefined) {
      throw new PermanentError(
        `${place}: ${name} has both ${formatPath(twice.path)} and ${formatPath(field.path)}, which overlap`,
      );
    }
    const taken = others.find(({ path }) => pathsOverlap(path, field.path));
    if (taken !== undefined) {
      throw new OutputConflict(
        `${formatPath(field.path)} of ${name} is held by ${taken.resource}; name another route, delete that resource, or, if it is long gone, take its entry out of the annotation ${fieldClaimsAnnotation(group)}`,
      );
    }
  });

  const addedMaps = new Set([...fields, ...own].flatMap(({ path }) => addMetadataMap(draft, path)));
  const applyValue = (
    found: FieldLocation,
    path: readonly FieldPathElement[],
    value: unknown,
  ): void => {
    const [first, mapName] = path;
    if (
      first === 'metadata' &&
      typeof mapName === 'string' &&
      value !== undefined &&
      addedMaps.delete(mapName)
    ) {
      patch.push({ op: 'add', path: `/metadata/${mapName}`, value: {} });
    }
    setField(found, value, patch);
  };
  const claims: ClaimEntry[] = [...others];
  for (const claim of own) {
    if (fields.some(({ path }) => deepEqual(path, claim.path))) {
      continue;
    }
    if (!complete && !fields.some(({ path }) => pathsOverlap(path, claim.path))) {
      claims.push(claim);
      continue;
    }
    const found = locateField(draft, claim.path);
    if (typeof found === 'string') {
      notRestored.push(`${formatPath(claim.path)} of ${name} was not put back: ${found}`);
    } else if (hashOf(found.value) !== claim.hash) {
      notRestored.push(
        `${formatPath(claim.path)} of ${name} was not put back: somebody has changed it since`,
      );
    } else {
      applyValue(found, claim.path, claim.original);
    }
  }
  for (const { path, value } of fields) {
    const found = locateField(draft, path);
    if (typeof found === 'string') {
      throw new PermanentError(
        `${place}: ${formatPath(path)} of ${name} cannot be set: ${found}`,
        'NoSuchField',
      );
    }
    const claim = own.find((known) => deepEqual(known.path, path));
    const wanted = hashOf(value);
    const current = hashOf(found.value);
    if (
      claim !== undefined &&
      (claim.sentHash ?? claim.hash) === wanted &&
      claim.hash === current
    ) {
      claims.push(claim);
      continue;
    }
    const original = claim === undefined ? found.value : claim.original;
    if (current !== wanted) {
      applyValue(found, path, value);
    }
    claims.push({ path, ...claimant, ...(original !== undefined && { original }), hash: wanted });
  }
  patchAnnotation(
    addedMaps.has('annotations') ? live : draft,
    sortClaims(before),
    sortClaims(claims),
    group,
    patch,
  );
  return { live, draft, patch: withPreconditions(live, patch), notRestored };
}

/**
 * What is still to be noted after our own write: hashes of fields that the server stores in another
 * form than they were sent in.
 * Undefined: nothing.
 */
export function planStoredHashes(
  answer: KubeObject,
  claimant: Claimant,
  group: string,
): readonly JsonPatchOperation[] | undefined {
  const before = readClaims(answer, group);
  const after = before.map((claim): ClaimEntry => {
    if (claim.uid !== claimant.uid || claim.sentHash !== undefined) {
      return claim;
    }
    const found = locateField(answer, claim.path);
    const stored = typeof found === 'string' ? claim.hash : hashOf(found.value);
    return stored === claim.hash ? claim : { ...claim, hash: stored, sentHash: claim.hash };
  });
  const patch: JsonPatchOperation[] = [];
  patchAnnotation(answer, before, after, group, patch);
  return patch.length === 0 ? undefined : withPreconditions(answer, patch);
}

/** Have these fields the same values in both? */
export function haveSameValues(
  a: KubeObject,
  b: KubeObject,
  fields: readonly ClaimedField[],
): boolean {
  const valueIn = (object: KubeObject, { path }: ClaimedField): unknown => {
    const found = locateField(object, path);
    return typeof found === 'string' ? undefined : found.value;
  };
  return fields.every((field) => deepEqual(valueIn(a, field), valueIn(b, field)));
}

interface FieldLocation {
  readonly parent: Record<string, unknown> | unknown[];
  readonly key: string | number;
  readonly pointer: string;
  readonly value: unknown;
}

/** The one place that a path leads to, or why there is none. */
function locateField(
  object: KubeObject,
  path: readonly FieldPathElement[],
): FieldLocation | string {
  let current: unknown = object;
  let found: FieldLocation | undefined;
  let pointer = '';
  for (const [index, step] of path.entries()) {
    const at = formatPath(path.slice(0, index)) || 'the object';
    let key: string | number;
    if (typeof step === 'string') {
      if (!isRecord(current)) {
        return current === undefined ? `there is no ${at}` : `${at} is no object`;
      }
      key = step;
    } else {
      if (!Array.isArray(current)) {
        return current === undefined ? `there is no ${at}` : `${at} is no list`;
      }
      const named = current.flatMap((item: unknown, position) =>
        isRecord(item) && item['name'] === step.name ? [position] : [],
      );
      const [only] = named;
      if (only === undefined) {
        return `${at} has nothing named '${step.name}' (${describeNames(current)})`;
      }
      if (named.length > 1) {
        return `${at} has ${named.length} elements named '${step.name}'`;
      }
      key = only;
    }
    const parent = current as FieldLocation['parent'];
    const value = Object.hasOwn(parent, key)
      ? (parent as Record<string | number, unknown>)[key]
      : undefined;
    pointer += `/${escapePointer(String(key))}`;
    found = { parent, key, pointer, value };
    current = value;
  }
  return found ?? 'the path is empty';
}

function describeNames(list: readonly unknown[]): string {
  const names = list.flatMap((item) =>
    isRecord(item) && typeof item['name'] === 'string' ? [`'${item['name']}'`] : [],
  );
  const nameless = list.length - names.length;
  if (list.length === 0) {
    return 'it is empty';
  }
  return `it has ${[...names, ...(nameless === 0 ? [] : [`${nameless} without a name`])].join(', ')}`;
}

function validateFieldPath(path: readonly FieldPathElement[], place: string, group: string): void {
  const [first, second] = path;
  const last = path.at(-1);
  const isLabelOrAnnotation =
    (second === 'labels' || second === 'annotations') &&
    path.length === 3 &&
    last !== fieldClaimsAnnotation(group);
  const isAllowed =
    first === 'metadata' ? isLabelOrAnnotation : first !== 'status' && path.length > 1;
  if (!isAllowed || typeof first !== 'string') {
    throw new PermanentError(
      `${place} cannot be edited at '${formatPath(path)}': name a field of its contents, one label or one annotation`,
    );
  }
  if (typeof last !== 'string') {
    throw new PermanentError(
      `${place} cannot be edited at '${formatPath(path)}': name a field of that element`,
    );
  }
}

/**
 * Labels and annotations have a place also where there are none yet: in the draft. Answers which
 * maps were added.
 */
function addMetadataMap(
  draft: KubeObject,
  [first, second]: readonly FieldPathElement[],
): readonly string[] {
  if (
    first !== 'metadata' ||
    (second !== 'labels' && second !== 'annotations') ||
    draft.metadata[second] !== undefined
  ) {
    return [];
  }
  (draft.metadata as { labels?: object; annotations?: object })[second] = {};
  return [second];
}

/** The same place, or one inside the other. */
function pathsOverlap(a: readonly FieldPathElement[], b: readonly FieldPathElement[]): boolean {
  const length = Math.min(a.length, b.length);
  return deepEqual(a.slice(0, length), b.slice(0, length));
}

/** In the draft and in the patch. */
function setField(
  { parent, key, pointer, value: before }: FieldLocation,
  value: unknown,
  patch: JsonPatchOperation[],
): void {
  const fields = parent as Record<string | number, unknown>;
  if (value === undefined) {
    if (before === undefined) {
      return;
    }
    delete fields[key];
    patch.push({ op: 'remove', path: pointer });
    return;
  }
  fields[key] = structuredClone(value);
  patch.push({ op: before === undefined ? 'add' : 'replace', path: pointer, value });
}

function patchAnnotation(
  object: KubeObject,
  before: readonly ClaimEntry[],
  after: readonly ClaimEntry[],
  group: string,
  patch: JsonPatchOperation[],
): void {
  if (canonicalJson(before) === canonicalJson(after)) {
    return;
  }
  const annotation = fieldClaimsAnnotation(group);
  const path = `/metadata/annotations/${escapePointer(annotation)}`;
  const value = canonicalJson(after);
  const isOnlyAnnotation = Object.keys(object.metadata.annotations ?? {}).length === 1;
  if (after.length === 0) {
    patch.push({ op: 'remove', path: isOnlyAnnotation ? '/metadata/annotations' : path });
  } else if (object.metadata.annotations === undefined) {
    patch.push({ op: 'add', path: '/metadata/annotations', value: { [annotation]: value } });
  } else {
    patch.push({ op: 'add', path, value });
  }
}

function withPreconditions(
  object: KubeObject,
  patch: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  if (patch.length === 0) {
    return [];
  }
  const { uid, resourceVersion } = object.metadata;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    ...patch,
  ];
}

function sortClaims(claims: readonly ClaimEntry[]): readonly ClaimEntry[] {
  return claims.toSorted((a, b) => (canonicalJson(a.path) < canonicalJson(b.path) ? -1 : 1));
}

/** A part of a JSON pointer (RFC 6901). */
function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
