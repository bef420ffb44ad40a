/** Finds exported declarations, and members of exported types, that have no TSDoc comment. */
import { relative } from 'node:path';
import { ts } from '@ts-morph/common';
import { apiEntries } from './api-entries.ts';
import { root } from './build.ts';

/** A public declaration without a TSDoc comment. */
export interface MissingDoc {
  /** Path relative to the repository. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** Name of the declaration; members as `Type.member`. */
  readonly name: string;
}

/**
 * Lists what the public API lacks in documentation. A comment that a member inherits from the
 * interface or class it implements counts. Constructors need no comment of their own.
 *
 * @returns one entry per declaration, sorted by file and line.
 */
export function missingDocs(): readonly MissingDoc[] {
  const program = sourceProgram();
  const checker = program.getTypeChecker();
  const found = new Map<string, MissingDoc>();
  const report = (node: ts.Node, name: string): void => {
    const source = node.getSourceFile();
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    const file = relative(root, source.fileName);
    found.set(`${file}:${line}:${name}`, { file, line, name });
  };
  for (const { source } of apiEntries()) {
    for (const symbol of exportsOf(program, source)) {
      checkSymbol(symbol, { checker, report });
    }
  }
  return [...found.values()].sort((a, b) => order(a.file, b.file) || a.line - b.line);
}

interface Check {
  readonly checker: ts.TypeChecker;
  readonly report: (node: ts.Node, name: string) => void;
}

function order(a: string, b: string): number {
  return a.localeCompare(b, 'en');
}

function sourceProgram(): ts.Program {
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  };
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, {}, host);
  const entries = apiEntries().map(({ source }) => source);
  return ts.createProgram(entries, config?.options ?? {});
}

function exportsOf(program: ts.Program, file: string): readonly ts.Symbol[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) {
    throw new Error(`${relative(root, file)} is not a module`);
  }
  return checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    return isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  });
}

function isOwn(node: ts.Node): boolean {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(`${root}/`) && !fileName.includes('/node_modules/');
}

function checkSymbol(symbol: ts.Symbol, check: Check): void {
  const declarations = (symbol.declarations ?? []).filter(isOwn);
  const [first] = declarations;
  if (first === undefined || ts.isSourceFile(first)) {
    return;
  }
  const name = nameOf(first, symbol);
  if (!isDocumented(symbol, check.checker)) {
    check.report(first, name);
  }
  for (const declaration of declarations) {
    for (const member of membersOf(declaration)) {
      checkMember(member, name, check);
    }
  }
}

/** A default export has the symbol name `default`; the declaration knows better. */
function nameOf(declaration: ts.Declaration, symbol: ts.Symbol): string {
  const name = ts.getNameOfDeclaration(declaration);
  return name === undefined ? symbol.name : name.getText();
}

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  return symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags().length > 0;
}

type Member = ts.TypeElement | ts.ClassElement;

function checkMember(member: Member, owner: string, check: Check): void {
  if (!isPublicMember(member)) {
    return;
  }
  const name = `${owner}.${member.name?.getText() ?? '[index]'}`;
  if (ts.getJSDocCommentsAndTags(member).length > 0) {
    return;
  }
  const symbol = member.name && check.checker.getSymbolAtLocation(member.name);
  if (symbol === undefined || !isDocumented(symbol, check.checker)) {
    check.report(member, name);
  }
}

function isPublicMember(member: Member): boolean {
  if (ts.isConstructorDeclaration(member) || ts.isClassStaticBlockDeclaration(member)) {
    return false;
  }
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) {
    return false;
  }
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(member) & hidden) === 0;
}

function membersOf(declaration: ts.Declaration): readonly Member[] {
  if (ts.isInterfaceDeclaration(declaration)) {
    return declaration.members;
  }
  if (ts.isClassDeclaration(declaration)) {
    return declaration.members;
  }
  if (ts.isTypeAliasDeclaration(declaration)) {
    return literalMembers(declaration.type);
  }
  if (ts.isVariableDeclaration(declaration)) {
    return literalMembers(declaration.type);
  }
  return [];
}

/**
 * The members of object types that are written in place, also inside of a union, an intersection,
 * an array or parentheses. The discriminant of a union's variant (`type: 'x'`) explains itself.
 */
function literalMembers(node: ts.TypeNode | undefined): readonly Member[] {
  if (node === undefined) {
    return [];
  }
  if (ts.isTypeLiteralNode(node)) {
    return node.members.filter((member) => !isDiscriminant(member));
  }
  if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) {
    return node.types.flatMap(literalMembers);
  }
  if (ts.isParenthesizedTypeNode(node) || ts.isTypeOperatorNode(node)) {
    return literalMembers(node.type);
  }
  return ts.isArrayTypeNode(node) ? literalMembers(node.elementType) : [];
}

function isDiscriminant(member: ts.TypeElement): boolean {
  const isProperty = ts.isPropertySignature(member) && member.type !== undefined;
  return isProperty && ts.isLiteralTypeNode(member.type);
}
