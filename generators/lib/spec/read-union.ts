/**
 * Unions: values of one type become an enum, number | string is int-or-string, objects are merged.
 * Which fields go together stays
 * checked: a structural schema may say so by values only, in oneOf and anyOf.
 */
import { ts } from '@ts-morph/common';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { escapeRegExp } from './nullable.ts';
import { readField } from './read-object.ts';
import type { SchemaField } from './read-object.ts';
import { reportProblem } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';

/** @param members without null and undefined, at least two */
export function unionSchema(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const values = members.map((member) => literalValue(checker, member));
  if (values.every((value) => value !== undefined)) {
    return enumSchema(context, values, location);
  }
  const numbers = members.some(({ flags }) => flags & ts.TypeFlags.NumberLike);
  const scalar = members.every(
    ({ flags }) => flags & (ts.TypeFlags.NumberLike | ts.TypeFlags.StringLike),
  );
  if (scalar && numbers) {
    return intOrStringSchema(context, members, location);
  }
  if (scalar) {
    return { type: 'string' };
  }
  const objects = members.every(
    (member) =>
      member.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection) &&
      !checker.isArrayType(member) &&
      hasNamedFields(checker, member),
  );
  if (objects) {
    return mergeShapes(context, members, location);
  }
  reportProblem(
    context,
    location,
    `is ${members.map((member) => checker.typeToString(member)).join(' or ')}, which a CRD cannot describe; use one type, or an object with a field for each`,
  );
  return {};
}

function literalValue(
  checker: ts.TypeChecker,
  type: ts.Type,
): string | number | boolean | undefined {
  if (type.isStringLiteral() || type.isNumberLiteral()) {
    return type.value;
  }
  return type.flags & ts.TypeFlags.BooleanLiteral
    ? checker.typeToString(type) === 'true'
    : undefined;
}

function enumSchema(
  context: ReadContext,
  values: readonly (string | number | boolean)[],
  location: TypeLocation,
): StructuralSchema {
  const types = [...new Set(values.map((value) => typeof value))];
  if (types.length > 1) {
    reportProblem(
      context,
      location,
      `lists values of several types (${types.join(', ')}), of which a CRD takes one; write all of them as texts`,
    );
    return {};
  }
  if (types[0] === 'boolean') {
    return { type: 'boolean' };
  }
  const type =
    types[0] === 'number'
      ? values.every((value) => Number.isInteger(value))
        ? 'integer'
        : 'number'
      : 'string';
  return { type, enum: [...values] };
}

/** Texts that are named restrict only texts: a pattern does not concern numbers. */
function intOrStringSchema(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  if (members.some((member) => member.isNumberLiteral())) {
    reportProblem(
      context,
      location,
      'mixes certain numbers and text, which a CRD cannot describe; use number | string with a @rule, or texts only',
    );
    return {};
  }
  const texts = members.filter(({ flags }) => flags & ts.TypeFlags.StringLike);
  const named = texts.every((member) => member.isStringLiteral());
  const pattern = `^(${texts.map((member) => (member.isStringLiteral() ? escapeRegExp(member.value) : '')).join('|')})$`;
  return {
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    ...(named && { pattern }),
  };
}

function hasNamedFields(checker: ts.TypeChecker, type: ts.Type): boolean {
  return (
    checker.getIndexInfosOfType(type).length === 0 &&
    checker.getPropertiesOfType(type).length > 0 &&
    type.getCallSignatures().length === 0
  );
}

function mergeShapes(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  const { checker } = context.program;
  const owned = members.map((member) => checker.getPropertiesOfType(member));
  const everywhere = (name: string): boolean =>
    owned.every((properties) =>
      properties.some(
        (property) => property.name === name && !(property.flags & ts.SymbolFlags.Optional),
      ),
    );
  // A base interface is described once, not once for each shape.
  const seen = new Map<ts.Node | ts.Symbol, SchemaField>();
  const shapes = owned.map((properties, index) =>
    properties.map((property) => {
      const key = property.valueDeclaration ?? property;
      const known = seen.get(key);
      if (known !== undefined) {
        return known;
      }
      const stack = [...location.stack, ...(members[index] === undefined ? [] : [members[index]])];
      const field = readField(
        context,
        property,
        { ...location, stack },
        !everywhere(property.name),
      );
      // fieldOf was told that it may be absent; in this shape it may be required all the same.
      const required =
        !(property.flags & ts.SymbolFlags.Optional) && field.schema.default === undefined;
      seen.set(key, { ...field, required });
      return { ...field, required };
    }),
  );
  const properties: Record<string, StructuralSchema> = {};
  for (const field of shapes.flat()) {
    const known = properties[field.name];
    properties[field.name] =
      known === undefined
        ? field.schema
        : mergeFieldSchemas(context, known, field.schema, {
            ...location,
            path: `${location.path}.${field.name}`,
          });
  }
  const common = Object.keys(properties).filter((name) =>
    shapes.every((shape) => shape.some((field) => field.name === name && field.required)),
  );
  return {
    type: 'object',
    ...(common.length > 0 && { required: common }),
    ...fieldCombinations(context, shapes, common, location),
    properties,
  };
}

/** Which fields go together, in values only. */
function fieldCombinations(
  context: ReadContext,
  shapes: readonly (readonly SchemaField[])[],
  common: readonly string[],
  location: TypeLocation,
): StructuralSchema {
  const needed = shapes.map((shape) =>
    shape
      .filter(({ name, required }) => required && !common.includes(name))
      .map(({ name }) => name),
  );
  const discriminator = common.find((name) =>
    isDiscriminator(shapes.map((shape) => shape.find((field) => field.name === name)?.schema)),
  );
  if (discriminator === undefined) {
    return needed.every((names) => names.length > 0)
      ? { anyOf: needed.map((required) => ({ required })) }
      : {};
  }
  const all = new Set(shapes.flat().map(({ name }) => name));
  return {
    oneOf: shapes.map((shape, index) => {
      const foreign = [...all].filter((name) => !shape.some((field) => field.name === name));
      const filled = shape.find(
        (field) =>
          field.schema.default !== undefined &&
          !shapes.every((other) => other.some(({ name }) => name === field.name)),
      );
      if (filled !== undefined) {
        reportProblem(
          context,
          { ...location, path: `${location.path}.${filled.name}` },
          'has a default, which would be filled in for the other shapes of the union too; make it optional without a default',
        );
      }
      return {
        properties: {
          [discriminator]: {
            enum: shape.find((field) => field.name === discriminator)?.schema.enum ?? [],
          },
        },
        required: [discriminator, ...(needed[index] ?? [])],
        ...(foreign.length > 0 && {
          not: { anyOf: foreign.map((name) => ({ required: [name] })) },
        }),
      };
    }),
  };
}

function isDiscriminator(schemas: readonly (StructuralSchema | undefined)[]): boolean {
  const values = schemas.map((schema) => schema?.enum ?? []);
  const flat = values.flat();
  return values.every((some) => some.length > 0) && new Set(flat).size === flat.length;
}

/** One field in two shapes of a union. */
function mergeFieldSchemas(
  context: ReadContext,
  a: StructuralSchema,
  b: StructuralSchema,
  location: TypeLocation,
): StructuralSchema {
  const { description: one, enum: left, ...restA } = a;
  const { description: other, enum: right, ...restB } = b;
  const description =
    one === undefined || one === other || other === undefined ? (one ?? other) : `${one}\n${other}`;
  const same = JSON.stringify(restA) === JSON.stringify(restB);
  if (same && (left === undefined) === (right === undefined)) {
    return {
      ...restA,
      ...(description !== undefined && { description }),
      ...(left !== undefined && right !== undefined && { enum: [...new Set([...left, ...right])] }),
    };
  }
  reportProblem(
    context,
    location,
    'has different types in the shapes of a union, which a CRD cannot describe; give the fields different names',
  );
  return a;
}
