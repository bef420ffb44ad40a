import { expect } from 'chai';
import type { Case } from './case.ts';
import { failure, VOYAGES } from '../test-cluster.ts';

export const updateCases: readonly Case[] = [
  {
    name: 'counts changes of the spec in generation, of labels and status not',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect(
        (await world.merge(VOYAGES, 'a', { metadata: { labels: { x: 'y' } } })).metadata.generation,
      ).to.equal(1);
      expect(
        (await world.merge(VOYAGES, 'a', { status: { phase: 'Up' } }, { subresource: 'status' }))
          .metadata.generation,
      ).to.equal(1);
      expect(
        (await world.merge(VOYAGES, 'a', { spec: { altitude: 200 } })).metadata.generation,
      ).to.equal(2);
    },
  },
  {
    name: 'keeps the version when nothing changes',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      expect(
        (await world.merge(VOYAGES, 'a', { spec: { altitude: 100 } })).metadata.resourceVersion,
      ).to.equal(metadata.resourceVersion);
    },
  },
  {
    name: 'refuses a stale version: 409 Conflict',
    async run(world) {
      const old = await world.create(VOYAGES, world.voyage('a'));
      await world.merge(VOYAGES, 'a', { spec: { altitude: 200 } });
      const stale = {
        code: 409,
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on voyages.conformance.autopilot.test "a": the object has been modified; please apply your changes to the latest version and try again',
      };
      expect(await failure(world.api.replace(VOYAGES, old))).to.deep.equal(stale);
      expect(
        await failure(
          world.merge(VOYAGES, 'a', {
            metadata: { resourceVersion: old.metadata.resourceVersion },
            spec: { altitude: 300 },
          }),
        ),
      ).to.deep.equal(stale);
    },
  },
  {
    name: 'writes only status through the status subresource, and everything else without it',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const both = { spec: { altitude: 300 }, status: { phase: 'Up' } };
      const status = await world.merge(VOYAGES, 'a', both, { subresource: 'status' });
      expect([status.spec.altitude, status.status]).to.deep.equal([100, { phase: 'Up' }]);
      const main = await world.merge(VOYAGES, 'a', { ...both, status: { phase: 'Down' } });
      expect([main.spec.altitude, main.status]).to.deep.equal([300, { phase: 'Up' }]);
    },
  },
  {
    name: 'replaces with another uid: 409, patches with another uid: 422',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      const uid = '00000000-0000-4000-8000-0000000000ff';
      const { code, message } = await failure(
        world.api.replace(
          VOYAGES,
          world.voyage('a', {}, { uid, resourceVersion: metadata.resourceVersion }),
        ),
      );
      expect(code).to.equal(409);
      expect(message).to.contain(
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
      );
      expect((await failure(world.merge(VOYAGES, 'a', { metadata: { uid } }))).code).to.equal(422);
    },
  },
  {
    name: 'refuses to replace a custom resource without a version: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { code, message } = await failure(
        world.api.replace(VOYAGES, world.voyage('a', { altitude: 7 })),
      );
      expect([code, message]).to.deep.equal([
        422,
        'voyages.conformance.autopilot.test "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      ]);
    },
  },
  {
    name: 'removes a field that a merge patch sets to null',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { company: { captain: 'Ada', cook: 'Bo' } }));
      expect(
        (await world.merge(VOYAGES, 'a', { spec: { company: { cook: null } } })).spec.company,
      ).to.deep.equal({ captain: 'Ada' });
    },
  },
  {
    name: 'does a JSON patch in order, and nothing of it when a test fails: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { stops: ['NUE'] }));
      const key = { namespace: world.namespace, name: 'a' };
      const patched = await world.api.patch(VOYAGES, key, {
        type: 'json',
        body: [
          { op: 'add', path: '/spec/stops/0', value: 'STR' },
          { op: 'replace', path: '/spec/altitude', value: 7 },
        ],
      });
      expect(patched.spec).to.deep.include({ stops: ['STR', 'NUE'], altitude: 7 });
      const { code } = await failure(
        world.api.patch(VOYAGES, key, {
          type: 'json',
          body: [
            { op: 'remove', path: '/spec/stops' },
            { op: 'test', path: '/spec/altitude', value: 8 },
          ],
        }),
      );
      expect(code).to.equal(422);
      expect((await world.get(VOYAGES, 'a')).spec.stops).to.deep.equal(['STR', 'NUE']);
    },
  },
  {
    name: 'refuses two controlling owners: 422',
    async run(world) {
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', controller: true };
      const ownerReferences = ['one', 'two'].map((name) => ({
        ...owner,
        name,
        uid: `00000000-0000-4000-8000-${name.padStart(12, '0').replaceAll(/[^0-9a-f]/g, 'a')}`,
      }));
      const { code, message } = await failure(
        world.create(VOYAGES, world.voyage('a', {}, { ownerReferences })),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'Only one reference can have Controller set to true. Found "true" in references for ConfigMap/one and ConfigMap/two',
      );
    },
  },
];
