import { expect } from 'chai';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, CRDS, failure, VOYAGES, NAMESPACES, SERVICES } from '../test-cluster.ts';
import type { Case } from './case.ts';

/** Four voyages: a and b red, c blue, d without labels. */
async function coloured(world: TestCluster): Promise<void> {
  for (const [name, labels] of [
    ['a', { colour: 'red', size: 's' }],
    ['b', { colour: 'red' }],
    ['c', { colour: 'blue', size: '' }],
    ['d', undefined],
  ] as const) {
    await world.create(VOYAGES, world.voyage(name, {}, { labels }));
  }
}

function selects(labelSelector: string, names: readonly string[]): Case {
  return {
    name: `selects by labels with '${labelSelector}'`,
    async run(world) {
      await coloured(world);
      expect(await world.names(VOYAGES, { labelSelector })).to.deep.equal(names);
    },
  };
}

export const listCases: readonly Case[] = [
  selects('colour=red', ['a', 'b']),
  selects('colour==red,size=s', ['a']),
  selects('colour!=red', ['c', 'd']),
  selects('colour in (red, blue)', ['a', 'b', 'c']),
  selects('colour notin (red)', ['c', 'd']),
  selects('size', ['a', 'c']),
  selects('!size', ['b', 'd']),
  selects('size=', ['c']),
  selects('colour in (red),!size', ['b']),
  {
    name: 'refuses a selector that cannot be read: 400',
    async run(world) {
      expect(
        (
          await failure(
            world.api.list(VOYAGES, { namespace: world.namespace, labelSelector: 'colour in red' }),
          )
        ).code,
      ).to.equal(400);
      expect(
        (
          await failure(
            world.api.list(VOYAGES, { namespace: world.namespace, labelSelector: 'a=b=c' }),
          )
        ).code,
      ).to.equal(400);
    },
  },
  {
    name: 'lists by metadata.name, by its opposite, and by metadata.namespace',
    async run(world) {
      for (const name of ['a', 'b']) {
        await world.create(VOYAGES, world.voyage(name));
      }
      expect(await world.names(VOYAGES, { fieldSelector: 'metadata.name!=b' })).to.deep.equal([
        'a',
      ]);
      expect(
        await world.names(VOYAGES, {
          fieldSelector: `metadata.namespace=${world.namespace},metadata.name=a`,
        }),
      ).to.deep.equal(['a']);
      const { items } = await world.api.list(VOYAGES, {
        fieldSelector: `metadata.namespace=${world.namespace}`,
      });
      expect(items.map(({ metadata }) => metadata.name)).to.deep.equal(['a', 'b']);
    },
  },
  {
    name: 'refuses a field selector that the kind does not have: 400',
    async run(world) {
      const { code, message } = await failure(
        world.api.list(VOYAGES, {
          namespace: world.namespace,
          fieldSelector: 'spec.route=FRA-MUC',
        }),
      );
      expect(code).to.equal(400);
      expect(message).to.contain('field label not supported: spec.route');
    },
  },
  {
    name: 'finds a selector and a namespace that match nothing empty, not wrong',
    async run(world) {
      expect(await world.names(VOYAGES, { labelSelector: 'colour=green' })).to.deep.equal([]);
      expect((await world.api.list(CONFIG_MAPS, { namespace: 'nowhere' })).items).to.deep.equal([]);
    },
  },
  {
    name: 'lists over all namespaces, in the order of namespace/name: a dash comes before the slash',
    async run(world) {
      const other = `${world.namespace}-x`;
      await world.api.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: other },
      });
      const labels = { of: world.namespace };
      await world.create(VOYAGES, world.voyage('a', {}, { labels, namespace: other }));
      await world.create(VOYAGES, world.voyage('b', {}, { labels }));
      const { items } = await world.api.list(VOYAGES, { labelSelector: `of=${world.namespace}` });
      expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).to.deep.equal([
        `${other}/a`,
        `${world.namespace}/b`,
      ]);
    },
  },
  {
    name: 'gives pages with a selector: only what matches counts',
    async run(world) {
      await coloured(world);
      const options = { namespace: world.namespace, labelSelector: 'colour', limit: 2 };
      const first = await world.api.list(VOYAGES, options);
      expect(first.items.map(({ metadata }) => metadata.name)).to.deep.equal(['a', 'b']);
      const second = await world.api.list(VOYAGES, { ...options, continue: first.continue ?? '' });
      expect(second.items.map(({ metadata }) => metadata.name)).to.deep.equal(['c']);
      expect(second.continue).to.equal(undefined);
    },
  },
  {
    name: 'gives every object once in pages of one',
    async run(world) {
      await coloured(world);
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const page = await world.api.list(VOYAGES, {
          namespace: world.namespace,
          limit: 1,
          ...(token !== undefined && { continue: token }),
        });
        seen.push(...page.items.map(({ metadata }) => metadata.name));
        token = page.continue;
      } while (token !== undefined);
      expect(seen).to.deep.equal(['a', 'b', 'c', 'd']);
    },
  },
  {
    name: 'shows in later pages what was there at the first: also what is deleted and changed meanwhile',
    async run(world) {
      await coloured(world);
      const first = await world.api.list(VOYAGES, { namespace: world.namespace, limit: 1 });
      await world.api.delete(VOYAGES, world.key('c'));
      await world.merge(VOYAGES, 'd', { spec: { altitude: 300 } });
      const rest = await world.api.list(VOYAGES, {
        namespace: world.namespace,
        continue: first.continue ?? '',
      });
      expect(rest.items.map(({ metadata }) => metadata.name)).to.deep.equal(['b', 'c', 'd']);
      expect((rest.items[2]?.spec as { altitude: number } | undefined)?.altitude).to.equal(100);
    },
  },
  {
    name: 'refuses a continue token that it never gave: 400',
    async run(world) {
      expect(
        (
          await failure(
            world.api.list(VOYAGES, { namespace: world.namespace, continue: 'nonsense' }),
          )
        ).code,
      ).to.equal(400);
    },
  },
  {
    name: 'lists with a version that watches can begin from, growing with every write of any kind',
    async run(world) {
      const first = Number(
        (await world.api.list(VOYAGES, { namespace: world.namespace })).resourceVersion,
      );
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}));
      const second = Number(
        (await world.api.list(VOYAGES, { namespace: world.namespace })).resourceVersion,
      );
      expect(second).to.be.greaterThan(first);
    },
  },
  {
    name: 'lists kinds without namespaces',
    async run(world) {
      const { items } = await world.api.list(CRDS, {
        fieldSelector: 'metadata.name=voyages.conformance.autopilot.test',
      });
      expect(items.map(({ metadata }) => [metadata.name, metadata.namespace])).to.deep.equal([
        ['voyages.conformance.autopilot.test', undefined],
      ]);
    },
  },
  {
    name: 'shows managedFields in lists as in single answers',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a'));
      const [item] = (await world.api.list(VOYAGES, { namespace: world.namespace })).items;
      expect(item).to.deep.equal(made);
    },
  },
  {
    name: 'selects by labels of the object, not by those it selects itself',
    async run(world) {
      await world.create(
        SERVICES,
        world.object(SERVICES, 'a', { spec: { selector: { app: 'a' }, ports: [{ port: 80 }] } }),
      );
      expect(await world.names(SERVICES, { labelSelector: 'app=a' })).to.deep.equal([]);
    },
  },
];
