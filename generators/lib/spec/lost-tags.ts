/** Tags of type aliases that a type loses: the compiler replaces an alias by its scalar. */
import { ts } from '@ts-morph/common';
import type { ReadContext } from './read-context.ts';
import { docCommentFor } from './read-object.ts';

/** Tags of an alias that do not limit its values. */
const HARMLESS_TAGS = ['deprecated', 'column', 'wideColumn'];

/** Types of the library of which the arguments are read as they are written. */
const READ_AS_WRITTEN = ['Array', 'ReadonlyArray', 'Readonly', 'Record'];

/**
 * Looks for an alias with tags in a union, and in the arguments of a generic type.
 *
 * @returns a problem that names the alias. Undefined when no tags are lost.
 */
export function findLostTags(context: ReadContext, node: ts.TypeNode): string | undefined {
  const alias = losingParts(node)
    .map((part) => taggedAlias(context, part))
    .find((found) => found !== undefined);
  return (
    alias &&
    `uses ${alias.name}, whose tags (@${alias.tag}) are lost in this type; put the tags on the field`
  );
}

function losingParts(node: ts.TypeNode): readonly ts.TypeNode[] {
  if (ts.isUnionTypeNode(node)) {
    const members = node.types.filter((member) => !isNullish(member));
    return members.length > 1 ? members : [];
  }
  const isGeneric = ts.isTypeReferenceNode(node) && node.typeArguments !== undefined;
  return isGeneric && !READ_AS_WRITTEN.includes(node.typeName.getText())
    ? [...(node.typeArguments ?? [])]
    : [];
}

function isNullish(node: ts.TypeNode): boolean {
  const isNull = ts.isLiteralTypeNode(node) && node.literal.kind === ts.SyntaxKind.NullKeyword;
  return isNull || node.kind === ts.SyntaxKind.UndefinedKeyword;
}

/** The alias of a scalar that a node refers to, with one of its tags. */
function taggedAlias(
  context: ReadContext,
  node: ts.TypeNode,
): { readonly name: string; readonly tag: string } | undefined {
  if (!ts.isTypeReferenceNode(node) || node.typeArguments !== undefined) {
    return undefined;
  }
  const { checker } = context.program;
  const found = checker.getSymbolAtLocation(node.typeName);
  const symbol =
    found && found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
  const declaration = symbol?.declarations?.find((one) => ts.isTypeAliasDeclaration(one));
  if (declaration === undefined) {
    return undefined;
  }
  const { flags } = checker.getTypeFromTypeNode(node);
  const scalar = ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike;
  const { tags } = docCommentFor(context, declaration);
  const tag = tags.find(({ name }) => !HARMLESS_TAGS.includes(name));
  return flags & scalar && tag !== undefined
    ? { name: node.typeName.getText(), tag: tag.name }
    : undefined;
}
