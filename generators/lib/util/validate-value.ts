/**
 * Checks of values against structural schemas. A value is valid when the API server would accept it
 * as a default: unknown fields are not allowed. This is the one such check in the generators. It is
 * used for defaults in src/spec.ts, for the user's `config:`, and to compare CRDs.
 */
import { isDeepStrictEqual } from 'node:util';
import { compileRe2 } from './re2.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { isRecord } from './values.ts';
import type { JsonObject } from './values.ts';

/**
 * Why a value is not valid. Formats and rules in CEL are not checked.
 * @param path path of the value, with which the message begins. Default: the message begins with
 * `the value`.
 * @returns undefined when the value is valid
 */
export function validateValue(
  value: unknown,
  schema: StructuralSchema,
  path = '',
): string | undefined {
  const subject = path === '' ? 'the value' : path;
  if (value === null) {
    const isAllowed = schema.nullable === true || acceptsAnyType(schema);
    return isAllowed ? undefined : `${subject} must not be null`;
  }
  const problem =
    typeProblem(value, schema) ??
    enumProblem(value, schema) ??
    numberProblem(value, schema) ??
    stringProblem(value, schema) ??
    sizeProblem(value, schema);
  if (problem !== undefined) {
    return `${subject} ${problem}`;
  }
  const inner = innerProblem(value, schema, path);
  if (inner !== undefined) {
    return inner;
  }
  const combination = combinationProblem(value, schema);
  return combination === undefined ? undefined : `${subject} ${combination}`;
}

function acceptsAnyType(schema: StructuralSchema): boolean {
  return schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] === true;
}

function typeProblem(value: unknown, schema: StructuralSchema): string | undefined {
  const type = jsonType(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    return type === 'integer' || type === 'string' ? undefined : 'must be an integer or a string';
  }
  const isNumber = schema.type === 'number' && type === 'integer';
  if (schema.type === undefined || schema.type === type || isNumber) {
    return undefined;
  }
  return `must be of type ${schema.type}, not ${type}`;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) {
    return 'array';
  }
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function enumProblem(value: unknown, { enum: values }: StructuralSchema): string | undefined {
  if (values === undefined || values.some((allowed) => isDeepStrictEqual(allowed, value))) {
    return undefined;
  }
  return `must be one of ${values.map((allowed) => JSON.stringify(allowed)).join(', ')}`;
}

function numberProblem(value: unknown, schema: StructuralSchema): string | undefined {
  if (typeof value !== 'number') {
    return undefined;
  }
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && value < minimum) {
    return `${value} is less than the minimum ${minimum}`;
  }
  if (exclusiveMinimum === true && value === minimum) {
    return `${value} must be greater than ${minimum}`;
  }
  if (maximum !== undefined && value > maximum) {
    return `${value} is greater than the maximum ${maximum}`;
  }
  if (exclusiveMaximum === true && value === maximum) {
    return `${value} must be less than ${maximum}`;
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    return `${value} is not a multiple of ${multipleOf}`;
  }
  return undefined;
}

function stringProblem(value: unknown, schema: StructuralSchema): string | undefined {
  if (typeof value !== 'string') {
    return undefined;
  }
  const { minLength, maxLength, pattern } = schema;
  const count = countProblem(Array.from(value).length, 'characters', [minLength, maxLength]);
  if (count !== undefined) {
    return count;
  }
  if (pattern !== undefined && !compileRe2(pattern).test(value)) {
    return `does not match the pattern ${pattern}`;
  }
  return undefined;
}

function sizeProblem(value: unknown, schema: StructuralSchema): string | undefined {
  if (Array.isArray(value)) {
    return countProblem(value.length, 'items', [schema.minItems, schema.maxItems]);
  }
  if (isRecord(value)) {
    const { minProperties, maxProperties } = schema;
    return countProblem(Object.keys(value).length, 'entries', [minProperties, maxProperties]);
  }
  return undefined;
}

function countProblem(
  count: number,
  unit: string,
  [minimum = 0, maximum = Infinity]: readonly [number | undefined, number | undefined],
): string | undefined {
  if (count < minimum) {
    return `has ${count} ${unit}, the minimum is ${minimum}`;
  }
  return count > maximum ? `has ${count} ${unit}, the maximum is ${maximum}` : undefined;
}

/** The first problem of an item or of a field. */
function innerProblem(value: unknown, schema: StructuralSchema, path: string): string | undefined {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? undefined
      : firstProblem(value, (item, index) => validateValue(item, items, `${path}[${index}]`));
  }
  return isRecord(value) ? fieldProblem(value, schema, path) : undefined;
}

function fieldProblem(
  value: JsonObject,
  schema: StructuralSchema,
  path: string,
): string | undefined {
  const pathOf = (name: string): string => (path === '' ? name : `${path}.${name}`);
  // The API server fills in the defaults of fields before it validates.
  const missing = (schema.required ?? []).find(
    (name) => !Object.hasOwn(value, name) && schema.properties?.[name]?.default === undefined,
  );
  if (missing !== undefined) {
    return `${pathOf(missing)} is missing`;
  }
  return firstProblem(Object.entries(value), ([name, inner]) => {
    const fieldSchema = fieldSchemaOf(schema, name);
    if (fieldSchema === undefined) {
      return isOpen(schema) ? undefined : `${pathOf(name)} is not a known field`;
    }
    return validateValue(inner, fieldSchema, pathOf(name));
  });
}

function fieldSchemaOf(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  const { properties = {}, additionalProperties } = schema;
  const named = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return named ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
}

function isOpen(schema: StructuralSchema): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true
  );
}

function combinationProblem(value: unknown, schema: StructuralSchema): string | undefined {
  const isValid = (branch: StructuralSchema): boolean =>
    validateValue(value, allowUnknownFields(branch)) === undefined;
  const { oneOf, anyOf, not } = schema;
  if (oneOf !== undefined && oneOf.filter(isValid).length !== 1) {
    return 'must match exactly one shape of the union';
  }
  if (anyOf !== undefined && !anyOf.some(isValid)) {
    return 'must match a shape of the union';
  }
  if (not !== undefined && isValid(not)) {
    return 'has fields that exclude each other';
  }
  return undefined;
}

/** Branches of oneOf, anyOf and not restrict only the fields that they name. */
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

function firstProblem<T>(
  items: readonly T[],
  problemOf: (item: T, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const problem = problemOf(item, index);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}
