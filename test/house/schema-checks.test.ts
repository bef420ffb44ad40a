import { expect } from 'chai';
import { validateValue } from '../../generators/lib/util/validate-value.ts';
import type { ConfigSchema } from '../../runtime/src/api/config-schema.ts';
import { validateUserConfig } from '../../runtime/src/api/config-schema.ts';
import { freezeJson } from '../../sandbox/src/cluster/frozen-json.ts';
import { validateBySchema } from '../../sandbox/src/cluster/schema-validation.ts';

/** A schema, with values that it accepts and values that it refuses. */
interface Vector {
  readonly schema: ConfigSchema;
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
}

const VECTORS: Readonly<Record<string, Vector>> = {
  string: { schema: { type: 'string' }, valid: ['', 'a'], invalid: [1, true, [], {}] },
  integer: { schema: { type: 'integer' }, valid: [0, -3], invalid: [1.5, '1', true] },
  number: { schema: { type: 'number' }, valid: [0, 1.5], invalid: ['1', false] },
  boolean: { schema: { type: 'boolean' }, valid: [true, false], invalid: ['true', 1] },
  enum: { schema: { type: 'string', enum: ['on', 'off'] }, valid: ['on'], invalid: ['On', 'yes'] },
  minimum: { schema: { type: 'integer', minimum: 1 }, valid: [1, 2], invalid: [0, -1] },
  maximum: { schema: { type: 'integer', maximum: 3 }, valid: [3], invalid: [4] },
  'exclusive minimum': {
    schema: { type: 'number', minimum: 0, exclusiveMinimum: true },
    valid: [0.1],
    invalid: [0],
  },
  'exclusive maximum': {
    schema: { type: 'number', maximum: 1, exclusiveMaximum: true },
    valid: [0.9],
    invalid: [1],
  },
  'length of a string': {
    schema: { type: 'string', minLength: 2, maxLength: 3 },
    valid: ['ab', 'ä😀x'],
    invalid: ['a', 'abcd'],
  },
  pattern: { schema: { type: 'string', pattern: '^[a-z]+$' }, valid: ['a'], invalid: ['', 'A'] },
  'number of items': {
    schema: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'integer' } },
    valid: [[1], [1, 2]],
    invalid: [[], [1, 2, 3], ['a']],
  },
  'integer or string': {
    schema: { 'x-kubernetes-int-or-string': true },
    valid: [1, '50%'],
    invalid: [1.5, true, []],
  },
  'required fields': {
    schema: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, size: { type: 'integer' } },
    },
    valid: [{ name: 'a' }, { name: 'a', size: 1 }],
    invalid: [{}, { size: 1 }, { name: 'a', size: 'b' }],
  },
  map: {
    schema: { type: 'object', additionalProperties: { type: 'integer' } },
    valid: [{}, { a: 1 }],
    invalid: [{ a: 'b' }],
  },
};

const CHECKS: Readonly<Record<string, (value: unknown, schema: ConfigSchema) => boolean>> = {
  'the generators': (value, schema) => validateValue(value, schema as object) === undefined,
  'the runtime': isValidConfig,
  'the sandbox': (value, schema) =>
    validateBySchema(freezeJson({ value }), fieldOf(schema) as object).length === 0,
};

/** An object with a field `value`: a root value itself is always an object. */
function fieldOf(schema: ConfigSchema): ConfigSchema {
  return { type: 'object', properties: { value: schema } };
}

/** The runtime validates the fields of the section `config`. */
function isValidConfig(value: unknown, schema: ConfigSchema): boolean {
  try {
    validateUserConfig(fieldOf(schema), { value });
    return true;
  } catch {
    return false;
  }
}

describe('checks of values against schemas', () => {
  for (const [who, isValid] of Object.entries(CHECKS)) {
    for (const [what, { schema, valid, invalid }] of Object.entries(VECTORS)) {
      it(`of ${who} agree on ${what}`, () => {
        expect(valid.filter((value) => !isValid(value, schema))).to.deep.equal([]);
        expect(invalid.filter((value) => isValid(value, schema))).to.deep.equal([]);
      });
    }
  }
});
