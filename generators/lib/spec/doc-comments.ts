/**
 * Doc comments with their tags. TypeScript's own parser ends a tag at each `@`, which patterns and
 * rules may contain. Here a tag begins at the start of a line, or after a space if its name is a
 * known tag.
 */
import type { ts } from '@ts-morph/common';
import { isCommonTag, isKnownTag } from './doc-tags.ts';
import type { TagName } from './doc-tags.ts';

/** A known tag of a comment. */
export interface DocTag {
  readonly name: TagName;
  readonly value: string;
  /** Offset of the tag in the file. */
  readonly offset: number;
}

/** A parsed doc comment. */
export interface DocComment {
  readonly description: string;
  readonly tags: readonly DocTag[];
  /** Tags that are neither known here nor common in JSDoc and TSDoc, with their offsets. */
  readonly unknown: readonly { readonly name: string; readonly offset: number }[];
}

const NO_COMMENT: DocComment = { description: '', tags: [], unknown: [] };

/**
 * The doc comment of a declaration: the last one before it, on lines of its own or on the same
 * line. (TypeScript assigns a comment on the same line to the declaration on its left.)
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

/**
 * Parses a doc comment.
 * @param text the comment with its opening and closing marks
 * @param start offset of the comment in the file. Default: 0.
 */
export function parseDocComment(text: string, start = 0): DocComment {
  const parts: { name: string | undefined; offset: number; lines: string[] }[] = [
    { name: undefined, offset: start, lines: [] },
  ];
  for (const { text: line, offset } of commentLines(text, start)) {
    let from = 0;
    for (const match of line.matchAll(/(^\s*|\s)@([A-Za-z][\w-]*)(?=\s|$)/g)) {
      const [whole, before = '', name = ''] = match;
      const isAtStart = line.slice(0, match.index).trim() === '';
      if (!isAtStart && !isKnownTag(name)) {
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
