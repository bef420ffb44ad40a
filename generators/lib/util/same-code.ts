/** Compares two texts of code without their format, as a formatter of the user may have made it. */
import { ts } from '@ts-morph/common';
import { isSameJson } from './merge.ts';

/**
 * Whether two files differ in format alone. For JSON the values count; for TypeScript and
 * JavaScript the syntax tree and the comments. Other files have no format.
 *
 * @param path decides by its extension what the files are
 */
export function isSameCode(path: string, a: string, b: string): boolean {
  if (path.endsWith('.json')) {
    return isSameJsonText(a, b);
  }
  return /\.[cm]?[jt]s$/.test(path) && describeCode(path, a) === describeCode(path, b);
}

function isSameJsonText(a: string, b: string): boolean {
  try {
    return isSameJson(JSON.parse(a), JSON.parse(b));
  } catch {
    return false;
  }
}

/** The syntax tree and the comments of a file as text, without all that a formatter decides. */
function describeCode(path: string, text: string): string {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const comments = new Map<number, string>();
  const addComments = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      comments.set(pos, text.slice(pos, end).replaceAll(/\s+/g, ' '));
    }
  };
  const describe = (node: ts.Node): string => {
    addComments(ts.getLeadingCommentRanges(text, node.pos));
    addComments(ts.getTrailingCommentRanges(text, node.end));
    const children: string[] = [];
    ts.forEachChild(node, (child) => void children.push(describe(child)));
    return isParenthesis(node)
      ? children.join(' ')
      : `(${kindOf(node)} ${leafText(node, file)} ${children.join(' ')})`;
  };
  const tree = describe(file);
  const inOrder = [...comments].sort(([a], [b]) => a - b).map(([, comment]) => comment);
  return [tree, ...inOrder].join('\n');
}

/** Parentheses that a formatter adds or removes. The tree has the same order without them. */
function isParenthesis(node: ts.Node): boolean {
  return ts.isParenthesizedExpression(node) || ts.isParenthesizedTypeNode(node);
}

/** A name in quotes has the kind of a name without quotes. */
function kindOf(node: ts.Node): number {
  return isQuotedName(node) ? ts.SyntaxKind.Identifier : node.kind;
}

function isQuotedName(node: ts.Node): node is ts.StringLiteral {
  const isString = ts.isStringLiteral(node) && /^[A-Za-z_$][\w$]*$/.test(node.text);
  return isString && (node.parent as { name?: ts.Node } | undefined)?.name === node;
}

/** Text of a node without children. Quotes do not count, also those around the name of a member. */
function leafText(node: ts.Node, file: ts.SourceFile): string {
  if (isQuotedName(node)) {
    return node.text;
  }
  if (ts.isStringLiteralLike(node)) {
    return JSON.stringify(node.text);
  }
  const isLeaf = ts.isToken(node) || ts.isIdentifier(node) || ts.isPrivateIdentifier(node);
  return isLeaf ? node.getText(file) : flagsText(node);
}

/** What a node says by a flag in the place of a child: `const`, `++`. */
function flagsText(node: ts.Node): string {
  if (ts.isVariableDeclarationList(node)) {
    return String(node.flags & ts.NodeFlags.BlockScoped);
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    return String(node.operator);
  }
  return ts.isTypeOperatorNode(node) ? String(node.operator) : '';
}
