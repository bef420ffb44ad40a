/** Objects, their fields, lists and maps -> structural schema. */
import { ts } from '@ts-morph/common';
import { findDocComment } from './doc-comments.ts';
import type { DocComment } from './doc-comments.ts';
import { applyTags } from './apply-tags.ts';
import { openObjectSchema } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import type { TagName } from './doc-tags.ts';
import { withoutUndefined, isNullish, includesUndefined, makeNullable } from './nullable.ts';
import { reportProblem } from './read-context.ts';
import type { RuleScope, TypeLocation, ReadContext } from './read-context.ts';

const MAX_DEPTH = 40;

export function objectSchema(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const stop = (message: string): StructuralSchema => (
    reportProblem(context, location, message),
    {}
  );
  if (checker.isTupleType(type)) {
    return stop(
      'is a tuple, which a CRD cannot describe; use an object with named fields, or a list of one type',
    );
  }
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference);
    return element === undefined
      ? { type: 'array' }
      : listSchema(context, element, undefined, location);
  }
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) {
    return stop(
      'is a function, which cannot be in an object of Kubernetes; leave it out of the interface',
    );
  }
  const symbol = type.getSymbol();
  const file = symbol?.declarations?.[0]?.getSourceFile();
  if (
    symbol !== undefined &&
    file !== undefined &&
    symbol.name !== '__type' &&
    context.program.isLibrary(file) &&
    checker.getPropertiesOfType(type).some(isMethod)
  ) {
    return stop(libraryTypeProblem(symbol.name));
  }
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Class) {
    return stop(`is the class ${symbol.name}, but objects come as plain JSON; use an interface`);
  }
  if (location.stack.includes(type) || location.stack.length > MAX_DEPTH) {
    return stop(
      `is of the type ${checker.typeToString(type)}, which contains itself; a schema cannot follow it: put @preserve on the field`,
    );
  }
  const comment = symbol?.declarations
    ?.map((declaration) => docCommentFor(context, declaration))
    .find((one) => one.description !== '' || one.tags.length > 0);
  const declared = interfaceDeclarationOf(symbol);
  const inner = fieldsSchema(context, type, { ...location, stack: [...location.stack, type] });
  return comment === undefined || declared === undefined
    ? inner
    : applyTags(context, inner, comment, location, declared);
}

function interfaceDeclarationOf(symbol: ts.Symbol | undefined): ts.Node | undefined {
  return symbol?.declarations?.find((declaration) => ts.isInterfaceDeclaration(declaration));
}

/** Properties or entries of an object type. */
function fieldsSchema(
  context: ReadContext,
  type: ts.Type,
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const properties = checker.getPropertiesOfType(type);
  const [index] = checker.getIndexInfosOfType(type);
  if (index !== undefined) {
    const open = (index.type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0;
    const entries =
      index.declaration !== undefined && ts.isIndexSignatureDeclaration(index.declaration)
        ? index.declaration.type
        : undefined;
    if (properties.length === 0) {
      return open
        ? openObjectSchema()
        : mapSchema(context, index.type, typeNodeFor(context, index.type, entries), location);
    }
    if (!open) {
      reportProblem(
        context,
        location,
        'has both named fields and an index signature, which a CRD cannot describe; move the map into a field of its own',
      );
      return {};
    }
  }
  if (properties.length === 0) {
    return openObjectSchema();
  }
  const fields = properties.map((property) => readField(context, property, location));
  const required = fields.filter((one) => one.required).map(({ name }) => name);
  return {
    type: 'object',
    ...(index !== undefined && { 'x-kubernetes-preserve-unknown-fields': true }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
  };
}

export interface SchemaField {
  readonly name: string;
  readonly schema: StructuralSchema;
  /** Users must write it: it is not optional and has no default. */
  readonly required: boolean;
}

/**
 * @param optionalHere the field may be absent although its type says that it is there: it belongs
 * to some shapes of a union only
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
  const optional =
    optionalHere || (property.flags & ts.SymbolFlags.Optional) !== 0 || includesUndefined(type);
  const foreign =
    declaration === undefined || context.program.isForeign(declaration.getSourceFile());
  const comment = declaration === undefined ? undefined : docCommentFor(context, declaration);
  const has = (tag: string): boolean => comment?.tags.some((one) => one.name === tag) ?? false;
  const defaulted = has('default');
  const inner: TypeLocation = {
    ...location,
    path: `${location.path}.${name}`,
    node: foreign || declaration === undefined ? location.node : declaration,
    steps: [...location.steps, { name, optional: optional && !defaulted }],
    ...(comment !== undefined && { list: listTags(comment) }),
  };
  const written =
    declaration !== undefined &&
    (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration))
      ? declaration.type
      : undefined;
  const plain = has('preserve')
    ? preservedSchema(context, type)
    : context.describe(context, withoutUndefined(type), typeNodeFor(context, type, written), inner);
  const schema =
    comment === undefined || declaration === undefined
      ? plain
      : applyTags(context, plain, comment, inner, declaration);
  return { name, schema, required: !optional && schema.default === undefined };
}

/** What is written stands for the type only where no generic has put another one in its place. */
function typeNodeFor(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode | undefined,
): ts.TypeNode | undefined {
  if (node === undefined) {
    return undefined;
  }
  const constituents = (one: ts.Type): readonly ts.Type[] =>
    (one.isUnion() ? one.types : [one]).filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const [written, actual] = [
    constituents(context.program.checker.getTypeFromTypeNode(node)),
    constituents(type),
  ];
  return written.length === actual.length && written.every((one) => actual.includes(one))
    ? node
    : undefined;
}

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

export function listSchema(
  context: ReadContext,
  element: ts.Type,
  node: ts.TypeNode | undefined,
  location: TypeLocation,
): StructuralSchema {
  return {
    type: 'array',
    items: itemSchema(
      context,
      element,
      node,
      location,
      location.list?.keyed === true ? 'item' : 'uncorrelated',
      '[]',
    ),
  };
}

export function mapSchema(
  context: ReadContext,
  value: ts.Type,
  node: ts.TypeNode | undefined,
  location: TypeLocation,
): StructuralSchema {
  if (value.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) {
    return openObjectSchema();
  }
  return {
    type: 'object',
    additionalProperties: itemSchema(context, value, node, location, 'item', '{}'),
  };
}

/** Items and entries: rules about what changes inside of one stand at that one. */
function itemSchema(
  context: ReadContext,
  type: ts.Type,
  node: ts.TypeNode | undefined,
  location: TypeLocation,
  kind: 'item' | 'uncorrelated',
  mark: string,
): StructuralSchema {
  const { list, scope: above, ...rest } = location;
  const lost = above.type === 'uncorrelated';
  const scope: RuleScope = {
    root: above.root,
    type: lost ? 'uncorrelated' : kind,
    bounded: above.bounded && list?.bounded === true,
    rules: [],
  };
  const schema = context.describe(context, withoutUndefined(type), node, {
    ...rest,
    path: `${location.path}${mark}`,
    scope,
    steps: [],
  });
  if (scope.rules.length === 0) {
    return schema;
  }
  return {
    ...schema,
    'x-kubernetes-validations': [...(schema['x-kubernetes-validations'] ?? []), ...scope.rules],
  };
}

/** The type is for workers, the API server keeps what is there: of a list only that it is one. */
export function preservedSchema(context: ReadContext, type: ts.Type): StructuralSchema {
  const { checker } = context.program;
  const members = (type.isUnion() ? type.types : [type]).filter((member) => !isNullish(member));
  const nullable = type.isUnion() && type.types.some((member) => member.flags & ts.TypeFlags.Null);
  if (members.every((member) => checker.isArrayType(member))) {
    return makeNullable(
      { type: 'array', items: { 'x-kubernetes-preserve-unknown-fields': true } },
      nullable,
    );
  }
  const objects = members.every(
    (member) =>
      member.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.NonPrimitive),
  );
  return objects
    ? makeNullable(openObjectSchema(), nullable)
    : { 'x-kubernetes-preserve-unknown-fields': true };
}

/**
 * The comment of a declaration. Of other packages only the tags of ours count, and no descriptions:
 * they would fill the CRD.
 */
export function docCommentFor(context: ReadContext, declaration: ts.Node): DocComment {
  const comment = findDocComment(declaration);
  if (!context.program.isForeign(declaration.getSourceFile())) {
    return comment;
  }
  const isRuntimeType = declaration.getSourceFile().fileName.includes('autopilot-runtime');
  return { description: '', tags: isRuntimeType ? comment.tags : [], unknown: [] };
}

function libraryTypeProblem(name: string): string {
  if (name === 'Date') {
    return 'is a Date, but objects come as JSON, where a time is text; use Timestamp from autopilot-runtime and new Date(…) in the worker';
  }
  if (name.includes('Map')) {
    return `is a ${name}, but objects come as plain JSON; use Record<string, …>`;
  }
  if (name.includes('Set')) {
    return `is a ${name}, but objects come as plain JSON; use a list with @set`;
  }
  return `is a ${name}, but objects come as plain JSON; use an interface with the fields that are needed`;
}

function isMethod(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Method) !== 0;
}
