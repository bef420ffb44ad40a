/**
 * Three-way merge of a YAML file of settings, such as values.yaml. The merge is line by line as for
 * any text. Where lines conflict, or where the merged lines are no YAML or have lost a key, the
 * merge is key by key. A merge by key still moves whole lines: the lines of a key keep their
 * formatting, and no other line changes. A merge that loses a key in this way too, for example one
 * through anchors, becomes conflict marks.
 */
import { isDeepStrictEqual } from 'node:util';
import { isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';
import { hasConflictMarks, keptValueNote, mergeText } from './merge.ts';
import type { MergeResult } from './merge.ts';
import { isSoundMerge } from './sound-merge.ts';
import type { ValueSides } from './sound-merge.ts';

/** Replaces the lines from `from` up to, but without, `to`. */
interface LineEdit {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/** Text of one side, with line numbers of offsets. */
interface MergeSide {
  readonly lines: readonly string[];
  readonly lineOf: (offset: number) => number;
}

/**
 * Merges settings. Keys that the user has not changed follow the generator, new keys come with
 * their comments, and keys that the user has removed stay removed. A value that both sides have
 * changed stays as the user wrote it, and a note says what the generated value is.
 * @param base what was generated last. Undefined when unknown.
 */
export function mergeYamlText(
  base: string | undefined,
  existing: string,
  incoming: string,
): MergeResult {
  const byLine = mergeText(base, existing, incoming);
  if (hasConflictMarks(existing)) {
    return byLine;
  }
  const documents = [base ?? '', existing, incoming].map((text) => parseDocument(text)) as [
    YamlDocument,
    YamlDocument,
    YamlDocument,
  ];
  const [was, is, wanted] = documents;
  const isValid = documents.every(({ errors }) => errors.length === 0);
  if (!isValid || !isMap(is.contents) || !isMap(wanted.contents)) {
    return byLine;
  }
  const sides = { base: was.toJS(), existing: is.toJS(), incoming: wanted.toJS() } as ValueSides;
  if (!hasConflictMarks(byLine.text) && isSound(sides, byLine.text)) {
    return byLine;
  }
  const byKey = mergeByKey({ base: was, existing: is, incoming: wanted }, existing, incoming);
  if (byKey !== undefined && isSound(sides, byKey.text)) {
    return byKey;
  }
  // Without a base, each difference is a conflict.
  return hasConflictMarks(byLine.text) ? byLine : mergeText(undefined, existing, incoming);
}

type YamlDocument = ReturnType<typeof parseDocument>;

/** Whether a merged text is YAML that has lost nothing. */
function isSound(sides: ValueSides, text: string): boolean {
  const document = parseDocument(text);
  return document.errors.length === 0 && isSoundMerge(sides, document.toJS());
}

/** The three sides, parsed. */
interface Documents {
  readonly base: YamlDocument;
  readonly existing: YamlDocument;
  readonly incoming: YamlDocument;
}

function mergeByKey(
  documents: Documents,
  existing: string,
  incoming: string,
): MergeResult | undefined {
  const [was, is, wanted] = [
    documents.base.contents,
    documents.existing.contents,
    documents.incoming.contents,
  ];
  if (!isMap(is) || !isMap(wanted)) {
    return undefined;
  }
  const context: MergeContext = {
    documents,
    existing: mergeSide(existing),
    incoming: mergeSide(incoming),
    notes: [],
    edits: [],
  };
  mergeMaps(context, { was: isMap(was) ? was : undefined, is, wanted, path: '' });
  return { text: applyEdits(existing, context.edits), notes: context.notes };
}

interface MergeContext {
  readonly documents: Documents;
  readonly existing: MergeSide;
  readonly incoming: MergeSide;
  readonly notes: string[];
  readonly edits: LineEdit[];
}

/** The same mapping on the three sides. */
interface MapSides {
  readonly was: YAMLMap | undefined;
  readonly is: YAMLMap;
  readonly wanted: YAMLMap;
  readonly path: string;
}

function mergeMaps(context: MergeContext, sides: MapSides): void {
  const { was, is, wanted, path } = sides;
  let previous: Pair | undefined;
  for (const pair of wanted.items) {
    const key = keyName(pair);
    const before = findPair(was, key);
    const existing = findPair(is, key);
    if (existing === undefined) {
      if (before === undefined) {
        insertPair(context, is, pair, previous);
      }
      continue;
    }
    previous = existing;
    const here = path === '' ? key : `${path}.${key}`;
    if (isBlock(existing.value) && isBlock(pair.value)) {
      const inner = isMap(before?.value) ? before.value : undefined;
      mergeMaps(context, { was: inner, is: existing.value, wanted: pair.value, path: here });
    } else {
      mergeValue(context, { before, existing, pair, path: here });
    }
  }
  removePairs(context, sides);
}

/** Inserts a new key after the previous one of the generated file, or at the front. */
function insertPair(
  { existing, incoming, edits }: MergeContext,
  is: YAMLMap,
  pair: Pair,
  previous: Pair | undefined,
): void {
  const at =
    previous === undefined
      ? lineRange(existing, is.items[0], true).from
      : lineRange(existing, previous, false).to;
  const { from, to } = lineRange(incoming, pair, true);
  const indent = indentOf(existing.lines[lineRange(existing, is.items[0], false).from]);
  edits.push({ from: at, to: at, lines: indentLines(incoming.lines.slice(from, to), indent) });
}

interface PairSides {
  /** Undefined: both sides have added the key. */
  readonly before: Pair | undefined;
  readonly existing: Pair;
  readonly pair: Pair;
  readonly path: string;
}

/** Replaces a value that the user has not changed, or notes that it stays. */
function mergeValue(context: MergeContext, { before, existing, pair, path }: PairSides): void {
  const { documents } = context;
  const [was, is, wanted] = [
    before && plainValue(before, documents.base),
    plainValue(existing, documents.existing),
    plainValue(pair, documents.incoming),
  ];
  if (isDeepStrictEqual(is, wanted)) {
    return;
  }
  if (isDeepStrictEqual(was, is)) {
    const { from, to } = lineRange(context.incoming, pair, false);
    const range = lineRange(context.existing, existing, false);
    const indent = indentOf(context.existing.lines[range.from]);
    const lines = indentLines(context.incoming.lines.slice(from, to), indent);
    context.edits.push({ ...range, lines });
  } else if (!isDeepStrictEqual(was, wanted)) {
    context.notes.push(keptValueNote(path, wanted));
  }
}

/** Removes keys that are no longer generated and that the user has not changed. */
function removePairs(context: MergeContext, { was, is, wanted }: MapSides): void {
  const { documents, existing, edits } = context;
  for (const before of was?.items ?? []) {
    const pair = findPair(is, keyName(before));
    const isGenerated = findPair(wanted, keyName(before)) !== undefined;
    if (isGenerated || pair === undefined) {
      continue;
    }
    if (
      isDeepStrictEqual(plainValue(pair, documents.existing), plainValue(before, documents.base))
    ) {
      edits.push({ ...lineRange(existing, pair, true), lines: [] });
    }
  }
}

function findPair(map: YAMLMap | undefined, key: string): Pair | undefined {
  return map?.items.find((pair) => keyName(pair) === key);
}

/** Whether a value is a mapping over several lines. A mapping in braces is merged as one value. */
function isBlock(value: unknown): value is YAMLMap {
  return isMap(value) && value.flow !== true && value.items.length > 0;
}

/**
 * The lines of a key and its value.
 * @param pair undefined: the end of the text
 * @param comments whether the comment above the key, and the empty line before it, are included
 */
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
  const first = lineOf(key[0]);
  const last = lineOf(Math.max(key[1], value?.[1] ?? 0)) + 1;
  return {
    from: comments ? commentStart(lines, first) : first,
    to: valueEnd(lines, first, last),
  };
}

/** End of a value, without empty lines and without lines that are no deeper than the key. */
function valueEnd(lines: readonly string[], first: number, last: number): number {
  let end = last;
  while (end > first + 1 && /^\s*$/.test(lines[end - 1] ?? '')) {
    end--;
  }
  const indent = indentOf(lines[first]);
  while (
    end > first + 1 &&
    indentOf(lines[end - 1]) <= indent &&
    !/^\s*[-\]}]/.test(lines[end - 1] ?? '')
  ) {
    end--;
  }
  return end;
}

function commentStart(lines: readonly string[], first: number): number {
  let start = first;
  while (start > 0 && /^\s*#/.test(lines[start - 1] ?? '')) {
    start--;
  }
  return start > 0 && lines[start - 1] === '' ? start - 1 : start;
}

function indentOf(line = ''): number {
  return /^ */.exec(line)?.[0].length ?? 0;
}

/** Moves the lines of a key, so that the key has the given indentation. */
function indentLines(lines: readonly string[], indent: number): readonly string[] {
  const shift = indent - indentOf(lines.find((line) => !/^\s*(#|$)/.test(line)));
  return lines.map((line) => {
    if (line.trim() === '') {
      return line;
    }
    return shift < 0 ? line.slice(Math.min(-shift, indentOf(line))) : ' '.repeat(shift) + line;
  });
}

function applyEdits(existing: string, edits: readonly LineEdit[]): string {
  const lines = existing.split('\n');
  // From the end to the front, so that earlier line numbers stay valid. Of several edits at one
  // line, the last is applied first, so that their order in the text is the order of the list.
  const ordered = edits
    .map((edit, order) => ({ ...edit, order }))
    .sort((a, b) => b.from - a.from || b.order - a.order);
  for (const { from, to, lines: replacement } of ordered) {
    lines.splice(from, to - from, ...replacement);
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

function plainValue({ value }: Pair, document: YamlDocument): unknown {
  return isNode(value) ? value.toJS(document) : null;
}
