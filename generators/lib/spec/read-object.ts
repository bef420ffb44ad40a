/** Objects, their fields, lists and maps -> structural schema. */
import { ts } from '@ts-morph/common';
import { commentOf } from './comments.ts';
import type { Comment } from './comments.ts';
import { applyTags } from './facets.ts';
import { openObject } from './schema.ts';
import type { Schema } from './schema.ts';
import type { TagName } from './tags.ts';
import { defined, isNullish, mayBeUndefined, withNull } from './nullish.ts';
import { report } from './walk.ts';
import type { Frame, Place, Walk } from './walk.ts';

const DEEPEST = 40;

export function objectOf(walk: Walk, type: ts.Type, place: Place): Schema {
  const { checker } = walk.program;
  const stop = (message: string): Schema => (report(walk, place, message), {});
  if (checker.isTupleType(type)) return stop('is a tuple, which a CRD cannot describe; use an object with named fields, or a list of one type');
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference);
    return element === undefined ? { type: 'array' } : listOf(walk, element, undefined, place);
  }
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0)
    return stop('is a function, which cannot be in an object of Kubernetes; leave it out of the interface');
  const symbol = type.getSymbol();
  const file = symbol?.declarations?.[0]?.getSourceFile();
  if (
    symbol !== undefined &&
    file !== undefined &&
    symbol.name !== '__type' &&
    walk.program.isLibrary(file) &&
    checker.getPropertiesOfType(type).some(isMethod)
  )
    return stop(libraryType(symbol.name));
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Class) return stop(`is the class ${symbol.name}, but objects come as plain JSON; use an interface`);
  if (place.stack.includes(type) || place.stack.length > DEEPEST)
    return stop(`is of the type ${checker.typeToString(type)}, which contains itself; a schema cannot follow it: put @preserve on the field`);
  const comment = symbol?.declarations?.map((declaration) => commentFor(walk, declaration)).find((one) => one.description !== '' || one.tags.length > 0);
  const declared = declaredAs(symbol);
  const inner = fieldsOf(walk, type, { ...place, stack: [...place.stack, type] });
  return comment === undefined || declared === undefined ? inner : applyTags(walk, inner, comment, place, declared);
}

function declaredAs(symbol: ts.Symbol | undefined): ts.Node | undefined {
  return symbol?.declarations?.find((declaration) => ts.isInterfaceDeclaration(declaration));
}

/** Properties or entries of an object type. */
function fieldsOf(walk: Walk, type: ts.Type, place: Place): Schema {
  const { checker } = walk.program;
  const properties = checker.getPropertiesOfType(type);
  const [index] = checker.getIndexInfosOfType(type);
  if (index !== undefined) {
    const open = (index.type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0;
    const entries = index.declaration !== undefined && ts.isIndexSignatureDeclaration(index.declaration) ? index.declaration.type : undefined;
    if (properties.length === 0) return open ? openObject() : mapOf(walk, index.type, nodeFor(walk, index.type, entries), place);
    if (!open) {
      report(walk, place, 'has both named fields and an index signature, which a CRD cannot describe; move the map into a field of its own');
      return {};
    }
  }
  if (properties.length === 0) return openObject();
  const fields = properties.map((property) => fieldOf(walk, property, place));
  const required = fields.filter((one) => one.required).map(({ name }) => name);
  return {
    type: 'object',
    ...(index !== undefined && { 'x-kubernetes-preserve-unknown-fields': true }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
  };
}

export interface Field {
  readonly name: string;
  readonly schema: Schema;
  /** Users must write it: it is not optional and has no default. */
  readonly required: boolean;
}

/** @param optionalHere the field may be absent although its type says that it is there: it belongs to some shapes of a union only */
export function fieldOf(walk: Walk, property: ts.Symbol, place: Place, optionalHere = false): Field {
  const { checker } = walk.program;
  const { name } = property;
  const declaration = property.valueDeclaration ?? property.declarations?.[0];
  const type = checker.getTypeOfSymbolAtLocation(property, declaration ?? place.node);
  const optional = optionalHere || (property.flags & ts.SymbolFlags.Optional) !== 0 || mayBeUndefined(type);
  const foreign = declaration === undefined || walk.program.isForeign(declaration.getSourceFile());
  const comment = declaration === undefined ? undefined : commentFor(walk, declaration);
  const has = (tag: string): boolean => comment?.tags.some((one) => one.name === tag) ?? false;
  const defaulted = has('default');
  const inner: Place = {
    ...place,
    path: `${place.path}.${name}`,
    node: foreign || declaration === undefined ? place.node : declaration,
    steps: [...place.steps, { name, optional: optional && !defaulted }],
    ...(comment !== undefined && { list: listTags(comment) }),
  };
  const written = declaration !== undefined && (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration)) ? declaration.type : undefined;
  const plain = has('preserve') ? preserved(walk, type) : walk.describe(walk, defined(type), nodeFor(walk, type, written), inner);
  const schema = comment === undefined || declaration === undefined ? plain : applyTags(walk, plain, comment, inner, declaration);
  return { name, schema, required: !optional && schema.default === undefined };
}

/** What is written stands for the type only where no generic has put another one in its place. */
function nodeFor(walk: Walk, type: ts.Type, node: ts.TypeNode | undefined): ts.TypeNode | undefined {
  if (node === undefined) return undefined;
  const constituents = (one: ts.Type): readonly ts.Type[] => (one.isUnion() ? one.types : [one]).filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const [written, actual] = [constituents(walk.program.checker.getTypeFromTypeNode(node)), constituents(type)];
  return written.length === actual.length && written.every((one) => actual.includes(one)) ? node : undefined;
}

export function listTags({ tags }: Comment, before?: Place['list']): NonNullable<Place['list']> {
  const has = (...names: readonly TagName[]): boolean => tags.some(({ name }) => names.includes(name));
  return { keyed: has('keyedBy') || before?.keyed === true, bounded: has('maxItems', 'maxProperties') || before?.bounded === true };
}

export function listOf(walk: Walk, element: ts.Type, node: ts.TypeNode | undefined, place: Place): Schema {
  return { type: 'array', items: below(walk, element, node, place, place.list?.keyed === true ? 'item' : 'uncorrelated', '[]') };
}

export function mapOf(walk: Walk, value: ts.Type, node: ts.TypeNode | undefined, place: Place): Schema {
  if (value.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return openObject();
  return { type: 'object', additionalProperties: below(walk, value, node, place, 'item', '{}') };
}

/** Items and entries: rules about what changes inside of one stand at that one. */
function below(walk: Walk, type: ts.Type, node: ts.TypeNode | undefined, place: Place, kind: 'item' | 'uncorrelated', mark: string): Schema {
  const { list, frame: above, ...rest } = place;
  const lost = above.kind === 'uncorrelated';
  const frame: Frame = { root: above.root, kind: lost ? 'uncorrelated' : kind, bounded: above.bounded && list?.bounded === true, rules: [] };
  const schema = walk.describe(walk, defined(type), node, { ...rest, path: `${place.path}${mark}`, frame, steps: [] });
  if (frame.rules.length === 0) return schema;
  return { ...schema, 'x-kubernetes-validations': [...(schema['x-kubernetes-validations'] ?? []), ...frame.rules] };
}

/** The type is for workers, the API server keeps what is there: of a list only that it is one. */
export function preserved(walk: Walk, type: ts.Type): Schema {
  const { checker } = walk.program;
  const members = (type.isUnion() ? type.types : [type]).filter((member) => !isNullish(member));
  const nullable = type.isUnion() && type.types.some((member) => member.flags & ts.TypeFlags.Null);
  if (members.every((member) => checker.isArrayType(member)))
    return withNull({ type: 'array', items: { 'x-kubernetes-preserve-unknown-fields': true } }, nullable);
  const objects = members.every((member) => member.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.NonPrimitive));
  return objects ? withNull(openObject(), nullable) : { 'x-kubernetes-preserve-unknown-fields': true };
}

/** The comment of a declaration. Of other packages only the tags of ours count, and no descriptions: they would fill the CRD. */
export function commentFor(walk: Walk, declaration: ts.Node): Comment {
  const comment = commentOf(declaration);
  if (!walk.program.isForeign(declaration.getSourceFile())) return comment;
  const ours = declaration.getSourceFile().fileName.includes('autopilot-runtime');
  return { description: '', tags: ours ? comment.tags : [], unknown: [] };
}

function libraryType(name: string): string {
  if (name === 'Date') return 'is a Date, but objects come as JSON, where a time is text; use Timestamp from autopilot-runtime and new Date(…) in the worker';
  if (name.includes('Map')) return `is a ${name}, but objects come as plain JSON; use Record<string, …>`;
  if (name.includes('Set')) return `is a ${name}, but objects come as plain JSON; use a list with @set`;
  return `is a ${name}, but objects come as plain JSON; use an interface with the fields that are needed`;
}

function isMethod(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.Method) !== 0;
}
