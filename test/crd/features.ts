/**
 * Features of src/spec.ts, one entry each: TypeScript, a spec that the API server accepts, what the
 * API server stores, and specs that it refuses, with a part of its message.
 */

export interface Feature {
  readonly name: string;
  /** Declares FeatureSpec. FeatureStatusInfo is empty unless it is declared too. */
  readonly types: string;
  readonly accepts: object;
  /** Default: what was sent. */
  readonly stores?: object;
  /** A new object, or with `from` a change of an existing one. */
  readonly refuses?: readonly {
    readonly spec: object | null;
    readonly from?: object;
    readonly because: string;
  }[];
  /** Changes that are accepted: from, to. */
  readonly changes?: readonly (readonly [from: object, to: object])[];
  /** false: the sandbox does not support the feature (rules in CEL, embedded resources). */
  readonly sandbox?: false;
}

const spec = (fields: string, before = ''): string =>
  `${before}export interface FeatureSpec {\n${fields}\n}`;

export const FEATURES: readonly Feature[] = [
  {
    name: 'a required field and an optional one',
    types: spec('readonly host: string; readonly note?: string'),
    accepts: { host: 'a' },
    refuses: [
      { spec: { note: 'x' }, because: 'spec.host: Required value' },
      { spec: { host: 7 }, because: 'must be of type string' },
      { spec: { host: 'a', hots: 'a' }, because: 'unknown field "spec.hots"' },
    ],
  },
  {
    name: 'a spec without required fields is always present',
    types: spec('/** @default 3 */ readonly steps: Int32'),
    accepts: {},
    stores: { steps: 3 },
  },
  {
    name: '@default of every kind of value',
    types: spec(`
      /** @default ten */ readonly text: string;
      /** @default "10" */ readonly digits: string;
      /** @default 30s */ readonly interval: Duration;
      /** @default true */ readonly on: boolean;
      /** @default [1, 2] */ readonly list: readonly Int32[];
      /** @default {} */ readonly inner: { /** @default 5 */ readonly weight: Int32 };`),
    accepts: {},
    stores: {
      text: 'ten',
      digits: '10',
      interval: '30s',
      on: true,
      list: [1, 2],
      inner: { weight: 5 },
    },
    refuses: [{ spec: { interval: 'soon' }, because: 'spec.interval in body should match' }],
  },
  {
    name: 'an enum of strings',
    types: spec("readonly mode: 'fast' | 'slow'"),
    accepts: { mode: 'fast' },
    refuses: [{ spec: { mode: 'idle' }, because: 'supported values: "fast", "slow"' }],
  },
  {
    name: 'an enum of numbers',
    types: spec('readonly step: 1 | 5 | 10'),
    accepts: { step: 5 },
    refuses: [{ spec: { step: 2 }, because: 'Unsupported value: 2' }],
  },
  {
    name: '@minimum and @maximum',
    types: spec('/** @minimum 1 @maximum 100 */ readonly weight: Int32'),
    accepts: { weight: 100 },
    refuses: [
      { spec: { weight: 0 }, because: 'should be greater than or equal to 1' },
      { spec: { weight: 101 }, because: 'should be less than or equal to 100' },
      { spec: { weight: 1.5 }, because: 'must be of type integer' },
    ],
  },
  {
    name: '@exclusiveMinimum and @exclusiveMaximum',
    types: spec('/**\n * @exclusiveMinimum 0\n * @exclusiveMaximum 1\n */\nreadonly ratio: number'),
    accepts: { ratio: 0.5 },
    refuses: [
      { spec: { ratio: 0 }, because: 'should be greater than 0' },
      { spec: { ratio: 1 }, because: 'should be less than 1' },
    ],
  },
  {
    name: '@multipleOf',
    types: spec('/** @multipleOf 5 */ readonly step: Int32'),
    accepts: { step: 10 },
    refuses: [{ spec: { step: 7 }, because: 'should be a multiple of 5' }],
  },
  {
    name: '@minLength, @maxLength and @pattern, with an @ in it',
    types: spec(
      '/** @minLength 5\n * @maxLength 8\n * @pattern ^[a-z]+@[a-z]+$ */\nreadonly mail: string',
    ),
    accepts: { mail: 'abc@de' },
    refuses: [
      { spec: { mail: 'a@b' }, because: 'should be at least 5 chars long' },
      { spec: { mail: 'abcd@efgh' }, because: 'Too long' },
      { spec: { mail: 'abcdef' }, because: "should match '^[a-z]+@[a-z]+$'" },
    ],
  },
  {
    name: '@format',
    types: spec('/** @format ipv4 */ readonly address: string'),
    accepts: { address: '10.0.0.1' },
    refuses: [{ spec: { address: '10.0.0' }, because: 'must be of type ipv4' }],
  },
  {
    name: 'limits on the items of a list, through an alias',
    types: spec(
      '/** @minItems 1 @maxItems 2 */\nreadonly names: readonly Name[]',
      '/** @maxLength 3 */\ntype Name = string;\n',
    ),
    accepts: { names: ['abc'] },
    refuses: [
      { spec: { names: [] }, because: 'should have at least 1 items' },
      { spec: { names: ['a', 'b', 'c'] }, because: 'must have at most 2 items' },
      { spec: { names: ['abcd'] }, because: 'spec.names[0]: Too long' },
    ],
  },
  {
    name: 'a union of objects with a discriminator',
    types: spec(
      `readonly step: Weight | Mirror`,
      `
      interface Weight { readonly kind: 'weight'; readonly percent: Int32; readonly note?: string }
      interface Mirror { readonly kind: 'mirror'; readonly host: string; readonly note?: string }
      `,
    ),
    accepts: { step: { kind: 'weight', percent: 5, note: 'x' } },
    refuses: [
      {
        spec: { step: { kind: 'weight' } },
        because: 'must validate one and only one schema (oneOf)',
      },
      {
        spec: { step: { kind: 'weight', percent: 5, host: 'a' } },
        because: 'must validate one and only one schema (oneOf)',
      },
      { spec: { step: { kind: 'other', percent: 5 } }, because: 'Unsupported value: "other"' },
    ],
  },
  {
    name: 'a union of objects without a discriminator',
    types: spec(
      'readonly target: { readonly host: string; readonly port?: Int32 } | { readonly service: string; readonly port?: Int32 }',
    ),
    accepts: { target: { service: 'a', port: 80 } },
    refuses: [
      {
        spec: { target: { port: 80 } },
        because: '"spec.target" must validate at least one schema (anyOf)',
      },
    ],
  },
  {
    name: 'a whole spec that is a union',
    types:
      "export type FeatureSpec = { readonly mode: 'auto' } | { readonly mode: 'manual'; readonly weight: Int32 };",
    accepts: { mode: 'manual', weight: 5 },
    refuses: [
      { spec: { mode: 'manual' }, because: 'must validate one and only one schema (oneOf)' },
      { spec: {}, because: 'spec.mode: Required value' },
      { spec: null, because: 'spec: Required value' },
    ],
  },
  {
    name: 'a map',
    types: spec(
      '/** @minProperties 1 @maxProperties 2 */ readonly labels: Readonly<Record<string, Value>>',
      '/** @maxLength 2 */ type Value = string;\n',
    ),
    accepts: { labels: { 'any/key': 'ab' } },
    refuses: [
      { spec: { labels: { a: 'abc' } }, because: 'spec.labels.a: Too long' },
      { spec: { labels: { a: 1 } }, because: 'must be of type string' },
      { spec: { labels: { a: 'a', b: 'b', c: 'c' } }, because: 'must have at most 2' },
    ],
  },
  {
    name: 'a map by index signature, of objects',
    types: spec('readonly weights: { readonly [host: string]: { readonly percent: Int32 } }'),
    accepts: { weights: { a: { percent: 5 } } },
    refuses: [{ spec: { weights: { a: {} } }, because: 'spec.weights.a.percent: Required value' }],
  },
  {
    name: '@keyedBy: a list whose items have keys',
    types: spec(
      '/** @keyedBy name, port */\nreadonly backends: readonly Backend[]',
      'interface Backend { readonly name: string; /** @default 80 */ readonly port: Int32 }\n',
    ),
    accepts: { backends: [{ name: 'a' }, { name: 'a', port: 81 }] },
    stores: {
      backends: [
        { name: 'a', port: 80 },
        { name: 'a', port: 81 },
      ],
    },
    refuses: [
      { spec: { backends: [{ name: 'a' }, { name: 'a', port: 80 }] }, because: 'Duplicate value' },
    ],
  },
  {
    name: '@set: a list without duplicates',
    types: spec('/** @set */ readonly hosts: readonly string[]'),
    accepts: { hosts: ['a', 'b'] },
    refuses: [{ spec: { hosts: ['a', 'a'] }, because: 'Duplicate value: "a"' }],
  },
  {
    name: '@atomic lists and objects',
    types: spec(
      '/** @atomic */ readonly hosts: readonly string[]; /** @atomic */ readonly selector: Readonly<Record<string, string>>',
    ),
    accepts: { hosts: ['a', 'a'], selector: { app: 'x' } },
    refuses: [{ spec: { hosts: 'a', selector: {} }, because: 'must be of type array' }],
  },
  {
    name: 'int-or-string, as IntOrString and as number | string',
    types: spec(
      'readonly port: IntOrString; readonly other?: number | string; readonly wait?: number | "auto"',
    ),
    accepts: { port: 'http', other: 5, wait: 'auto' },
    refuses: [
      { spec: { port: true }, because: 'spec.port in body must be of type integer,string' },
      { spec: { port: 1, wait: 'long' }, because: "spec.wait in body should match '^(auto)$'" },
    ],
  },
  {
    name: 'quantities',
    types: spec('readonly memory: Quantity'),
    accepts: { memory: '1.5Gi' },
    refuses: [
      { spec: { memory: '1 GB' }, because: 'spec.memory in body should match' },
      { spec: { memory: 1.5 }, because: 'must be of type integer,string' },
    ],
  },
  {
    name: 'durations and times',
    types: spec('readonly interval: Duration; readonly notBefore?: Timestamp'),
    accepts: { interval: '1m30s', notBefore: '2026-11-24T10:00:00Z' },
    refuses: [
      { spec: { interval: '1 minute' }, because: 'spec.interval in body should match' },
      { spec: { interval: '1m', notBefore: 'tomorrow' }, because: 'must be of type date-time' },
    ],
  },
  {
    name: 'template literals',
    types: spec('readonly percent: `${number}%`'),
    accepts: { percent: '12.5%' },
    refuses: [{ spec: { percent: 'half' }, because: 'spec.percent in body should match' }],
  },
  {
    name: 'null where the type says so',
    types: spec(
      "readonly note: string | null; readonly mode?: 'a' | 'b' | null; readonly port?: IntOrString | null; readonly step?: 1 | 5 | null; readonly size: Int32",
    ),
    accepts: { note: null, mode: null, port: null, step: null, size: 1 },
    refuses: [{ spec: { note: null, size: null }, because: 'spec.size' }],
  },
  {
    name: 'generics, Pick, Partial, intersections and extended interfaces',
    types: spec(
      'readonly range: Range<Int32>; readonly part?: Pick<All, "host">; readonly loose?: Partial<All>; readonly both?: All & { readonly extra: string }',
      'interface Range<T> { readonly from: T; readonly to: T }\ninterface Base { readonly host: string }\ninterface All extends Base { readonly port: Int32 }\n',
    ),
    accepts: {
      range: { from: 1, to: 2 },
      part: { host: 'a' },
      loose: {},
      both: { host: 'a', port: 1, extra: 'x' },
    },
    refuses: [
      { spec: { range: { from: 1.5, to: 2 } }, because: 'must be of type integer' },
      {
        spec: { range: { from: 1, to: 2 }, part: { host: 'a', port: 1 } },
        because: 'unknown field "spec.part.port"',
      },
      {
        spec: { range: { from: 1, to: 2 }, both: { host: 'a', port: 1 } },
        because: 'spec.both.extra: Required value',
      },
    ],
  },
  {
    name: 'unknown, object and @preserve: kept as they are',
    types: spec(
      'readonly anything: unknown; readonly open?: object; /** @preserve */ readonly tree?: Tree; /** @preserve */ readonly trees?: readonly Tree[]',
      'interface Tree { readonly name: string; readonly below?: readonly Tree[] }\n',
    ),
    accepts: {
      anything: [1, { a: 'b' }],
      open: { x: { y: 1 } },
      tree: { name: 'a', below: [{ name: 'b' }], more: true },
      trees: [{ name: 'c' }, 5],
    },
    refuses: [
      { spec: { anything: 1, open: 5 }, because: 'spec.open in body must be of type object' },
    ],
  },
  {
    name: 'an embedded resource',
    types: spec('readonly template: EmbeddedResource'),
    accepts: {
      template: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: 'y' } },
    },
    refuses: [{ spec: { template: { kind: 'ConfigMap' } }, because: 'apiVersion' }],
    sandbox: false,
  },
  {
    name: 'types of other packages, with structure and without their descriptions',
    types: spec(
      'readonly container: IContainer',
      "import type { IContainer } from 'kubernetes-models/v1';\n",
    ),
    accepts: { container: { name: 'a', image: 'b', ports: [{ containerPort: 80 }] } },
    refuses: [
      { spec: { container: { image: 'b' } }, because: 'spec.container.name: Required value' },
      {
        spec: { container: { name: 'a', ports: [{ containerPort: 'http' }] } },
        because: 'must be of type number',
      },
    ],
  },
  {
    name: 'a label selector',
    types: spec('readonly selector: LabelSelector'),
    accepts: {
      selector: {
        matchLabels: { app: 'x' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['a'] }],
      },
    },
    refuses: [
      {
        spec: { selector: { matchExpressions: [{ key: 'tier', operator: 'Is' }] } },
        because: 'Unsupported value: "Is"',
      },
    ],
  },
  {
    name: '@rule on an interface, with its message',
    types: `/** @rule self.min <= self.max // min must not be above max */\n${spec('readonly min: Int32; readonly max: Int32')}`,
    accepts: { min: 1, max: 2 },
    refuses: [{ spec: { min: 3, max: 2 }, because: 'min must not be above max' }],
    sandbox: false,
  },
  {
    name: '@rule on a field, with // inside of quotes, over two lines, twice',
    types: spec(
      `/**\n * @rule self.startsWith('http://')\n *   || self.startsWith('https://') // must be a URL\n * @rule size(self) < 20 // must be short\n * @maxLength 100\n */\nreadonly url: string`,
    ),
    accepts: { url: 'http://a' },
    refuses: [
      { spec: { url: 'ftp://a' }, because: 'must be a URL' },
      { spec: { url: 'http://aaaaaaaaaaaaaaaaaaaaa' }, because: 'must be short' },
    ],
    sandbox: false,
  },
  {
    name: '@x-kubernetes-validations, as a CRD has them',
    types: spec(
      '/** @x-kubernetes-validations [{"rule": "self >= oldSelf.orValue(0)", "optionalOldSelf": true, "message": "only grows", "reason": "FieldValueForbidden"}] */ readonly weight: Int32',
    ),
    accepts: { weight: 1 },
    changes: [[{ weight: 1 }, { weight: 2 }]],
    refuses: [
      { spec: { weight: -5 }, because: 'only grows' },
      { from: { weight: 5 }, spec: { weight: 4 }, because: 'only grows' },
    ],
    sandbox: false,
  },
  {
    name: '@immutable on a required field',
    types: spec('/** @immutable */ readonly host: string; readonly note?: string'),
    accepts: { host: 'a' },
    changes: [[{ host: 'a' }, { host: 'a', note: 'x' }]],
    refuses: [{ from: { host: 'a' }, spec: { host: 'b' }, because: 'host is immutable' }],
    sandbox: false,
  },
  {
    name: '@immutable on an optional field: it can be neither added nor removed',
    types: spec('/** @immutable */ readonly host?: string; readonly note?: string'),
    accepts: {},
    changes: [
      [{ note: 'x' }, {}],
      [{ host: 'a' }, { host: 'a', note: 'x' }],
    ],
    refuses: [
      { from: { host: 'a' }, spec: { host: 'b' }, because: 'host is immutable' },
      { from: { host: 'a' }, spec: {}, because: 'host is immutable' },
      { from: {}, spec: { host: 'a' }, because: 'host is immutable' },
      { from: { host: 'a' }, spec: null, because: 'host is immutable' },
    ],
    sandbox: false,
  },
  {
    name: '@immutable below optional objects, with names that CEL escapes',
    types: spec(
      "readonly in?: { readonly 'my-part'?: { /** @immutable */ readonly size: Int32; readonly other?: string } }",
    ),
    accepts: {},
    changes: [
      [{}, { in: {} }],
      [{ in: { 'my-part': { size: 1 } } }, { in: { 'my-part': { size: 1, other: 'x' } } }],
    ],
    refuses: [
      {
        from: { in: { 'my-part': { size: 1 } } },
        spec: { in: { 'my-part': { size: 2 } } },
        because: 'size is immutable',
      },
      { from: { in: { 'my-part': { size: 1 } } }, spec: { in: {} }, because: 'size is immutable' },
      { from: {}, spec: { in: { 'my-part': { size: 1 } } }, because: 'size is immutable' },
    ],
    sandbox: false,
  },
  {
    name: '@immutable on lists, maps, objects, nullable and int-or-string values without limits',
    types: spec(`
      /** @immutable */ readonly list?: readonly string[];
      /** @immutable */ readonly map?: Readonly<Record<string, string>>;
      /** @immutable */ readonly inner?: { readonly a?: string; readonly b?: readonly Int32[] };
      /** @immutable */ readonly none?: string | null;
      /** @immutable */ readonly port?: IntOrString;`),
    accepts: { list: ['a'], map: { a: 'b' }, inner: { a: 'x' }, port: 80 },
    changes: [
      [
        { none: null, list: ['a'], map: { a: 'b' }, inner: { a: 'x' }, port: 80 },
        { none: null, list: ['a'], map: { a: 'b' }, inner: { a: 'x' }, port: 80 },
      ],
    ],
    refuses: [
      { from: { list: ['a'] }, spec: { list: ['b'] }, because: 'list is immutable' },
      { from: { map: { a: 'b' } }, spec: { map: {} }, because: 'map is immutable' },
      {
        from: { inner: { a: 'x' } },
        spec: { inner: { a: 'x', b: [1] } },
        because: 'inner is immutable',
      },
      { from: { none: 'a' }, spec: { none: 'b' }, because: 'none is immutable' },
      { from: { port: 80 }, spec: { port: '80' }, because: 'port is immutable' },
    ],
    sandbox: false,
  },
  {
    name: '@immutable in items with keys and limits',
    types: spec(
      '/** @keyedBy name @maxItems 64 */ readonly backends?: readonly Backend[]',
      'interface Backend { /** @maxLength 63 */ readonly name: string; /** @immutable @maxLength 253 */ readonly host?: string; readonly weight?: Int32 }\n',
    ),
    accepts: { backends: [{ name: 'a', host: 'x' }] },
    changes: [
      [
        { backends: [{ name: 'a', host: 'x' }] },
        {
          backends: [
            { name: 'b', host: 'y' },
            { name: 'a', host: 'x', weight: 1 },
          ],
        },
      ],
    ],
    refuses: [
      {
        from: { backends: [{ name: 'a', host: 'x' }] },
        spec: { backends: [{ name: 'a', host: 'y' }] },
        because: 'host is immutable',
      },
    ],
    sandbox: false,
  },
  {
    name: '@deprecated fields and a long description with marks of templates',
    types: spec(
      '/**\n * The {{ host }} of `*.example.com`.\n *\n * See {@link Other | the other} one.\n * @deprecated use name\n */\nreadonly host?: string',
    ),
    accepts: { host: 'a' },
  },
];
