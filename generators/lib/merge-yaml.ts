/** Merging a YAML file of settings: line by line as any text, and key by key where lines clash, so that values never end in conflict marks. */
import { isMap, isScalar, parseDocument } from 'yaml';
import type { Pair, YAMLMap } from 'yaml';
import { hasConflictMarks, mergeText, same } from './merge.ts';
import type { Merged } from './merge.ts';

/**
 * Every key that still is as generated last follows, every new key comes with its comment, a key that the user has removed stays
 * removed. Where both sides have changed a value, the user's stays and a note says what it would be.
 */
export function mergeYamlText(base: string | undefined, mine: string, theirs: string): Merged {
  const text = mergeText(base, mine, theirs);
  if (!hasConflictMarks(text.text) || hasConflictMarks(mine)) return text;
  const [was, is, wanted] = [base ?? '', mine, theirs].map((content) => parseDocument(content));
  if (was === undefined || is === undefined || wanted === undefined || [was, is, wanted].some(({ errors }) => errors.length > 0)) return text;
  if (!isMap(is.contents) || !isMap(wanted.contents)) return text;
  const notes: string[] = [];
  mergeMaps(isMap(was.contents) ? was.contents : undefined, is.contents, wanted.contents, '', notes);
  return { text: is.toString({ lineWidth: 0 }), notes };
}

function mergeMaps(was: YAMLMap | undefined, is: YAMLMap, wanted: YAMLMap, path: string, notes: string[]): void {
  let place = -1;
  for (const pair of wanted.items) {
    const key = nameOf(pair);
    const here = path === '' ? key : `${path}.${key}`;
    const found = is.items.findIndex((one) => nameOf(one) === key);
    const mine = is.items[found];
    const before = was?.items.find((one) => nameOf(one) === key);
    if (mine === undefined) {
      if (before === undefined) is.items.splice(++place, 0, pair);
      continue;
    }
    place = found;
    if (isMap(mine.value) && isMap(pair.value)) mergeMaps(isMap(before?.value) ? before.value : undefined, mine.value, pair.value, here, notes);
    else if (same(plain(mine), plain(pair))) continue;
    else if (before !== undefined && same(plain(before), plain(mine))) mine.value = pair.value;
    else if (before !== undefined && !same(plain(before), plain(pair))) notes.push(`${here} is yours; generated would be ${JSON.stringify(plain(pair))}`);
  }
  for (const before of was?.items ?? []) {
    const gone = !wanted.items.some((one) => nameOf(one) === nameOf(before));
    const at = is.items.findIndex((one) => nameOf(one) === nameOf(before) && same(plain(one), plain(before)));
    if (gone && at >= 0) is.items.splice(at, 1);
  }
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function plain({ value }: Pair): unknown {
  return (value as { toJSON?: () => unknown } | null)?.toJSON?.() ?? null;
}
