/**
 * TypeScript types -> structural schema. What cannot be structural is reported with its place and
 * the way out.
 */
import { ts } from '@ts-morph/common';
import { applyTags } from './apply-tags.ts';
import { withoutUndefined, escapeRegExp, isNullish, makeNullable } from './nullable.ts';
import {
  docCommentFor,
  listSchema,
  listTags,
  mapSchema,
  objectSchema,
  preservedSchema,
} from './read-object.ts';
import { BRAND, runtimeTypes } from './runtime-types.ts';
import { openObjectSchema } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { unionSchema } from './read-union.ts';
import { reportProblem } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';

/**
 * @param node how the type is written where it is used: names of aliases, which types themselves do
 * not keep
 */
export function typeSchema(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode | undefined,
  location: TypeLocation,
): StructuralSchema {
  if (node !== undefined) {
    const written = schemaFromNode(context, type, node, location);
    if (written !== undefined) {
      return written;
    }
  }
  const brand = findBrand(context, type);
  if (brand !== undefined) {
    return makeNullable(structuredClone(runtimeTypes[brand.name]?.schema ?? {}), brand.nullable);
  }
  return schemaFromType(context, type, location);
}

function schemaFromNode(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode,
  location: TypeLocation,
): StructuralSchema | undefined {
  const { checker } = context.program;
  if (ts.isParenthesizedTypeNode(node)) {
    return typeSchema(context, type, node.type, location);
  }
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword) {
    return typeSchema(context, type, node.type, location);
  }
  if (ts.isArrayTypeNode(node)) {
    return listSchema(
      context,
      checker.getTypeFromTypeNode(node.elementType),
      node.elementType,
      location,
    );
  }
  if (ts.isUnionTypeNode(node)) {
    const some = node.types.filter((member) => !isNullish(checker.getTypeFromTypeNode(member)));
    const [only] = some;
    if (some.length !== 1 || only === undefined) {
      return undefined;
    }
    const nullable = node.types.some(
      (member) => (checker.getTypeFromTypeNode(member).flags & ts.TypeFlags.Null) !== 0,
    );
    return makeNullable(
      typeSchema(context, checker.getTypeFromTypeNode(only), only, location),
      nullable,
    );
  }
  if (!ts.isTypeReferenceNode(node)) {
    return undefined;
  }
  const symbol = resolveAliasSymbol(checker, checker.getSymbolAtLocation(node.typeName));
  const [first, second] = node.typeArguments ?? [];
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) {
    return undefined;
  }
  if (context.program.isLibrary(declaration.getSourceFile())) {
    if (symbol.name === 'Readonly' && first !== undefined) {
      return typeSchema(context, type, first, location);
    }
    if ((symbol.name === 'Array' || symbol.name === 'ReadonlyArray') && first !== undefined) {
      return listSchema(context, checker.getTypeFromTypeNode(first), first, location);
    }
    if (
      symbol.name === 'Record' &&
      second !== undefined &&
      checker.getIndexInfosOfType(type).length > 0 &&
      checker.getPropertiesOfType(type).length === 0
    ) {
      return mapSchema(context, checker.getTypeFromTypeNode(second), second, location);
    }
    return undefined;
  }
  if (
    !ts.isTypeAliasDeclaration(declaration) ||
    declaration.typeParameters !== undefined ||
    findBrand(context, type) !== undefined
  ) {
    return undefined;
  }
  const comment = docCommentFor(context, declaration);
  const inner = comment.tags.some(({ name }) => name === 'preserve')
    ? preservedSchema(context, type)
    : typeSchema(context, type, declaration.type, {
        ...location,
        list: listTags(comment, location.list),
      });
  return applyTags(context, inner, comment, location, declaration);
}

function schemaFromType(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const { flags } = type;
  const stop = (message: string): StructuralSchema => (
    reportProblem(context, location, message),
    {}
  );
  if (flags & ts.TypeFlags.Any && (type as { intrinsicName?: string }).intrinsicName === 'error') {
    return stop('has a type that cannot be resolved');
  }
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) {
    return { 'x-kubernetes-preserve-unknown-fields': true };
  }
  if (flags & ts.TypeFlags.NonPrimitive) {
    return openObjectSchema();
  }
  if (type.isUnion()) {
    const members = type.types.filter((member) => !isNullish(member));
    const nullable = type.types.some((member) => member.flags & ts.TypeFlags.Null);
    const [only] = members;
    return makeNullable(
      members.length === 1 && only !== undefined
        ? typeSchema(context, only, undefined, location)
        : unionSchema(context, members, location),
      nullable,
    );
  }
  if (type.isStringLiteral()) {
    return { type: 'string', enum: [type.value] };
  }
  if (type.isNumberLiteral()) {
    return { type: Number.isInteger(type.value) ? 'integer' : 'number', enum: [type.value] };
  }
  if (flags & ts.TypeFlags.BooleanLiteral) {
    return { type: 'boolean', enum: [checker.typeToString(type) === 'true'] };
  }
  if (flags & ts.TypeFlags.TemplateLiteral) {
    return { type: 'string', pattern: templatePattern(type as ts.TemplateLiteralType) };
  }
  if (flags & ts.TypeFlags.StringLike) {
    return { type: 'string' };
  }
  if (flags & ts.TypeFlags.NumberLike) {
    return { type: 'number' };
  }
  if (flags & ts.TypeFlags.BooleanLike) {
    return { type: 'boolean' };
  }
  if (flags & ts.TypeFlags.BigIntLike) {
    return stop('is a bigint, which JSON does not have; use Int64 from autopilot-runtime');
  }
  if (flags & ts.TypeFlags.ESSymbolLike) {
    return stop('is a symbol, which JSON does not have; use a text');
  }
  if (
    flags &
    (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never | ts.TypeFlags.Null)
  ) {
    return stop(
      `is of the type ${checker.typeToString(type)}, of which there is no value in JSON; leave the field out`,
    );
  }
  if (flags & ts.TypeFlags.TypeParameter) {
    return stop(
      `is of the type ${checker.typeToString(type)}, a type parameter that nothing has been filled in for; say the type that is meant`,
    );
  }
  if (type.isIntersection()) {
    const plain = type.types.find(
      (member) =>
        member.flags &
        (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike),
    );
    return plain === undefined
      ? objectSchema(context, type, location)
      : typeSchema(context, plain, undefined, location);
  }
  if (flags & ts.TypeFlags.Object) {
    return objectSchema(context, type, location);
  }
  return stop(
    `is of the type ${checker.typeToString(type)}, which depends on other types in a way that a CRD cannot describe; write the type out`,
  );
}

/** One of the types of autopilot-runtime, possibly beside null. */
function findBrand(
  context: ReadContext,
  type: ts.Type,
): { readonly name: string; readonly nullable: boolean } | undefined {
  const all = type.isUnion() ? type.types : [type];
  const names = all
    .filter((member) => !isNullish(member))
    .map((member) => brandName(context, member));
  const [name] = names;
  if (name === undefined || names.some((other) => other !== name)) {
    return undefined;
  }
  return { name, nullable: all.some((member) => member.flags & ts.TypeFlags.Null) };
}

function brandName(context: ReadContext, type: ts.Type): string | undefined {
  if (!type.isIntersection()) {
    return undefined;
  }
  const brand = context.program.checker.getPropertyOfType(type, BRAND);
  if (brand === undefined) {
    return undefined;
  }
  const value = withoutUndefined(context.program.checker.getTypeOfSymbol(brand));
  return value.isStringLiteral() && Object.hasOwn(runtimeTypes, value.value)
    ? value.value
    : undefined;
}

function resolveAliasSymbol(
  checker: ts.TypeChecker,
  symbol: ts.Symbol | undefined,
): ts.Symbol | undefined {
  return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias
    ? checker.getAliasedSymbol(symbol)
    : symbol;
}

/** `${number}s` is a text of digits and an s. */
function templatePattern({ texts, types }: ts.TemplateLiteralType): string {
  const part = (type: ts.Type): string => {
    if (type.flags & ts.TypeFlags.NumberLike) {
      return '-?[0-9]+(\\.[0-9]+)?';
    }
    if (type.isUnion() && type.types.every((member) => member.isStringLiteral())) {
      return `(${type.types.map((member) => escapeRegExp((member as ts.StringLiteralType).value)).join('|')})`;
    }
    return '.*';
  };
  return `^${texts.map((text, index) => `${escapeRegExp(text)}${types[index] === undefined ? '' : part(types[index])}`).join('')}$`;
}
