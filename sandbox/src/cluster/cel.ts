/**
 * CEL as the API server evaluates it: values typed by their schema, and the functions that
 * Kubernetes adds (https://kubernetes.io/docs/reference/using-api/cel/). A rule that uses anything
 * else is not evaluated: the caller gets the reason.
 */
import { Environment, Optional } from '@marcbachmann/cel-js';
import { isMap, jsonEqual } from './frozen-json.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './structural-schema.ts';

/** A compiled rule, or the reason why the sandbox cannot evaluate it. */
export type CompiledRule =
  | { readonly run: (values: Readonly<Record<string, unknown>>) => unknown }
  | { readonly unsupported: string };

class Sets {}

class CelQuantity {
  readonly amount: number;

  constructor(amount: number) {
    this.amount = amount;
  }
}

const QUANTITY = /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;
const DECIMAL: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

function parseQuantity(text: string): CelQuantity {
  const [, number, unit = ''] = QUANTITY.exec(text) ?? [];
  if (number === undefined) {
    throw new Error(`quantities must match the regular expression ${QUANTITY.source}`);
  }
  const binary = /^[KMGTPE]i$/.test(unit)
    ? 1024 ** ('KMGTPE'.indexOf(unit[0] ?? '') + 1)
    : undefined;
  const exponent = /^[eE](.*)$/.exec(unit)?.[1];
  return new CelQuantity(
    Number(number) *
      (binary ?? DECIMAL[unit] ?? (exponent === undefined ? 1 : 10 ** Number(exponent))),
  );
}

type CelList = readonly (bigint | number | string)[];

type CelFunctions = Readonly<Record<string, (...given: never[]) => unknown>>;

/** The functions that Kubernetes adds to CEL, by their signatures. */
const LIST_FUNCTIONS: CelFunctions = {
  'list.isSorted(): bool': (list: CelList) =>
    list.every((item, index) => index === 0 || (list[index - 1] ?? item) <= item),
  'list.sum(): dyn': (list: readonly number[]) =>
    list.length === 0 ? 0n : list.reduce((sum, item) => sum + item),
  'list.min(): dyn': (list: CelList) => list.reduce((least, item) => (item < least ? item : least)),
  'list.max(): dyn': (list: CelList) => list.reduce((most, item) => (item > most ? item : most)),
  'list.indexOf(dyn): int': (list: CelList, item: unknown) =>
    BigInt(list.findIndex((one) => celEqual(one, item))),
  'list.lastIndexOf(dyn): int': (list: CelList, item: unknown) =>
    BigInt(list.findLastIndex((one) => celEqual(one, item))),
};

const STRING_FUNCTIONS: CelFunctions = {
  'string.charAt(int): string': (text: string, index: bigint) =>
    Array.from(text)[Number(index)] ?? '',
  'string.replace(string, string): string': (text: string, old: string, fresh: string) =>
    text.replaceAll(old, () => fresh),
  'string.replace(string, string, int): string': (
    text: string,
    old: string,
    fresh: string,
    most: bigint,
  ) => {
    const parts = text.split(old);
    const head = most < 0n ? parts : parts.slice(0, Number(most) + 1);
    return [head.join(fresh), ...parts.slice(head.length)].join(old);
  },
  'string.reverse(): string': (text: string) => Array.from(text).toReversed().join(''),
  'string.find(string): string': (text: string, pattern: string) =>
    new RegExp(pattern, 'u').exec(text)?.[0] ?? '',
  'string.findAll(string): list': (text: string, pattern: string) =>
    [...text.matchAll(new RegExp(pattern, 'gu'))].map(([found]) => found),
  'isURL(string): bool': (text: string) => URL.canParse(text),
};

const QUANTITY_FUNCTIONS: CelFunctions = {
  'isQuantity(string): bool': (text: string) => QUANTITY.test(text),
  'quantity(string): Quantity': parseQuantity,
  'Quantity.isGreaterThan(Quantity): bool': (a: CelQuantity, b: CelQuantity) => a.amount > b.amount,
  'Quantity.isLessThan(Quantity): bool': (a: CelQuantity, b: CelQuantity) => a.amount < b.amount,
  'Quantity.compareTo(Quantity): int': (a: CelQuantity, b: CelQuantity) =>
    BigInt(Math.sign(a.amount - b.amount)),
  'Quantity.asApproximateFloat(): double': ({ amount }: CelQuantity) => amount,
  'Quantity.asInteger(): int': ({ amount }: CelQuantity) => BigInt(amount),
  'Quantity.isInteger(): bool': ({ amount }: CelQuantity) => Number.isInteger(amount),
  'Quantity.sign(): int': ({ amount }: CelQuantity) => BigInt(Math.sign(amount)),
  'Quantity.add(Quantity): Quantity': (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(a.amount + b.amount),
  'Quantity.sub(Quantity): Quantity': (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(a.amount - b.amount),
};

const SET_FUNCTIONS: CelFunctions = {
  'Sets.contains(list, list): bool': (_: Sets, a: CelList, b: CelList) => containsAll(a, b),
  'Sets.equivalent(list, list): bool': (_: Sets, a: CelList, b: CelList) =>
    containsAll(a, b) && containsAll(b, a),
  'Sets.intersects(list, list): bool': (_: Sets, a: CelList, b: CelList) =>
    a.some((one) => containsAll(b, [one])),
};

function containsAll(list: readonly unknown[], items: readonly unknown[]): boolean {
  return items.every((item) => list.some((other) => celEqual(item, other)));
}

function createEnvironment(): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn')
    .registerType('Sets', { ctor: Sets, fields: {} })
    .registerType('Quantity', { ctor: CelQuantity, fields: {} })
    .registerConstant('sets', 'Sets', new Sets());
  const functions = {
    ...LIST_FUNCTIONS,
    ...STRING_FUNCTIONS,
    ...QUANTITY_FUNCTIONS,
    ...SET_FUNCTIONS,
  };
  for (const [signature, handler] of Object.entries(functions)) {
    environment.registerFunction(signature, handler as (...given: unknown[]) => unknown);
  }
  return environment;
}

/** CEL compares numbers across their types. */
function celEqual(a: unknown, b: unknown): boolean {
  const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
  return jsonEqual(plain(a), plain(b));
}

let sharedEnvironment: Environment | undefined;
const compiledRules = new Map<string, CompiledRule>();

/** Compiles an expression over `self` and `oldSelf`. Each expression is compiled once. */
export function compileRule(expression: string): CompiledRule {
  let found = compiledRules.get(expression);
  if (found === undefined) {
    compiledRules.set(expression, (found = parseRule(expression)));
  }
  return found;
}

function parseRule(expression: string): CompiledRule {
  sharedEnvironment ??= createEnvironment();
  try {
    const parsed = sharedEnvironment.parse(expression);
    const { valid, error } = parsed.check();
    if (!valid) {
      return {
        unsupported: (error?.message ?? 'the expression cannot be parsed').split('\n')[0] ?? '',
      };
    }
    return { run: (values) => parsed(values as Record<string, unknown>) as unknown };
  } catch (error) {
    return { unsupported: ((error as Error).message.split('\n')[0] ?? '').trim() };
  }
}

/** The value of `oldSelf` for a rule with `optionalOldSelf`. */
export function toOptional(value: unknown): unknown {
  return value === undefined ? Optional.none() : Optional.of(value);
}

const RESERVED_WORDS = new Set(
  (
    'true false null in as break const continue else for function if import let loop package ' +
    'namespace return var void while'
  ).split(' '),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The name of a property in the form that rules use. */
function escapePropertyName(name: string): string {
  if (RESERVED_WORDS.has(name)) {
    return `__${name}__`;
  }
  return name.replaceAll(/__|[./-]/g, (part) => ESCAPES[part] ?? part);
}

/**
 * A JSON value as CEL sees it: whole numbers are ints, date-times are timestamps, and properties
 * have their escaped names.
 */
export function toCelValue(value: unknown, schema: StructuralSchema | undefined): unknown {
  if (typeof value === 'number') {
    return Number.isInteger(value) && schema?.type !== 'number' ? BigInt(value) : value;
  }
  if (typeof value === 'string') {
    return schema?.format === 'date-time' ? new Date(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => toCelValue(item, schema?.items));
  }
  if (!isMap(value)) {
    return value;
  }
  const declared = schema?.properties;
  const members = Object.entries(value).map(([name, inner]) => {
    const member = schema === undefined ? undefined : memberSchema(schema, name);
    return [
      declared !== undefined && Object.hasOwn(declared, name) ? escapePropertyName(name) : name,
      toCelValue(inner, member),
    ] as const;
  });
  return Object.fromEntries(members);
}
