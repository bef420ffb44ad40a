/**
 * Compatibility of a new CRD with stored resources. A change is breaking when the new CRD would
 * refuse a stored value, drop a stored field, or no longer serve the kind. A wider schema is not
 * breaking. A change that cannot be decided, such as another pattern or another rule, is breaking.
 */
import type { StructuralSchema } from '../util/structural-schema.ts';
import { validateValue } from '../util/validate-value.ts';
import { isUnionWidened } from './union-compatibility.ts';

/** A breaking change of one field. */
export interface BreakingChange {
  /** Path of the field, for example `spec.hosts[].port`. */
  readonly path: string;
  /** Part of the schema before, for example `maximum 100`. */
  readonly was: string;
  /** Part of the schema after the change. */
  readonly is: string;
  /** Whether the change comes with another version in apiVersion. Default: false. */
  readonly betweenVersions?: boolean;
}

/** The parts of a CRD that are compared. */
interface CrdDocument {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly scope: string;
    readonly versions: readonly CrdVersion[];
  };
}

interface CrdVersion {
  readonly name: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
}

/** Formats a change as one line, for example `spec.weight: was maximum 100, is maximum 50`. */
export function formatBreakingChange({ path, was, is }: BreakingChange): string {
  return `${path}: was ${was}, is ${is}`;
}

/**
 * All breaking changes between two CRDs.
 * @param before CustomResourceDefinition as in crd.json
 * @param after CustomResourceDefinition as in crd.json
 */
export function findBreakingChanges(before: object, after: object): BreakingChange[] {
  const { spec: old } = before as CrdDocument;
  const { spec: now } = after as CrdDocument;
  const namesBefore = old.versions.map(({ name }) => name);
  const namesNow = now.versions.map(({ name }) => name);
  const isNewVersion = storedVersion(old.versions) !== storedVersion(now.versions);
  const isKept = namesBefore.every((name) => namesNow.includes(name));
  const served = (isKept ? namesBefore : namesNow).join(', ');
  return [
    ...compareNames(
      'apiVersion',
      `${old.group}/${namesBefore.join(', ')}`,
      `${now.group}/${served}`,
    ),
    ...compareNames('kind', old.names.kind, now.names.kind),
    ...compareNames('plural', old.names.plural, now.names.plural),
    ...compareNames('scope', old.scope, now.scope),
    ...old.versions
      .flatMap((version, index) => {
        // A version with another name is compared too: it may also have become narrower.
        const next = now.versions.find(({ name }) => name === version.name) ?? now.versions[index];
        return next === undefined ? [] : compareVersions(version, next);
      })
      .map((change) => ({ ...change, ...(isNewVersion && { betweenVersions: true }) })),
    ...compareServed(old.versions, now.versions),
  ].filter(isFirst);
}

/** Whether an entry is not a repetition: all versions of a CRD have the same schema. */
function isFirst(change: BreakingChange, index: number, all: readonly BreakingChange[]): boolean {
  const line = formatBreakingChange(change);
  return all.findIndex((other) => formatBreakingChange(other) === line) === index;
}

function storedVersion(versions: readonly CrdVersion[]): string | undefined {
  return versions.find(({ storage }) => storage)?.name;
}

function compareServed(
  before: readonly CrdVersion[],
  after: readonly CrdVersion[],
): BreakingChange[] {
  return before
    .filter(({ name, served }) => {
      const next = after.find((version) => version.name === name);
      return served !== false && next?.served === false;
    })
    .map(({ name }) => ({ path: name, was: 'served', is: 'not served' }));
}

function compareNames(path: string, was: string, is: string): BreakingChange[] {
  return was === is ? [] : [{ path, was: `'${was}'`, is: `'${is}'` }];
}

function compareVersions(before: CrdVersion, after: CrdVersion): BreakingChange[] {
  const was = before.schema?.openAPIV3Schema ?? {};
  const is = after.schema?.openAPIV3Schema ?? {};
  // The empty Spec of a new project promises nothing yet, so its first fields break nothing.
  const isStub = was.properties?.['spec']?.properties === undefined;
  return isStub ? compareSchemas(omitSpec(was), omitSpec(is), '') : compareSchemas(was, is, '');
}

function omitSpec({ required: _, ...schema }: StructuralSchema): StructuralSchema {
  const { spec: _spec, ...properties } = schema.properties ?? {};
  return { ...schema, properties };
}

/** @throws Error that lists the breaking changes, if there are any */
export function refuseBreakingChanges(breaks: readonly BreakingChange[]): void {
  if (breaks.length === 0) {
    return;
  }
  const lines = breaks.map((change) => `  ${formatBreakingChange(change)}`).join('\n');
  const advice = versionAdvice(breaks);
  throw new Error(
    `The new CRD does not accept all resources that may be stored:\n${lines}\n${advice}Nothing was written. Undo these changes (a new field needs '?' or @default; a renamed phase needs 'formerly'), or generate with --accept-breaking if there are no such resources.`,
  );
}

/** What to do about changes of versions, as lines. Empty when there are none. */
function versionAdvice(breaks: readonly BreakingChange[]): string {
  const version = breaks.find(({ path }) => path === 'apiVersion');
  const lines = [
    ...(version === undefined ? [] : [keepVersions(version)]),
    ...(breaks.some(({ betweenVersions }) => betweenVersions)
      ? [
          'Resources of a former version are not converted: a field that is renamed, newly required or narrower needs a conversion webhook, which is not available yet. Keep such a field as it was, and add the new one beside it.',
        ]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** How to keep the versions that a CRD no longer has. */
function keepVersions({ was, is }: BreakingChange): string {
  const [groupBefore, groupNow] = [was, is].map((text) => text.slice(1, text.indexOf('/')));
  if (groupBefore !== groupNow) {
    return 'Another group makes another kind, without the stored resources.';
  }
  const [before, now] = [was, is].map((text) => text.slice(text.indexOf('/') + 1, -1).split(', '));
  const lost = (before ?? []).filter((name) => now?.includes(name) !== true);
  const entries = lost.map((name) => `{ name: ${name} }`).join(', ');
  return `To keep the stored resources, list what is missing in autopilot.yaml: formerVersions: [${entries}]. The API server refuses a CRD without a version of its status.storedVersions: migrate the storage of each cluster first (UPGRADING.md of the chart).`;
}

/** Makes the breaking change of the current field. */
type ReportChange = (was: string, is: string) => BreakingChange[];

/**
 * All breaking changes between two schemas of a value.
 * @param path path of the value. Empty for the whole resource.
 */
export function compareSchemas(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
): BreakingChange[] {
  const change: ReportChange = (was, is) => [
    { path: path === '' ? 'the resource' : path, was, is },
  ];
  if (acceptsAnything(b)) {
    return compareRules(a, b, change);
  }
  const nullable =
    a.nullable === true && b.nullable !== true ? change('nullable', 'not nullable') : [];
  const values = enumeratedValues(a);
  if (values !== undefined) {
    // All values are known, so each one can be checked.
    return [...nullable, ...compareEnums(values, b, change), ...compareRules(a, b, change)];
  }
  if (!isTypeCompatible(a, b)) {
    return [...nullable, ...change(describeType(a), describeType(b))];
  }
  return [
    ...nullable,
    ...compareConstraints(a, b, change),
    ...compareRules(a, b, change),
    ...compareParts(a, b, path, change),
  ];
}

function compareParts(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
  change: ReportChange,
): BreakingChange[] {
  if (b.type === 'array') {
    return compareLists(a, b, path, change);
  }
  return b.type === 'object' ? compareObjects(a, b, path, change) : [];
}

/**
 * All values that a schema allows, if it lists them: as an enum, or as the pattern that replaces
 * the enum of a nullable string.
 */
function enumeratedValues(schema: StructuralSchema): readonly unknown[] | undefined {
  const { type, enum: values, pattern } = schema;
  if (type === 'object' || type === 'array') {
    return undefined;
  }
  return values ?? (type === 'string' ? enumOfPattern(pattern) : undefined);
}

/** The values of a pattern such as `^(a|b)$`, which makeNullable of spec/nullable.ts writes. */
function enumOfPattern(pattern = ''): readonly string[] | undefined {
  return /^\^\(([\w|-]+)\)\$$/.exec(pattern)?.[1]?.split('|');
}

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
  change: ReportChange,
): BreakingChange[] {
  const lost = values.filter((value) => value !== null && validateValue(value, b) !== undefined);
  if (lost.length === 0) {
    return [];
  }
  return change(
    `one of ${listValues(values)}`,
    b.enum === undefined ? `without ${listValues(lost)}` : `one of ${listValues(b.enum)}`,
  );
}

function listValues(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

const MINIMUM_KEYWORDS = ['minLength', 'minItems', 'minProperties'] as const;
const MAXIMUM_KEYWORDS = ['maxLength', 'maxItems', 'maxProperties'] as const;
const EMBEDDED_RESOURCE = 'x-kubernetes-embedded-resource';

/** A keyword of the new schema that may be narrower. */
interface ConstraintChange {
  readonly keyword: string;
  readonly isNarrower: boolean;
  readonly was: unknown;
  readonly is: unknown;
}

/** Compares the constraints of strings, numbers and counts. */
function compareConstraints(
  a: StructuralSchema,
  b: StructuralSchema,
  change: ReportChange,
): BreakingChange[] {
  const constraints: readonly ConstraintChange[] = [
    { keyword: 'enum', isNarrower: b.enum !== undefined, was: a.enum, is: b.enum },
    {
      keyword: 'pattern',
      isNarrower: b.pattern !== undefined && b.pattern !== a.pattern && !isNumberSchema(a),
      was: a.pattern,
      is: b.pattern,
    },
    { keyword: 'format', isNarrower: isFormatNarrower(a, b), was: a.format, is: b.format },
    ...countChanges(a, b),
    limitChange(a, b, 'minimum'),
    limitChange(a, b, 'maximum'),
    {
      keyword: 'multipleOf',
      isNarrower: isMultipleNarrower(a.multipleOf, b.multipleOf),
      was: a.multipleOf,
      is: b.multipleOf,
    },
    {
      keyword: EMBEDDED_RESOURCE,
      isNarrower: b[EMBEDDED_RESOURCE] === true && a[EMBEDDED_RESOURCE] !== true,
      was: a[EMBEDDED_RESOURCE],
      is: b[EMBEDDED_RESOURCE],
    },
  ];
  return constraints
    .filter(({ isNarrower }) => isNarrower)
    .flatMap(({ keyword, was, is }) =>
      change(describeKeyword(keyword, was), describeKeyword(keyword, is)),
    );
}

function describeKeyword(keyword: string, value: unknown): string {
  if (value === undefined) {
    return `without ${keyword}`;
  }
  return `${keyword} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

function countChanges(a: StructuralSchema, b: StructuralSchema): readonly ConstraintChange[] {
  return [
    ...MINIMUM_KEYWORDS.map((keyword) => ({
      keyword,
      isNarrower: (b[keyword] ?? 0) > (a[keyword] ?? 0),
      was: a[keyword],
      is: b[keyword],
    })),
    ...MAXIMUM_KEYWORDS.map((keyword) => ({
      keyword,
      isNarrower: (b[keyword] ?? Infinity) < (a[keyword] ?? Infinity),
      was: a[keyword],
      is: b[keyword],
    })),
  ];
}

const EXCLUSIVE = { minimum: 'exclusiveMinimum', maximum: 'exclusiveMaximum' } as const;

function limitChange(
  a: StructuralSchema,
  b: StructuralSchema,
  keyword: 'minimum' | 'maximum',
): ConstraintChange {
  const exclusive = EXCLUSIVE[keyword];
  const [was, is] = [a[keyword], b[keyword]];
  const becomesExclusive = was === is && b[exclusive] === true && a[exclusive] !== true;
  return {
    keyword,
    isNarrower: is !== undefined && (isLimitNarrower(keyword, was, is) || becomesExclusive),
    was: formatLimit(a, keyword),
    is: formatLimit(b, keyword),
  };
}

function isLimitNarrower(
  keyword: 'minimum' | 'maximum',
  was: number | undefined,
  is: number,
): boolean {
  if (was === undefined) {
    return true;
  }
  return keyword === 'minimum' ? is > was : is < was;
}

function formatLimit(schema: StructuralSchema, keyword: 'minimum' | 'maximum'): string | undefined {
  const value = schema[keyword];
  if (value === undefined) {
    return undefined;
  }
  return schema[EXCLUSIVE[keyword]] === true ? `${value} (exclusive)` : String(value);
}

function isMultipleNarrower(was: number | undefined, is: number | undefined): boolean {
  return is !== undefined && (was === undefined || !Number.isInteger(was / is));
}

function isNumberSchema(schema: StructuralSchema): boolean {
  return schema.type === 'integer' || schema.type === 'number';
}

/** Formats whose values all fit a wider format, by the wider one. */
const NARROWER_FORMATS: Readonly<Record<string, readonly string[]>> = { int64: ['int32'] };

function isFormatNarrower(a: StructuralSchema, b: StructuralSchema): boolean {
  // The API server checks nothing for float and double.
  if (b.format === undefined || b.format === 'double' || b.format === 'float') {
    return false;
  }
  const accepted = [b.format, ...(NARROWER_FORMATS[b.format] ?? [])];
  return a.format === undefined || !accepted.includes(a.format);
}

/** Finds new rules and new combinations of fields. */
function compareRules(
  a: StructuralSchema,
  b: StructuralSchema,
  change: ReportChange,
): BreakingChange[] {
  const known = new Set((a['x-kubernetes-validations'] ?? []).map(({ rule }) => rule));
  // A rule with oldSelf is about changes, so it refuses no stored value.
  const added = (b['x-kubernetes-validations'] ?? []).filter(
    ({ rule, optionalOldSelf }) =>
      !known.has(rule) && (!/\boldSelf\b/.test(rule) || optionalOldSelf === true),
  );
  const narrowed = (['oneOf', 'anyOf', 'allOf', 'not'] as const).filter(
    (keyword) => !isUnionWidened(keyword, a, b),
  );
  return [
    ...added.flatMap(({ rule, message }) =>
      change('without the rule', `with the rule ${message ?? rule}`),
    ),
    ...narrowed.flatMap((keyword) =>
      change(
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
  change: ReportChange,
): BreakingChange[] {
  const [was, is] = [describeList(a), describeList(b)];
  const items =
    a.items === undefined || b.items === undefined
      ? []
      : compareSchemas(a.items, b.items, `${path}[]`);
  return [...(was === is ? [] : change(was, is)), ...items];
}

function describeList(schema: StructuralSchema): string {
  const keys = schema['x-kubernetes-list-map-keys'];
  const by = keys === undefined ? '' : ` by ${keys.join(', ')}`;
  return `a list of type ${schema['x-kubernetes-list-type'] ?? 'atomic'}${by}`;
}

function compareObjects(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
  change: ReportChange,
): BreakingChange[] {
  const pathOf = (name: string): string => (path === '' ? name : `${path}.${name}`);
  return [
    ...compareOldFields(a, b, pathOf),
    ...compareNewFields(a, b, pathOf),
    ...compareEntries(a, b, path, change),
    ...compareRequired(a, b, pathOf),
  ];
}

type PathOf = (name: string) => string;

/** Fields that the old schema names. */
function compareOldFields(
  a: StructuralSchema,
  b: StructuralSchema,
  pathOf: PathOf,
): BreakingChange[] {
  return Object.entries(a.properties ?? {}).flatMap(([name, was]) => {
    const fields = b.properties ?? {};
    const is = Object.hasOwn(fields, name) ? fields[name] : entrySchema(b);
    if (is !== undefined) {
      return compareSchemas(was, is, pathOf(name));
    }
    const removed = 'removed: stored values are dropped';
    return isOpen(b) ? [] : [{ path: pathOf(name), was: describeType(was), is: removed }];
  });
}

/** Fields that only the new schema names, where a stored value could have any field. */
function compareNewFields(
  a: StructuralSchema,
  b: StructuralSchema,
  pathOf: PathOf,
): BreakingChange[] {
  const before = entrySchema(a);
  if (!isOpen(a) && before === undefined) {
    return [];
  }
  return Object.entries(b.properties ?? {})
    .filter(([name, is]) => !Object.hasOwn(a.properties ?? {}, name) && !acceptsAnything(is))
    .flatMap(([name, is]) =>
      isOpen(a) || before === undefined
        ? [{ path: pathOf(name), was: 'anything', is: describeType(is) }]
        : compareSchemas(before, is, pathOf(name)),
    );
}

/** Entries of maps, and fields without a name in the schema. */
function compareEntries(
  a: StructuralSchema,
  b: StructuralSchema,
  path: string,
  change: ReportChange,
): BreakingChange[] {
  const [was, is] = [entrySchema(a), entrySchema(b)];
  if (isOpen(a) && !isOpen(b)) {
    return change(
      'open to fields of any name',
      is === undefined ? 'closed: other fields are dropped' : 'a map',
    );
  }
  if (was !== undefined && is !== undefined) {
    return compareSchemas(was, is, `${path}{}`);
  }
  return was !== undefined && !isOpen(b)
    ? change('a map', 'named fields: other entries are dropped')
    : [];
}

function compareRequired(
  a: StructuralSchema,
  b: StructuralSchema,
  pathOf: PathOf,
): BreakingChange[] {
  const [before, after] = [a.properties ?? {}, b.properties ?? {}];
  return (b.required ?? [])
    .filter((name) => !a.required?.includes(name))
    .filter((name) => before[name]?.default === undefined && after[name]?.default === undefined)
    .map((name) => ({
      path: pathOf(name),
      was: before[name] === undefined ? 'not there' : 'optional',
      is: 'required, without a default',
    }));
}

/** Schema of the entries of a map. Undefined for other objects. */
function entrySchema({ additionalProperties }: StructuralSchema): StructuralSchema | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Whether an object may have any further fields. */
function isOpen(schema: StructuralSchema): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true
  );
}
