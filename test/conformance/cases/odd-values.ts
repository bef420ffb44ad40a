/** Values that JavaScript and JSON see differently: the name `__proto__`, NaN, undefined. */
import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

/** Data as JSON gives it: an object literal would set the prototype. */
function dataOf(json: string): { readonly data: Readonly<Record<string, string>> } {
  return { data: JSON.parse(json) as Readonly<Record<string, string>> };
}

async function storedData(world: TestCluster): Promise<string> {
  const { data } = (await world.api.get(CONFIG_MAPS, world.key('a'))) as KubeObject & {
    readonly data?: object;
  };
  return JSON.stringify(data);
}

const PROTO = '{"__proto__":"kept","constructor":"too"}';

export const oddValueCases: readonly Case[] = [
  {
    name: 'keeps members that are named __proto__ and constructor: create',
    async run(world) {
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', dataOf(PROTO)));
      expect(await storedData(world)).to.equal(PROTO);
    },
  },
  {
    name: 'keeps members that are named __proto__ and constructor: merge patch',
    async run(world) {
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', dataOf('{"b":"c"}')));
      const body = dataOf('{"b":null,"__proto__":"kept","constructor":"too"}');
      await world.api.patch(CONFIG_MAPS, world.key('a'), { type: 'merge', body });
      expect(await storedData(world)).to.equal(PROTO);
    },
  },
  {
    name: 'keeps members that are named __proto__ and constructor: JSON patch',
    async run(world) {
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', dataOf('{"b":"c"}')));
      await world.json(CONFIG_MAPS, 'a', [
        { op: 'remove', path: '/data/b' },
        { op: 'add', path: '/data/__proto__', value: 'kept' },
        { op: 'add', path: '/data/constructor', value: 'too' },
      ]);
      expect(await storedData(world)).to.equal(PROTO);
    },
  },
  {
    name: 'keeps members that are named __proto__ and constructor: server-side apply',
    async run(world) {
      const apply = async (json: string): Promise<void> => {
        const object = world.object(CONFIG_MAPS, 'a', dataOf(json));
        await world.api.apply(CONFIG_MAPS, object, { fieldManager: 'm' });
      };
      await apply('{"__proto__":"first"}');
      await apply(PROTO);
      expect(await storedData(world)).to.equal(PROTO);
      await apply('{"constructor":"too"}');
      expect(await storedData(world)).to.equal('{"constructor":"too"}');
    },
  },
  {
    name: 'gets NaN and Infinity as null, as JSON writes them: such a field is dropped',
    async run(world) {
      const { spec } = await world.create(VOYAGES, world.voyage('a', { seats: Infinity }));
      expect(spec.seats).to.equal(undefined);
      await world.create(VOYAGES, world.voyage('b', { seats: 3 }));
      const body = { spec: { seats: NaN, stops: undefined } };
      const patched = await world.api.patch(VOYAGES, world.key('b'), { type: 'merge', body });
      expect((patched.spec as { readonly seats?: number }).seats).to.equal(undefined);
    },
  },
  {
    name: 'gets no member that is undefined: a merge patch leaves the field as it is',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 3 }));
      const body = { spec: { seats: undefined } };
      const patched = await world.api.patch(VOYAGES, world.key('a'), { type: 'merge', body });
      expect((patched.spec as { readonly seats?: number }).seats).to.equal(3);
    },
  },
];
