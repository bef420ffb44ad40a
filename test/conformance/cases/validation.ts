import { expect } from 'chai';
import type { TestCluster } from '../test-cluster.ts';
import { failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

const text = { type: 'string' };

/** One kind for all checks, a field for each: definitions take the real server their time. */
const CHECKED: { type: 'object'; properties: Record<string, object> } = {
  type: 'object',
  properties: {},
};

/**
 * A schema of a field, a value that the schema refuses with these words, and a value that it
 * accepts.
 */
// oxlint-disable-next-line max-params -- a row of a table
function validates(
  what: string,
  schema: object,
  wrong: unknown,
  words: string,
  right: unknown,
): Case {
  const field = `field${Object.keys(CHECKED.properties).length}`;
  CHECKED.properties[field] = schema;
  return {
    name: what,
    async run(world) {
      const type = await world.sharedDefinition('Check', CHECKED);
      const { code, message } = await failure(
        world.create(type, world.object(type, 'a', { spec: { [field]: wrong } })),
      );
      expect([code, message.replaceAll(field, 'field')]).to.satisfy(
        ([found, said]: [number, string]) => found === 422 && said.includes(words),
        `${words}, not ${message}`,
      );
      expect(
        (await world.create(type, world.object(type, 'b', { spec: { [field]: right } }))).spec[
          field
        ],
      ).to.deep.equal(right);
    },
  };
}

/** What becomes of a spec when it is created. */
function becomes(what: string, schema: object, given: object, expected: object): Case {
  return {
    name: what,
    async run(world) {
      const type = await world.define('Kite', { type: 'object', ...schema });
      expect(
        (await world.create(type, world.object(type, 'a', { spec: given }))).spec,
      ).to.deep.equal(expected);
    },
  };
}

async function refused(world: TestCluster, spec: object): Promise<string> {
  return (await failure(world.create(VOYAGES, world.voyage('a', spec)))).message;
}

export const validationCases: readonly Case[] = [
  validates(
    'minimum, exclusive',
    { type: 'number', minimum: 1, exclusiveMinimum: true },
    1,
    'spec.field: Invalid value: 1: spec.field in body should be greater than 1',
    1.5,
  ),
  validates(
    'maximum, exclusive',
    { type: 'integer', maximum: 9, exclusiveMaximum: true },
    9,
    'spec.field: Invalid value: 9: spec.field in body should be less than 9',
    8,
  ),
  validates(
    'multipleOf',
    { type: 'integer', multipleOf: 5 },
    7,
    'spec.field: Invalid value: 7: spec.field in body should be a multiple of 5',
    10,
  ),
  validates(
    'minLength, in characters',
    { type: 'string', minLength: 3 },
    'öö',
    'spec.field: Invalid value: "öö": spec.field in body should be at least 3 chars long',
    'ööö',
  ),
  validates(
    'minItems',
    { type: 'array', minItems: 2, items: text },
    ['a'],
    'spec.field: Invalid value: 1: spec.field in body should have at least 2 items',
    ['a', 'b'],
  ),
  validates(
    'uniqueness in a set',
    { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    ['a', 'a'],
    'spec.field[1]: Duplicate value: "a"',
    ['a', 'b'],
  ),
  validates(
    'minProperties',
    { type: 'object', minProperties: 1, additionalProperties: text },
    {},
    'spec.field: Invalid value: 0: spec.field in body should have at least 1 properties',
    { a: 'b' },
  ),
  validates(
    'maxProperties',
    { type: 'object', maxProperties: 1, additionalProperties: text },
    { a: '1', b: '2' },
    'spec.field: Too many: 2: must have at most 1 item',
    { a: 'b' },
  ),
  validates(
    'types of members of maps',
    { type: 'object', additionalProperties: { type: 'integer' } },
    { a: 'x' },
    'spec.field.a: Invalid value: "string": spec.field.a in body must be of type integer: "string"',
    { a: 1 },
  ),
  validates(
    'types of items',
    { type: 'array', items: { type: 'integer' } },
    [1, 'x'],
    'spec.field[1]: Invalid value: "string": spec.field[1] in body must be of type integer: "string"',
    [1, 2],
  ),
  validates(
    'numbers that are not whole',
    { type: 'integer' },
    1.5,
    'spec.field: Invalid value: "number": spec.field in body must be of type integer: "number"',
    1,
  ),
  validates(
    'booleans',
    { type: 'boolean' },
    'true',
    'spec.field: Invalid value: "string": spec.field in body must be of type boolean: "string"',
    true,
  ),
  validates(
    'numbers or texts: nothing else',
    { 'x-kubernetes-int-or-string': true },
    true,
    'spec.field: Invalid value: "boolean": spec.field in body must be of type integer,string: "boolean"',
    '10%',
  ),
  validates(
    'date-time',
    { type: 'string', format: 'date-time' },
    'yesterday',
    'spec.field: Invalid value: "yesterday": spec.field in body must be of type date-time: "yesterday"',
    '2026-01-01T00:00:00Z',
  ),
  validates(
    'enum of numbers',
    { type: 'integer', enum: [1, 2] },
    3,
    'spec.field: Unsupported value: 3: supported values: "1", "2"',
    2,
  ),
  validates(
    'pattern anywhere in the text',
    { type: 'string', pattern: 'b+' },
    'aaa',
    'spec.field: Invalid value: "aaa": spec.field in body should match \'b+\'',
    'abba',
  ),
  validates(
    'oneOf',
    {
      type: 'object',
      properties: { a: text, b: text },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    { a: '1', b: '2' },
    '<nil>: Invalid value: "": "spec.field" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    { a: '1' },
  ),
  validates(
    'anyOf',
    {
      type: 'object',
      properties: { a: text, b: text },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    {},
    '<nil>: Invalid value: "": "spec.field" must validate at least one schema (anyOf)',
    { a: '1', b: '2' },
  ),
  validates(
    'allOf',
    { type: 'integer', allOf: [{ minimum: 3 }, { maximum: 5 }] },
    7,
    'spec.field: Invalid value: 7: spec.field in body should be less than or equal to 5',
    4,
  ),
  validates(
    'not',
    { type: 'string', not: { enum: ['none'] } },
    'none',
    '<nil>: Invalid value: "": "spec.field" must not validate the schema (not)',
    'some',
  ),
  validates(
    'the same key twice in a list by keys',
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
      items: { type: 'object', required: ['n'], properties: { n: text } },
    },
    [{ n: 'a' }, { n: 'a' }],
    'spec.field[1]: Duplicate value: {"n":"a"}',
    [{ n: 'a' }, { n: 'b' }],
  ),
  becomes(
    'null is dropped where a default stands ready',
    { properties: { field: { type: 'string', default: 'x' } } },
    { field: null },
    { field: 'x' },
  ),
  becomes(
    'null is dropped where it is not allowed',
    { properties: { field: text, other: text } },
    { field: null, other: 'x' },
    { other: 'x' },
  ),
  becomes(
    'null stays where it is allowed',
    { properties: { field: { type: 'string', nullable: true, default: 'x' } } },
    { field: null },
    { field: null },
  ),
  becomes(
    'a default of an object is filled in below too',
    {
      properties: {
        field: { type: 'object', default: {}, properties: { a: { type: 'integer', default: 3 } } },
      },
    },
    {},
    { field: { a: 3 } },
  ),
  becomes(
    'defaults of members of maps',
    {
      properties: {
        field: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            properties: { a: { type: 'integer', default: 3 } },
          },
        },
      },
    },
    { field: { x: {}, y: { a: 1 } } },
    { field: { x: { a: 3 }, y: { a: 1 } } },
  ),
  becomes(
    'anything below preserve-unknown-fields, and known fields there with their defaults',
    {
      properties: {
        field: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { known: { type: 'string', default: 'k' } },
        },
      },
    },
    { field: { other: [1, { a: null }] } },
    { field: { known: 'k', other: [1, { a: null }] } },
  ),
  becomes(
    'texts with every character of Unicode',
    { properties: { field: text } },
    { field: 'ä→🛫\u0000"\\' },
    { field: 'ä→🛫\u0000"\\' },
  ),
  becomes(
    'whole numbers up to 2^53, and fractions',
    { properties: { a: { type: 'integer', format: 'int64' }, b: { type: 'number' } } },
    { a: 9_007_199_254_740_991, b: 0.1 },
    { a: 9_007_199_254_740_991, b: 0.1 },
  ),
  {
    name: 'a default for an object that is not there makes the object',
    async run(world) {
      const spec = { type: 'object', default: { colour: 'blue' }, properties: { colour: text } };
      const type = await world.define('Kite', spec);
      expect((await world.create(type, world.object(type, 'a', {}))).spec).to.deep.equal({
        colour: 'blue',
      });
    },
  },
  {
    name: 'a default of status is there from the beginning, though status itself is dropped',
    async run(world) {
      const status = {
        type: 'object',
        default: { observedGeneration: -1 },
        properties: { observedGeneration: { type: 'integer' } },
      };
      const version = {
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' }, status } },
        },
        subresources: { status: {} },
      };
      const type = await world.define('Kite', {}, { version });
      expect(
        (await world.create(type, world.object(type, 'a', { status: { observedGeneration: 5 } })))
          .status,
      ).to.deep.equal({ observedGeneration: -1 });
    },
  },
  {
    name: 'a required object is required at the top too',
    async run(world) {
      const version = {
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: { spec: { type: 'object' } },
          },
        },
      };
      const type = await world.define('Kite', {}, { version });
      const { code, message } = await failure(world.create(type, world.object(type, 'a', {})));
      expect([code, message.endsWith('spec: Required value')]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'names the place in lists and maps: spec.legs[1].hours',
    async run(world) {
      expect(
        await refused(world, { legs: [{ name: 'one' }, { name: 'two', hours: 'x' }] }),
      ).to.contain(
        'spec.legs[1].hours: Invalid value: "string": spec.legs[1].hours in body must be of type integer: "string"',
      );
      expect(await refused(world, { company: { cook: 3 } })).to.contain(
        'spec.company.cook: Invalid value: "integer": spec.company.cook in body must be of type string: "integer"',
      );
    },
  },
  {
    name: 'names every unknown field, in lists too',
    async run(world) {
      expect(
        await refused(world, {
          colour: 'red',
          legs: [{ name: 'one', wind: 3 }],
          plan: { deep: { up: 'x' } },
        }),
      ).to.equal(
        'Voyage in version "v1" cannot be handled as a Voyage: strict decoding error: unknown field "spec.colour", unknown field "spec.legs[0].wind", unknown field "spec.plan.deep.up"',
      );
    },
  },
  {
    name: 'refuses an unknown field beside spec and in metadata: 400',
    async run(world) {
      const { code, message } = await failure(
        world.create(VOYAGES, { ...world.voyage('a'), colour: 'red' } as never),
      );
      expect([code, message.includes('unknown field "colour"')]).to.deep.equal([400, true]);
      const metadata = await failure(
        world.create(VOYAGES, world.voyage('a', {}, { colour: 'red' })),
      );
      expect([
        metadata.code,
        metadata.message.includes('unknown field "metadata.colour"'),
      ]).to.deep.equal([400, true]);
    },
  },
  {
    name: 'refuses a label that is no text: 400',
    async run(world) {
      expect(
        (await failure(world.create(VOYAGES, world.voyage('a', {}, { labels: { a: 3 } })))).code,
      ).to.equal(400);
    },
  },
];
