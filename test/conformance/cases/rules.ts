import { expect } from 'chai';
import type { ResourceType } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { failure } from '../test-cluster.ts';
import type { Case } from './case.ts';

const text = { type: 'string', maxLength: 50 };
const int = { type: 'integer' };
const rules = (...list: readonly object[]): object => ({ 'x-kubernetes-validations': list });

/** One kind for the cases below: definitions take the real server their time. */
const RULED = {
  type: 'object',
  ...rules(
    {
      rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
      message: 'min must not exceed max',
    },
    { rule: 'self.name != "bad"' },
    {
      rule: 'self.name != "worse"',
      messageExpression: '"not " + self.name',
      reason: 'FieldValueForbidden',
      fieldPath: '.name',
    },
    { rule: '!has(self.boom) || self.nothere == 1', message: 'nothere goes with boom' },
    { rule: 'self.name == oldSelf.name || self.name == "free"', message: 'name is fixed' },
  ),
  properties: {
    name: text,
    min: int,
    max: int,
    boom: int,
    nothere: int,
    code: {
      ...text,
      ...rules(
        { rule: 'self.startsWith("a")' },
        {
          rule: 'oldSelf.hasValue() || self == "a1"',
          optionalOldSelf: true,
          message: 'begin with a1',
        },
      ),
    },
    steps: {
      type: 'array',
      maxItems: 5,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['key'],
      items: {
        type: 'object',
        required: ['key'],
        properties: { key: text, n: int },
        ...rules(
          { rule: 'self.n > 0', message: 'positive' },
          { rule: 'self.n >= oldSelf.n', message: 'it only grows' },
        ),
      },
    },
    weights: {
      type: 'array',
      maxItems: 5,
      items: int,
      ...rules(
        { rule: 'self.sum() == 100', message: 'weights make 100' },
        { rule: 'self.isSorted()', message: 'in order' },
      ),
    },
    limits: {
      type: 'object',
      maxProperties: 5,
      additionalProperties: { ...int, ...rules({ rule: 'self < 10' }) },
    },
    until: {
      type: 'string',
      format: 'date-time',
      ...rules({ rule: 'self > timestamp("2026-01-01T00:00:00Z")', message: 'later than 2026' }),
    },
    wait: {
      ...text,
      ...rules({ rule: 'duration(self) <= duration("1h")', message: 'an hour at most' }),
    },
    size: {
      ...text,
      ...rules({
        rule: 'isQuantity(self) && quantity(self).isLessThan(quantity("2Gi"))',
        message: 'less than 2Gi',
      }),
    },
    'with-dash': { ...int },
  },
};

async function kind(world: TestCluster): Promise<ResourceType> {
  return world.sharedDefinition('Ruled', RULED);
}

/** A spec that is refused with exactly these words after `is invalid: `. */
function refuses(what: string, spec: object, words: string): Case {
  return {
    name: what,
    async run(world) {
      const type = await kind(world);
      const { code, message } = await failure(
        world.create(type, world.object(type, 'a', { spec: { name: 'x', ...spec } })),
      );
      expect([code, message]).to.deep.equal([
        422,
        `Ruled.shared.conformance.autopilot.test "a" is invalid: ${words}`,
      ]);
    },
  };
}

/** A change that is refused so, of an object with this spec. */
function refusesChange(what: string, spec: object, change: object, words: string): Case {
  return {
    name: what,
    async run(world) {
      const type = await kind(world);
      await world.create(type, world.object(type, 'a', { spec: { name: 'x', ...spec } }));
      const { code, message } = await failure(world.merge(type, 'a', { spec: change }));
      expect([code, message]).to.deep.equal([
        422,
        `Ruled.shared.conformance.autopilot.test "a" is invalid: ${words}`,
      ]);
    },
  };
}

function takes(what: string, spec: object, change?: object): Case {
  return {
    name: what,
    async run(world) {
      const type = await kind(world);
      await world.create(type, world.object(type, 'a', { spec: { name: 'x', ...spec } }));
      if (change !== undefined) {
        await world.merge(type, 'a', { spec: change });
      }
    },
  };
}

export const ruleCases: readonly Case[] = [
  refuses('say their message', { min: 3, max: 1 }, 'spec: Invalid value: min must not exceed max'),
  refuses(
    'without a message show themselves',
    { name: 'bad' },
    'spec: Invalid value: failed rule: self.name != "bad"',
  ),
  refuses(
    'have messages of their own making, a reason and a field',
    { name: 'worse' },
    'spec.name: Forbidden: not worse',
  ),
  refuses(
    'that fail to evaluate are not kept',
    { boom: 1 },
    'spec: Invalid value: "object": no such key: nothere evaluating rule: nothere goes with boom',
  ),
  refuses(
    'of a string show the string',
    { code: 'b' },
    'spec.code: Invalid value: "b": failed rule: self.startsWith("a"), spec.code: Invalid value: "b": begin with a1]'.replace(
      /^/,
      '[',
    ),
  ),
  refuses(
    'of an item name its place',
    { steps: [{ key: 'k', n: 0 }] },
    'spec.steps[0]: Invalid value: positive',
  ),
  refuses(
    'of a member of a map name its key',
    { limits: { q: 11 } },
    'spec.limits[q]: Invalid value: 11: failed rule: self < 10',
  ),
  refuses('know sums', { weights: [10, 80] }, 'spec.weights: Invalid value: weights make 100'),
  refuses('know order', { weights: [60, 40] }, 'spec.weights: Invalid value: in order'),
  refuses(
    'know times',
    { until: '2025-01-01T00:00:00Z' },
    'spec.until: Invalid value: "2025-01-01T00:00:00Z": later than 2026',
  ),
  refuses('know durations', { wait: '61m' }, 'spec.wait: Invalid value: "61m": an hour at most'),
  refuses('know quantities', { size: '3Gi' }, 'spec.size: Invalid value: "3Gi": less than 2Gi'),
  refuses(
    'are asked at the beginning too when the old value is optional',
    { code: 'a2' },
    'spec.code: Invalid value: "a2": begin with a1',
  ),
  refusesChange(
    'of transitions hold the new against the old',
    {},
    { name: 'y' },
    'spec: Invalid value: name is fixed',
  ),
  refusesChange(
    'of transitions find the old item by its key',
    { steps: [{ key: 'k', n: 5 }] },
    {
      steps: [
        { key: 'j', n: 1 },
        { key: 'k', n: 4 },
      ],
    },
    'spec.steps[1]: Invalid value: it only grows',
  ),
  takes('of transitions let a change pass that they allow', {}, { name: 'free' }),
  takes(
    'of transitions say nothing of new items',
    { steps: [{ key: 'k', n: 5 }] },
    { steps: [{ key: 'j', n: 1 }] },
  ),
  takes('let pass what keeps them', {
    min: 1,
    max: 2,
    code: 'a1',
    weights: [40, 60],
    limits: { q: 9 },
    until: '2026-02-01T00:00:00Z',
    wait: '59m',
    size: '1Gi',
  }),
  takes('with an optional old value know that there is one', { code: 'a1' }, { code: 'a7' }),
  {
    name: 'are asked on a dry run and on apply too',
    async run(world) {
      const type = await kind(world);
      const bad = world.object(type, 'a', { spec: { name: 'bad' } });
      expect((await failure(world.api.create(type, bad, { dryRun: true }))).code).to.equal(422);
      expect((await failure(world.apply(type, bad, 'tower'))).code).to.equal(422);
    },
  },
  {
    name: 'are not asked while the schema finds something wrong',
    async run(world) {
      const type = await kind(world);
      const { message } = await failure(
        world.create(type, world.object(type, 'a', { spec: { name: 'bad', min: 'x' } })),
      );
      expect(message).not.to.contain('failed rule');
    },
  },
];
