/**
 * Merging what is generated into what the user has: what the user has written stays, what was only
 * generated follows.
 */
import { diff3Merge } from 'node-diff3';

export interface MergeResult {
  readonly text: string;
  /** Sentences about what could not follow. */
  readonly notes: readonly string[];
}

const USER_MARK = '<<<<<<< yours';
const SEPARATOR_MARK = '=======';
const GENERATED_MARK = '>>>>>>> generated';

export function hasConflictMarks(text: string): boolean {
  const lines = text.split('\n');
  return lines.includes(USER_MARK) && lines.includes(GENERATED_MARK);
}

/**
 * Three ways, line by line. Where both sides have changed the same lines, both stand in the text
 * between conflict marks.
 * @param base what was generated last; undefined when that is not known: then every difference is a
 * conflict.
 */
export function mergeText(
  base: string | undefined,
  existing: string,
  incoming: string,
): MergeResult {
  if (hasConflictMarks(existing)) {
    return {
      text: existing,
      notes: ['has conflict marks from before: choose between them, then generate again'],
    };
  }
  const regions = diff3Merge(existing.split('\n'), (base ?? '').split('\n'), incoming.split('\n'), {
    excludeFalseConflicts: true,
  });
  const lines: string[] = [];
  let conflicts = 0;
  for (const region of regions) {
    if (region.ok !== undefined) {
      lines.push(...region.ok);
    }
    if (region.conflict === undefined) {
      continue;
    }
    conflicts++;
    lines.push(
      USER_MARK,
      ...region.conflict.a,
      SEPARATOR_MARK,
      ...region.conflict.b,
      GENERATED_MARK,
    );
  }
  return {
    text: lines.join('\n'),
    notes:
      conflicts === 0
        ? []
        : [
            `you and the generator have changed the same lines in ${conflicts} ${conflicts === 1 ? 'place' : 'places'}: look for '${USER_MARK}'`,
          ],
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Key by key. Where both sides have changed a value, the user's stays and a note says what it would
 * be.
 */
export function mergeJsonText(
  base: string | undefined,
  existing: string,
  incoming: string,
): MergeResult {
  let current: JsonObject;
  try {
    current = JSON.parse(existing) as JsonObject;
  } catch {
    return { text: existing, notes: ['is not plain JSON, so it stays as it is'] };
  }
  const notes: string[] = [];
  const merged = mergeJson(
    base === undefined ? undefined : (JSON.parse(base) as JsonObject),
    current,
    JSON.parse(incoming) as JsonObject,
    (path, value) => notes.push(`${path} is yours; generated would be ${JSON.stringify(value)}`),
  );
  return {
    text:
      JSON.stringify(merged) === JSON.stringify(current)
        ? existing
        : `${JSON.stringify(merged, null, 2)}\n`,
    notes,
  };
}

/**
 * @param base what was generated last; undefined when nothing was
 * @param conflict is told of every value that both sides have changed, and what it would be
 * @returns `mine` with every key updated that still is as generated last, and every new key added;
 * a key that the user has removed
 *   stays removed
 */
export function mergeJson(
  base: JsonObject | undefined,
  existing: JsonObject,
  incoming: JsonObject,
  conflict: (path: string, value: unknown) => void = () => {},
  path = '',
): JsonObject {
  const result: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(existing), ...Object.keys(incoming)])) {
    const place = path === '' ? key : `${path}.${key}`;
    const [was, is, wanted] = [base?.[key], existing[key], incoming[key]];
    const generated = base !== undefined && key in base;
    if (isMapping(is) && isMapping(wanted)) {
      result[key] = mergeJson(isMapping(was) ? was : undefined, is, wanted, conflict, place);
    } else if (!(key in existing)) {
      if (!generated) {
        result[key] = wanted;
      }
    } else if (generated && isSameJson(was, is)) {
      if (key in incoming) {
        result[key] = wanted;
      }
    } else {
      result[key] = is;
      if (generated && key in incoming && !isSameJson(was, wanted) && !isSameJson(is, wanted)) {
        conflict(place, wanted);
      }
    }
  }
  return result;
}

export function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isMapping(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
