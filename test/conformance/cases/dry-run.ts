import { expect } from 'chai';
import { CONFIG_MAPS, failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

export const dryRunCases: readonly Case[] = [
  {
    name: 'creating answers the object as it would be: uid, defaults, generation, no version',
    async run(world) {
      const { metadata, spec } = (await world.api.create(VOYAGES, world.voyage('a'), {
        dryRun: true,
      })) as Awaited<ReturnType<typeof world.create>>;
      expect([metadata.generation, metadata.resourceVersion, spec.altitude]).to.deep.equal([
        1,
        undefined,
        100,
      ]);
    },
  },
  {
    name: 'replacing answers the new object with the old version, and writes nothing',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a'));
      const { resourceVersion } = made.metadata;
      const shown = await world.api.replace(
        VOYAGES,
        world.voyage('a', { altitude: 5 }, { resourceVersion }),
        { dryRun: true },
      );
      expect([shown.metadata.resourceVersion, shown.metadata.generation]).to.deep.equal([
        resourceVersion,
        2,
      ]);
      expect(await world.get(VOYAGES, 'a')).to.deep.equal(made);
    },
  },
  {
    name: 'patching answers what would be, and writes nothing',
    async run(world) {
      const made = await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}));
      const shown = await world.api.patch(
        CONFIG_MAPS,
        world.key('a'),
        { type: 'merge', body: { data: { x: 'y' } } },
        { dryRun: true },
      );
      expect((shown as { data?: object }).data).to.deep.equal({ x: 'y' });
      expect(await world.get(CONFIG_MAPS, 'a')).to.deep.equal(made);
    },
  },
  {
    name: 'tells what is wrong: 409 for a name that is taken, 422 for a value that is not allowed',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect(
        (await failure(world.api.create(VOYAGES, world.voyage('a'), { dryRun: true }))).code,
      ).to.equal(409);
      expect(
        (
          await failure(
            world.api.create(VOYAGES, world.voyage('b', { altitude: 900 }), { dryRun: true }),
          )
        ).code,
      ).to.equal(422);
    },
  },
  {
    name: 'removing the last finalizer does not end the object',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', {}, { finalizers: ['autopilot.test/hold'] }));
      await world.api.delete(VOYAGES, world.key('a'));
      await world.api.patch(
        VOYAGES,
        world.key('a'),
        { type: 'merge', body: { metadata: { finalizers: null } } },
        { dryRun: true },
      );
      expect((await world.get(VOYAGES, 'a')).metadata.finalizers).to.deep.equal([
        'autopilot.test/hold',
      ]);
    },
  },
];
