/**
 * Whether a value fits a structural schema, as the API server would judge a default: unknown fields
 * do not fit.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StructuralSchema } from './structural-schema.ts';

/**
 * What is wrong with a value, in words; undefined when it fits. Formats and rules in CEL are not
 * judged.
 */
export function validateValue(
  value: unknown,
  schema: StructuralSchema,
  path = '',
): string | undefined {
  const here = path === '' ? 'it' : path;
  if (value === null) {
    return schema.nullable === true || acceptsAnyType(schema) ? undefined : `${here} is null`;
  }
  const typeProblem = validateType(value, schema, here);
  if (typeProblem !== undefined) {
    return typeProblem;
  }
  if (
    schema.enum !== undefined &&
    !schema.enum.some((allowed) => isDeepStrictEqual(allowed, value))
  ) {
    return `${here} is none of ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`;
  }
  const bound = validateBounds(value, schema, here);
  if (bound !== undefined) {
    return bound;
  }
  const inner = Array.isArray(value)
    ? validateItems(value, schema, path)
    : isRecord(value)
      ? validateFields(value, schema, path)
      : undefined;
  if (inner !== undefined) {
    return inner;
  }
  if (
    schema.oneOf !== undefined &&
    schema.oneOf.filter((branch) => validateValue(value, allowUnknownFields(branch)) === undefined)
      .length !== 1
  ) {
    return `${here} fits none of the shapes of the union`;
  }
  if (
    schema.anyOf !== undefined &&
    !schema.anyOf.some((branch) => validateValue(value, allowUnknownFields(branch)) === undefined)
  ) {
    return `${here} fits none of the shapes of the union`;
  }
  if (
    schema.not !== undefined &&
    validateValue(value, allowUnknownFields(schema.not)) === undefined
  ) {
    return `${here} has fields that do not go together`;
  }
  return undefined;
}

/** Inside of oneOf, anyOf and not, fields that are not named are no concern. */
function allowUnknownFields(schema: StructuralSchema): StructuralSchema {
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, inner]) => [
      name,
      allowUnknownFields(inner),
    ]),
  );
  return {
    ...schema,
    ...(schema.properties && { properties }),
    'x-kubernetes-preserve-unknown-fields': true,
  };
}

function acceptsAnyType(schema: StructuralSchema): boolean {
  return schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function validateType(value: unknown, schema: StructuralSchema, here: string): string | undefined {
  const type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema['x-kubernetes-int-or-string'] === true) {
    return type === 'integer' || type === 'string'
      ? undefined
      : `${here} is neither a whole number nor text`;
  }
  if (
    schema.type === undefined ||
    schema.type === type ||
    (schema.type === 'number' && type === 'integer')
  ) {
    return undefined;
  }
  return `${here} is of type ${type}, not ${schema.type}`;
}

function validateBounds(
  value: unknown,
  schema: StructuralSchema,
  here: string,
): string | undefined {
  if (typeof value === 'number') {
    const { minimum: low, maximum: high, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (low !== undefined && (exclusiveMinimum === true ? value <= low : value < low)) {
      return `${here} is below ${low}`;
    }
    if (high !== undefined && (exclusiveMaximum === true ? value >= high : value > high)) {
      return `${here} is above ${high}`;
    }
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
      return `${here} is no multiple of ${multipleOf}`;
    }
  }
  if (typeof value === 'string') {
    const length = Array.from(value).length;
    if (length < (schema.minLength ?? 0) || length > (schema.maxLength ?? Infinity)) {
      return `${here} has ${length} characters`;
    }
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      return `${here} does not match ${schema.pattern}`;
    }
  }
  if (
    Array.isArray(value) &&
    (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity))
  ) {
    return `${here} has ${value.length} items`;
  }
  if (isRecord(value)) {
    const size = Object.keys(value).length;
    if (size < (schema.minProperties ?? 0) || size > (schema.maxProperties ?? Infinity)) {
      return `${here} has ${size} entries`;
    }
  }
  return undefined;
}

function validateItems(
  value: readonly unknown[],
  schema: StructuralSchema,
  path: string,
): string | undefined {
  const { items } = schema;
  return items === undefined
    ? undefined
    : firstProblem(value.map((item, index) => validateValue(item, items, `${path}[${index}]`)));
}

function validateFields(
  value: Readonly<Record<string, unknown>>,
  schema: StructuralSchema,
  path: string,
): string | undefined {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  // Defaults inside are filled in before anything is judged.
  const missing = (schema.required ?? []).find(
    (name) => !Object.hasOwn(value, name) && schema.properties?.[name]?.default === undefined,
  );
  if (missing !== undefined) {
    return `${below(missing)} is missing`;
  }
  return firstProblem(
    Object.entries(value).map(([name, inner]) => {
      const known =
        schema.properties !== undefined && Object.hasOwn(schema.properties, name)
          ? schema.properties[name]
          : undefined;
      if (known !== undefined) {
        return validateValue(inner, known, below(name));
      }
      if (typeof schema.additionalProperties === 'object') {
        return validateValue(inner, schema.additionalProperties, below(name));
      }
      const open =
        schema['x-kubernetes-preserve-unknown-fields'] === true ||
        schema.additionalProperties === true;
      return open ? undefined : `${below(name)} is not declared`;
    }),
  );
}

function firstProblem(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
