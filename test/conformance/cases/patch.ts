import { expect } from 'chai';
import type { JsonPatchOperation } from '../../../runtime/src/internal.ts';
import { CONFIG_MAPS, failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

/** A JSON patch of a voyage with company and stops: the expected spec or error code. */
function patches(
  what: string,
  body: readonly JsonPatchOperation[],
  expected: object | number,
): Case {
  return {
    name: `JSON patch: ${what}`,
    async run(world) {
      await world.create(
        VOYAGES,
        world.voyage('a', {
          company: { 'a/b': 'slash', 'm~n': 'tilde', cook: 'Bo' },
          stops: ['NUE', 'STR'],
        }),
      );
      const call = world.json(VOYAGES, 'a', body);
      if (typeof expected === 'number') {
        expect((await failure(call)).code).to.equal(expected);
      } else {
        expect((await call).spec).to.deep.include(expected);
      }
    },
  };
}

export const patchCases: readonly Case[] = [
  patches(
    'adds and replaces a member',
    [
      { op: 'add', path: '/spec/company/cook', value: 'Al' },
      { op: 'add', path: '/spec/seats', value: 3 },
    ],
    { seats: 3, company: { 'a/b': 'slash', 'm~n': 'tilde', cook: 'Al' } },
  ),
  patches(
    'reads ~1 as / and ~0 as ~',
    [
      { op: 'replace', path: '/spec/company/a~1b', value: 'x' },
      { op: 'remove', path: '/spec/company/m~0n' },
    ],
    { company: { 'a/b': 'x', cook: 'Bo' } },
  ),
  patches(
    'adds to the end and the beginning of a list',
    [{ op: 'add', path: '/spec/stops/-', value: 'LEJ' }],
    { stops: ['NUE', 'STR', 'LEJ'] },
  ),
  patches('removes from a list', [{ op: 'remove', path: '/spec/stops/0' }], { stops: ['STR'] }),
  patches('moves', [{ op: 'move', from: '/spec/stops/0', path: '/spec/stops/1' }], {
    stops: ['STR', 'NUE'],
  }),
  patches('copies', [{ op: 'copy', from: '/spec/company/cook', path: '/spec/company/captain' }], {
    company: { 'a/b': 'slash', 'm~n': 'tilde', cook: 'Bo', captain: 'Bo' },
  }),
  patches(
    'goes on after a test that holds',
    [
      { op: 'test', path: '/spec/company', value: { cook: 'Bo', 'm~n': 'tilde', 'a/b': 'slash' } },
      { op: 'remove', path: '/spec/company' },
    ],
    { stops: ['NUE', 'STR'] },
  ),
  patches(
    'fails at a test of something that is not there: 422',
    [{ op: 'test', path: '/spec/mode', value: 'visual' }],
    422,
  ),
  patches('fails to remove what is not there: 422', [{ op: 'remove', path: '/spec/mode' }], 422),
  patches(
    'adds where it should replace a member that is not there, as the real server does',
    [{ op: 'replace', path: '/spec/mode', value: 'visual' }],
    {
      mode: 'visual',
    },
  ),
  patches(
    'fails to replace an item that is not there: 422',
    [{ op: 'replace', path: '/spec/stops/7', value: 'x' }],
    422,
  ),
  patches(
    'fails to add below what is not there: 422',
    [{ op: 'add', path: '/spec/plan/left', value: 'x' }],
    422,
  ),
  patches(
    'fails to add beyond the end of a list: 422',
    [{ op: 'add', path: '/spec/stops/5', value: 'x' }],
    422,
  ),
  patches(
    'fails to move what is not there: 422',
    [{ op: 'move', from: '/spec/mode', path: '/spec/note' }],
    422,
  ),
  patches(
    'is validated as a whole: 422',
    [{ op: 'replace', path: '/spec/route', value: 'x' }],
    422,
  ),
  patches(
    'replaces a whole branch',
    [{ op: 'replace', path: '/spec', value: { route: 'TXL-HAM' } }],
    { route: 'TXL-HAM', altitude: 100 },
  ),
  {
    // @promise finalizer/added-first
    name: 'JSON patch: does nothing on a test of the version that is stale: 422',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.merge(VOYAGES, 'a', { spec: { altitude: 5 } });
      const body: readonly JsonPatchOperation[] = [
        { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
        { op: 'add', path: '/metadata/finalizers', value: ['autopilot.test/hold'] },
      ];
      expect((await failure(world.json(VOYAGES, 'a', body))).code).to.equal(422);
    },
  },
  {
    name: 'JSON patch: a stale version written into the object is a conflict: 409',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const body: readonly JsonPatchOperation[] = [
        { op: 'replace', path: '/metadata/resourceVersion', value: '1' },
        { op: 'add', path: '/spec/altitude', value: 3 },
      ];
      expect((await failure(world.json(VOYAGES, 'a', body))).code).to.equal(409);
    },
  },
  {
    name: 'JSON patch: changes status through the status subresource only',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const body: readonly JsonPatchOperation[] = [
        { op: 'add', path: '/status', value: { phase: 'Up' } },
      ];
      expect((await world.json(VOYAGES, 'a', body)).status).to.equal(undefined);
      expect(
        (await world.json(VOYAGES, 'a', body, { subresource: 'status' })).status,
      ).to.deep.equal({ phase: 'Up' });
    },
  },
  {
    name: 'JSON patch: of something that is not there: 404',
    async run(world) {
      expect(
        (await failure(world.json(VOYAGES, 'a', [{ op: 'add', path: '/spec', value: {} }]))).code,
      ).to.equal(404);
    },
  },
  {
    name: 'merge patch: merges maps to any depth, and replaces lists',
    async run(world) {
      await world.create(
        VOYAGES,
        world.voyage('a', {
          plan: { left: 'l', deep: { left: 'dl', right: 'dr' } },
          stops: ['NUE', 'STR'],
          legs: [{ name: 'one' }],
        }),
      );
      const { spec } = await world.merge(VOYAGES, 'a', {
        spec: {
          plan: { deep: { left: 'new', right: null } },
          stops: ['LEJ'],
          legs: [{ name: 'two' }],
        },
      });
      expect(spec).to.deep.include({
        plan: { left: 'l', deep: { left: 'new' } },
        stops: ['LEJ'],
        legs: [{ name: 'two', hours: 1 }],
      });
    },
  },
  {
    name: 'merge patch: null removes a map, a default then comes back',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { altitude: 7, plan: { left: 'l' } }));
      const { spec } = await world.merge(VOYAGES, 'a', {
        spec: { altitude: null, plan: null, mode: null },
      });
      expect(spec).to.deep.equal({ route: 'FRA-MUC', altitude: 100 });
    },
  },
  {
    name: 'merge patch: an object in place of a list, and a list in place of an object, are wrong: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect(
        (await failure(world.merge(VOYAGES, 'a', { spec: { stops: { a: 'b' } } }))).code,
      ).to.equal(422);
      expect((await failure(world.merge(VOYAGES, 'a', { spec: { plan: ['a'] } }))).code).to.equal(
        422,
      );
    },
  },
  {
    name: 'merge patch: with the current version it is done, and empty patches change nothing',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      const { resourceVersion } = metadata;
      expect((await world.merge(VOYAGES, 'a', {})).metadata.resourceVersion).to.equal(
        resourceVersion,
      );
      expect(
        (await world.merge(VOYAGES, 'a', { metadata: { resourceVersion }, spec: { altitude: 3 } }))
          .spec.altitude,
      ).to.equal(3);
    },
  },
  {
    name: 'merge patch: cannot rename or move an object',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect((await failure(world.merge(VOYAGES, 'a', { metadata: { name: 'b' } }))).code).to.equal(
        400,
      );
      expect(
        (await failure(world.merge(VOYAGES, 'a', { metadata: { namespace: 'default' } }))).code,
      ).to.equal(400);
    },
  },
  {
    name: 'merge patch: cannot change its kind or group: 400 or 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect((await failure(world.merge(VOYAGES, 'a', { kind: 'Balloon' }))).code).to.be.oneOf([
        400, 422,
      ]);
      expect((await failure(world.merge(VOYAGES, 'a', { apiVersion: 'v1' }))).code).to.be.oneOf([
        400, 422,
      ]);
    },
  },
  {
    name: 'merge patch: refuses unknown fields with 400, or 422 for a patch',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { code, message } = await failure(
        world.merge(VOYAGES, 'a', { spec: { colour: 'red' } }),
      );
      expect(code).to.be.oneOf([400, 422]);
      expect(message).to.contain('unknown field "spec.colour"');
    },
  },
  {
    name: 'merge patch: cannot change what the server sets: creationTimestamp and generation stay, deletionTimestamp is refused: 422',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      const patched = await world.merge(VOYAGES, 'a', {
        metadata: { creationTimestamp: '2001-01-01T00:00:00Z', generation: 77, labels: { a: 'b' } },
      });
      const { creationTimestamp, generation, labels } = patched.metadata;
      expect([creationTimestamp, generation, labels]).to.deep.equal([
        metadata.creationTimestamp,
        1,
        { a: 'b' },
      ]);
      const { code, message } = await failure(
        world.merge(VOYAGES, 'a', { metadata: { deletionTimestamp: '2001-01-01T00:00:00Z' } }),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'metadata.deletionTimestamp: Invalid value: "2001-01-01T00:00:00Z": field is immutable',
      );
    },
  },
  {
    name: 'merge patch: keys of a ConfigMap come and go',
    async run(world) {
      await world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', { data: { one: '1', two: '2' } }),
      );
      expect(
        (await world.merge(CONFIG_MAPS, 'a', { data: { two: null, three: '3' } })).data,
      ).to.deep.equal({ one: '1', three: '3' });
      expect((await world.merge(CONFIG_MAPS, 'a', { data: null })).data).to.equal(undefined);
    },
  },
];
