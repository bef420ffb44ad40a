/**
 * TypeScript types as structural schemas. A type that no structural schema can describe is reported
 * with its place and an alternative.
 */
import { ts } from '@ts-morph/common';
import { openObjectSchema } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { applyTags } from './apply-tags.ts';
import { withoutUndefined, isNullish, makeNullable } from './nullable.ts';
import { refuseType } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';
import {
  docCommentFor,
  keyProblem,
  listSchema,
  listTags,
  mapSchema,
  objectSchema,
  preservedSchema,
} from './read-object.ts';
import { unionSchema } from './read-union.ts';
import { stringPattern, unknownFormProblem } from './string-forms.ts';
import { findLostTags } from './lost-tags.ts';
import { BRAND, runtimeTypes } from './runtime-types.ts';

/**
 * Schema of a type.
 * @param node the type as it is written, if known. The names of aliases are only there.
 */
export function typeSchema(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode | undefined,
  location: TypeLocation,
): StructuralSchema {
  const lost = node === undefined ? undefined : findLostTags(context, node);
  if (lost !== undefined) {
    return refuseType(context, location, lost);
  }
  const written = node === undefined ? undefined : schemaFromNode(context, type, node, location);
  if (written !== undefined) {
    return written;
  }
  const brand = findBrand(context, type);
  if (brand !== undefined) {
    return makeNullable(structuredClone(runtimeTypes[brand.name]?.schema ?? {}), brand.nullable);
  }
  return schemaFromType(context, type, location);
}

/** @returns undefined when the type itself says everything */
function schemaFromNode(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode,
  location: TypeLocation,
): StructuralSchema | undefined {
  const isReadonly = ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword;
  if (ts.isParenthesizedTypeNode(node) || isReadonly) {
    return typeSchema(context, type, node.type, location);
  }
  if (ts.isArrayTypeNode(node)) {
    return listFromNode(context, node.elementType, location);
  }
  if (ts.isUnionTypeNode(node)) {
    return nullableFromNode(context, node, location);
  }
  return ts.isTypeReferenceNode(node)
    ? schemaFromReference(context, type, node, location)
    : undefined;
}

function listFromNode(
  context: ReadContext,
  node: ts.TypeNode,
  location: TypeLocation,
): StructuralSchema {
  const type = context.program.checker.getTypeFromTypeNode(node);
  return listSchema(context, { type, node, location });
}

/** Schema of a union of one type with null or undefined. Undefined for other unions. */
function nullableFromNode(
  context: ReadContext,
  node: ts.UnionTypeNode,
  location: TypeLocation,
): StructuralSchema | undefined {
  const { checker } = context.program;
  const members = node.types.map((member) => ({
    node: member,
    type: checker.getTypeFromTypeNode(member),
  }));
  const [only, ...others] = members.filter(({ type }) => !isNullish(type));
  if (only === undefined || others.length > 0) {
    return undefined;
  }
  const nullable = members.some(({ type }) => (type.flags & ts.TypeFlags.Null) !== 0);
  return makeNullable(typeSchema(context, only.type, only.node, location), nullable);
}

/** Schema of a named type: a generic type of the library, or an alias with its comment. */
function schemaFromReference(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeReferenceNode,
  location: TypeLocation,
): StructuralSchema | undefined {
  const { checker } = context.program;
  const symbol = resolveAliasSymbol(checker, checker.getSymbolAtLocation(node.typeName));
  const declaration = symbol?.declarations?.[0];
  if (declaration === undefined) {
    return undefined;
  }
  if (context.program.isLibrary(declaration.getSourceFile())) {
    return schemaFromLibraryType(context, type, node, location);
  }
  const isPlainAlias =
    ts.isTypeAliasDeclaration(declaration) && declaration.typeParameters === undefined;
  if (!isPlainAlias || findBrand(context, type) !== undefined) {
    return undefined;
  }
  const comment = docCommentFor(context, declaration);
  const schema = comment.tags.some(({ name }) => name === 'preserve')
    ? preservedSchema(context, type)
    : typeSchema(context, type, declaration.type, {
        ...location,
        list: listTags(comment, location.list),
      });
  return applyTags(context, schema, { comment, declaration }, location);
}

/** Schema of `Readonly`, `Array`, `ReadonlyArray` and `Record`. Undefined for other types. */
function schemaFromLibraryType(
  context: ReadContext,
  type: ts.Type,
  { typeName, typeArguments }: ts.TypeReferenceNode,
  location: TypeLocation,
): StructuralSchema | undefined {
  const { checker } = context.program;
  const name = resolveAliasSymbol(checker, checker.getSymbolAtLocation(typeName))?.name;
  const [first, second] = typeArguments ?? [];
  if (name === 'Readonly' && first !== undefined) {
    return typeSchema(context, type, first, location);
  }
  if ((name === 'Array' || name === 'ReadonlyArray') && first !== undefined) {
    return listFromNode(context, first, location);
  }
  const isMap =
    checker.getIndexInfosOfType(type).length > 0 && checker.getPropertiesOfType(type).length === 0;
  if (name === 'Record' && second !== undefined && isMap) {
    const problem = keyProblem(context, type);
    if (problem !== undefined) {
      return refuseType(context, location, problem);
    }
    const value = checker.getTypeFromTypeNode(second);
    return mapSchema(context, { type: value, node: second, location });
  }
  return undefined;
}

function schemaFromType(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const scalar = scalarSchema(context, type);
  if (scalar !== undefined) {
    return scalar;
  }
  if (type.isUnion()) {
    return schemaFromUnion(context, type, location);
  }
  const problem = typeProblem(context, type);
  if (problem !== undefined) {
    return refuseType(context, location, problem);
  }
  if (type.isIntersection()) {
    return schemaFromIntersection(context, type, location);
  }
  if (type.flags & ts.TypeFlags.Object) {
    return objectSchema(context, type, location);
  }
  const name = context.program.checker.typeToString(type);
  return refuseType(
    context,
    location,
    `is of the type ${name}, which depends on other types in a way that a CRD cannot describe; write the type out`,
  );
}

/** Schema of a type that is not made of other types. Undefined for other types. */
function scalarSchema({ program }: ReadContext, type: ts.Type): StructuralSchema | undefined {
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) {
    return isErrorType(type) ? undefined : { 'x-kubernetes-preserve-unknown-fields': true };
  }
  if (flags & ts.TypeFlags.NonPrimitive) {
    return openObjectSchema();
  }
  if (type.isStringLiteral()) {
    return { type: 'string', enum: [type.value] };
  }
  if (type.isNumberLiteral()) {
    return { type: Number.isInteger(type.value) ? 'integer' : 'number', enum: [type.value] };
  }
  if (flags & ts.TypeFlags.BooleanLiteral) {
    return { type: 'boolean', enum: [program.checker.typeToString(type) === 'true'] };
  }
  if (type.isUnion()) {
    return undefined;
  }
  if (flags & ts.TypeFlags.TemplateLiteral) {
    const pattern = stringPattern(type);
    return pattern === undefined ? undefined : { type: 'string', pattern: `^${pattern}$` };
  }
  if (flags & ts.TypeFlags.StringLike && !(flags & ts.TypeFlags.StringMapping)) {
    return { type: 'string' };
  }
  if (flags & ts.TypeFlags.NumberLike) {
    return { type: 'number' };
  }
  return flags & ts.TypeFlags.BooleanLike ? { type: 'boolean' } : undefined;
}

/** Whether the compiler could not resolve the type. */
function isErrorType(type: ts.Type): boolean {
  const { intrinsicName } = type as { intrinsicName?: string };
  return (type.flags & ts.TypeFlags.Any) !== 0 && intrinsicName === 'error';
}

/** Why a type cannot be in a CRD. Undefined when it can. */
function typeProblem({ program }: ReadContext, type: ts.Type): string | undefined {
  const { flags } = type;
  const name = program.checker.typeToString(type);
  if (isErrorType(type)) {
    return 'has a type that cannot be resolved';
  }
  if (flags & ts.TypeFlags.BigIntLike) {
    return 'is a bigint, which JSON does not have; use Int64 from autopilot-runtime';
  }
  if (flags & ts.TypeFlags.ESSymbolLike) {
    return 'is a symbol, which JSON does not have; use a string';
  }
  const empty = ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never | ts.TypeFlags.Null;
  if (flags & empty) {
    return `is of the type ${name}, which has no value in JSON; remove the field`;
  }
  if (flags & (ts.TypeFlags.TemplateLiteral | ts.TypeFlags.StringMapping)) {
    return unknownFormProblem(name);
  }
  if (flags & ts.TypeFlags.TypeParameter) {
    return `is of the type ${name}, a type parameter without a value; write the actual type`;
  }
  return undefined;
}

function schemaFromUnion(
  context: ReadContext,
  { types }: ts.UnionType,
  location: TypeLocation,
): StructuralSchema {
  const members = types.filter((member) => !isNullish(member));
  const nullable = types.some((member) => member.flags & ts.TypeFlags.Null);
  const [only, ...others] = members;
  const schema =
    only !== undefined && others.length === 0
      ? typeSchema(context, only, undefined, location)
      : unionSchema(context, members, location);
  return makeNullable(schema, nullable);
}

/** A scalar with a brand is read as the scalar. Other intersections are objects. */
function schemaFromIntersection(
  context: ReadContext,
  type: ts.IntersectionType,
  location: TypeLocation,
): StructuralSchema {
  const scalarFlags = ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike;
  const scalar = type.types.find(({ flags }) => flags & scalarFlags);
  return scalar === undefined
    ? objectSchema(context, type, location)
    : typeSchema(context, scalar, undefined, location);
}

/** The type of autopilot-runtime that a type is, possibly in a union with null. */
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

function brandName({ program }: ReadContext, type: ts.Type): string | undefined {
  const brand = type.isIntersection() ? program.checker.getPropertyOfType(type, BRAND) : undefined;
  if (brand === undefined) {
    return undefined;
  }
  const value = withoutUndefined(program.checker.getTypeOfSymbol(brand));
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
