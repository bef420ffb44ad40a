/**
 * Maps that become empty. Server-side apply makes null of an empty map in place of fields that the
 * same manager has applied before: a custom kind refuses that, a built-in kind drops the map. An
 * apply without the map takes the fields back, after which an apply with the map stores it.
 */
import { isRecord } from '../../util/json.ts';

/**
 * The desired value without the empty maps in whose place the live value has fields, and without
 * the maps that become empty by that.
 *
 * @param live the stored value. Undefined: every empty map counts
 * @returns undefined when there is no such map
 */
export function withoutEmptiedMaps<T extends object>(desired: T, live?: unknown): T | undefined {
  const reduced = removeEmptied(desired, live, live === undefined) as T;
  return reduced === desired ? undefined : reduced;
}

/** @param all true: every empty map is removed. @returns the same value when nothing is removed */
function removeEmptied(value: unknown, stored: unknown, all: boolean): unknown {
  if (Array.isArray(value)) {
    return mapChanged(value, (item, index) =>
      removeEmptied(item, storedItem(stored, item, index), all),
    );
  }
  if (!isRecord(value)) {
    return value;
  }
  const names = Object.keys(value);
  const entries = names.flatMap((name): [string, unknown][] => {
    const storedMember = isRecord(stored) ? stored[name] : undefined;
    const member = removeEmptied(value[name], storedMember, all);
    const isEmptied = isEmptyMap(member) && (all || hasFields(storedMember));
    return isEmptied ? [] : [[name, member]];
  });
  const isSame =
    entries.length === names.length && entries.every(([name, member]) => member === value[name]);
  return isSame ? value : Object.fromEntries(entries);
}

function isEmptyMap(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function hasFields(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length > 0;
}

/** The stored item in the place of a desired one: of the same name, else of the same index. */
function storedItem(stored: unknown, item: unknown, index: number): unknown {
  if (!Array.isArray(stored)) {
    return undefined;
  }
  const name = isRecord(item) ? item['name'] : undefined;
  const named = stored.find((other: unknown) => isRecord(other) && other['name'] === name);
  return name === undefined ? stored[index] : named;
}

/** The same list when no item changes. */
function mapChanged(
  list: readonly unknown[],
  change: (item: unknown, index: number) => unknown,
): readonly unknown[] {
  const changed = list.map(change);
  return changed.every((item, index) => item === list[index]) ? list : changed;
}
