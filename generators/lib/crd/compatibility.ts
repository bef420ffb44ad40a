/**
 * What a new CRD would do to resources that are stored: values that it refuses, fields that it
 * drops, a kind that is no longer there.
 * Widening is no break. Where it cannot be decided (another pattern, another rule), it is one.
 */
import { validateValue } from '../util/validate-value.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { isUnionWidened } from './union-compatibility.ts';

export interface BreakingChange {
  /** `spec.hosts[].port` */
  readonly path: string;
  /** `maximum 100` */
  readonly was: string;
  readonly is: string;
}

interface CrdDocument {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
    }[];
  };
}

/** `spec.weight: was maximum 100, is maximum 50` */
export function formatBreakingChange({ path, was, is }: BreakingChange): string {
  return `${path}: was ${was}, is ${is}`;
}

/** @param before, after CustomResourceDefinitions, as in crd.json */
export function findBreakingChanges(before: object, after: object): BreakingChange[] {
  const { spec: old } = before as CrdDocument;
  const { spec: now } = after as CrdDocument;
  const changed = (path: string, was: string, is: string): BreakingChange[] =>
    was === is ? [] : [{ path, was: `'${was}'`, is: `'${is}'` }];
  const kept = old.versions.filter((version) =>
    now.versions.some(({ name }) => name === version.name),
  );
  const versions = (versionsOf: CrdDocument['spec']): string =>
    versionsOf.versions.map(({ name }) => name).join(', ');
  return [
    ...changed(
      'apiVersion',
      `${old.group}/${versions(old)}`,
      `${now.group}/${kept.length === old.versions.length ? versions(old) : versions(now)}`,
    ),
    ...changed('kind', old.names.kind, now.names.kind),
    ...changed('plural', old.names.plural, now.names.plural),
    ...changed('scope', old.scope, now.scope),
    ...old.versions.flatMap((version, index) => {
      // Of a version that has got another name, the schema may be narrower too.
      const next = now.versions.find(({ name }) => name === version.name) ?? now.versions[index];
      const [wide, narrow] = [
        version.schema?.openAPIV3Schema ?? {},
        next?.schema?.openAPIV3Schema ?? {},
      ];
      // The empty interface of a new project: nothing has been said yet that could be taken back.
      const stub = wide.properties?.['spec']?.properties === undefined;
      return next === undefined
        ? []
        : stub
          ? compareSchemas(omitSpec(wide), omitSpec(narrow), '')
          : compareSchemas(wide, narrow, '');
    }),
  ];
}

function omitSpec({ required: _, ...schema }: StructuralSchema): StructuralSchema {
  const { spec: _spec, ...properties } = schema.properties ?? {};
  return { ...schema, properties };
}

/** @throws Error that lists the breaks, if there are any */
export function refuseBreakingChanges(breaks: readonly BreakingChange[]): void {
  if (breaks.length > 0) {
    throw new Error(
      `The new CRD does not fit resources that may be stored:\n${breaks.map((one) => `  ${formatBreakingChange(one)}`).join('\n')}\nNothing was written. Undo that (a new field needs '?' or @default; a renamed phase 'formerly'), or generate with --accept-breaking if there are no such resources.`,
    );
  }
}

/** @param path of the value, empty for the whole resource */
export function compareSchemas(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
): BreakingChange[] {
  const one = (was: string, is: string): BreakingChange[] => [
    { path: path === '' ? 'the resource' : path, was, is },
  ];
  const nullable =
    a.nullable === true && b.nullable !== true && !acceptsAnything(b)
      ? one('nullable', 'not nullable')
      : [];
  if (acceptsAnything(b)) {
    return compareRules(a, b, one);
  }
  const values = enumeratedValues(a);
  // Few enough to try each.
  if (values !== undefined) {
    return [...nullable, ...compareEnums(values, b, one), ...compareRules(a, b, one)];
  }
  if (!isTypeCompatible(a, b)) {
    return [...nullable, ...one(describeType(a), describeType(b))];
  }
  const inner =
    b.type === 'array'
      ? compareLists(a, b, path, one)
      : b.type === 'object'
        ? compareObjects(a, b, path, one)
        : [];
  return [...nullable, ...compareConstraints(a, b, one), ...compareRules(a, b, one), ...inner];
}

/**
 * All values that there can be, when they are listed: as an enum, or as nullish.ts writes one
 * beside null.
 */
function enumeratedValues({
  type,
  enum: values,
  pattern,
}: StructuralSchema): readonly unknown[] | undefined {
  if (type === 'object' || type === 'array') {
    return undefined;
  }
  return (
    values ??
    (type === 'string' ? /^\^\(([\w|-]+)\)\$$/.exec(pattern ?? '')?.[1]?.split('|') : undefined)
  );
}

type ReportChange = (was: string, is: string) => BreakingChange[];

function acceptsAnything(schema: StructuralSchema): boolean {
  return (
    schema.type === undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] === true &&
    schema['x-kubernetes-int-or-string'] !== true
  );
}

function isTypeCompatible(a: StructuralSchema, b: StructuralSchema): boolean {
  if (b['x-kubernetes-int-or-string'] === true) {
    return a['x-kubernetes-int-or-string'] === true || a.type === 'integer' || a.type === 'string';
  }
  if (a['x-kubernetes-int-or-string'] === true) {
    return false;
  }
  return a.type === b.type || (a.type === 'integer' && b.type === 'number');
}

function describeType(schema: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return 'integer or string';
  }
  return schema.type ?? 'anything';
}

function compareEnums(
  values: readonly unknown[],
  b: StructuralSchema,
  one: ReportChange,
): BreakingChange[] {
  const shown = (list: readonly unknown[]): string =>
    list.map((value) => JSON.stringify(value)).join(', ');
  const lost = values.filter((value) => value !== null && validateValue(value, b) !== undefined);
  if (lost.length === 0) {
    return [];
  }
  return one(
    `one of ${shown(values)}`,
    b.enum === undefined ? `without ${shown(lost)}` : `one of ${shown(b.enum)}`,
  );
}

const MINIMUM_KEYWORDS = ['minLength', 'minItems', 'minProperties'] as const;
const MAXIMUM_KEYWORDS = ['maxLength', 'maxItems', 'maxProperties'] as const;

/** Limits of texts, numbers and counts. */
function compareConstraints(
  a: StructuralSchema,
  b: StructuralSchema,
  one: ReportChange,
): BreakingChange[] {
  const found: BreakingChange[] = [];
  const add = (narrower: boolean, keyword: string, was: unknown, is: unknown): void => {
    const text = (value: unknown): string =>
      value === undefined
        ? `without ${keyword}`
        : `${keyword} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
    if (narrower) {
      found.push(...one(text(was), text(is)));
    }
  };
  add(b.enum !== undefined, 'enum', a.enum, b.enum);
  add(
    b.pattern !== undefined && b.pattern !== a.pattern && !isNumberSchema(a),
    'pattern',
    a.pattern,
    b.pattern,
  );
  add(isFormatNarrower(a, b), 'format', a.format, b.format);
  for (const keyword of MINIMUM_KEYWORDS) {
    add((b[keyword] ?? 0) > (a[keyword] ?? 0), keyword, a[keyword], b[keyword]);
  }
  for (const keyword of MAXIMUM_KEYWORDS) {
    add((b[keyword] ?? Infinity) < (a[keyword] ?? Infinity), keyword, a[keyword], b[keyword]);
  }
  const [low, wasLow] = [b.minimum ?? -Infinity, a.minimum ?? -Infinity];
  add(
    low > wasLow ||
      (low === wasLow &&
        b.exclusiveMinimum === true &&
        a.exclusiveMinimum !== true &&
        low !== -Infinity),
    'minimum',
    formatLimit(a, 'minimum'),
    formatLimit(b, 'minimum'),
  );
  const [high, wasHigh] = [b.maximum ?? Infinity, a.maximum ?? Infinity];
  add(
    high < wasHigh ||
      (high === wasHigh &&
        b.exclusiveMaximum === true &&
        a.exclusiveMaximum !== true &&
        high !== Infinity),
    'maximum',
    formatLimit(a, 'maximum'),
    formatLimit(b, 'maximum'),
  );
  const step = b.multipleOf;
  add(
    step !== undefined && (a.multipleOf === undefined || !Number.isInteger(a.multipleOf / step)),
    'multipleOf',
    a.multipleOf,
    step,
  );
  const embedded = 'x-kubernetes-embedded-resource';
  add(b[embedded] === true && a[embedded] !== true, embedded, a[embedded], b[embedded]);
  return found;
}

function isNumberSchema(schema: StructuralSchema): boolean {
  return schema.type === 'integer' || schema.type === 'number';
}

function formatLimit(schema: StructuralSchema, keyword: 'minimum' | 'maximum'): string | undefined {
  const value = schema[keyword];
  if (value === undefined) {
    return undefined;
  }
  return schema[keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'] === true
    ? `${value} (exclusive)`
    : String(value);
}

function isFormatNarrower(a: StructuralSchema, b: StructuralSchema): boolean {
  if (b.format === undefined || a.format === b.format) {
    return false;
  }
  const wider: Readonly<Record<string, readonly string[]>> = {
    int32: ['int64', 'float', 'double'],
    int64: ['double'],
    float: ['double'],
  };
  // Of numbers that are not whole, float and double say nothing.
  if (b.format === 'double' || b.format === 'float') {
    return false;
  }
  return !(a.format !== undefined && wider[a.format]?.includes(b.format));
}

/**
 * Rules that are new, and combinations that are. A rule about changes concerns none of what is
 * stored.
 */
function compareRules(
  a: StructuralSchema,
  b: StructuralSchema,
  one: ReportChange,
): BreakingChange[] {
  const known = new Set((a['x-kubernetes-validations'] ?? []).map(({ rule }) => rule));
  const added = (b['x-kubernetes-validations'] ?? []).filter(
    ({ rule, optionalOldSelf }) =>
      !known.has(rule) && (!/\boldSelf\b/.test(rule) || optionalOldSelf === true),
  );
  return [
    ...added.flatMap(({ rule, message }) =>
      one('without the rule', `with the rule ${message ?? rule}`),
    ),
    ...(['oneOf', 'anyOf', 'allOf', 'not'] as const).flatMap((keyword) =>
      isUnionWidened(keyword, a, b)
        ? []
        : one(
            a[keyword] === undefined ? `without ${keyword}` : 'fields that go together',
            'other fields that go together',
          ),
    ),
  ];
}

function compareLists(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
  one: ReportChange,
): BreakingChange[] {
  const text = (schema: StructuralSchema): string => {
    const keys = schema['x-kubernetes-list-map-keys'];
    return `a list of type ${schema['x-kubernetes-list-type'] ?? 'atomic'}${keys === undefined ? '' : ` by ${keys.join(', ')}`}`;
  };
  return [
    ...(text(a) === text(b) ? [] : one(text(a), text(b))),
    ...(a.items === undefined || b.items === undefined
      ? []
      : compareSchemas(a.items, b.items, `${path}[]`)),
  ];
}

function compareObjects(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
  one: ReportChange,
): BreakingChange[] {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const open = (schema: StructuralSchema): boolean =>
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  const entries = (schema: StructuralSchema): StructuralSchema | undefined =>
    typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const [fields, next] = [a.properties ?? {}, b.properties ?? {}];
  const found: BreakingChange[] = [];
  for (const [name, was] of Object.entries(fields)) {
    const is = Object.hasOwn(next, name) ? next[name] : entries(b);
    if (is !== undefined) {
      found.push(...compareSchemas(was, is, below(name)));
    } else if (!open(b)) {
      found.push({
        path: below(name),
        was: describeType(was),
        is: 'removed: stored values are dropped',
      });
    }
  }
  // Until now any value could stand under such a name.
  const before = open(a) ? {} : entries(a);
  if (before !== undefined) {
    for (const [name, is] of Object.entries(next)) {
      if (Object.hasOwn(fields, name) || acceptsAnything(is)) {
        continue;
      }
      if (open(a)) {
        found.push({ path: below(name), was: 'anything', is: describeType(is) });
      } else {
        found.push(...compareSchemas(before, is, below(name)));
      }
    }
  }
  const [wasEntries, isEntries] = [entries(a), entries(b)];
  if (open(a) && !open(b)) {
    found.push(
      ...one(
        'open to fields of any name',
        isEntries === undefined ? 'closed: other fields are dropped' : 'a map',
      ),
    );
  } else if (wasEntries !== undefined && isEntries !== undefined) {
    found.push(...compareSchemas(wasEntries, isEntries, `${path}{}`));
  } else if (wasEntries !== undefined && !open(b)) {
    found.push(...one('a map', 'named fields: other entries are dropped'));
  }
  const required = (b.required ?? []).filter(
    (name) =>
      !a.required?.includes(name) &&
      fields[name]?.default === undefined &&
      next[name]?.default === undefined,
  );
  for (const name of required) {
    found.push({
      path: below(name),
      was: fields[name] === undefined ? 'not there' : 'optional',
      is: 'required, without a default',
    });
  }
  return found;
}
