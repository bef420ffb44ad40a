/** Takes out of a file what people read: comments, strings, or all of it. */
import { ts } from '@ts-morph/common';
import type { TextType } from './prose-rules.ts';

/** A piece of text, with the line breaks that it has in its file. */
export interface ProseText {
  readonly type: TextType;
  /** Line of its first character, from 1. */
  readonly line: number;
  /** The text without comment marks. */
  readonly text: string;
}

/**
 * @param path decides how the file is read: code, YAML, or text as a whole.
 * @param content the content of the file.
 * @returns its texts, in the order of their lines.
 */
export function proseTexts(path: string, content: string): readonly ProseText[] {
  const isTemplate = path.includes('templates/') || path.endsWith('.tpl');
  if (/\.(ts|mts|js|mjs|cjs)$/.test(path) && !isTemplate) {
    return codeTexts(path, content);
  }
  const whole: ProseText = { type: 'text', line: 1, text: content };
  const comments = /\.(ya?ml|tpl)$/.test(path) ? hashComments(content) : docComments(content);
  return [whole, ...comments];
}

/** Comments, strings and templates of TypeScript or JavaScript; module names are left out. */
function codeTexts(path: string, content: string): readonly ProseText[] {
  const source = ts.createSourceFile(path, content, ts.ScriptTarget.Latest, true, scriptKind(path));
  const texts: ProseText[] = [];
  const literals: (readonly [start: number, end: number])[] = [];
  const visit = (node: ts.Node): void => {
    if (isLiteral(node)) {
      const start = node.getStart(source);
      literals.push([start, node.end]);
      if (isProse(node)) {
        texts.push({ type: 'string', line: lineAt(content, start), text: inner(node, source) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  texts.push(...commentsOf(content, literals));
  return texts.sort((a, b) => a.line - b.line);
}

function scriptKind(path: string): ts.ScriptKind {
  return path.endsWith('ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS;
}

type Literal =
  | ts.LiteralLikeNode
  | ts.TemplateHead
  | ts.TemplateMiddle
  | ts.TemplateTail
  | ts.StringLiteral;

function isLiteral(node: ts.Node): node is Literal {
  return (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddleOrTemplateTail(node) ||
    ts.isRegularExpressionLiteral(node)
  );
}

function isProse(node: Literal): boolean {
  if (ts.isRegularExpressionLiteral(node)) {
    return false;
  }
  const { parent } = node;
  const isModuleName =
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isExternalModuleReference(parent) ||
    (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword);
  return !isModuleName;
}

/** The text as it is written, without its quotes, so that line breaks stay where they are. */
function inner(node: Literal, source: ts.SourceFile): string {
  return node
    .getText(source)
    .replace(/^['"`}]/, '')
    .replace(/(['"`]|\$\{)$/, '')
    .replaceAll(/\\n/g, '  ')
    .replaceAll(/\\(['"`])/g, '$1');
}

function lineAt(content: string, position: number): number {
  return content.slice(0, position).split('\n').length;
}

/** Blanks every literal: the slashes and stars that are left belong to comments. */
function commentsOf(
  content: string,
  literals: readonly (readonly [start: number, end: number])[],
): readonly ProseText[] {
  let rest = '';
  let at = 0;
  for (const [start, end] of literals) {
    rest += content.slice(at, start) + content.slice(start, end).replaceAll(/[^\n]/g, '~');
    at = end;
  }
  rest += content.slice(at);
  // Line comments on consecutive lines are one text.
  const found = rest.matchAll(/\/\*[^]*?\*\/|\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*/g);
  return [...found].map((match) => {
    const raw = content.slice(match.index, match.index + match[0].length);
    const type = raw.startsWith('/**') ? 'doc' : 'comment';
    return { type, line: lineAt(content, match.index), text: withoutMarks(raw) };
  });
}

function withoutMarks(comment: string): string {
  return comment
    .replace(/^\/\*+/, '')
    .replace(/\*+\/$/, '')
    .replaceAll(/^[ \t]*(\*(?!\/)|\/\/)[ \t]?/gm, '');
}

/** The comments of YAML and Helm templates document what follows them: they count as docs. */
function hashComments(content: string): readonly ProseText[] {
  const blocks = content.matchAll(/^[ \t]*#[^\n]*(?:\n[ \t]*#[^\n]*)*|\{\{-? ?\/\*[^]*?\*\//gm);
  return [...blocks].map((match) => ({
    type: 'doc',
    line: lineAt(content, match.index),
    text: match[0].replace(/^\{\{-? ?\/\*/, '').replaceAll(/^[ \t]*#+( --)?[ \t]?/gm, ''),
  }));
}

function docComments(content: string): readonly ProseText[] {
  return [...content.matchAll(/\/\*\*[^]*?\*\//g)].map((match) => ({
    type: 'doc',
    line: lineAt(content, match.index),
    text: withoutMarks(match[0]),
  }));
}
