import { expect } from 'chai';
import type { Case } from './case.ts';
import { CRDS, failure, VOYAGES, eventually } from '../test-cluster.ts';

export const watchCases: readonly Case[] = [
  {
    name: 'lists by label, sorted by name, with apiVersion and kind on each item',
    async run(world) {
      for (const [name, colour] of [
        ['c', 'red'],
        ['a', 'red'],
        ['b', 'blue'],
      ] as const) {
        await world.create(VOYAGES, world.voyage(name, {}, { labels: { colour } }));
      }
      const { items } = await world.api.list(VOYAGES, {
        namespace: world.namespace,
        labelSelector: 'colour in (red,green)',
      });
      expect(items.map(({ metadata, kind }) => `${kind} ${metadata.name}`)).to.deep.equal([
        'Voyage a',
        'Voyage c',
      ]);
    },
  },
  {
    name: 'lists by the field metadata.name',
    async run(world) {
      for (const name of ['a', 'b']) {
        await world.create(VOYAGES, world.voyage(name));
      }
      const { items } = await world.api.list(VOYAGES, {
        namespace: world.namespace,
        fieldSelector: 'metadata.name=b',
      });
      expect(items.map(({ metadata }) => metadata.name)).to.deep.equal(['b']);
    },
  },
  {
    name: 'gives pages of one moment: what comes meanwhile is not in them',
    async run(world) {
      for (const name of ['a', 'b', 'c']) {
        await world.create(VOYAGES, world.voyage(name));
      }
      const first = await world.api.list(VOYAGES, { namespace: world.namespace, limit: 2 });
      await world.create(VOYAGES, world.voyage('bb'));
      await world.create(VOYAGES, world.voyage('d'));
      const second = await world.api.list(VOYAGES, {
        namespace: world.namespace,
        limit: 2,
        continue: first.continue ?? '',
      });
      expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).to.deep.equal([
        'a',
        'b',
        'c',
      ]);
      expect(second.continue).to.equal(undefined);
      expect(second.resourceVersion).to.equal(first.resourceVersion);
    },
  },
  {
    name: 'watches from a list on: what happened between list and watch is told',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { resourceVersion } = await world.api.list(VOYAGES, { namespace: world.namespace });
      await world.create(VOYAGES, world.voyage('b'));
      await world.merge(VOYAGES, 'a', { spec: { altitude: 7 } });
      await world.api.delete(VOYAGES, { namespace: world.namespace, name: 'a' });
      expect(await world.watched(VOYAGES, { resourceVersion }, 3)).to.deep.equal([
        'ADDED b',
        'MODIFIED a',
        'DELETED a',
      ]);
    },
  },
  {
    name: 'tells a deletion with a version of its own, newer than the last change',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.api.delete(VOYAGES, { namespace: world.namespace, name: 'a' });
      for await (const event of world.api.watch(VOYAGES, {
        namespace: world.namespace,
        resourceVersion: metadata.resourceVersion ?? '',
      })) {
        if (event.type === 'BOOKMARK') {
          continue;
        }
        expect(event.type).to.equal('DELETED');
        expect(Number(event.object.metadata.resourceVersion)).to.be.greaterThan(
          Number(metadata.resourceVersion),
        );
        break;
      }
    },
  },
  {
    name: 'tells a watch with a selector that an object begins and ends to match as added and deleted',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.merge(VOYAGES, 'a', { metadata: { labels: { colour: 'red' } } });
      await world.merge(VOYAGES, 'a', { spec: { altitude: 8 } });
      await world.merge(VOYAGES, 'a', { metadata: { labels: { colour: 'blue' } } });
      expect(
        await world.watched(
          VOYAGES,
          { resourceVersion: metadata.resourceVersion ?? '', labelSelector: 'colour=red' },
          3,
        ),
      ).to.deep.equal(['ADDED a', 'MODIFIED a', 'DELETED a']);
    },
  },
  {
    name: 'says nothing of a write that changed nothing',
    async run(world) {
      const { metadata } = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      await world.apply(VOYAGES, world.voyage('a'), 'tower');
      await world.create(VOYAGES, world.voyage('b'));
      expect(
        await world.watched(VOYAGES, { resourceVersion: metadata.resourceVersion ?? '' }, 1),
      ).to.deep.equal(['ADDED b']);
    },
  },
  {
    name: 'ends a watch after its time, without a failure',
    async run(world) {
      const { resourceVersion } = await world.api.list(VOYAGES, { namespace: world.namespace });
      const events: string[] = [];
      for await (const { type } of world.api.watch(VOYAGES, {
        namespace: world.namespace,
        resourceVersion,
        timeoutSeconds: 1,
      })) {
        if (type !== 'BOOKMARK') {
          events.push(type);
        }
      }
      expect(events).to.deep.equal([]);
    },
  },
  {
    name: 'ends a watch with the reason of its signal',
    async run(world) {
      const stop = new AbortController();
      const reason = new Error('enough');
      const { resourceVersion } = await world.api.list(VOYAGES, { namespace: world.namespace });
      const watching = (async () => {
        for await (const _ of world.api.watch(
          VOYAGES,
          { namespace: world.namespace, resourceVersion },
          stop.signal,
        )) {
          stop.abort(reason);
        }
      })();
      const ended = watching.catch((error: unknown) => error);
      await world.create(VOYAGES, world.voyage('a'));
      expect(await ended).to.equal(reason);
    },
  },
  {
    name: 'serves a new CRD, and no longer when it is deleted',
    async run(world) {
      const group = `${world.namespace}.conformance.autopilot.test`;
      const type = { group, version: 'v1', kind: 'Kite', plural: 'kites', namespaced: true };
      const schema = {
        openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      };
      const names = { kind: 'Kite', plural: 'kites', singular: 'kite', listKind: 'KiteList' };
      const spec = {
        group,
        names,
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      };
      await world.api.create(CRDS, {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `kites.${group}` },
        spec,
      });
      await eventually(() => world.create(type, world.object(type, 'a', {})));
      await world.api.delete(CRDS, { name: `kites.${group}` });
      await eventually(async () =>
        expect((await failure(world.get(type, 'a'))).message).to.contain('404 page not found'),
      );
    },
  },
];
