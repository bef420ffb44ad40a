/**
 * Union types as structural schemas. Literals of one type become an enum, `number | string` becomes
 * int-or-string, and objects are merged into one schema with all fields. Which fields belong
 * together is then restricted with oneOf and anyOf, where a structural schema allows values only.
 */
import { ts } from '@ts-morph/common';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { stringPattern, unknownFormProblem } from './string-forms.ts';
import { refuseType, reportProblem } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';
import { readField } from './read-object.ts';
import type { SchemaField } from './read-object.ts';

/**
 * Schema of a union.
 * @param members members of the union without null and undefined, at least two
 */
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
  const scalarFlags = ts.TypeFlags.NumberLike | ts.TypeFlags.StringLike;
  if (members.every(({ flags }) => flags & scalarFlags)) {
    return members.some(({ flags }) => flags & ts.TypeFlags.NumberLike)
      ? intOrStringSchema(context, members, location)
      : stringsSchema(context, members, location);
  }
  if (members.every((member) => isObjectWithFields(checker, member))) {
    return mergeShapes(context, members, location);
  }
  const names = members.map((member) => checker.typeToString(member)).join(' or ');
  return refuseType(
    context,
    location,
    `is ${names}, which a CRD cannot describe; use one type, or an object with a field for each`,
  );
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
  const [type, ...others] = [...new Set(values.map((value) => typeof value))];
  if (others.length > 0) {
    const types = [type, ...others].join(', ');
    return refuseType(
      context,
      location,
      `lists values of several types (${types}), but an enum of a CRD has one type; write all values as strings`,
    );
  }
  if (type === 'boolean') {
    return { type: 'boolean' };
  }
  if (type === 'string') {
    return { type: 'string', enum: [...values] };
  }
  const isInteger = values.every((value) => Number.isInteger(value));
  return { type: isInteger ? 'integer' : 'number', enum: [...values] };
}

/** Schema of a union of strings. A pattern lists literals and forms, unless any string will do. */
function stringsSchema(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  if (members.some(({ flags }) => flags & ts.TypeFlags.String)) {
    return { type: 'string' };
  }
  const patterns = members.map((member) => stringPattern(member));
  if (patterns.some((pattern) => pattern === undefined)) {
    const names = members.map((member) => context.program.checker.typeToString(member));
    return refuseType(context, location, unknownFormProblem(names.join(' | ')));
  }
  return { type: 'string', pattern: `^(${patterns.join('|')})$` };
}

/** Strings of a known form become a pattern. A pattern limits strings only, so numbers are free. */
function intOrStringSchema(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  if (members.some((member) => member.isNumberLiteral())) {
    return refuseType(
      context,
      location,
      'mixes literal numbers with strings, which a CRD cannot describe; use number | string with a @rule, or strings only',
    );
  }
  const strings = members.filter(({ flags }) => flags & ts.TypeFlags.StringLike);
  const { pattern } = stringsSchema(context, strings, location);
  return {
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    ...(pattern !== undefined && { pattern }),
  };
}

function isObjectWithFields(checker: ts.TypeChecker, type: ts.Type): boolean {
  return (
    (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0 &&
    !checker.isArrayType(type) &&
    checker.getIndexInfosOfType(type).length === 0 &&
    checker.getPropertiesOfType(type).length > 0 &&
    type.getCallSignatures().length === 0
  );
}

/** A member of a union of objects: its fields. */
type Shape = readonly SchemaField[];

function mergeShapes(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): StructuralSchema {
  const shapes = readShapes(context, members, location);
  const properties: Record<string, StructuralSchema> = {};
  for (const { name, schema } of shapes.flat()) {
    const known = properties[name];
    properties[name] =
      known === undefined
        ? schema
        : mergeFieldSchemas(context, known, schema, fieldLocation(location, name));
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

/**
 * Reads the fields of all members. A field of a common base interface is read once, unless its type
 * differs: in a generic, mapped or conditional type, members share the declaration only.
 */
function readShapes(
  context: ReadContext,
  members: readonly ts.Type[],
  location: TypeLocation,
): readonly Shape[] {
  const { checker } = context.program;
  const ownFields = members.map((member) => checker.getPropertiesOfType(member));
  const isInAllShapes = (name: string): boolean =>
    ownFields.every((properties) =>
      properties.some((property) => property.name === name && !isOptional(property)),
    );
  const seen = new Map<ts.Node | ts.Symbol, Map<ts.Type, SchemaField>>();
  return members.map((member) => {
    const stack = [...location.stack, member];
    return checker.getPropertiesOfType(member).map((property) => {
      const key = property.valueDeclaration ?? property;
      const type = checker.getTypeOfSymbol(property);
      const known = seen.get(key)?.get(type);
      if (known !== undefined) {
        return known;
      }
      const mayBeAbsent = !isInAllShapes(property.name);
      const field = readField(context, property, { ...location, stack }, mayBeAbsent);
      // readField takes the field of some shapes as optional. Within its shape it may be required.
      const required = !isOptional(property) && field.schema.default === undefined;
      const inShape = { ...field, required };
      seen.set(key, (seen.get(key) ?? new Map<ts.Type, SchemaField>()).set(type, inShape));
      return inShape;
    });
  });
}

function isOptional(property: ts.Symbol): boolean {
  return (property.flags & ts.SymbolFlags.Optional) !== 0;
}

function fieldLocation(location: TypeLocation, name: string): TypeLocation {
  return { ...location, path: `${location.path}.${name}` };
}

/**
 * Keywords that say which fields belong together. With a discriminator, oneOf has a branch for each
 * shape. Without one, anyOf requires the fields of at least one shape.
 * @param common names of the fields that all shapes require
 */
function fieldCombinations(
  context: ReadContext,
  shapes: readonly Shape[],
  common: readonly string[],
  location: TypeLocation,
): StructuralSchema {
  const requiredNames = shapes.map((shape) =>
    shape
      .filter(({ name, required }) => required && !common.includes(name))
      .map(({ name }) => name),
  );
  const discriminator = common.find((name) =>
    isDiscriminator(shapes.map((shape) => findField(shape, name)?.schema)),
  );
  if (discriminator === undefined) {
    return requiredNames.every((names) => names.length > 0)
      ? { anyOf: requiredNames.map((required) => ({ required })) }
      : {};
  }
  refuseDefaults(context, shapes, location);
  const allNames = [...new Set(shapes.flat().map(({ name }) => name))];
  return {
    oneOf: shapes.map((shape, index) => {
      const foreign = allNames.filter((name) => findField(shape, name) === undefined);
      return {
        properties: {
          [discriminator]: { enum: findField(shape, discriminator)?.schema.enum ?? [] },
        },
        required: [discriminator, ...(requiredNames[index] ?? [])],
        ...(foreign.length > 0 && {
          not: { anyOf: foreign.map((name) => ({ required: [name] })) },
        }),
      };
    }),
  };
}

function findField(shape: Shape, name: string): SchemaField | undefined {
  return shape.find((field) => field.name === name);
}

/** Reports defaults of fields that only some shapes have. */
function refuseDefaults(
  context: ReadContext,
  shapes: readonly Shape[],
  location: TypeLocation,
): void {
  for (const shape of shapes) {
    const field = shape.find(
      ({ name, schema }) =>
        schema.default !== undefined &&
        !shapes.every((other) => findField(other, name) !== undefined),
    );
    if (field !== undefined) {
      reportProblem(
        context,
        fieldLocation(location, field.name),
        'has a default, which the API server would also set in the other shapes of the union; make the field optional, without a default',
      );
    }
  }
}

function isDiscriminator(schemas: readonly (StructuralSchema | undefined)[]): boolean {
  const values = schemas.map((schema) => schema?.enum ?? []);
  const all = values.flat();
  return values.every((some) => some.length > 0) && new Set(all).size === all.length;
}

/** Schema of a field that two shapes of a union have. */
function mergeFieldSchemas(
  context: ReadContext,
  first: StructuralSchema,
  second: StructuralSchema,
  location: TypeLocation,
): StructuralSchema {
  const { description, enum: values, ...rest } = first;
  const { description: otherDescription, enum: otherValues, ...otherRest } = second;
  const isSame =
    JSON.stringify(rest) === JSON.stringify(otherRest) &&
    (values === undefined) === (otherValues === undefined);
  if (!isSame) {
    reportProblem(
      context,
      location,
      'has different types in the shapes of a union, which a CRD cannot describe; give the fields different names',
    );
    return first;
  }
  const descriptions = [description, otherDescription].filter((text) => text !== undefined);
  return {
    ...rest,
    ...(descriptions.length > 0 && { description: [...new Set(descriptions)].join('\n') }),
    ...(values !== undefined &&
      otherValues !== undefined && { enum: [...new Set([...values, ...otherValues])] }),
  };
}
