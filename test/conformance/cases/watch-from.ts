import { expect } from 'chai';
import type { WatchEvent } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, failure, FLIGHTS } from '../test-cluster.ts';
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
  return (await world.api.list(FLIGHTS, { namespace: world.namespace })).resourceVersion;
}

export const watchFromCases: readonly Case[] = [
  {
    name: 'begins with what is there when the version is 0',
    async run(world) {
      await world.create(FLIGHTS, world.flight('a'));
      await world.create(FLIGHTS, world.flight('b', {}, { labels: { colour: 'red' } }));
      expect(await world.watched(FLIGHTS, { resourceVersion: '0' }, 2)).to.have.members([
        'ADDED a',
        'ADDED b',
      ]);
      expect(
        await world.watched(FLIGHTS, { resourceVersion: '0', labelSelector: 'colour=red' }, 1),
      ).to.deep.equal(['ADDED b']);
    },
  },
  {
    name: 'goes on after what is there when the version is 0',
    async run(world) {
      await world.create(FLIGHTS, world.flight('a'));
      const watching = world.watched(FLIGHTS, { resourceVersion: '0' }, 2);
      await world.create(FLIGHTS, world.flight('b'));
      expect(await watching).to.deep.equal(['ADDED a', 'ADDED b']);
    },
  },
  {
    name: 'refuses a version that is no number',
    async run(world) {
      const call = first(
        world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion: 'soon' }),
      );
      expect((await failure(call)).code).to.be.oneOf([400, 500]);
    },
  },
  {
    // @promise watching/watch-errors
    name: 'answers 410 for a version older than what is known',
    async run(world) {
      await world.create(FLIGHTS, world.flight('a'));
      const { code, reason } = await failure(
        first(world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion: '1' })),
      );
      expect([code, reason]).to.deep.equal([410, 'Expired']);
    },
  },
  {
    name: 'tells the whole object, with apiVersion, kind and managedFields',
    async run(world) {
      const resourceVersion = await version(world);
      const made = await world.create(FLIGHTS, world.flight('a'));
      expect(
        (await first(world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion })))
          ?.object,
      ).to.deep.equal(made);
    },
  },
  {
    name: 'tells a deletion with the last state of the object',
    async run(world) {
      const made = await world.create(FLIGHTS, world.flight('a', { altitude: 9 }));
      await world.api.delete(FLIGHTS, world.key('a'));
      const event = await first(
        world.api.watch(FLIGHTS, {
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
        FLIGHTS,
        world.flight('a', {}, { finalizers: ['autopilot.test/hold'] }),
      );
      await world.api.delete(FLIGHTS, world.key('a'));
      await world.merge(FLIGHTS, 'a', { metadata: { finalizers: null } });
      expect(
        await world.watched(FLIGHTS, { resourceVersion: metadata.resourceVersion ?? '' }, 2),
      ).to.deep.equal(['MODIFIED a', 'DELETED a']);
    },
  },
  {
    name: 'tells nothing of other namespaces and other kinds',
    async run(world) {
      const resourceVersion = await version(world);
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'x', {}));
      await world.create(
        FLIGHTS,
        world.flight('y', {}, { namespace: 'default', labels: { case: world.namespace } }),
      );
      await world.api.delete(FLIGHTS, { namespace: 'default', name: 'y' });
      await world.create(FLIGHTS, world.flight('a'));
      expect(await world.watched(FLIGHTS, { resourceVersion }, 1)).to.deep.equal(['ADDED a']);
    },
  },
  {
    name: 'watches one object by its name',
    async run(world) {
      const resourceVersion = await version(world);
      await world.create(FLIGHTS, world.flight('a'));
      await world.create(FLIGHTS, world.flight('b'));
      expect(
        await world.watched(FLIGHTS, { resourceVersion, fieldSelector: 'metadata.name=b' }, 1),
      ).to.deep.equal(['ADDED b']);
    },
  },
  {
    name: 'tells an object that ceases to match with its last matching state and a new version',
    async run(world) {
      const { metadata } = await world.create(
        FLIGHTS,
        world.flight('a', {}, { labels: { colour: 'red' } }),
      );
      const changed = await world.merge(FLIGHTS, 'a', { metadata: { labels: { colour: 'blue' } } });
      const event = await first(
        world.api.watch(FLIGHTS, {
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
      const { metadata } = await world.create(FLIGHTS, world.flight('a'));
      await world.merge(FLIGHTS, 'a', { status: { phase: 'Up' } }, { subresource: 'status' });
      const event = await first(
        world.api.watch(FLIGHTS, {
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
      const type = { ...FLIGHTS, plural: 'balloons', kind: 'Balloon' };
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
      await world.api.create(FLIGHTS, world.flight('a'), { dryRun: true });
      await world.create(FLIGHTS, world.flight('b'));
      expect(await world.watched(FLIGHTS, { resourceVersion }, 1)).to.deep.equal(['ADDED b']);
    },
  },
];
