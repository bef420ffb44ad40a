/** Objects, their fields, lists and maps of TypeScript as structural schemas. */
import { ts } from '@ts-morph/common';
import { openObjectSchema } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { applyTags } from './apply-tags.ts';
import { findDocComment } from './doc-comments.ts';
import type { DocComment } from './doc-comments.ts';
import type { TagName } from './doc-tags.ts';
import { withoutUndefined, isNullish, includesUndefined, makeNullable } from './nullable.ts';
import { refuseType } from './read-context.ts';
import type { LocatedType, RuleScope, TypeLocation, ReadContext } from './read-context.ts';

/** Depth at which a type counts as recursive: a generic type can nest without repeating itself. */
const MAX_DEPTH = 40;

/** Schema of an object type, including arrays. Types that JSON cannot represent are reported. */
export function objectSchema(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  if (checker.isArrayType(type) && !checker.isTupleType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference);
    return element === undefined
      ? { type: 'array' }
      : listSchema(context, { type: element, node: undefined, location });
  }
  const problem = objectProblem(context, type, location);
  if (problem !== undefined) {
    return refuseType(context, location, problem);
  }
  const fields = fieldsSchema(context, type, { ...location, stack: [...location.stack, type] });
  const declarations = type.getSymbol()?.declarations ?? [];
  const comment = declarations
    .map((declaration) => docCommentFor(context, declaration))
    .find(({ description, tags }) => description !== '' || tags.length > 0);
  const declaration = declarations.find((one) => ts.isInterfaceDeclaration(one));
  return comment === undefined || declaration === undefined
    ? fields
    : applyTags(context, fields, { comment, declaration }, location);
}

/** Why an object type cannot be in a CRD. Undefined when it can. */
function objectProblem(
  { program }: ReadContext,
  type: ts.Type,
  { stack }: TypeLocation,
): string | undefined {
  const { checker } = program;
  if (checker.isTupleType(type)) {
    return 'is a tuple, which a CRD cannot describe; use an object with named fields, or a list of one type';
  }
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) {
    return 'is a function, which cannot be in an object of Kubernetes; remove the field';
  }
  const symbol = type.getSymbol();
  const file = symbol?.declarations?.[0]?.getSourceFile();
  const isLibraryType =
    file !== undefined &&
    symbol?.name !== '__type' &&
    program.isLibrary(file) &&
    checker.getPropertiesOfType(type).some(isMethod);
  if (symbol !== undefined && isLibraryType) {
    return libraryTypeProblem(symbol.name);
  }
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Class) {
    return `is the class ${symbol.name}, but objects are plain JSON; use an interface`;
  }
  if (stack.includes(type) || stack.length > MAX_DEPTH) {
    return `is of the type ${checker.typeToString(type)}, which contains itself; a schema cannot be recursive: put @preserve on the field`;
  }
  return undefined;
}

/** Schema of the properties, or of the entries, of an object type. */
function fieldsSchema(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const properties = checker.getPropertiesOfType(type);
  const [index] = checker.getIndexInfosOfType(type);
  const problem = keyProblem(context, type);
  if (problem !== undefined) {
    return refuseType(context, location, problem);
  }
  const isOpen =
    index !== undefined && (index.type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0;
  if (index !== undefined && !isOpen) {
    return properties.length === 0
      ? indexSchema(context, index, location)
      : refuseType(
          context,
          location,
          'has both named fields and an index signature, which a CRD cannot describe; move the map into a field of its own',
        );
  }
  if (properties.length === 0) {
    return openObjectSchema();
  }
  const fields = properties.map((property) => readField(context, property, location));
  const required = fields.filter((field) => field.required).map(({ name }) => name);
  return {
    type: 'object',
    ...(isOpen && { 'x-kubernetes-preserve-unknown-fields': true }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
  };
}

/** Why the keys of a map cannot be in a CRD, whose maps have any keys. Undefined when they can. */
export function keyProblem({ program }: ReadContext, type: ts.Type): string | undefined {
  const special = program.checker
    .getIndexInfosOfType(type)
    .find(({ keyType }) => !(keyType.flags & (ts.TypeFlags.String | ts.TypeFlags.Number)));
  return special === undefined
    ? undefined
    : `has keys of the type ${program.checker.typeToString(special.keyType)}, which a CRD cannot check; use keys of the type string, with a @rule`;
}

function indexSchema(
  context: ReadContext,
  { type, declaration }: ts.IndexInfo,
  location: TypeLocation,
): StructuralSchema {
  const written =
    declaration !== undefined && ts.isIndexSignatureDeclaration(declaration)
      ? declaration.type
      : undefined;
  return mapSchema(context, { type, node: typeNodeFor(context, type, written), location });
}

/** A field of an object schema. */
export interface SchemaField {
  readonly name: string;
  readonly schema: StructuralSchema;
  /** Whether users must write the field: it is not optional and has no default. */
  readonly required: boolean;
}

/**
 * Reads a property of an object type.
 * @param optionalHere whether the field may be absent although its type does not say so, because
 * only some shapes of a union have it. Default: false.
 */
export function readField(
  context: ReadContext,
  property: ts.Symbol,
  location: TypeLocation,
  optionalHere = false,
): SchemaField {
  const { checker } = context.program;
  const { name } = property;
  const declaration = property.valueDeclaration ?? property.declarations?.[0];
  const type = checker.getTypeOfSymbolAtLocation(property, declaration ?? location.node);
  const isOptional =
    optionalHere || (property.flags & ts.SymbolFlags.Optional) !== 0 || includesUndefined(type);
  const comment = declaration === undefined ? undefined : docCommentFor(context, declaration);
  const has = (tag: TagName): boolean => comment?.tags.some((one) => one.name === tag) ?? false;
  const isOwn =
    declaration !== undefined && !context.program.isForeign(declaration.getSourceFile());
  const inner: TypeLocation = {
    ...location,
    path: `${location.path}.${name}`,
    node: isOwn ? declaration : location.node,
    steps: [...location.steps, { name, optional: isOptional && !has('default') }],
    ...(comment !== undefined && { list: listTags(comment) }),
  };
  const node = typeNodeFor(context, type, writtenType(declaration));
  const plain = has('preserve')
    ? preservedSchema(context, type)
    : context.describe(context, withoutUndefined(type), node, inner);
  const schema =
    comment === undefined || declaration === undefined
      ? plain
      : applyTags(context, plain, { comment, declaration }, inner);
  return { name, schema, required: !isOptional && schema.default === undefined };
}

function writtenType(declaration: ts.Declaration | undefined): ts.TypeNode | undefined {
  return declaration !== undefined &&
    (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration))
    ? declaration.type
    : undefined;
}

/**
 * The type as it is written, if it still describes the actual type. In a generic type it does not,
 * once the type parameters are replaced.
 */
function typeNodeFor(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode | undefined,
): ts.TypeNode | undefined {
  if (node === undefined) {
    return undefined;
  }
  const written = definedMembers(context.program.checker.getTypeFromTypeNode(node));
  const actual = definedMembers(type);
  return written.length === actual.length && written.every((member) => actual.includes(member))
    ? node
    : undefined;
}

/** Members of a union without undefined. The type itself when it is not a union. */
function definedMembers(type: ts.Type): readonly ts.Type[] {
  const members = type.isUnion() ? type.types : [type];
  return members.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
}

/**
 * The tags that change how the items of a list or the entries of a map are read.
 * @param before tags of an alias that refers to the type
 */
export function listTags(
  { tags }: DocComment,
  before?: TypeLocation['list'],
): NonNullable<TypeLocation['list']> {
  const has = (...names: readonly TagName[]): boolean =>
    tags.some(({ name }) => names.includes(name));
  return {
    keyed: has('keyedBy') || before?.keyed === true,
    bounded: has('maxItems', 'maxProperties') || before?.bounded === true,
  };
}

/** Schema of a list. @param element type of the items */
export function listSchema(context: ReadContext, element: LocatedType): StructuralSchema {
  const isKeyed = element.location.list?.keyed === true;
  return {
    type: 'array',
    items: itemSchema(context, element, isKeyed ? 'item' : 'uncorrelated', '[]'),
  };
}

/** Schema of a map. @param value type of the entries */
export function mapSchema(context: ReadContext, value: LocatedType): StructuralSchema {
  if (value.type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) {
    return openObjectSchema();
  }
  return { type: 'object', additionalProperties: itemSchema(context, value, 'item', '{}') };
}

/**
 * Schema of an item of a list, or of an entry of a map. Rules about changes inside of the item are
 * placed at the item.
 * @param suffix end of the path in messages
 */
function itemSchema(
  context: ReadContext,
  { type, node, location }: LocatedType,
  scopeType: 'item' | 'uncorrelated',
  suffix: string,
): StructuralSchema {
  const { list, scope: parent, ...rest } = location;
  const scope: RuleScope = {
    root: parent.root,
    type: parent.type === 'uncorrelated' ? 'uncorrelated' : scopeType,
    bounded: parent.bounded && list?.bounded === true,
    rules: [],
  };
  const path = `${location.path}${suffix}`;
  const inner: TypeLocation = { ...rest, path, scope, steps: [] };
  const schema = context.describe(context, withoutUndefined(type), node, inner);
  if (scope.rules.length === 0) {
    return schema;
  }
  return {
    ...schema,
    'x-kubernetes-validations': [...(schema['x-kubernetes-validations'] ?? []), ...scope.rules],
  };
}

/**
 * Schema of a field with @preserve: the type is for workers, and the API server keeps all values.
 * Only being a list or an object remains in the schema.
 */
export function preservedSchema(context: ReadContext, type: ts.Type): StructuralSchema {
  const all = type.isUnion() ? type.types : [type];
  const members = all.filter((member) => !isNullish(member));
  const nullable = type.isUnion() && all.some(({ flags }) => flags & ts.TypeFlags.Null);
  if (members.every((member) => context.program.checker.isArrayType(member))) {
    return makeNullable(
      { type: 'array', items: { 'x-kubernetes-preserve-unknown-fields': true } },
      nullable,
    );
  }
  const objectFlags = ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.NonPrimitive;
  return members.every(({ flags }) => flags & objectFlags)
    ? makeNullable(openObjectSchema(), nullable)
    : { 'x-kubernetes-preserve-unknown-fields': true };
}

/**
 * The doc comment of a declaration. Comments of other packages are ignored: their descriptions
 * would make the CRD large, and their tags have other meanings. Tags of autopilot-runtime count.
 */
export function docCommentFor(context: ReadContext, declaration: ts.Node): DocComment {
  const comment = findDocComment(declaration);
  const file = declaration.getSourceFile();
  if (!context.program.isForeign(file)) {
    return comment;
  }
  const isRuntimeType = file.fileName.includes('autopilot-runtime');
  return { description: '', tags: isRuntimeType ? comment.tags : [], unknown: [] };
}

function libraryTypeProblem(name: string): string {
  if (name === 'Date') {
    return 'is a Date, but objects are plain JSON, where a time is a string; use Timestamp from autopilot-runtime and new Date(…) in the worker';
  }
  if (name.includes('Map')) {
    return `is a ${name}, but objects are plain JSON; use Record<string, …>`;
  }
  if (name.includes('Set')) {
    return `is a ${name}, but objects are plain JSON; use a list with @set`;
  }
  return `is a ${name}, but objects are plain JSON; use an interface with the fields that you need`;
}

function isMethod(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Method) !== 0;
}
