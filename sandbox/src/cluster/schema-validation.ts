/**
 * Validation of custom resources by their schema, in the API server's words. What has not changed
 * since before may stay wrong.
 */
import type { Cause } from './errors.ts';
import { isMap, same } from './frozen.ts';
import type { StructuralSchema } from './schema.ts';
import { memberOf } from './schema.ts';

/** Values found right, by schema: the parts that versions of an object share are looked at once. */
const right = new WeakMap<StructuralSchema, WeakSet<object>>();

/**
 * What is wrong with a (kept) value. `before` is what it was; `root` is where messages count paths
 * from.
 */
export function problemsOf(
  value: unknown,
  schema: StructuralSchema,
  path = '',
  before?: unknown,
): readonly Cause[] {
  const known = typeof value === 'object' && value !== null ? value : undefined;
  if (known !== undefined && right.get(schema)?.has(known) === true) {
    return [];
  }
  const found = findProblems(value, schema, path, before);
  if (found.length === 0 && known !== undefined && before === undefined) {
    const set = right.get(schema);
    if (set === undefined) {
      right.set(schema, new WeakSet([known]));
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
): readonly Cause[] {
  if (before !== undefined && same(value, before)) {
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
  const problems: Cause[] = [
    ...boundsOf(value, schema, path),
    ...formatsOf(value, schema, path),
    ...junctionsOf(value, schema, path),
  ];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => same(allowed, value))) {
    const allowed = schema.enum
      .map((one) => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one)))
      .join(', ');
    problems.push(
      cause(
        'FieldValueNotSupported',
        path,
        `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`,
      ),
    );
  }
  if (Array.isArray(value)) {
    problems.push(...itemsOf(value, schema, path, before));
  }
  if (isMap(value)) {
    const old = isMap(before) ? before : {};
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) {
        problems.push(cause('FieldValueRequired', below(name), 'Required value'));
      }
    }
    for (const [name, inner] of Object.entries(value)) {
      const member = memberOf(schema, name);
      if (member !== undefined) {
        problems.push(...problemsOf(inner, member, below(name), old[name]));
      }
    }
  }
  return problems;
}

function itemsOf(
  list: readonly unknown[],
  schema: StructuralSchema,
  path: string,
  before: unknown,
): readonly Cause[] {
  const { items } = schema;
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keyOf = (item: unknown): unknown =>
    isMap(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
  const found: Cause[] = [];
  if (kind === 'set' || kind === 'map') {
    const seen = new Set<string>();
    for (const [index, item] of list.entries()) {
      const key = JSON.stringify(kind === 'set' ? item : keyOf(item));
      if (seen.has(key)) {
        found.push(cause('FieldValueDuplicate', `${path}[${index}]`, `Duplicate value: ${key}`));
      }
      seen.add(key);
    }
  }
  if (items === undefined) {
    return found;
  }
  const old = kind === 'map' && Array.isArray(before) ? (before as readonly unknown[]) : [];
  for (const [index, item] of list.entries()) {
    const was = old.find((one) => same(keyOf(one), keyOf(item)));
    found.push(...problemsOf(item, items, `${path}[${index}]`, was));
  }
  return found;
}

function typeProblemOf(value: unknown, schema: StructuralSchema, path: string): Cause | undefined {
  const type = typeOf(value);
  const fits =
    schema['x-kubernetes-int-or-string'] === true
      ? type === 'integer' || type === 'string'
      : schema.type === undefined ||
        type === schema.type ||
        (type === 'integer' && schema.type === 'number');
  return fits ? undefined : wrongType(path, schema.type ?? 'integer,string', type);
}

function wrongType(path: string, wanted: string, found: string): Cause {
  // Status is validated by itself: messages leave its own name out, as the real server's do.
  return cause(
    'FieldValueTypeInvalid',
    path,
    `Invalid value: "${found}": ${path.replace(/^status\./, '')} in body must be of type ${wanted}: "${found}"`,
  );
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

function boundsOf(value: unknown, schema: StructuralSchema, path: string): readonly Cause[] {
  const found: Cause[] = [];
  const wrong = (rule: string, shown: unknown = value): void =>
    void found.push(
      cause(
        'FieldValueInvalid',
        path,
        `Invalid value: ${JSON.stringify(shown)}: ${path.replace(/^status\./, '')} in body ${rule}`,
      ),
    );
  if (typeof value === 'number') {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      wrong(`should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
    }
    if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      wrong(`should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
    }
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
      wrong(`should be a multiple of ${multipleOf}`);
    }
  }
  if (typeof value === 'string') {
    const { minLength, maxLength, pattern } = schema;
    const { length } = Array.from(value);
    if (minLength !== undefined && length < minLength) {
      wrong(`should be at least ${minLength} chars long`);
    }
    if (maxLength !== undefined && length > maxLength) {
      found.push(
        cause('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`),
      );
    }
    if (pattern !== undefined && !compiled(pattern).test(value)) {
      wrong(`should match '${pattern}'`);
    }
  }
  const size = Array.isArray(value)
    ? value.length
    : isMap(value)
      ? Object.keys(value).length
      : undefined;
  if (size !== undefined) {
    const [least, most, what] = Array.isArray(value)
      ? [schema.minItems, schema.maxItems, 'items']
      : [schema.minProperties, schema.maxProperties, 'properties'];
    if (least !== undefined && size < least) {
      wrong(`should have at least ${least} ${what}`, size);
    }
    if (most !== undefined && size > most) {
      found.push(
        cause(
          'FieldValueTooMany',
          path,
          `Too many: ${size}: must have at most ${most} item${most === 1 ? '' : 's'}`,
        ),
      );
    }
  }
  return found;
}

const patterns = new Map<string, RegExp>();

function compiled(pattern: string): RegExp {
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

function formatsOf(value: unknown, { format }: StructuralSchema, path: string): readonly Cause[] {
  const rule = format === undefined ? undefined : FORMATS[format];
  if (typeof value !== 'string' || format === undefined || rule === undefined || rule.test(value)) {
    return [];
  }
  return [
    cause(
      'FieldValueInvalid',
      path,
      `Invalid value: ${JSON.stringify(value)}: ${path} in body must be of type ${format}: ${JSON.stringify(value)}`,
    ),
  ];
}

function junctionsOf(value: unknown, schema: StructuralSchema, path: string): readonly Cause[] {
  const fits = (one: StructuralSchema): boolean =>
    findProblems(value, one, path, undefined).length === 0;
  const wrong = (text: string): Cause =>
    cause('FieldValueInvalid', '<nil>', `Invalid value: "": "${path}" must ${text}`);
  const found: Cause[] = [];
  if (schema.oneOf !== undefined) {
    const valid = schema.oneOf.filter(fits).length;
    const alternatives = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
    if (valid !== 1) {
      found.push(wrong(`validate one and only one schema (oneOf). ${alternatives}`));
    }
  }
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    found.push(wrong('validate at least one schema (anyOf)'));
  }
  for (const one of schema.allOf ?? []) {
    found.push(...findProblems(value, one, path, undefined));
  }
  if (schema.not !== undefined && fits(schema.not)) {
    found.push(wrong('not validate the schema (not)'));
  }
  return found;
}

function cause(reason: string, field: string, message: string): Cause {
  return { reason, field, message };
}
