/** JSON values: equality, canonical form, hashes, differences. Pure functions. */
import { createHash } from 'node:crypto';

/** Whether a value is an object that is neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality; a member that is undefined counts as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) {
    return false;
  }
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  return (
    names.length === Object.keys(b).filter((name) => b[name] !== undefined).length &&
    names.every((name) => deepEqual(a[name], ownValue(b, name)))
  );
}

/** The value as JSON with sorted member names: equal values have equal strings. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join(',')}]`;
  }
  if (!isRecord(value)) {
    return JSON.stringify(value) ?? 'null';
  }
  const parts = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${parts.join(',')}}`;
}

/** A hash of the canonical JSON. An absent value has a hash of its own. */
export function hashOf(value: unknown): string {
  return value === undefined ? 'absent' : shortHash(canonicalJson(value));
}

/** The first ten hexadecimal digits of the SHA-256 of `text`. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/**
 * Whether every field of the desired object has its value in the live object. Other fields of the
 * live object do not matter.
 */
export function containsFields(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) {
    return (
      Array.isArray(live) &&
      live.length === desired.length &&
      desired.every((item, index) => containsFields(live[index], item))
    );
  }
  if (isRecord(desired)) {
    return (
      isRecord(live) &&
      Object.entries(desired).every(
        ([name, value]) => value === undefined || containsFields(ownValue(live, name), value),
      )
    );
  }
  return live === desired;
}

/**
 * The merge patch (RFC 7386) that turns `from` into `to`; undefined when nothing differs. Arrays
 * are replaced whole. A null in `to` is no value: to such a patch it means that the field goes.
 */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (!isRecord(from) || !isRecord(to)) {
    return deepEqual(from, to) ? undefined : to;
  }
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = ownValue(from, name);
    const after = ownValue(to, name) ?? undefined;
    if (after === undefined) {
      if (before !== undefined) {
        setMember(patch, name, null);
      }
      continue;
    }
    const change = before === undefined ? after : mergePatch(before, after);
    if (change !== undefined) {
      setMember(patch, name, change);
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/**
 * Sets a member of an object. A member that is named `__proto__` becomes a member as any other; an
 * assignment would change the prototype and lose the value.
 */
export function setMember(target: object, name: string | number, value: unknown): void {
  if (name === '__proto__') {
    const options = { configurable: true, enumerable: true, writable: true };
    Object.defineProperty(target, name, { value, ...options });
    return;
  }
  (target as Record<string | number, unknown>)[name] = value;
}

/** The value of a member. Inherited members, such as `constructor`, do not count. */
export function ownValue(map: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
