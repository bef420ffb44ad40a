/** Merging of generated JSON into a user's: what the user has written stays, what we wrote last follows us. */

type Json = Readonly<Record<string, unknown>>;

/**
 * @param base what was generated last; undefined when nothing was
 * @returns `mine` with every key updated that still is as generated last, and every new key added; a key that the user has removed
 *   stays removed
 */
export function mergeJson(base: Json | undefined, mine: Json, theirs: Json): Json {
  const result: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const [was, is, wanted] = [base?.[key], mine[key], theirs[key]];
    if (isMapping(is) && isMapping(wanted)) result[key] = mergeJson(isMapping(was) ? was : undefined, is, wanted);
    else if (!(key in mine)) {
      if (!(base && key in base)) result[key] = wanted;
    } else if (base && key in base && same(was, is)) {
      if (key in theirs) result[key] = wanted;
    } else result[key] = is;
  }
  return result;
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isMapping(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
