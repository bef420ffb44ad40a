/** Frozen JSON: the form of stored values. Versions of an object share their equal parts. */

const FROZEN = new WeakSet<object>();

/**
 * The value as JSON would give it back, deeply frozen: NaN and Infinity are null. Frozen values are
 * not copied.
 */
export function freezeJson<T>(value: T): T {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return null as T; // JSON has no NaN and no Infinity: JSON.stringify writes null.
  }
  if (typeof value !== 'object' || value === null || FROZEN.has(value)) {
    return value;
  }
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => (item === undefined ? null : freezeJson(item)))
    : freezeMembers(value);
  Object.freeze(copy);
  if (typeof copy === 'object' && copy !== null) {
    FROZEN.add(copy);
  }
  return copy as T;
}

function freezeMembers(value: object): unknown {
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return freezeJson((value.toJSON as () => unknown)());
  }
  const copy: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== undefined && typeof inner !== 'function') {
      setMember(copy, name, freezeJson(inner as unknown));
    }
  }
  return copy;
}

/**
 * Sets a member of an object. A member that is named `__proto__` becomes a member as any other; an
 * assignment would change the prototype and lose the value.
 */
export function setMember(target: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    const options = { configurable: true, enumerable: true, writable: true };
    Object.defineProperty(target, name, { value, ...options });
    return;
  }
  (target as Record<string, unknown>)[name] = value;
}

/** The value of a member. Inherited members, such as `constructor`, do not count. */
export function getMember(target: object, name: string): unknown {
  return Object.hasOwn(target, name) ? (target as Record<string, unknown>)[name] : undefined;
}

const frozenOnce = new WeakMap<object, object>();

/**
 * Like `freezeJson`, with a cache: an unchanged value gives the same result again, so that what is
 * cached for the result stays usable.
 */
export function freezeOnce<T extends object>(value: T): T {
  const known = frozenOnce.get(value);
  if (known !== undefined && jsonEqual(value, known)) {
    return known as T;
  }
  const kept = freezeJson(value);
  frozenOnce.set(value, kept);
  return kept;
}

/** Caches the results of a function of frozen values. */
export function memoize<T extends object, R>(make: (value: T) => R): (value: T) => R {
  const known = new WeakMap<T, R>();
  return (value) => {
    let found = known.get(value);
    if (found === undefined) {
      known.set(value, (found = make(value)));
    }
    return found;
  };
}

const SIZES = new WeakMap<object, number>();

/**
 * The bytes of a value as JSON, without escapes in strings. The sizes of frozen values are kept, so
 * that a new version of an object costs as much as its changes.
 */
export function jsonSize(value: unknown): number {
  if (typeof value === 'string') {
    return Buffer.byteLength(value) + 2;
  }
  if (typeof value !== 'object' || value === null) {
    return String(value).length;
  }
  const known = SIZES.get(value);
  if (known !== undefined) {
    return known;
  }
  let size = 2;
  for (const [name, inner] of Object.entries(value)) {
    size += jsonSize(inner) + 1 + (Array.isArray(value) ? 0 : name.length + 3);
  }
  if (FROZEN.has(value)) {
    SIZES.set(value, size);
  }
  return size;
}

/** Whether a value is a JSON object. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two values are equal as JSON. The order of members does not matter. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => jsonEqual(item, b[index]))
    );
  }
  if (!isMap(a) || !isMap(b)) {
    return false;
  }
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && jsonEqual(a[name], b[name]))
  );
}
