/** Edits of single fields by people: which field, which value, and how the edit is put back. */
import type { KubeObject } from 'autopilot-runtime';
import type { FieldPath, JsonPatchOperation } from 'autopilot-runtime/internal';
import { locateField } from 'autopilot-runtime/internal';
import { applyJsonPatch } from '../cluster/patch.ts';
import { isMap } from '../cluster/frozen-json.ts';
import { claimsIn } from './claim-traces.ts';

/** An edit of an object by its owner, and the way back. */
export interface OwnersEdit {
  /** The edit of the object. Undefined: the object does not have the field any more. */
  edit(live: KubeObject): JsonPatchOperation | undefined;
  /** The edit that puts the object back. Undefined: the object does not have the field any more. */
  putBack(live: KubeObject): JsonPatchOperation | undefined;
  /** The owner's manifest after the edit. */
  editManifest(manifest: KubeObject): KubeObject;
  /** The owner's manifest after the object was put back. */
  putBackManifest(manifest: KubeObject): KubeObject;
}

/**
 * The owner gives one claimed field another value.
 *
 * @param object an object with claims.
 * @param manifest what its owner wants.
 * @param nth selects the claim and the field inside its value.
 */
export function editClaimedField(
  object: KubeObject,
  manifest: KubeObject,
  group: string,
  nth: number,
): OwnersEdit | undefined {
  const claim = pick(claimsIn(object, group), nth);
  if (claim === undefined) {
    return undefined;
  }
  const { path } = claim;
  const claimed = locateField(object, path);
  const wanted = locateField(manifest, path);
  if (claimed.type === 'missing' || wanted.type === 'missing') {
    return undefined;
  }
  const edited = changeValue(claimed.value, nth);
  return {
    edit: (live) => setField(live, path, edited),
    putBack: (live) => setField(live, path, wanted.value),
    editManifest: (current) => applyTo(current, setField(current, path, edited)),
    putBackManifest: (current) => applyTo(current, setField(current, path, wanted.value)),
  };
}

/**
 * The owner renames the list element that a claim goes through.
 *
 * @param nth selects the claim.
 * @returns undefined if no claim goes through a list.
 */
export function renameClaimedElement(
  object: KubeObject,
  group: string,
  nth: number,
): OwnersEdit | undefined {
  const claim = pick(
    claimsIn(object, group).filter(({ path }) => path.some((part) => typeof part !== 'string')),
    nth,
  );
  const index = claim?.path.findIndex((part) => typeof part !== 'string') ?? -1;
  const element = claim?.path[index];
  if (claim === undefined || typeof element !== 'object') {
    return undefined;
  }
  const list = claim.path.slice(0, index);
  const { name } = element;
  const renamed = `${name}-renamed`;
  const rename = (from: string, to: string) => (live: KubeObject) =>
    setField(live, [...list, { name: from }, 'name'], to);
  const [there, back] = [rename(name, renamed), rename(renamed, name)];
  return {
    edit: there,
    putBack: back,
    editManifest: (current) => applyTo(current, there(current)),
    putBackManifest: (current) => applyTo(current, back(current)),
  };
}

/**
 * Chooses a field that the operator has set in an output, and another value for it.
 *
 * @param applied the object as the operator applied it.
 * @param live the object as it is.
 * @param nth selects the field.
 * @returns undefined if the operator has set no field.
 */
export function chooseEdit(
  applied: KubeObject,
  live: KubeObject,
  nth: number,
): JsonPatchOperation | undefined {
  const { apiVersion: _, kind: __, metadata: ___, status: ____, ...content } = applied;
  const present = leavesOf(content).filter(
    ({ path, value }) =>
      !isElementKey(path) && JSON.stringify(valueAt(live, path)) === JSON.stringify(value),
  );
  const leaf = pick(present, nth);
  return leaf && { op: 'replace', path: pointerOf(leaf.path), value: changeScalar(leaf.value) };
}

/**
 * @returns true for a field that names a list element. Server-side apply keeps an element with
 * another name beside that of the operator, because it belongs to who has named it.
 */
function isElementKey(path: Leaf['path']): boolean {
  return typeof path.at(-2) === 'number' && ELEMENT_KEYS.has(String(path.at(-1)));
}

function setField(
  object: KubeObject,
  path: FieldPath,
  value: unknown,
): JsonPatchOperation | undefined {
  const found = locateField(object, path);
  if (found.type === 'missing') {
    return undefined;
  }
  if (value !== undefined) {
    return { op: 'add', path: found.pointer, value };
  }
  return found.value === undefined ? undefined : { op: 'remove', path: found.pointer };
}

function applyTo(object: KubeObject, operation: JsonPatchOperation | undefined): KubeObject {
  return operation === undefined ? object : (applyJsonPatch(object, [operation]) as KubeObject);
}

/** Fields that name list elements. */
const ELEMENT_KEYS: ReadonlySet<string> = new Set([
  'containerPort',
  'ip',
  'key',
  'mountPath',
  'name',
  'port',
  'protocol',
  'type',
]);

interface Leaf {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** All scalar values inside a value. */
function leavesOf(value: unknown, path: Leaf['path'] = []): readonly Leaf[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  }
  if (isMap(value)) {
    return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
  }
  return value === undefined || value === null ? [] : [{ path, value }];
}

function changeValue(value: unknown, nth: number): unknown {
  const leaf = pick(leavesOf(value), nth);
  if (leaf === undefined) {
    return 'edited';
  }
  const operation = {
    op: 'replace',
    path: pointerOf(leaf.path),
    value: changeScalar(leaf.value),
  } as const;
  return applyJsonPatch(value, [operation]);
}

function changeScalar(value: unknown): unknown {
  if (typeof value === 'number') {
    return value + 1;
  }
  return typeof value === 'boolean' ? !value : `${String(value)}-edited`;
}

function valueAt(object: unknown, path: Leaf['path']): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    object,
  );
}

function pointerOf(path: Leaf['path']): string {
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function pick<T>(from: readonly T[], nth: number): T | undefined {
  return from[nth % from.length];
}
