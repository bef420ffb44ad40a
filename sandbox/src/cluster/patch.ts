/** JSON merge patch (RFC 7386) and JSON patch (RFC 6902). */
import type { JsonPatchOperation } from 'autopilot-runtime/ports';
import { rejectedPatch } from './errors.ts';
import { isMap, same } from './frozen.ts';

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) {
    return patch;
  }
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[name];
    } else {
      merged[name] = mergePatch(merged[name], value);
    }
  }
  return merged;
}

/**
 * `replace` of a member that is not there adds it, as the real server does. @throws ApiError 422
 * when a path is not there or a test fails.
 */
export function jsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  let document = structuredClone(target);
  for (const operation of operations) {
    document = patchOnce(document, operation);
  }
  return document;
}

function patchOnce(document: unknown, operation: JsonPatchOperation): unknown {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      return put(document, path, structuredClone(operation.value), 'add');
    case 'replace':
      return put(document, path, structuredClone(operation.value), 'replace');
    case 'remove':
      return take(document, path);
    case 'test':
      if (!same(read(document, path), operation.value)) {
        throw rejectedPatch();
      }
      return document;
    case 'copy':
      return put(document, path, structuredClone(read(document, pointer(operation.from))), 'add');
    case 'move': {
      const value = read(document, pointer(operation.from));
      return put(take(document, pointer(operation.from)), path, value, 'add');
    }
    default:
      return operation satisfies never;
  }
}

function pointer(text: string): readonly string[] {
  if (text === '') {
    return [];
  }
  if (!text.startsWith('/')) {
    throw rejectedPatch();
  }
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const part of path) {
    if (Array.isArray(value)) {
      value = (value as unknown[])[indexOf(value, part, value.length - 1)];
    } else if (isMap(value) && Object.hasOwn(value, part)) {
      value = value[part];
    } else {
      throw rejectedPatch();
    }
  }
  return value;
}

function put(
  document: unknown,
  path: readonly string[],
  value: unknown,
  how: 'add' | 'replace',
): unknown {
  const last = path.at(-1);
  if (last === undefined) {
    return value;
  }
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index =
      last === '-' && how === 'add'
        ? parent.length
        : indexOf(parent, last, how === 'add' ? parent.length : parent.length - 1);
    parent.splice(index, how === 'add' ? 0 : 1, value);
  } else if (isMap(parent)) {
    (parent as Record<string, unknown>)[last] = value;
  } else {
    throw rejectedPatch();
  }
  return document;
}

function take(document: unknown, path: readonly string[]): unknown {
  read(document, path);
  const last = path.at(-1);
  if (last === undefined) {
    return null;
  }
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    parent.splice(indexOf(parent, last, parent.length - 1), 1);
  } else {
    delete (parent as Record<string, unknown>)[last];
  }
  return document;
}

function indexOf(list: readonly unknown[], part: string, most: number): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : -1;
  if (index < 0 || index > most) {
    throw rejectedPatch();
  }
  return index;
}
