/**
 * Validation of custom resources by their schema, in the API server's words. Unchanged invalid
 * values are accepted, as the API server's validation ratcheting does.
 */
import type { StatusCause } from './api-errors.ts';
import { getMember, isMap, jsonEqual } from './frozen-json.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './structural-schema.ts';

/** Valid values, by schema: parts that versions of an object share are validated once. */
const validValues = new WeakMap<StructuralSchema, WeakSet<object>>();

/**
 * The problems of a frozen value.
 * @param root prefix of the paths in messages
 * @param before the value before the write
 */
export function validateBySchema(
  value: unknown,
  schema: StructuralSchema,
  path = '',
  before?: unknown,
): readonly StatusCause[] {
  const known = typeof value === 'object' && value !== null ? value : undefined;
  if (known !== undefined && validValues.get(schema)?.has(known) === true) {
    return [];
  }
  const found = findProblems(value, schema, path, before);
  if (found.length === 0 && known !== undefined && before === undefined) {
    const set = validValues.get(schema);
    if (set === undefined) {
      validValues.set(schema, new WeakSet([known]));
    } else {
      set.add(known);
    }
  }
  return found;
}

function findProblems(
  value: unknown,
  schema: StructuralSchema,
  path: string,
  before: unknown,
): readonly StatusCause[] {
  if (before !== undefined && jsonEqual(value, before)) {
    return [];
  }
  if (value === null && schema.nullable === true) {
    return [];
  }
  const typeProblem = path === '' ? undefined : typeProblemOf(value, schema, path);
  if (typeProblem !== undefined) {
    return [typeProblem];
  }
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const problems: StatusCause[] = [
    ...boundProblems(value, schema, path),
    ...formatProblems(value, schema, path),
    ...combinatorProblems(value, schema, path),
  ];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => jsonEqual(allowed, value))) {
    const allowed = schema.enum
      .map((one) => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one)))
      .join(', ');
    problems.push(
      createCause(
        'FieldValueNotSupported',
        path,
        `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`,
      ),
    );
  }
  if (Array.isArray(value)) {
    problems.push(...itemProblems(value, schema, path, before));
  }
  if (isMap(value)) {
    const old = isMap(before) ? before : {};
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) {
        problems.push(createCause('FieldValueRequired', below(name), 'Required value'));
      }
    }
    for (const [name, inner] of Object.entries(value)) {
      const member = memberSchema(schema, name);
      if (member !== undefined) {
        problems.push(...validateBySchema(inner, member, below(name), getMember(old, name)));
      }
    }
  }
  return problems;
}

function itemProblems(
  list: readonly unknown[],
  schema: StructuralSchema,
  path: string,
  before: unknown,
): readonly StatusCause[] {
  const { items } = schema;
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keyOf = (item: unknown): unknown =>
    isMap(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
  const found: StatusCause[] = [];
  if (kind === 'set' || kind === 'map') {
    const seen = new Set<string>();
    for (const [index, item] of list.entries()) {
      const key = JSON.stringify(kind === 'set' ? item : keyOf(item));
      if (seen.has(key)) {
        found.push(
          createCause('FieldValueDuplicate', `${path}[${index}]`, `Duplicate value: ${key}`),
        );
      }
      seen.add(key);
    }
  }
  if (items === undefined) {
    return found;
  }
  const old = kind === 'map' && Array.isArray(before) ? (before as readonly unknown[]) : [];
  for (const [index, item] of list.entries()) {
    const was = old.find((one) => jsonEqual(keyOf(one), keyOf(item)));
    found.push(...validateBySchema(item, items, `${path}[${index}]`, was));
  }
  return found;
}

function typeProblemOf(
  value: unknown,
  schema: StructuralSchema,
  path: string,
): StatusCause | undefined {
  const type = jsonTypeOf(value);
  const fits =
    schema['x-kubernetes-int-or-string'] === true
      ? type === 'integer' || type === 'string'
      : schema.type === undefined ||
        type === schema.type ||
        (type === 'integer' && schema.type === 'number');
  return fits ? undefined : typeCause(path, schema.type ?? 'integer,string', type);
}

function typeCause(path: string, wanted: string, found: string): StatusCause {
  // Messages about status leave its own name out, as the API server's do.
  return createCause(
    'FieldValueTypeInvalid',
    path,
    `Invalid value: "${found}": ${path.replace(/^status\./, '')} in body must be of type ${wanted}: "${found}"`,
  );
}

function jsonTypeOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'array';
  }
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function boundProblems(
  value: unknown,
  schema: StructuralSchema,
  path: string,
): readonly StatusCause[] {
  if (typeof value === 'number') {
    return numberProblems(value, schema).map((rule) => violation(path, value, rule));
  }
  if (typeof value === 'string') {
    return stringProblems(value, schema, path);
  }
  if (Array.isArray(value)) {
    const { minItems: min, maxItems: max } = schema;
    return sizeProblems({ size: value.length, min, max, what: 'items' }, path);
  }
  if (isMap(value)) {
    const { minProperties: min, maxProperties: max } = schema;
    return sizeProblems({ size: Object.keys(value).length, min, max, what: 'properties' }, path);
  }
  return [];
}

function violation(path: string, shown: unknown, rule: string): StatusCause {
  const field = path.replace(/^status\./, '');
  const message = `Invalid value: ${JSON.stringify(shown)}: ${field} in body ${rule}`;
  return createCause('FieldValueInvalid', path, message);
}

/** The rules for numbers that the value breaks. */
function numberProblems(value: number, schema: StructuralSchema): readonly string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const rules: string[] = [];
  if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    rules.push(
      `should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`,
    );
  }
  if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    rules.push(`should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    rules.push(`should be a multiple of ${multipleOf}`);
  }
  return rules;
}

function stringProblems(
  value: string,
  { minLength, maxLength, pattern }: StructuralSchema,
  path: string,
): readonly StatusCause[] {
  const found: StatusCause[] = [];
  const { length } = Array.from(value);
  if (minLength !== undefined && length < minLength) {
    found.push(violation(path, value, `should be at least ${minLength} chars long`));
  }
  if (maxLength !== undefined && length > maxLength) {
    const message = `Too long: may not be more than ${maxLength} bytes`;
    found.push(createCause('FieldValueTooLong', path, message));
  }
  if (pattern !== undefined && !compilePattern(pattern).test(value)) {
    found.push(violation(path, value, `should match '${pattern}'`));
  }
  return found;
}

interface SizeBounds {
  readonly size: number;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly what: 'items' | 'properties';
}

function sizeProblems({ size, min, max, what }: SizeBounds, path: string): readonly StatusCause[] {
  const found: StatusCause[] = [];
  if (min !== undefined && size < min) {
    found.push(violation(path, size, `should have at least ${min} ${what}`));
  }
  if (max !== undefined && size > max) {
    const message = `Too many: ${size}: must have at most ${max} item${max === 1 ? '' : 's'}`;
    found.push(createCause('FieldValueTooMany', path, message));
  }
  return found;
}

const patterns = new Map<string, RegExp>();

function compilePattern(pattern: string): RegExp {
  let found = patterns.get(pattern);
  if (found === undefined) {
    patterns.set(pattern, (found = new RegExp(pattern, 'u')));
  }
  return found;
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/,
  date: /^\d{4}-\d\d-\d\d$/,
  duration: /^([+-]?(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+|\d+\s*\w+)$/,
  email: /^[^@\s]+@[^@\s]+$/,
  ipv4: /^(\d{1,3}\.){3}\d{1,3}$/,
  uuid: /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
};

function formatProblems(
  value: unknown,
  { format }: StructuralSchema,
  path: string,
): readonly StatusCause[] {
  const rule = format === undefined ? undefined : FORMATS[format];
  if (typeof value !== 'string' || format === undefined || rule === undefined || rule.test(value)) {
    return [];
  }
  return [
    createCause(
      'FieldValueInvalid',
      path,
      `Invalid value: ${JSON.stringify(value)}: ${path} in body must be of type ${format}: ${JSON.stringify(value)}`,
    ),
  ];
}

function combinatorProblems(
  value: unknown,
  schema: StructuralSchema,
  path: string,
): readonly StatusCause[] {
  const fits = (one: StructuralSchema): boolean =>
    findProblems(value, one, path, undefined).length === 0;
  const createProblem = (detail: string): StatusCause =>
    createCause('FieldValueInvalid', '<nil>', `Invalid value: "": "${path}" must ${detail}`);
  const found: StatusCause[] = [];
  if (schema.oneOf !== undefined) {
    const valid = schema.oneOf.filter(fits).length;
    const alternatives = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
    if (valid !== 1) {
      found.push(createProblem(`validate one and only one schema (oneOf). ${alternatives}`));
    }
  }
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    found.push(createProblem('validate at least one schema (anyOf)'));
  }
  for (const one of schema.allOf ?? []) {
    found.push(...findProblems(value, one, path, undefined));
  }
  if (schema.not !== undefined && fits(schema.not)) {
    found.push(createProblem('not validate the schema (not)'));
  }
  return found;
}

function createCause(reason: string, field: string, message: string): StatusCause {
  return { reason, field, message };
}
