import { expect } from 'chai';
import fc from 'fast-check';
import {
  findBreakingChanges,
  formatBreakingChange,
  compareSchemas,
} from '../../../generators/lib/crd/compatibility.ts';
import { validateValue } from '../../../generators/lib/util/validate-value.ts';
import type { StructuralSchema } from '../../../generators/lib/util/structural-schema.ts';
import { schema, tidy, valueFor } from './arbitrary-schemas.ts';
import { compileCrd, specSchema } from '../../crd/compile-crd.ts';

/** Schemas that are wider than a given one at one place. */
function widened(of: StructuralSchema): readonly StructuralSchema[] {
  const here: StructuralSchema[] = [
    { ...of, nullable: true },
    { 'x-kubernetes-preserve-unknown-fields': true },
  ];
  const without = (...keys: readonly (keyof StructuralSchema)[]): StructuralSchema =>
    tidy(
      Object.fromEntries(
        Object.entries(of).filter(([key]) => !keys.includes(key as keyof StructuralSchema)),
      ),
    );
  for (const key of [
    'enum',
    'pattern',
    'minimum',
    'maximum',
    'multipleOf',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'minProperties',
    'maxProperties',
    'required',
  ] as const) {
    if (of[key] !== undefined) {
      here.push(
        without(
          key,
          ...(key === 'minimum' ? (['exclusiveMinimum'] as const) : []),
          ...(key === 'maximum' ? (['exclusiveMaximum'] as const) : []),
        ),
      );
    }
  }
  if (of.maximum !== undefined) {
    here.push({ ...of, maximum: of.maximum + 1 });
  }
  if (of.minLength !== undefined) {
    here.push({ ...of, minLength: Math.max(0, of.minLength - 1) });
  }
  if (of.enum !== undefined && of.type === 'string') {
    here.push({ ...of, enum: [...of.enum, 'more'] });
  }
  if (of.type === 'integer') {
    here.push({ ...of, type: 'number' });
  }
  if (of.type === 'boolean') {
    return here;
  }
  if (of.properties !== undefined) {
    if (of['x-kubernetes-preserve-unknown-fields'] !== true) {
      here.push({
        ...of,
        properties: { ...of.properties, more: { type: 'string', maxLength: 1 } },
      });
    }
    here.push({ ...of, 'x-kubernetes-preserve-unknown-fields': true });
    for (const [name, inner] of Object.entries(of.properties)) {
      for (const wide of widened(inner)) {
        here.push({ ...of, properties: { ...of.properties, [name]: wide } });
      }
    }
  }
  if (of.items !== undefined) {
    for (const wide of widened(of.items)) {
      here.push({ ...of, items: wide });
    }
  }
  if (typeof of.additionalProperties === 'object') {
    for (const wide of widened(of.additionalProperties)) {
      here.push({ ...of, additionalProperties: wide });
    }
  }
  return here;
}

const texts = (before: string, after: string): readonly string[] =>
  compareSchemas(specSchema(before), specSchema(after), 'spec').map(formatBreakingChange);
const fields = (text: string): string => `export interface FeatureSpec {\n${text}\n}`;

/** Before, after, and the breaking changes: none when the change is compatible. */
const CHANGES: readonly (readonly [before: string, after: string, ...breaks: string[]])[] = [
  [
    'readonly a?: string; readonly b?: Int32',
    'readonly a?: string',
    'spec.b: was integer, is removed: stored values are dropped',
  ],
  [
    'readonly a?: string',
    'readonly a: string',
    'spec.a: was optional, is required, without a default',
  ],
  ['readonly a?: string', '/** @default x */ readonly a: string'],
  [
    'readonly a?: string',
    'readonly a?: string; readonly b: string',
    'spec.b: was not there, is required, without a default',
  ],
  ['readonly a?: string', 'readonly a?: string; /** @default 5 */ readonly b: Int32'],
  ['readonly a: string', 'readonly a: Int32', 'spec.a: was string, is integer'],
  ['readonly a: Int32', 'readonly a: Int64'],
  ['readonly a: Int64', 'readonly a: Int32', 'spec.a: was format int64, is format int32'],
  ['readonly a: Int32', 'readonly a: number'],
  ['readonly a: number', 'readonly a: Int32', 'spec.a: was number, is integer'],
  ['readonly a: Int32', 'readonly a: IntOrString'],
  ['readonly a: IntOrString', 'readonly a: string', 'spec.a: was integer or string, is string'],
  ['readonly a: string | null', 'readonly a: string', 'spec.a: was nullable, is not nullable'],
  [
    "readonly a: 'x' | 'y'",
    "readonly a: 'x' | 'z'",
    'spec.a: was one of "x", "y", is one of "x", "z"',
  ],
  ["readonly a: 'x' | 'y'", "readonly a: 'x' | 'y' | 'z'"],
  ["readonly a: 'x' | 'y'", '/** @pattern ^[xyz]$ */ readonly a: string'],
  ['readonly a: string', "readonly a: 'x'", 'spec.a: was without enum, is enum ["x"]'],
  ["readonly a: 'x' | 'y'", "readonly a: 'x' | 'y' | null"],
  [
    "readonly a: 'x' | 'y' | null",
    "readonly a: 'x' | 'y'",
    'spec.a: was nullable, is not nullable',
  ],
  ["readonly a: 'x' | 'y' | null", "readonly a: 'x' | 'y' | 'z' | null"],
  [
    "readonly a: 'x' | 'y' | null",
    "readonly a: 'x' | 'z' | null",
    'spec.a: was one of "x", "y", is without "y"',
  ],
  [
    '/** @maximum 100 */ readonly a: Int32',
    '/** @maximum 50 */ readonly a: Int32',
    'spec.a: was maximum 100, is maximum 50',
  ],
  [
    '/** @maximum 5 */ readonly a: number',
    '/** @exclusiveMaximum 5 */ readonly a: number',
    'spec.a: was maximum 5, is maximum 5 (exclusive)',
  ],
  [
    'readonly a: string',
    '/** @maxLength 5 */ readonly a: string',
    'spec.a: was without maxLength, is maxLength 5',
  ],
  [
    'readonly a: string',
    '/** @pattern ^x */ readonly a: string',
    'spec.a: was without pattern, is pattern ^x',
  ],
  [
    'readonly a: string',
    'readonly a: Timestamp',
    'spec.a: was without format, is format date-time',
  ],
  [
    'readonly a: readonly string[]',
    '/** @set */ readonly a: readonly string[]',
    'spec.a: was a list of type atomic, is a list of type set',
  ],
  [
    'readonly a: readonly { readonly b: string }[]',
    '/** @keyedBy b */ readonly a: readonly { readonly b: string }[]',
    'spec.a: was a list of type atomic, is a list of type map by b',
  ],
  [
    'readonly a: readonly string[]',
    'readonly a: readonly Int32[]',
    'spec.a[]: was string, is integer',
  ],
  [
    'readonly a: Record<string, string>',
    '/** @maxProperties 2 */ readonly a: Record<string, Int32>',
    'spec.a: was without maxProperties, is maxProperties 2',
    'spec.a{}: was string, is integer',
  ],
  [
    'readonly a: Record<string, string>',
    'readonly a: { readonly b?: string }',
    'spec.a: was a map, is named fields: other entries are dropped',
  ],
  ['readonly a: { readonly b?: string }', 'readonly a: Record<string, string>'],
  [
    'readonly a: object',
    'readonly a: { readonly b?: string }',
    'spec.a.b: was anything, is string',
    'spec.a: was open to fields of any name, is closed: other fields are dropped',
  ],
  ['readonly a: { readonly b?: string }', 'readonly a: object'],
  ['readonly a: unknown', 'readonly a: string', 'spec.a: was anything, is string'],
  [
    'readonly a: string',
    "/** @rule self != '' // must not be empty */ readonly a: string",
    'spec.a: was without the rule, is with the rule must not be empty',
  ],
  ['readonly a: string', '/** @immutable */ readonly a: string'],
  [
    "readonly a: { readonly k: 'x'; readonly p: string } | { readonly k: 'y'; readonly q: string }",
    "readonly a: { readonly k: 'x'; readonly p: string } | { readonly k: 'y'; readonly q: string } | { readonly k: 'z'; readonly r: string }",
  ],
  [
    "readonly a: { readonly k: 'x'; readonly p: string } | { readonly k: 'y'; readonly q: string }",
    "readonly a: { readonly k: 'x'; readonly p?: string } | { readonly k: 'y'; readonly q: string }",
  ],
  [
    "readonly a: { readonly k: 'x'; readonly p?: string } | { readonly k: 'y'; readonly q: string }",
    "readonly a: { readonly k: 'x'; readonly p: string } | { readonly k: 'y'; readonly q: string }",
    'spec.a: was fields that go together, is other fields that go together',
  ],
  [
    'readonly a?: string; readonly b?: string',
    '/** Other words. @column */ readonly b?: string; /** @default x */ readonly a: string',
  ],
];

describe('a change of the CRD', () => {
  for (const [before, after, ...breaks] of CHANGES) {
    it(`${before} -> ${after}: ${breaks.length === 0 ? 'compatible' : 'breaking'}`, () => {
      expect(texts(fields(before), fields(after))).to.deep.equal(breaks);
    });
  }

  it('of apiVersion, kind, scope or the names of phases is breaking', () => {
    const before = compileCrd(fields('readonly a?: string'));
    const after = structuredClone(
      compileCrd(fields('readonly a?: string'), 'others.test'),
    ) as unknown as { spec: { scope: string; names: { plural: string } } };
    after.spec.scope = 'Cluster';
    after.spec.names.plural = 'feats';
    expect(findBreakingChanges(before, after).map(formatBreakingChange)).to.deep.equal([
      "apiVersion: was 'features.test/v1', is 'others.test/v1'",
      "plural: was 'features', is 'feats'",
      "scope: was 'Namespaced', is 'Cluster'",
    ]);
    const phases = JSON.parse(
      JSON.stringify(before).replaceAll('["A","B"]', '["A","C"]'),
    ) as object;
    expect(findBreakingChanges(before, phases).map(formatBreakingChange)).to.deep.equal([
      'status.phase: was one of "A", "B", is one of "A", "C"',
    ]);
  });

  it('that changes nothing is compatible', () => {
    fc.assert(
      fc.property(schema, (any) => void expect(compareSchemas(any, any, 'spec')).to.deep.equal([])),
    );
  });

  it('that widens a schema is compatible', () => {
    const pair = schema.chain((before) =>
      fc.tuple(fc.constant(before), fc.constantFrom(...widened(before))),
    );
    fc.assert(
      fc.property(
        pair,
        ([before, after]) =>
          void expect(
            compareSchemas(before, after, 'spec').map(formatBreakingChange),
          ).to.deep.equal([]),
      ),
      { numRuns: 500 },
    );
  });

  it('that would refuse or drop a stored value is breaking', () => {
    const any = fc.oneof(
      fc.tuple(schema, schema),
      // Pairs of similar schemas of which one is wider: these find most errors.
      schema.chain((one) => fc.tuple(fc.constantFrom(...widened(one)), fc.constant(one))),
      schema.chain((one) =>
        fc.tuple(fc.constantFrom(...widened(one)), fc.constantFrom(...widened(one))),
      ),
    );
    const tried = any.chain(([before, after]) =>
      fc.tuple(
        fc.constant(before),
        fc.constant(after),
        fc.array(valueFor(before), { minLength: 5, maxLength: 5 }),
      ),
    );
    let broken = 0;
    fc.assert(
      fc.property(tried, ([before, after, values]) => {
        const stored = values.filter((value) => validateValue(value, before) === undefined);
        const lost = stored.filter((value) => validateValue(value, after) !== undefined);
        if (lost.length > 0) {
          broken++;
        }
        if (compareSchemas(before, after, 'spec').length === 0) {
          expect(lost).to.deep.equal([]);
        }
      }),
      { numRuns: 2000 },
    );
    expect(broken).to.be.above(100);
  });
});
