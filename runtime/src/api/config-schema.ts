/**
 * The user's own `config:` of autopilot-operator.yaml against the interface that src/spec.ts gives
 * it: defaults are filled in, and a
 * value that does not fit is said before a worker meets it.
 */
import { isDeepStrictEqual } from 'node:util';

/** The structural subset of JSON Schema that generate makes of `<Kind>Config`. */
export interface ConfigSchema {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ConfigSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: ConfigSchema | boolean;
  readonly items?: ConfigSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly [keyword: string]: unknown;
}

type ReportProblem = (path: string, message: string) => void;

/**
 * @param schema undefined: the section has no type, anything goes
 * @returns the value with defaults filled in
 * @throws Error one line for each thing that does not fit
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
  const expected = typeProblem(schema, value);
  if (expected !== undefined) {
    report(path, `must be ${expected}`);
    return value;
  }
  if (
    schema.enum !== undefined &&
    !schema.enum.some((allowed) => isDeepStrictEqual(allowed, value))
  ) {
    report(
      path,
      `must be one of ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`,
    );
  }
  const bound = boundProblem(schema, value);
  if (bound !== undefined) {
    report(path, bound);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      schema.items === undefined
        ? item
        : validateValue(schema.items, item, `${path}[${index}]`, report),
    );
  }
  return isMapping(value) ? validateMapping(schema, value, path, report) : value;
}

function validateMapping(
  schema: ConfigSchema,
  value: Readonly<Record<string, unknown>>,
  path: string,
  report: ReportProblem,
): Readonly<Record<string, unknown>> {
  const { properties = {}, additionalProperties: rest } = schema;
  const filled: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) {
      filled[name] = validateValue(property, value[name], `${path}.${name}`, report);
    } else if (property.default !== undefined) {
      filled[name] = validateValue(
        property,
        structuredClone(property.default),
        `${path}.${name}`,
        report,
      );
    } else if (schema.required?.includes(name)) {
      report(`${path}.${name}`, 'is missing');
    }
  }
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) {
      continue;
    }
    if (typeof rest === 'object') {
      filled[name] = validateValue(rest, inner, `${path}.${name}`, report);
    } else if (rest === true || schema['x-kubernetes-preserve-unknown-fields'] === true) {
      filled[name] = inner;
    } else {
      report(`${path}.${name}`, `is not known; known: ${Object.keys(properties).join(', ')}`);
    }
  }
  return filled;
}

function typeProblem(schema: ConfigSchema, value: unknown): string | undefined {
  const type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema['x-kubernetes-int-or-string'] === true) {
    return type === 'integer' || type === 'string' ? undefined : 'a whole number or text';
  }
  const wanted = schema.type;
  const fits =
    wanted === undefined || wanted === type || (wanted === 'number' && type === 'integer');
  return fits && (value !== null || wanted === undefined)
    ? undefined
    : (TYPE_DESCRIPTIONS[wanted ?? ''] ?? wanted);
}

const TYPE_DESCRIPTIONS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
};

function boundProblem(schema: ConfigSchema, value: unknown): string | undefined {
  if (typeof value === 'number') {
    const { minimum: low, maximum: high, exclusiveMinimum, exclusiveMaximum } = schema;
    if (low !== undefined && (exclusiveMinimum ? value <= low : value < low)) {
      return `must be ${exclusiveMinimum ? 'more than' : 'at least'} ${low}`;
    }
    if (high !== undefined && (exclusiveMaximum ? value >= high : value > high)) {
      return `must be ${exclusiveMaximum ? 'less than' : 'at most'} ${high}`;
    }
  }
  const size =
    typeof value === 'string'
      ? Array.from(value).length
      : Array.isArray(value)
        ? value.length
        : undefined;
  const [least, most] =
    typeof value === 'string'
      ? [schema.minLength, schema.maxLength]
      : [schema.minItems, schema.maxItems];
  if (size !== undefined && (size < (least ?? 0) || size > (most ?? Infinity))) {
    return `must have ${least ?? 0} to ${most ?? 'any number of'} ${typeof value === 'string' ? 'letters' : 'items'}`;
  }
  if (
    typeof value === 'string' &&
    schema.pattern !== undefined &&
    !new RegExp(schema.pattern, 'u').test(value)
  ) {
    return `must match ${schema.pattern}`;
  }
  return undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
