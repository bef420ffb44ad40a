import { expect } from 'chai';
import { compileCrd, specSchema } from '../../crd/compile-crd.ts';

/** A field on line 3 of the file, the expected message, and declarations before the interface. */
const REFUSED: readonly (readonly [field: string, because: string, before?: string])[] = [
  [
    'readonly pair: readonly [string, number];',
    'spec.pair is a tuple, which a CRD cannot describe; use an object with named fields',
  ],
  [
    'readonly at: Date;',
    'spec.at is a Date, but objects are plain JSON, where a time is a string; use Timestamp',
  ],
  [
    'readonly hosts: ReadonlySet<string>;',
    'spec.hosts is a ReadonlySet, but objects are plain JSON; use a list with @set',
  ],
  [
    'readonly map: Map<string, string>;',
    'spec.map is a Map, but objects are plain JSON; use Record<string, …>',
  ],
  [
    'readonly call: () => void;',
    'spec.call is a function, which cannot be in an object of Kubernetes',
  ],
  ['call(): void;', 'spec.call is a function'],
  ['readonly big: bigint;', 'spec.big is a bigint, which JSON does not have; use Int64'],
  ['readonly none: never;', 'spec.none is of the type never, which has no value in JSON'],
  [
    'readonly one: Thing;',
    'spec.one is the class Thing, but objects are plain JSON; use an interface',
    'class Thing { readonly a = 1 }',
  ],
  [
    'readonly any: string | { readonly a: string };',
    'spec.any is string or { readonly a: string; }, which a CRD cannot describe',
  ],
  [
    "readonly any: 1 | 'a';",
    'spec.any lists values of several types (number, string), but an enum of a CRD has one type',
  ],
  ['readonly any: 1 | string;', 'spec.any mixes literal numbers with strings'],
  [
    "readonly any: { readonly k: 'a'; readonly v: string } | { readonly k: 'b'; readonly v: number };",
    'spec.any.v has different types in the shapes of a union',
  ],
  [
    "readonly any: { readonly k: 'a' } | { readonly k: 'b'; /** @default 1 */ readonly v: Int32 };",
    'spec.any.v has a default, which the API server would also set in the other shapes',
  ],
  [
    'readonly both: { readonly a: string; readonly [name: string]: string };',
    'spec.both has both named fields and an index signature',
  ],
  ['readonly a: Missing;', "Cannot find name 'Missing'"],
  ["readonly a: import('not-there').X;", 'is it installed? npm install'],
  [
    '/** @minimun 3 */ readonly a: Int32;',
    "spec.a: @minimun is not a known tag, did you mean 'minimum'?",
  ],
  ['/** @minimum 3 */ readonly a: string;', 'spec.a: @minimum applies to numbers only'],
  ['/** @minimum three */ readonly a: Int32;', "spec.a: @minimum needs a number, not 'three'"],
  ['/** @maxLength -1 */ readonly a: string;', "spec.a: @maxLength needs a count, not '-1'"],
  [
    '/** @pattern a(?=b) */ readonly a: string;',
    'spec.a: @pattern has a look-around or another group that the API server does not support',
  ],
  ['/** @pattern a( */ readonly a: string;', "spec.a: @pattern has a '(' that is never closed"],
  [
    '/** @format ip4 */ readonly a: string;',
    "spec.a: @format names 'ip4', which is not a format of the API server, did you mean 'ipv4'?",
  ],
  [
    '/** @default eleven */ readonly a: Int32;',
    "spec.a: @default needs a value as JSON, not 'eleven'",
  ],
  [
    '/** @default 11 @maximum 10 */ readonly a: Int32;',
    'spec.a has the invalid default 11: the value 11 is greater than the maximum 10',
  ],
  [
    '/** @default {"b": 1} */ readonly a: { readonly c: Int32 };',
    'spec.a has the invalid default {"b":1}: c is missing',
  ],
  [
    "/** @default c */ readonly a: 'a' | 'b';",
    'spec.a has the invalid default "c": the value must be one of "a", "b"',
  ],
  [
    '/** @keyedBy nme */ readonly a: readonly { readonly name: string }[];',
    "spec.a: @keyedBy names 'nme', which is not a field of the items, did you mean 'name'?",
  ],
  [
    '/** @keyedBy name */ readonly a: readonly { readonly name?: string }[];',
    "spec.a: @keyedBy names 'name', which is optional",
  ],
  [
    '/** @keyedBy name */ readonly a: readonly string[];',
    'spec.a: @keyedBy applies to lists of objects only',
  ],
  [
    '/** @set */ readonly a: readonly { readonly name: string }[];',
    'spec.a: @set applies to lists of strings, numbers or booleans only',
  ],
  [
    'readonly a: readonly { /** @immutable */ readonly host: string }[];',
    'spec.a[].host: @immutable needs a list whose items have an identity; put @keyedBy',
  ],
  [
    'readonly a: Readonly<Record<string, { /** @immutable */ readonly n: Int32 }>>;',
    'spec.a{}.n: @immutable needs @maxItems on the list (@maxProperties on a map)',
  ],
  [
    '/** @maxProperties 5 */ readonly a: Readonly<Record<string, { /** @immutable */ readonly n: string }>>;',
    'spec.a{}.n: @immutable needs @maxLength here',
  ],
  [
    'readonly a: readonly { /** @rule self == oldSelf */ readonly n: string }[];',
    'spec.a[].n: @rule compares with oldSelf, but items of this list',
  ],
  ['/** @rule // only a message */ readonly a: string;', 'spec.a: @rule needs an expression'],
  [
    '/** @column */ readonly a: { readonly b: string };',
    'spec.a: @column applies to strings, numbers, booleans and times only',
  ],
  [
    'readonly a: readonly { /** @column */ readonly b: string }[];',
    'spec.a[].b: @column applies to fields outside of lists and maps only',
  ],
  [
    '/** @shortName cn */ readonly a: string;',
    'spec.a: @shortName must be in the comment of the Spec interface',
  ],
];

describe('reading src/spec.ts', () => {
  for (const [field, because, before = ''] of REFUSED) {
    it(`refuses: ${field}`, () => {
      expect(() => compileCrd(`${before} export interface FeatureSpec {\n${field}\n}`))
        .to.throw(because)
        .with.property('message')
        .matches(/^spec\.ts:3:\d+: /);
    });
  }

  it('reports all problems at once, in the order of the file', () => {
    expect(() =>
      compileCrd(
        'export interface FeatureSpec {\nreadonly a: Date;\n/**\n * @set\n */\nreadonly b: string\n}',
      ),
    )
      .to.throw()
      .with.property('message')
      .that.matches(/^spec\.ts:3:1: spec\.a is a Date[^\n]+\nspec\.ts:5:4: spec\.b: @set [^\n]+$/);
  });

  it('refuses recursive types, unless the field has @preserve', () => {
    const types = (tag: string): string =>
      `interface Tree { readonly below?: readonly Tree[] }\nexport interface FeatureSpec { ${tag} readonly tree?: Tree }`;
    expect(() => compileCrd(types(''))).to.throw(
      'spec.ts:2:18: spec.tree.below[] is of the type Tree, which contains itself',
    );
    expect(specSchema(types('/** @preserve */')).properties?.['tree']).to.deep.equal({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  it('requires both interfaces to be exported', () => {
    expect(() => compileCrd('interface FeatureSpec {}')).to.throw(
      "spec.ts:1:1: there is no exported interface FeatureSpec: add 'export interface FeatureSpec { … }'",
    );
  });

  it('refuses the names of the runtime’s fields in status', () => {
    expect(() =>
      compileCrd(
        'export interface FeatureSpec {}\nexport interface FeatureStatusInfo {\n  readonly phase: string;\n}',
      ),
    ).to.throw("spec.ts:4:3: status must not have a field 'phase', which the runtime writes");
  });

  it('checks the fields that @scale names', () => {
    const types = (value: string): string =>
      `/** @scale ${value} */\nexport interface FeatureSpec { readonly replicas?: Int32; readonly name?: string }`;
    expect(() => compileCrd(types('spec.replicas status.replicas'))).to.throw(
      "spec.ts:2:5: spec: @scale names 'status.replicas', which does not exist",
    );
    expect(() => compileCrd(types('spec.name status.replicas'))).to.throw(
      "@scale names 'spec.name', which must be an integer",
    );
    expect(() => compileCrd(types('replicas'))).to.throw('@scale needs two or three fields');
  });

  it('takes descriptions from fields, else from their types, with links as plain text', () => {
    const spec = specSchema(`/** A backend. */\ninterface Backend { readonly name: string }
/**
 * What is wanted.
 *
 * In {@link Other | two} paragraphs.
 */
export interface FeatureSpec {
  readonly one?: Backend;
  /** Another one. @maxLength 3 */
  readonly two?: string;
  readonly three?: Backend; /** Not about four. */
  readonly four?: string; /** About five. */ readonly five?: string;
}`);
    const described = Object.entries(spec.properties ?? {}).map(([name, { description }]) => [
      name,
      description,
    ]);
    expect(spec.description).to.equal('What is wanted.\n\nIn two paragraphs.');
    expect(Object.fromEntries(described)).to.deep.equal({
      one: 'A backend.',
      two: 'Another one.',
      three: 'A backend.',
      four: undefined,
      five: 'About five.',
    });
  });

  it('refuses a CRD that is too large for kubectl apply, and names the largest fields', () => {
    const fields = Array.from({ length: 6 }, (_, index) => `readonly d${index}: IDeployment;`).join(
      ' ',
    );
    const types = (tag: string): string =>
      `import type { IDeployment } from 'kubernetes-models/apps/v1';\nexport interface FeatureSpec { readonly small: string; ${tag} readonly big: { ${fields} } }`;
    expect(() => compileCrd(types(''))).to.throw(
      /spec\.ts: the CRD has \d+ kB, but 'kubectl apply' accepts at most 261 kB; most of it is spec\.big \(\d+ kB\): put @preserve/,
    );
    expect(JSON.stringify(compileCrd(types('/** @preserve */'))).length).to.be.below(5000);
  });

  it('may also contain values of the types of autopilot-runtime', () => {
    expect(
      compileCrd(
        "export const DEFAULTS = { weight: 5, memory: '1Gi', every: '1m' } satisfies { weight: Int32; memory: Quantity; every: Duration };\nexport const W: Int32 = 5;\nexport interface FeatureSpec {}",
      ).kind,
    ).to.equal('CustomResourceDefinition');
  });
});
