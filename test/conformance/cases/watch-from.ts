import { expect } from 'chai';
import type { WatchEvent } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

/** The first event that is no bookmark. */
async function first(
  events: AsyncIterable<WatchEvent>,
): Promise<Exclude<WatchEvent, { type: 'BOOKMARK' }> | undefined> {
  for await (const event of events) {
    if (event.type !== 'BOOKMARK') {
      return event;
    }
  }
  return undefined;
}

async function version(world: TestCluster): Promise<string> {
  return (await world.api.list(VOYAGES, { namespace: world.namespace })).resourceVersion;
}

export const watchFromCases: readonly Case[] = [
  {
    name: 'begins with what is there when the version is 0',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      await world.create(VOYAGES, world.voyage('b', {}, { labels: { colour: 'red' } }));
      expect(await world.watched(VOYAGES, { resourceVersion: '0' }, 2)).to.have.members([
        'ADDED a',
        'ADDED b',
      ]);
      expect(
        await world.watched(VOYAGES, { resourceVersion: '0', labelSelector: 'colour=red' }, 1),
      ).to.deep.equal(['ADDED b']);
    },
  },
  {
    name: 'goes on after what is there when the version is 0',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const watching = world.watched(VOYAGES, { resourceVersion: '0' }, 2);
      await world.create(VOYAGES, world.voyage('b'));
      expect(await watching).to.deep.equal(['ADDED a', 'ADDED b']);
    },
  },
  {
    name: 'refuses a version that is no number',
    async run(world) {
      const call = first(
        world.api.watch(VOYAGES, { namespace: world.namespace, resourceVersion: 'soon' }),
      );
      expect((await failure(call)).code).to.be.oneOf([400, 500]);
    },
  },
  {
    // @promise watching/watch-errors
    name: 'answers 410 for a version older than what is known',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { code, reason } = await failure(
        first(world.api.watch(VOYAGES, { namespace: world.namespace, resourceVersion: '1' })),
      );
      expect([code, reason]).to.deep.equal([410, 'Expired']);
    },
  },
  {
    name: 'tells the whole object, with apiVersion, kind and managedFields',
    async run(world) {
      const resourceVersion = await version(world);
      const made = await world.create(VOYAGES, world.voyage('a'));
      expect(
        (await first(world.api.watch(VOYAGES, { namespace: world.namespace, resourceVersion })))
          ?.object,
      ).to.deep.equal(made);
    },
  },
  {
    name: 'tells a deletion with the last state of the object',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a', { altitude: 9 }));
      await world.api.delete(VOYAGES, world.key('a'));
      const event = await first(
        world.api.watch(VOYAGES, {
          namespace: world.namespace,
          resourceVersion: made.metadata.resourceVersion ?? '',
        }),
      );
      expect([event?.type, event?.object.spec, event?.object.metadata.uid]).to.deep.equal([
        'DELETED',
        made.spec,
        made.metadata.uid,
      ]);
    },
  },
  {
    name: 'tells the end of an object with finalizers: the wait as a change, the end as a deletion',
    async run(world) {
      const { metadata } = await world.create(
        VOYAGES,
        world.voyage('a', {}, { finalizers: ['autopilot.test/hold'] }),
      );
      await world.api.delete(VOYAGES, world.key('a'));
      await world.merge(VOYAGES, 'a', { metadata: { finalizers: null } });
      expect(
        await world.watched(VOYAGES, { resourceVersion: metadata.resourceVersion ?? '' }, 2),
      ).to.deep.equal(['MODIFIED a', 'DELETED a']);
    },
  },
  {
    name: 'tells nothing of other namespaces and other kinds',
    async run(world) {
      const resourceVersion = await version(world);
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'x', {}));
      await world.create(
        VOYAGES,
        world.voyage('y', {}, { namespace: 'default', labels: { case: world.namespace } }),
      );
      await world.api.delete(VOYAGES, { namespace: 'default', name: 'y' });
      await world.create(VOYAGES, world.voyage('a'));
      expect(await world.watched(VOYAGES, { resourceVersion }, 1)).to.deep.equal(['ADDED a']);
    },
  },
  {
    name: 'watches one object by its name',
    async run(world) {
      const resourceVersion = await version(world);
      await world.create(VOYAGES, world.voyage('a'));
      await world.create(VOYAGES, world.voyage('b'));
      expect(
        await world.watched(VOYAGES, { resourceVersion, fieldSelector: 'metadata.name=b' }, 1),
      ).to.deep.equal(['ADDED b']);
    },
  },
  {
    name: 'tells an object that ceases to match with its last matching state and a new version',
    async run(world) {
      const { metadata } = await world.create(
        VOYAGES,
        world.voyage('a', {}, { labels: { colour: 'red' } }),
      );
      const changed = await world.merge(VOYAGES, 'a', { metadata: { labels: { colour: 'blue' } } });
      const event = await first(
        world.api.watch(VOYAGES, {
          namespace: world.namespace,
          resourceVersion: metadata.resourceVersion ?? '',
          labelSelector: 'colour=red',
        }),
      );
      expect([
        event?.type,
        event?.object.metadata.labels,
        event?.object.metadata.resourceVersion,
      ]).to.deep.equal(['DELETED', { colour: 'red' }, changed.metadata.resourceVersion]);
    },
  },
  {
    name: 'tells changes of status to watches of the object',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.merge(VOYAGES, 'a', { status: { phase: 'Up' } }, { subresource: 'status' });
      const event = await first(
        world.api.watch(VOYAGES, {
          namespace: world.namespace,
          resourceVersion: metadata.resourceVersion ?? '',
        }),
      );
      expect([event?.type, event?.object.status]).to.deep.equal(['MODIFIED', { phase: 'Up' }]);
    },
  },
  {
    name: 'refuses to watch a kind that is not served: 404',
    async run(world) {
      const type = { ...VOYAGES, plural: 'balloons', kind: 'Balloon' };
      expect(
        (
          await failure(
            first(world.api.watch(type, { namespace: world.namespace, resourceVersion: '0' })),
          )
        ).code,
      ).to.equal(404);
    },
  },
  {
    name: 'does not tell a dry run',
    async run(world) {
      const resourceVersion = await version(world);
      await world.api.create(VOYAGES, world.voyage('a'), { dryRun: true });
      await world.create(VOYAGES, world.voyage('b'));
      expect(await world.watched(VOYAGES, { resourceVersion }, 1)).to.deep.equal(['ADDED b']);
    },
  },
];
