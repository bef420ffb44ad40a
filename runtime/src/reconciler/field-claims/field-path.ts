/** Paths to fields of an object: formatting, checking, and finding the field. */
import type { FieldPathElement } from '../../api/field-claim.ts';
import { PermanentError } from '../../api/worker.ts';
import { deepEqual, isRecord } from '../../util/json.ts';

/** A path from the root of an object to one field. */
export type FieldPath = readonly FieldPathElement[];

/** A field of an object. */
export interface FieldLocation {
  readonly type: 'found';
  /** The object that has the field, or will have it. */
  readonly parent: Record<string | number, unknown>;
  readonly key: string | number;
  /** JSON pointer (RFC 6901). */
  readonly pointer: string;
  /** Undefined: the field is absent. */
  readonly value: unknown;
}

/** A field, or why the path leads to none. */
export type FieldLookup = FieldLocation | { readonly type: 'missing'; readonly reason: string };

/** The path as people write it: `spec.http[split].route`. */
export function formatPath(path: FieldPath): string {
  return path
    .map((element, index) => {
      if (typeof element !== 'string') {
        return `[${element.name}]`;
      }
      return index === 0 ? element : `.${element}`;
    })
    .join('');
}

/** Is one path the other, or inside the other? */
export function pathsOverlap(a: FieldPath, b: FieldPath): boolean {
  const length = Math.min(a.length, b.length);
  return deepEqual(a.slice(0, length), b.slice(0, length));
}

/** Escapes one part of a JSON pointer (RFC 6901). */
export function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * Checks that a path names a field that may be claimed: a field below the top level outside
 * metadata and status, one label, or one annotation.
 *
 * @param place where the claim is made, for the message
 * @param reserved the annotation of the runtime, which cannot be claimed
 * @throws PermanentError
 */
export function validateFieldPath(path: FieldPath, place: string, reserved: string): void {
  const [first, second] = path;
  const last = path.at(-1);
  const isLabelOrAnnotation =
    (second === 'labels' || second === 'annotations') && path.length === 3 && last !== reserved;
  const isContent = first !== 'status' && path.length > 1;
  const isAllowed = first === 'metadata' ? isLabelOrAnnotation : isContent;
  if (!isAllowed || typeof first !== 'string') {
    throw new PermanentError(
      `${place}: '${formatPath(path)}' cannot be claimed; name a field below spec or another top-level field, one label or one annotation`,
    );
  }
  if (typeof last !== 'string') {
    throw new PermanentError(
      `${place}: '${formatPath(path)}' cannot be claimed; name a field of that list element`,
    );
  }
}

/** Finds the one field that a path leads to. */
export function locateField(object: unknown, path: FieldPath): FieldLookup {
  let current: unknown = object;
  let pointer = '';
  let location: FieldLookup = { type: 'missing', reason: 'the path is empty' };
  for (const [index, element] of path.entries()) {
    const place = formatPath(path.slice(0, index)) || 'the object';
    const found = findKey(current, element, place);
    if (found.type === 'missing') {
      return found;
    }
    const { key } = found;
    const parent = current as FieldLocation['parent'];
    const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
    pointer += `/${escapePointer(String(key))}`;
    location = { type: 'found', parent, key, pointer, value };
    current = value;
  }
  return location;
}

type KeyLookup =
  | { readonly type: 'key'; readonly key: string | number }
  | { readonly type: 'missing'; readonly reason: string };

function findKey(parent: unknown, element: FieldPathElement, place: string): KeyLookup {
  if (parent === undefined) {
    return { type: 'missing', reason: `there is no ${place}` };
  }
  if (typeof element !== 'string') {
    return findElement(parent, element.name, place);
  }
  return isRecord(parent)
    ? { type: 'key', key: element }
    : { type: 'missing', reason: `${place} is not an object` };
}

/** Finds the one element of a list with this `name`. */
function findElement(list: unknown, name: string, place: string): KeyLookup {
  if (!Array.isArray(list)) {
    return { type: 'missing', reason: `${place} is not a list` };
  }
  const indexes = list.flatMap((item: unknown, index) =>
    isRecord(item) && item['name'] === name ? [index] : [],
  );
  const [key] = indexes;
  if (key === undefined) {
    const reason = `${place} has no element named '${name}' (${describeNames(list)})`;
    return { type: 'missing', reason };
  }
  return indexes.length === 1
    ? { type: 'key', key }
    : { type: 'missing', reason: `${place} has ${indexes.length} elements named '${name}'` };
}

function describeNames(list: readonly unknown[]): string {
  if (list.length === 0) {
    return 'it is empty';
  }
  const names = list.flatMap((item) =>
    isRecord(item) && typeof item['name'] === 'string' ? [`'${item['name']}'`] : [],
  );
  const unnamed = list.length - names.length;
  const parts = unnamed === 0 ? names : [...names, `${unnamed} without a name`];
  return `it has ${parts.join(', ')}`;
}
