/**
 * The one way from values of user code to JSON. What passes is stored by the API server as it is
 * compared and hashed here: a value that JSON writes in another form, or not at all, would make an
 * endless difference, or none where there is one.
 */

/** A value has a part that JSON cannot carry. The message names its place. */
export class NotJsonError extends TypeError {
  override readonly name = 'NotJsonError';
}

/**
 * Copies a value as JSON carries it.
 *
 * - A Date becomes its ISO string.
 * - A member that is undefined is dropped.
 * - Everything else that is no JSON is an error: NaN and Infinity, BigInt, functions, symbols,
 *   undefined in a list, a Map, a Set, an instance of a class, a cycle.
 *
 * @param path place of the value in messages. Default: none, places start with a member's name
 * @throws NotJsonError that names the place
 */
export function toPlainJson<T>(value: T, path = ''): T {
  return copyValue(value, path, []) as T;
}

/** @param ancestors the objects that contain the value: a value among them makes a cycle */
function copyValue(value: unknown, path: string, ancestors: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
      return value.toWellFormed();
    case 'boolean':
      return value;
    case 'number':
      return copyNumber(value, path);
    case 'object':
      return value === null ? null : copyObject(value, path, ancestors);
    case 'bigint':
      throw notJson(path, 'a BigInt');
    case 'undefined':
      throw notJson(path, 'undefined');
    default:
      throw notJson(path, `a ${typeof value}`);
  }
}

function copyNumber(value: number, path: string): number {
  if (!Number.isFinite(value)) {
    throw notJson(path, String(value));
  }
  return value === 0 ? 0 : value; // JSON has no -0
}

function copyObject(value: object, path: string, ancestors: readonly object[]): unknown {
  if (ancestors.includes(value)) {
    throw new NotJsonError(`${path} contains itself`);
  }
  const inside = [...ancestors, value];
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => copyValue(item, `${path}[${index}]`, inside));
  }
  if (isDate(value)) {
    return copyDate(value, path);
  }
  if (!isPlainObject(value)) {
    throw notJson(path, `a ${value.constructor.name || 'class instance'}`);
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => [name.toWellFormed(), copyValue(member, at(path, name), inside)]);
  return Object.fromEntries(members) as unknown;
}

function copyDate(value: Date, path: string): string {
  if (Number.isNaN(value.getTime())) {
    throw notJson(path, 'an invalid Date');
  }
  return value.toISOString();
}

/** A tag check, because a Date may come from another realm. */
function isDate(value: object): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}

/** An object literal of any realm: the prototype of its prototype is null. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function at(path: string, name: string): string {
  if (!IDENTIFIER.test(name)) {
    return `${path}[${JSON.stringify(name)}]`;
  }
  return path === '' ? name : `${path}.${name}`;
}

function notJson(path: string, what: string): NotJsonError {
  return new NotJsonError(`${path === '' ? 'the value' : path} is ${what}, which is not JSON`);
}
