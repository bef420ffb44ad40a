/**
 * What the API server does with the schema of a CustomResourceDefinition: refuse unknown fields, fill in defaults, validate.
 * Rules in CEL (`x-kubernetes-validations`) are not evaluated.
 */
import type { Cause } from './errors.ts';
import { isMap } from './fieldset.ts';
import { sameValue } from './merge.ts';
import type { Schema } from './shape.ts';

export interface StructuralSchema extends Schema {
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Fields beside the declared ones belong to every object. */
const ENVELOPE = new Set(['apiVersion', 'kind', 'metadata']);

/** Paths of the fields that the schema does not declare: `spec.colour`. */
export function unknownFields(object: unknown, schema: StructuralSchema): readonly string[] {
  const found: string[] = [];
  walk(object, schema, '', (path, _, inner) => {
    if (inner === undefined && !ENVELOPE.has(path)) found.push(path);
  });
  return found;
}

function walk(
  value: unknown,
  schema: StructuralSchema,
  path: string,
  visit: (path: string, value: unknown, schema: StructuralSchema | undefined) => void,
): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const [index, item] of (value as unknown[]).entries()) walk(item, schema.items, `${path}[${index}]`, visit);
    return;
  }
  if (!isMap(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const place = path === '' ? name : `${path}.${name}`;
    const declared = memberOf(schema, name);
    if (declared === undefined && schema['x-kubernetes-preserve-unknown-fields'] === true) continue;
    visit(place, inner, declared);
    if (declared !== undefined) walk(inner, declared, place, visit);
  }
}

function memberOf(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) return schema.properties[name];
  if (typeof schema.additionalProperties === 'object') return schema.additionalProperties;
  return schema.additionalProperties === true ? { 'x-kubernetes-preserve-unknown-fields': true } : undefined;
}

/** With defaults where a field is absent; parents are not invented. Null counts as absent where it is not allowed and there is a default. */
export function withDefaults(value: unknown, schema: StructuralSchema): unknown {
  if (Array.isArray(value)) return schema.items === undefined ? value : (value as unknown[]).map((item) => withDefaults(item, schema.items ?? {}));
  if (!isMap(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    if (inner.default !== undefined && (filled[name] === undefined || (filled[name] === null && inner.nullable !== true)))
      filled[name] = structuredClone(inner.default);
  for (const [name, inner] of Object.entries(filled)) {
    const member = memberOf(schema, name);
    if (member !== undefined) filled[name] = withDefaults(inner, member);
  }
  return filled;
}

/** What is wrong with a value, in the API server's words. */
export function problemsOf(value: unknown, schema: StructuralSchema, path = ''): readonly Cause[] {
  if (value === null && schema.nullable === true) return [];
  const typeProblem = path === '' ? undefined : typeProblemOf(value, schema, path);
  if (typeProblem !== undefined) return [typeProblem];
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const problems: Cause[] = [...boundsOf(value, schema, path)];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => sameValue(allowed, value)))
    problems.push(
      cause(
        'FieldValueNotSupported',
        path,
        `Unsupported value: ${JSON.stringify(value)}: supported values: ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`,
      ),
    );
  if (Array.isArray(value) && schema.items !== undefined)
    for (const [index, item] of (value as unknown[]).entries()) problems.push(...problemsOf(item, schema.items, `${path}[${index}]`));
  if (isMap(value)) {
    for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) problems.push(cause('FieldValueRequired', below(name), 'Required value'));
    for (const [name, inner] of Object.entries(value)) {
      const member = memberOf(schema, name);
      if (member !== undefined) problems.push(...problemsOf(inner, member, below(name)));
    }
  }
  return problems;
}

function typeProblemOf(value: unknown, schema: StructuralSchema, path: string): Cause | undefined {
  const type = typeOf(value);
  const fits =
    schema['x-kubernetes-int-or-string'] === true
      ? type === 'integer' || type === 'string'
      : schema.type === undefined || type === schema.type || (type === 'integer' && schema.type === 'number');
  if (fits) return undefined;
  return cause('FieldValueTypeInvalid', path, `Invalid value: "${type}": ${path} in body must be of type ${schema.type ?? 'integer,string'}: "${type}"`);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function boundsOf(value: unknown, schema: StructuralSchema, path: string): readonly Cause[] {
  const found: Cause[] = [];
  const wrong = (rule: string, shown: unknown = value): void =>
    void found.push(cause('FieldValueInvalid', path, `Invalid value: ${JSON.stringify(shown)}: ${path} in body ${rule}`));
  if (typeof value === 'number') {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
    if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum))
      wrong(`should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
    if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum))
      wrong(`should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
  }
  if (typeof value === 'string') {
    const { minLength, maxLength, pattern } = schema;
    const { length } = Array.from(value);
    if (minLength !== undefined && length < minLength) wrong(`should be at least ${minLength} chars long`);
    if (maxLength !== undefined && length > maxLength) found.push(cause('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`));
    if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) wrong(`should match '${pattern}'`);
  }
  if (Array.isArray(value)) {
    const { minItems, maxItems } = schema;
    if (minItems !== undefined && value.length < minItems) wrong(`should have at least ${minItems} items`, value.length);
    if (maxItems !== undefined && value.length > maxItems)
      found.push(cause('FieldValueTooMany', path, `Too many: ${value.length}: must have at most ${maxItems} items`));
  }
  return found;
}

function cause(reason: string, field: string, message: string): Cause {
  return { reason, field, message };
}
