/**
 * Validation of the user's section `config` in autopilot-operator.yaml against the interface
 * `<Kind>Config` of src/spec.ts: defaults are filled in, and a wrong value is reported at the start
 * of the operator and not in a worker.
 */
import { isDeepStrictEqual } from 'node:util';
import { isRecord, setMember } from '../util/json.ts';

/** The structural subset of JSON Schema that `autopilot generate` makes of `<Kind>Config`. */
export interface ConfigSchema {
  /** `object`, `array`, `string`, `number`, `integer` or `boolean`. Absent: any type. */
  readonly type?: string;
  /** Whether null is valid. */
  readonly nullable?: boolean;
  /** The value of a field that is left out. */
  readonly default?: unknown;
  /** The only valid values. */
  readonly enum?: readonly unknown[];
  /** Schemas of an object's fields. */
  readonly properties?: Readonly<Record<string, ConfigSchema>>;
  /** Fields that must be given. */
  readonly required?: readonly string[];
  /** Schema of an object's other fields, or whether they are valid at all. */
  readonly additionalProperties?: ConfigSchema | boolean;
  /** Schema of a list's items. */
  readonly items?: ConfigSchema;
  /** Smallest number. */
  readonly minimum?: number;
  /** Largest number. */
  readonly maximum?: number;
  /** Whether `minimum` itself is invalid. */
  readonly exclusiveMinimum?: boolean;
  /** Whether `maximum` itself is invalid. */
  readonly exclusiveMaximum?: boolean;
  /** Smallest number of characters. */
  readonly minLength?: number;
  /** Largest number of characters. */
  readonly maxLength?: number;
  /** Smallest number of items. */
  readonly minItems?: number;
  /** Largest number of items. */
  readonly maxItems?: number;
  /** Regular expression that a string must match. */
  readonly pattern?: string;
  /** Whether the value is an integer or a string. */
  readonly 'x-kubernetes-int-or-string'?: boolean;
  /** Whether fields without a schema are valid. */
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  /** Other keywords, which are ignored. */
  readonly [keyword: string]: unknown;
}

type ReportProblem = (path: string, message: string) => void;

/**
 * Validates the user's section.
 *
 * @param schema the schema of the section. Undefined: every value is valid.
 * @param value the section; undefined counts as an empty object.
 * @returns the value with defaults filled in.
 * @throws Error with one line for each problem.
 */
export function validateUserConfig(schema: ConfigSchema | undefined, value: unknown): unknown {
  if (schema === undefined) {
    return value;
  }
  const problems: string[] = [];
  const filled = validateValue(schema, value ?? {}, 'config', (path, message) =>
    problems.push(`${path} ${message}`),
  );
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return filled;
}

function validateValue(
  schema: ConfigSchema,
  value: unknown,
  path: string,
  report: ReportProblem,
): unknown {
  if (value === null && schema.nullable) {
    return value;
  }
  const wrongType = typeProblem(schema, value);
  if (wrongType !== undefined) {
    report(path, wrongType);
    return value;
  }
  for (const problem of [enumProblem(schema, value), constraintProblem(schema, value)]) {
    if (problem !== undefined) {
      report(path, problem);
    }
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : value.map((item, index) => validateValue(items, item, `${path}[${index}]`, report));
  }
  return isRecord(value) ? validateObject(schema, value, path, report) : value;
}

function validateObject(
  schema: ConfigSchema,
  value: Readonly<Record<string, unknown>>,
  path: string,
  report: ReportProblem,
): Readonly<Record<string, unknown>> {
  const { properties = {}, additionalProperties: others, required = [] } = schema;
  const filled: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(properties)) {
    const at = `${path}.${name}`;
    if (Object.hasOwn(value, name)) {
      setMember(filled, name, validateValue(property, value[name], at, report));
    } else if (property.default !== undefined) {
      const value = structuredClone(property.default);
      setMember(filled, name, validateValue(property, value, at, report));
    } else if (required.includes(name)) {
      report(at, 'is missing');
    }
  }
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) {
      continue;
    }
    const at = `${path}.${name}`;
    if (typeof others === 'object') {
      setMember(filled, name, validateValue(others, inner, at, report));
    } else if (others === true || schema['x-kubernetes-preserve-unknown-fields'] === true) {
      setMember(filled, name, inner);
    } else {
      report(at, `is not a known field; known: ${Object.keys(properties).join(', ')}`);
    }
  }
  return filled;
}

const TYPE_DESCRIPTIONS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
};

function typeProblem(schema: ConfigSchema, value: unknown): string | undefined {
  const actual = typeOf(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    return actual === 'integer' || actual === 'string'
      ? undefined
      : 'must be an integer or a string';
  }
  const { type } = schema;
  if (type === undefined || type === actual || (type === 'number' && actual === 'integer')) {
    return undefined;
  }
  return `must be ${TYPE_DESCRIPTIONS[type] ?? type}`;
}

function typeOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'array';
  }
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function enumProblem({ enum: allowed }: ConfigSchema, value: unknown): string | undefined {
  if (allowed === undefined || allowed.some((one) => isDeepStrictEqual(one, value))) {
    return undefined;
  }
  return `must be one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`;
}

function constraintProblem(schema: ConfigSchema, value: unknown): string | undefined {
  if (typeof value === 'number') {
    return rangeProblem(schema, value);
  }
  if (typeof value === 'string') {
    const { minLength, maxLength } = schema;
    return (
      lengthProblem(Array.from(value).length, minLength, maxLength) ?? patternProblem(schema, value)
    );
  }
  if (Array.isArray(value)) {
    const { minItems, maxItems } = schema;
    return lengthProblem(value.length, minItems, maxItems);
  }
  return undefined;
}

function rangeProblem(schema: ConfigSchema, value: number): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    return `must be ${exclusiveMinimum ? 'greater than' : 'at least'} ${minimum}`;
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    return `must be ${exclusiveMaximum ? 'less than' : 'at most'} ${maximum}`;
  }
  return undefined;
}

function lengthProblem(length: number, least = 0, most = Infinity): string | undefined {
  if (length < least) {
    return `must have a length of at least ${least}, found ${length}`;
  }
  if (length > most) {
    return `must have a length of at most ${most}, found ${length}`;
  }
  return undefined;
}

function patternProblem({ pattern }: ConfigSchema, value: string): string | undefined {
  if (pattern === undefined || new RegExp(pattern, 'u').test(value)) {
    return undefined;
  }
  return `must match ${pattern}`;
}
