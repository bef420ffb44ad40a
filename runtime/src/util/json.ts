/** JSON values: equality, canonical text, differences. Pure. */
import { shortHash } from '../kube/names.ts';

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality; a member that is undefined counts as absent. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isMap(a) || !isMap(b)) {
    return false;
  }
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  return (
    names.length === Object.keys(b).filter((name) => b[name] !== undefined).length &&
    names.every((name) => equal(a[name], b[name]))
  );
}

/** With sorted names: equal values have equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(',')}]`;
  }
  if (!isMap(value)) {
    return JSON.stringify(value) ?? 'null';
  }
  const parts = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${parts.join(',')}}`;
}

/** Of the canonical text; a value that is not there has a hash of its own. */
export function hashOf(value: unknown): string {
  return value === undefined ? 'absent' : shortHash(canonical(value));
}

/**
 * Does every field of the intent have its value in the live object? Fields that only the live
 * object has do not matter.
 */
export function contains(live: unknown, intent: unknown): boolean {
  if (Array.isArray(intent)) {
    return (
      Array.isArray(live) &&
      live.length === intent.length &&
      intent.every((item, index) => contains(live[index], item))
    );
  }
  if (isMap(intent)) {
    return (
      isMap(live) &&
      Object.entries(intent).every(
        ([name, value]) => value === undefined || contains(live[name], value),
      )
    );
  }
  return live === intent;
}

/**
 * The merge patch (RFC 7386) that turns `from` into `to`; undefined when nothing differs. Arrays
 * are replaced whole. A null in `to` is
 * no value: to such a patch it means that the field goes.
 */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (!isMap(from) || !isMap(to)) {
    return equal(from, to) ? undefined : to;
  }
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = member(from, name);
    const after = member(to, name) ?? undefined;
    if (after === undefined) {
      if (before !== undefined) {
        patch[name] = null;
      }
      continue;
    }
    const inner = before === undefined ? after : mergePatch(before, after);
    if (inner !== undefined) {
      patch[name] = inner;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Every object has a `constructor` that nobody gave it. */
function member(map: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
