/**
 * Merging a YAML file of settings: line by line as any text, and key by key where lines clash, so
 * that values never end in conflict marks.
 * Key by key still means lines: those of a key move as they are written, and no other line is
 * touched.
 */
import { isMap, isScalar, parseDocument } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';
import { hasConflictMarks, mergeText, isSameJson } from './merge.ts';
import type { MergeResult } from './merge.ts';

/** Lines of the user's text to leave out, and what to put in their place. */
interface LineEdit {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

interface MergeSide {
  readonly lines: readonly string[];
  readonly lineOf: (offset: number) => number;
}

/**
 * Every key that still is as generated last follows, every new key comes with its comment, a key
 * that the user has removed stays
 * removed. Where both sides have changed a value, the user's stays and a note says what it would
 * be.
 */
export function mergeYamlText(
  base: string | undefined,
  existing: string,
  incoming: string,
): MergeResult {
  const text = mergeText(base, existing, incoming);
  if (!hasConflictMarks(text.text) || hasConflictMarks(existing)) {
    return text;
  }
  const [was, is, wanted] = [base ?? '', existing, incoming].map((content) =>
    parseDocument(content),
  );
  if (
    was === undefined ||
    is === undefined ||
    wanted === undefined ||
    [was, is, wanted].some(({ errors }) => errors.length > 0)
  ) {
    return text;
  }
  if (!isMap(is.contents) || !isMap(wanted.contents)) {
    return text;
  }
  const notes: string[] = [];
  const edits: LineEdit[] = [];
  mergeMaps(isMap(was.contents) ? was.contents : undefined, is.contents, wanted.contents, {
    existing: mergeSide(existing),
    incoming: mergeSide(incoming),
    path: '',
    notes,
    edits,
  });
  return { text: applyEdits(existing, edits), notes };
}

interface MergeContext {
  readonly existing: MergeSide;
  readonly incoming: MergeSide;
  readonly path: string;
  readonly notes: string[];
  readonly edits: LineEdit[];
}

function mergeMaps(
  was: YAMLMap | undefined,
  is: YAMLMap,
  wanted: YAMLMap,
  merging: MergeContext,
): void {
  const { existing, incoming, path, notes, edits } = merging;
  let after: Pair | undefined;
  for (const pair of wanted.items) {
    const key = keyName(pair);
    const here = path === '' ? key : `${path}.${key}`;
    const existingPair = is.items.find((one) => keyName(one) === key);
    const before = was?.items.find((one) => keyName(one) === key);
    if (existingPair === undefined) {
      const at =
        after === undefined
          ? lineRange(existing, is.items[0], true).from
          : lineRange(existing, after, false).to;
      const { from, to } = lineRange(incoming, pair, true);
      if (before === undefined) {
        edits.push({ from: at, to: at, lines: incoming.lines.slice(from, to) });
      }
      continue;
    }
    after = existingPair;
    if (isBlock(existingPair.value) && isBlock(pair.value)) {
      mergeMaps(isMap(before?.value) ? before.value : undefined, existingPair.value, pair.value, {
        ...merging,
        path: here,
      });
    } else if (isSameJson(plainValue(existingPair), plainValue(pair))) {
      continue;
    } else if (before !== undefined && isSameJson(plainValue(before), plainValue(existingPair))) {
      const { from, to } = lineRange(incoming, pair, false);
      edits.push({
        ...lineRange(existing, existingPair, false),
        lines: incoming.lines.slice(from, to),
      });
    } else if (before !== undefined && !isSameJson(plainValue(before), plainValue(pair))) {
      notes.push(`${here} is yours; generated would be ${JSON.stringify(plainValue(pair))}`);
    }
  }
  for (const before of was?.items ?? []) {
    const gone = !wanted.items.some((one) => keyName(one) === keyName(before));
    const existingPair = is.items.find(
      (one) => keyName(one) === keyName(before) && isSameJson(plainValue(one), plainValue(before)),
    );
    if (gone && existingPair !== undefined) {
      edits.push({ ...lineRange(existing, existingPair, true), lines: [] });
    }
  }
}

/** A map that is written over several lines; one in braces is a value like any other. */
function isBlock(value: unknown): value is YAMLMap {
  return isMap(value) && value.flow !== true && value.items.length > 0;
}

/** The lines of a pair; with those of the comment above it, and the empty line before that. */
function lineRange(
  { lines, lineOf }: MergeSide,
  pair: Pair | undefined,
  comments: boolean,
): { readonly from: number; readonly to: number } {
  const key = (pair?.key as Node | undefined)?.range;
  if (pair === undefined || key === undefined || key === null) {
    return { from: lines.length, to: lines.length };
  }
  const value = (pair.value as Node | null)?.range;
  let from = lineOf(key[0]);
  let to = lineOf(Math.max(key[1], value?.[1] ?? 0)) + 1;
  while (to > from + 1 && /^\s*$/.test(lines[to - 1] ?? '')) {
    to--;
  }
  // A value in a block ends before the first line that is no deeper than its key.
  const indent = /^ */.exec(lines[from] ?? '')?.[0].length ?? 0;
  while (
    to > from + 1 &&
    (/^ */.exec(lines[to - 1] ?? '')?.[0].length ?? 0) <= indent &&
    !/^\s*[-\]}]/.test(lines[to - 1] ?? '')
  ) {
    to--;
  }
  if (comments) {
    while (from > 0 && /^\s*#/.test(lines[from - 1] ?? '')) {
      from--;
    }
    if (from > 0 && lines[from - 1] === '') {
      from--;
    }
  }
  return { from, to };
}

function applyEdits(existing: string, edits: readonly LineEdit[]): string {
  const lines = existing.split('\n');
  // From the end, so that the numbers of lines before stay true; of several for one place the first
  // stays first.
  const ordered = edits
    .map((edit, order) => ({ ...edit, order }))
    .sort((a, b) => b.from - a.from || b.order - a.order);
  for (const { from, to, lines: put } of ordered) {
    lines.splice(from, to - from, ...put);
  }
  return lines.join('\n');
}

function mergeSide(text: string): MergeSide {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return {
    lines: text.split('\n'),
    lineOf: (offset) => starts.findLastIndex((start) => start <= offset),
  };
}

function keyName({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function plainValue({ value }: Pair): unknown {
  return (value as { toJSON?: () => unknown } | null)?.toJSON?.() ?? null;
}
