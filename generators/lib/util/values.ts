/** Small helpers for values of unknown shape and for lists. */

/** A mapping of names to values: what JSON and YAML call an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Whether a value is a mapping.
 * @returns false for null and for arrays, which JavaScript also calls objects
 */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The items of a list without duplicates, in their order.
 * @param keyOf two items with the same key are duplicates; the first one stays
 */
export function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => unknown): T[] {
  const byKey = new Map<unknown, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (!byKey.has(key)) {
      byKey.set(key, item);
    }
  }
  return [...byKey.values()];
}
