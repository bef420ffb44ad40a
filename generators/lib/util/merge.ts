/**
 * Three-way merges of a generated file into the user's file. The three sides are the base (what was
 * generated last), the existing file, and the incoming file (what is generated now). Edits by the
 * user stay. Parts that the user has not edited follow the generator.
 */
import { diff3Merge } from 'node-diff3';
import { isRecord } from './values.ts';
import type { JsonObject } from './values.ts';

/** Result of a merge. */
export interface MergeResult {
  readonly text: string;
  /** Messages for the user about changes of the generator that were not applied. */
  readonly notes: readonly string[];
}

const USER_MARK = '<<<<<<< user';
const SEPARATOR_MARK = '=======';
const GENERATED_MARK = '>>>>>>> generated';

/** Whether a file contains conflict marks of an earlier merge. */
export function hasConflictMarks(text: string): boolean {
  const lines = text.split('\n');
  return lines.includes(USER_MARK) && lines.includes(GENERATED_MARK);
}

/**
 * Merges line by line. Lines that both sides have changed are written twice, between conflict
 * marks.
 * @param base undefined when unknown: then each difference is a conflict
 */
export function mergeText(
  base: string | undefined,
  existing: string,
  incoming: string,
): MergeResult {
  if (hasConflictMarks(existing)) {
    return {
      text: existing,
      notes: ['has conflict marks of an earlier merge: resolve them, then generate again'],
    };
  }
  const before = base?.split('\n') ?? [];
  const regions = diff3Merge(existing.split('\n'), before, incoming.split('\n'), {
    excludeFalseConflicts: true,
  });
  const lines = regions.flatMap(({ ok, conflict }) =>
    conflict === undefined
      ? (ok ?? [])
      : [USER_MARK, ...conflict.a, SEPARATOR_MARK, ...conflict.b, GENERATED_MARK],
  );
  const conflicts = regions.filter(({ conflict }) => conflict !== undefined).length;
  return { text: lines.join('\n'), notes: conflicts === 0 ? [] : [conflictNote(conflicts)] };
}

function conflictNote(conflicts: number): string {
  const places = `${conflicts} ${conflicts === 1 ? 'place' : 'places'}`;
  return `you and the generator have changed the same lines in ${places}: look for '${USER_MARK}'`;
}

/** Message about a value that stays although the generated value has changed. */
export function keptValueNote(path: string, generated: unknown): string {
  return `${path} keeps the value of the file; generated: ${JSON.stringify(generated)}`;
}

/**
 * Merges JSON key by key. A value that both sides have changed stays as the user wrote it, and a
 * note says what the generated value is.
 * @param base undefined when unknown
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
    return { text: existing, notes: ['is not valid JSON, so nothing was merged into it'] };
  }
  const notes: string[] = [];
  const merged = mergeJson(
    {
      base: base === undefined ? undefined : (JSON.parse(base) as JsonObject),
      existing: current,
      incoming: JSON.parse(incoming) as JsonObject,
    },
    (path, value) => notes.push(keptValueNote(path, value)),
  );
  const text = isSameJson(merged, current) ? existing : formatJsonLike(existing, merged);
  return { text, notes };
}

/** Writes JSON with the indentation of the file that it replaces. */
function formatJsonLike(existing: string, value: unknown): string {
  const indent = /^[{[]\r?\n([ \t]+)/.exec(existing)?.[1] ?? '  ';
  return `${JSON.stringify(value, null, indent)}\n`;
}

/** The three sides of a merge. */
interface JsonSides {
  /** Undefined when nothing was generated before. */
  readonly base: JsonObject | undefined;
  readonly existing: JsonObject;
  readonly incoming: JsonObject;
}

/**
 * Merges objects key by key. Values that the user has not changed follow the generator, new keys
 * are added, and keys that the user has removed stay removed.
 * @param onConflict receives each value that both sides have changed, with the generated value
 */
function mergeJson(
  { base, existing, incoming }: JsonSides,
  onConflict: (path: string, value: unknown) => void,
  parent = '',
): JsonObject {
  const result: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(existing), ...Object.keys(incoming)])) {
    const path = parent === '' ? key : `${parent}.${key}`;
    const [was, is, wanted] = [base?.[key], existing[key], incoming[key]];
    const wasGenerated = base !== undefined && key in base;
    if (isRecord(is) && isRecord(wanted)) {
      const sides = { base: isRecord(was) ? was : undefined, existing: is, incoming: wanted };
      result[key] = mergeJson(sides, onConflict, path);
      continue;
    }
    if (!(key in existing)) {
      // Absent here although it was generated: the user has removed it.
      if (!wasGenerated) {
        result[key] = wanted;
      }
      continue;
    }
    if (wasGenerated && isSameJson(was, is)) {
      if (key in incoming) {
        result[key] = wanted;
      }
      continue;
    }
    result[key] = is;
    const isChanged = key in incoming && !isSameJson(was, wanted) && !isSameJson(is, wanted);
    if (wasGenerated && isChanged) {
      onConflict(path, wanted);
    }
  }
  return result;
}

/** Whether two values have the same JSON text. The order of keys matters. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
