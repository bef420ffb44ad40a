/**
 * Doc comments, read as text. TypeScript's own reading ends a tag at any `@`, which patterns and
 * rules contain; here a tag begins at the
 * start of a line, or after a blank when its name is one of ours.
 */
import type { ts } from '@ts-morph/common';
import { isCommonTag, isKnownTag } from './doc-tags.ts';
import type { TagName } from './doc-tags.ts';

export interface DocTag {
  readonly name: TagName;
  readonly value: string;
  readonly offset: number;
}

export interface DocComment {
  readonly description: string;
  readonly tags: readonly DocTag[];
  /** Tags that nobody knows, with their offsets. */
  readonly unknown: readonly { readonly name: string; readonly offset: number }[];
}

const NO_COMMENT: DocComment = { description: '', tags: [], unknown: [] };

/**
 * The comment nearest to a declaration: on lines of its own before it, or before it on the same
 * line. (TypeScript takes the latter for a
 * remark about what stands to its left.)
 */
export function findDocComment(declaration: ts.Node): DocComment {
  const { text } = declaration.getSourceFile();
  const trivia = text.slice(declaration.pos, declaration.getStart());
  const [last] = [...trivia.matchAll(/\/\*\*[^]*?\*\//g)].slice(-1);
  if (last === undefined) {
    return NO_COMMENT;
  }
  const ownLine = declaration.pos === 0 || trivia.slice(0, last.index).includes('\n');
  const sameLine = !trivia.slice(last.index + last[0].length).includes('\n');
  return ownLine || sameLine ? parseDocComment(last[0], declaration.pos + last.index) : NO_COMMENT;
}

interface CommentLine {
  readonly text: string;
  readonly offset: number;
}

/** @param text with its opening and closing marks @param start its offset in the file */
export function parseDocComment(text: string, start = 0): DocComment {
  const parts: { name: string | undefined; offset: number; lines: string[] }[] = [
    { name: undefined, offset: start, lines: [] },
  ];
  for (const { text: line, offset } of commentLines(text, start)) {
    let from = 0;
    for (const match of line.matchAll(/(^\s*|\s)@([A-Za-z][\w-]*)(?=\s|$)/g)) {
      const [whole, before = '', name = ''] = match;
      const begins = line.slice(0, match.index).trim() === '';
      if (!begins && !isKnownTag(name)) {
        continue;
      }
      parts.at(-1)?.lines.push(line.slice(from, match.index));
      from = match.index + whole.length;
      parts.push({ name, offset: offset + match.index + before.length, lines: [] });
    }
    parts.at(-1)?.lines.push(line.slice(from));
  }
  const [description, ...rest] = parts.map(({ name, offset, lines }) => ({
    name: name ?? '',
    offset,
    value: lines.join('\n').trim(),
  }));
  return {
    description: (description?.value ?? '').replaceAll(
      /\{@link(?:code|plain)?\s+([^}|]+?)(?:\s*\|\s*([^}]+))?\}/g,
      (_, target: string, label?: string) => (label ?? target).trim(),
    ),
    tags: rest.flatMap(({ name, offset, value }) =>
      isKnownTag(name) ? [{ name, offset, value }] : [],
    ),
    unknown: rest.filter(({ name }) => !isKnownTag(name) && !isCommonTag(name)),
  };
}

function commentLines(text: string, start: number): CommentLine[] {
  const lines: CommentLine[] = [];
  let offset = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const skipped =
      (index === 0 ? /^\s*\/\*\*\s?/ : /^\s*(?:\*(?!\/) ?)?/).exec(raw)?.[0].length ?? 0;
    lines.push({
      text: raw
        .slice(skipped)
        .replace(/\s*\*\/\s*$/, '')
        .trimEnd(),
      offset: start + offset + skipped,
    });
    offset += raw.length + 1;
  }
  return lines;
}
