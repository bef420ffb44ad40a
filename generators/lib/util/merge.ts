/** Merging what is generated into what the user has: what the user has written stays, what was only generated follows. */
import { diff3Merge } from 'node-diff3';

export interface Merged {
  readonly text: string;
  /** Sentences about what could not follow. */
  readonly notes: readonly string[];
}

const MINE = '<<<<<<< yours';
const BETWEEN = '=======';
const THEIRS = '>>>>>>> generated';

export function hasConflictMarks(text: string): boolean {
  const lines = text.split('\n');
  return lines.includes(MINE) && lines.includes(THEIRS);
}

/**
 * Three ways, line by line. Where both sides have changed the same lines, both stand in the text between conflict marks.
 * @param base what was generated last; undefined when that is not known: then every difference is a conflict.
 */
export function mergeText(base: string | undefined, mine: string, theirs: string): Merged {
  if (hasConflictMarks(mine)) return { text: mine, notes: ['has conflict marks from before: choose between them, then generate again'] };
  const regions = diff3Merge(mine.split('\n'), (base ?? '').split('\n'), theirs.split('\n'), { excludeFalseConflicts: true });
  const lines: string[] = [];
  let conflicts = 0;
  for (const region of regions) {
    if (region.ok !== undefined) lines.push(...region.ok);
    if (region.conflict === undefined) continue;
    conflicts++;
    lines.push(MINE, ...region.conflict.a, BETWEEN, ...region.conflict.b, THEIRS);
  }
  return {
    text: lines.join('\n'),
    notes:
      conflicts === 0 ? [] : [`you and the generator have changed the same lines in ${conflicts} ${conflicts === 1 ? 'place' : 'places'}: look for '${MINE}'`],
  };
}

type Json = Readonly<Record<string, unknown>>;

/** Key by key. Where both sides have changed a value, the user's stays and a note says what it would be. */
export function mergeJsonText(base: string | undefined, mine: string, theirs: string): Merged {
  let current: Json;
  try {
    current = JSON.parse(mine) as Json;
  } catch {
    return { text: mine, notes: ['is not plain JSON, so it stays as it is'] };
  }
  const notes: string[] = [];
  const merged = mergeJson(base === undefined ? undefined : (JSON.parse(base) as Json), current, JSON.parse(theirs) as Json, (path, value) =>
    notes.push(`${path} is yours; generated would be ${JSON.stringify(value)}`),
  );
  return { text: JSON.stringify(merged) === JSON.stringify(current) ? mine : `${JSON.stringify(merged, null, 2)}\n`, notes };
}

/**
 * @param base what was generated last; undefined when nothing was
 * @param conflict is told of every value that both sides have changed, and what it would be
 * @returns `mine` with every key updated that still is as generated last, and every new key added; a key that the user has removed
 *   stays removed
 */
export function mergeJson(base: Json | undefined, mine: Json, theirs: Json, conflict: (path: string, value: unknown) => void = () => {}, path = ''): Json {
  const result: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const place = path === '' ? key : `${path}.${key}`;
    const [was, is, wanted] = [base?.[key], mine[key], theirs[key]];
    const generated = base !== undefined && key in base;
    if (isMapping(is) && isMapping(wanted)) result[key] = mergeJson(isMapping(was) ? was : undefined, is, wanted, conflict, place);
    else if (!(key in mine)) {
      if (!generated) result[key] = wanted;
    } else if (generated && same(was, is)) {
      if (key in theirs) result[key] = wanted;
    } else {
      result[key] = is;
      if (generated && key in theirs && !same(was, wanted) && !same(is, wanted)) conflict(place, wanted);
    }
  }
  return result;
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isMapping(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
