/** TypeScript types -> structural schema. What cannot be structural is reported with its place and the way out. */
import { ts } from '@ts-morph/common';
import { applyTags } from './facets.ts';
import { defined, escaped, isNullish, withNull } from './nullish.ts';
import { commentFor, listOf, listTags, mapOf, objectOf, preserved } from './objects.ts';
import { BRAND, runtimeTypes } from './runtime-types.ts';
import { openObject } from './schema.ts';
import type { Schema } from './schema.ts';
import { unionOf } from './unions.ts';
import { report } from './walk.ts';
import type { Place, Walk } from './walk.ts';

/** @param node how the type is written where it is used: names of aliases, which types themselves do not keep */
export function schemaOf(walk: Walk, type: ts.Type, node: ts.TypeNode | undefined, place: Place): Schema {
  if (node !== undefined) {
    const written = fromNode(walk, type, node, place);
    if (written !== undefined) return written;
  }
  const brand = brandOf(walk, type);
  if (brand !== undefined) return withNull(structuredClone(runtimeTypes[brand.name]?.schema ?? {}), brand.nullable);
  return fromType(walk, type, place);
}

function fromNode(walk: Walk, type: ts.Type, node: ts.TypeNode, place: Place): Schema | undefined {
  const { checker } = walk.program;
  if (ts.isParenthesizedTypeNode(node)) return schemaOf(walk, type, node.type, place);
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword) return schemaOf(walk, type, node.type, place);
  if (ts.isArrayTypeNode(node)) return listOf(walk, checker.getTypeFromTypeNode(node.elementType), node.elementType, place);
  if (ts.isUnionTypeNode(node)) {
    const some = node.types.filter((member) => !isNullish(checker.getTypeFromTypeNode(member)));
    const [only] = some;
    if (some.length !== 1 || only === undefined) return undefined;
    const nullable = node.types.some((member) => (checker.getTypeFromTypeNode(member).flags & ts.TypeFlags.Null) !== 0);
    return withNull(schemaOf(walk, checker.getTypeFromTypeNode(only), only, place), nullable);
  }
  if (!ts.isTypeReferenceNode(node)) return undefined;
  const symbol = resolved(checker, checker.getSymbolAtLocation(node.typeName));
  const [first, second] = node.typeArguments ?? [];
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) return undefined;
  if (walk.program.isLibrary(declaration.getSourceFile())) {
    if (symbol.name === 'Readonly' && first !== undefined) return schemaOf(walk, type, first, place);
    if ((symbol.name === 'Array' || symbol.name === 'ReadonlyArray') && first !== undefined)
      return listOf(walk, checker.getTypeFromTypeNode(first), first, place);
    if (symbol.name === 'Record' && second !== undefined && checker.getIndexInfosOfType(type).length > 0 && checker.getPropertiesOfType(type).length === 0)
      return mapOf(walk, checker.getTypeFromTypeNode(second), second, place);
    return undefined;
  }
  if (!ts.isTypeAliasDeclaration(declaration) || declaration.typeParameters !== undefined || brandOf(walk, type) !== undefined) return undefined;
  const comment = commentFor(walk, declaration);
  const inner = comment.tags.some(({ name }) => name === 'preserve')
    ? preserved(walk, type)
    : schemaOf(walk, type, declaration.type, { ...place, list: listTags(comment, place.list) });
  return applyTags(walk, inner, comment, place, declaration);
}

function fromType(walk: Walk, type: ts.Type, place: Place): Schema {
  const { checker } = walk.program;
  const { flags } = type;
  const stop = (message: string): Schema => (report(walk, place, message), {});
  if (flags & ts.TypeFlags.Any && (type as { intrinsicName?: string }).intrinsicName === 'error') return stop('has a type that cannot be resolved');
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return { 'x-kubernetes-preserve-unknown-fields': true };
  if (flags & ts.TypeFlags.NonPrimitive) return openObject();
  if (type.isUnion()) {
    const members = type.types.filter((member) => !isNullish(member));
    const nullable = type.types.some((member) => member.flags & ts.TypeFlags.Null);
    const [only] = members;
    return withNull(members.length === 1 && only !== undefined ? schemaOf(walk, only, undefined, place) : unionOf(walk, members, place), nullable);
  }
  if (type.isStringLiteral()) return { type: 'string', enum: [type.value] };
  if (type.isNumberLiteral()) return { type: Number.isInteger(type.value) ? 'integer' : 'number', enum: [type.value] };
  if (flags & ts.TypeFlags.BooleanLiteral) return { type: 'boolean', enum: [checker.typeToString(type) === 'true'] };
  if (flags & ts.TypeFlags.TemplateLiteral) return { type: 'string', pattern: templatePattern(type as ts.TemplateLiteralType) };
  if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
  if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
  if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
  if (flags & ts.TypeFlags.BigIntLike) return stop('is a bigint, which JSON does not have; use Int64 from autopilot-runtime');
  if (flags & ts.TypeFlags.ESSymbolLike) return stop('is a symbol, which JSON does not have; use a text');
  if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never | ts.TypeFlags.Null))
    return stop(`is of the type ${checker.typeToString(type)}, of which there is no value in JSON; leave the field out`);
  if (flags & ts.TypeFlags.TypeParameter)
    return stop(`is of the type ${checker.typeToString(type)}, a type parameter that nothing has been filled in for; say the type that is meant`);
  if (type.isIntersection()) {
    const plain = type.types.find((member) => member.flags & (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike));
    return plain === undefined ? objectOf(walk, type, place) : schemaOf(walk, plain, undefined, place);
  }
  if (flags & ts.TypeFlags.Object) return objectOf(walk, type, place);
  return stop(`is of the type ${checker.typeToString(type)}, which depends on other types in a way that a CRD cannot describe; write the type out`);
}

/** One of the types of autopilot-runtime, possibly beside null. */
function brandOf(walk: Walk, type: ts.Type): { readonly name: string; readonly nullable: boolean } | undefined {
  const all = type.isUnion() ? type.types : [type];
  const names = all.filter((member) => !isNullish(member)).map((member) => brandName(walk, member));
  const [name] = names;
  if (name === undefined || names.some((other) => other !== name)) return undefined;
  return { name, nullable: all.some((member) => member.flags & ts.TypeFlags.Null) };
}

function brandName(walk: Walk, type: ts.Type): string | undefined {
  if (!type.isIntersection()) return undefined;
  const brand = walk.program.checker.getPropertyOfType(type, BRAND);
  if (brand === undefined) return undefined;
  const value = defined(walk.program.checker.getTypeOfSymbol(brand));
  return value.isStringLiteral() && Object.hasOwn(runtimeTypes, value.value) ? value.value : undefined;
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol | undefined): ts.Symbol | undefined {
  return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** `${number}s` is a text of digits and an s. */
function templatePattern({ texts, types }: ts.TemplateLiteralType): string {
  const part = (type: ts.Type): string => {
    if (type.flags & ts.TypeFlags.NumberLike) return '-?[0-9]+(\\.[0-9]+)?';
    if (type.isUnion() && type.types.every((member) => member.isStringLiteral()))
      return `(${type.types.map((member) => escaped((member as ts.StringLiteralType).value)).join('|')})`;
    return '.*';
  };
  return `^${texts.map((text, index) => `${escaped(text)}${types[index] === undefined ? '' : part(types[index])}`).join('')}$`;
}
