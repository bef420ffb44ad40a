/** JSON merge patch (RFC 7386) and JSON patch (RFC 6902). */
import type { JsonPatchOperation } from 'autopilot-runtime/internal';
import { rejectedPatch } from './api-errors.ts';
import { getMember, isMap, jsonEqual, setMember } from './frozen-json.ts';

/** Applies a JSON merge patch: null removes a member. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) {
    return patch;
  }
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[name];
    } else {
      setMember(merged, name, applyMergePatch(getMember(merged, name), value));
    }
  }
  return merged;
}

/**
 * Applies a JSON patch. `replace` of an absent member adds the member, as the API server does.
 * @throws ApiError 422 when a path does not exist or a test fails
 */
export function applyJsonPatch(
  target: unknown,
  operations: readonly JsonPatchOperation[],
): unknown {
  let document = structuredClone(target);
  for (const operation of operations) {
    document = applyOperation(document, operation);
  }
  return document;
}

function applyOperation(document: unknown, operation: JsonPatchOperation): unknown {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return writeAt(document, path, structuredClone(operation.value), 'add');
    case 'replace':
      return writeAt(document, path, structuredClone(operation.value), 'replace');
    case 'remove':
      return removeAt(document, path);
    case 'test':
      if (!jsonEqual(readAt(document, path), operation.value)) {
        throw rejectedPatch();
      }
      return document;
    case 'copy':
      return writeAt(
        document,
        path,
        structuredClone(readAt(document, parsePointer(operation.from))),
        'add',
      );
    case 'move': {
      const value = readAt(document, parsePointer(operation.from));
      return writeAt(removeAt(document, parsePointer(operation.from)), path, value, 'add');
    }
    default:
      return operation satisfies never;
  }
}

function parsePointer(path: string): readonly string[] {
  if (path === '') {
    return [];
  }
  if (!path.startsWith('/')) {
    throw rejectedPatch();
  }
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const part of path) {
    if (Array.isArray(value)) {
      value = (value as unknown[])[parseIndex(value, part, value.length - 1)];
    } else if (isMap(value) && Object.hasOwn(value, part)) {
      value = value[part];
    } else {
      throw rejectedPatch();
    }
  }
  return value;
}

function writeAt(
  document: unknown,
  path: readonly string[],
  value: unknown,
  how: 'add' | 'replace',
): unknown {
  const last = path.at(-1);
  if (last === undefined) {
    return value;
  }
  const parent = readAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index =
      last === '-' && how === 'add'
        ? parent.length
        : parseIndex(parent, last, how === 'add' ? parent.length : parent.length - 1);
    parent.splice(index, how === 'add' ? 0 : 1, value);
  } else if (isMap(parent)) {
    setMember(parent, last, value);
  } else {
    throw rejectedPatch();
  }
  return document;
}

function removeAt(document: unknown, path: readonly string[]): unknown {
  readAt(document, path);
  const last = path.at(-1);
  if (last === undefined) {
    return null;
  }
  const parent = readAt(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    parent.splice(parseIndex(parent, last, parent.length - 1), 1);
  } else {
    delete (parent as Record<string, unknown>)[last];
  }
  return document;
}

function parseIndex(list: readonly unknown[], part: string, max: number): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : -1;
  if (index < 0 || index > max) {
    throw rejectedPatch();
  }
  return index;
}
