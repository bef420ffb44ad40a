import { expect } from 'chai';
import type { Case } from './case.ts';
import { failure, VOYAGES } from '../test-cluster.ts';

export const schemaCases: readonly Case[] = [
  {
    name: 'fills in defaults, in items of lists too, and invents no parents',
    async run(world) {
      const { spec } = await world.create(VOYAGES, world.voyage('a', { legs: [{ name: 'one' }] }));
      expect(spec).to.deep.equal({
        route: 'FRA-MUC',
        altitude: 100,
        legs: [{ name: 'one', hours: 1 }],
      });
    },
  },
  {
    name: 'refuses fields that are not declared: 400',
    async run(world) {
      const { code, message } = await failure(
        world.create(VOYAGES, world.voyage('a', { colour: 'red' })),
      );
      expect([code, message]).to.deep.equal([
        400,
        'Voyage in version "v1" cannot be handled as a Voyage: strict decoding error: unknown field "spec.colour"',
      ]);
    },
  },
  {
    name: 'refuses a wrong type: 422',
    async run(world) {
      expect(
        await failure(world.create(VOYAGES, world.voyage('a', { altitude: 'high' }))),
      ).to.deep.equal({
        code: 422,
        reason: 'Invalid',
        message:
          'Voyage.conformance.autopilot.test "a" is invalid: spec.altitude: Invalid value: "string": spec.altitude in body must be of type integer: "string"',
      });
    },
  },
  {
    name: 'refuses a required field that is missing: 422',
    async run(world) {
      const { code, message } = await failure(
        world.create(VOYAGES, world.object(VOYAGES, 'a', { spec: {} })),
      );
      expect([code, message]).to.deep.equal([
        422,
        'Voyage.conformance.autopilot.test "a" is invalid: spec.route: Required value',
      ]);
    },
  },
  {
    name: 'says everything that is wrong: bounds, patterns, enums, lengths',
    async run(world) {
      const { message } = await failure(
        world.create(
          VOYAGES,
          world.voyage('a', {
            altitude: 501,
            mode: 'blind',
            note: 'much too long',
            route: 'x',
            stops: ['a', 'b', 'c', 'd'],
          }),
        ),
      );
      const [, list = ''] = /is invalid: \[(.*)\]$/.exec(message) ?? [];
      for (const part of [
        'spec.altitude: Invalid value: 501: spec.altitude in body should be less than or equal to 500',
        'spec.mode: Unsupported value: "blind": supported values: "visual", "instrument"',
        'spec.note: Too long: may not be more than 10 bytes',
        'spec.route: Invalid value: "x": spec.route in body should match \'^[A-Z]{3}-[A-Z]{3}$\'',
        'spec.stops: Too many: 4: must have at most 3 items',
      ]) {
        expect(list).to.contain(part);
      }
    },
  },
  {
    name: 'takes numbers and texts where both are allowed, null where it is, anything where the schema is open',
    async run(world) {
      const spec = { limit: '5%', note: null, extra: { deep: [{ any: 1 }] } };
      expect((await world.create(VOYAGES, world.voyage('a', spec))).spec).to.deep.include(spec);
      expect((await world.create(VOYAGES, world.voyage('b', { limit: 5 }))).spec.limit).to.equal(5);
    },
  },
];
