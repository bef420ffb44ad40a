/** Checks the result of a three-way merge of settings against the three sides. */
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from './values.ts';
import type { JsonObject } from './values.ts';

/** One value on the three sides of a merge. Undefined where the key is missing. */
export interface ValueSides {
  /** What was generated last. */
  readonly base: unknown;
  /** What the user has. */
  readonly existing: unknown;
  /** What is generated now. */
  readonly incoming: unknown;
}

/**
 * Whether a merge has lost nothing: every key is there that the user has or that is new, and every
 * value is that of one side. A key that is generated no more is gone, unless the user has changed
 * it. Lists and texts of several lines may be a mix of both sides.
 */
export function isSoundMerge({ base, existing, incoming }: ValueSides, merged: unknown): boolean {
  const mayFollow = existing === undefined || isDeepStrictEqual(base, existing);
  if (mayFollow && isDeepStrictEqual(merged, incoming)) {
    return true;
  }
  if (isDeepStrictEqual(merged, existing)) {
    return !mayFollow;
  }
  if (isRecord(existing) && (isRecord(incoming) || (incoming === undefined && isRecord(base)))) {
    // A block that has lost its last key is null in YAML.
    const mapping = merged ?? {};
    return isRecord(mapping) && isSoundMapping({ base, existing, incoming }, mapping);
  }
  if (Array.isArray(existing) && Array.isArray(incoming) && Array.isArray(merged)) {
    const known = new Set([...existing, ...incoming].map((item) => JSON.stringify(item)));
    return merged.every((item) => known.has(JSON.stringify(item)));
  }
  return [base, existing, incoming, merged].every(
    (text) => typeof text === 'string' && text.includes('\n'),
  );
}

function isSoundMapping(sides: ValueSides, merged: JsonObject): boolean {
  const [base, existing, incoming] = [sides.base, sides.existing, sides.incoming].map((side) =>
    isRecord(side) ? side : {},
  ) as [JsonObject, JsonObject, JsonObject];
  const keys = new Set([existing, incoming, merged].flatMap((side) => Object.keys(side)));
  return [...keys].every((key) => {
    const inner = { base: base[key], existing: existing[key], incoming: incoming[key] };
    return key in merged
      ? !mustBeMissing(inner) && isSoundMerge(inner, merged[key])
      : mayBeMissing(inner);
  });
}

/** Whether one side has removed a key that the other side has left as it was. */
function mayBeMissing({ base, existing, incoming }: ValueSides): boolean {
  if (existing === undefined) {
    return base !== undefined;
  }
  return mustBeMissing({ base, existing, incoming });
}

/** Whether the generator has removed a key that the user has left as it was. */
function mustBeMissing({ base, existing, incoming }: ValueSides): boolean {
  return existing !== undefined && incoming === undefined && isDeepStrictEqual(base, existing);
}
