import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

function ownerOf(object: KubeObject, more: object = {}): object {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    ...more,
  };
}

/** Owner references that are wrong, with the words of the server. */
function refuses(what: string, owners: readonly object[], words: string): Case {
  return {
    name: `refuses ${what}: 422`,
    async run(world) {
      const { code, message } = await failure(
        world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: owners })),
      );
      expect([code, message.includes(words) ? words : message]).to.deep.equal([422, words]);
    },
  };
}

const uid = '00000000-0000-4000-8000-0000000000ff';
const good = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid };

async function pair(world: TestCluster): Promise<readonly [KubeObject, KubeObject]> {
  return [
    await world.create(VOYAGES, world.voyage('one')),
    await world.create(VOYAGES, world.voyage('two')),
  ];
}

export const ownerCases: readonly Case[] = [
  refuses(
    'an owner without uid',
    [{ ...good, uid: '' }],
    'metadata.ownerReferences[0].uid: Required value: must not be empty',
  ),
  refuses(
    'an owner without name',
    [{ ...good, name: '' }],
    'metadata.ownerReferences[0].name: Required value: must not be empty',
  ),
  refuses(
    'an owner without kind',
    [{ ...good, kind: '' }],
    'metadata.ownerReferences[0].kind: Required value: must not be empty',
  ),
  refuses(
    'an owner without version',
    [{ ...good, apiVersion: '' }],
    'metadata.ownerReferences[0].apiVersion: Required value: must not be empty',
  ),
  refuses(
    'an Event as owner',
    [{ ...good, kind: 'Event' }],
    '/v1, Kind=Event is disallowed from being an owner',
  ),
  {
    // @promise outputs/ownership-marks
    name: 'refuses to add a second controlling owner to an object, by patch and by apply: 422',
    async run(world) {
      const [one, two] = await pair(world);
      const owners = (...list: readonly object[]) => ({ ownerReferences: list });
      await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, owners(ownerOf(one, { controller: true }))),
        'one',
      );
      const second = owners(ownerOf(two, { controller: true }));
      const { code, message } = await failure(
        world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, second), 'two', true),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'Only one reference can have Controller set to true. Found "true" in references for Voyage/one and Voyage/two',
      );
      const both = owners(ownerOf(one, { controller: true }), ownerOf(two, { controller: true }));
      expect((await failure(world.merge(CONFIG_MAPS, 'a', { metadata: both }))).code).to.equal(422);
    },
  },
  {
    name: 'takes a second owner that does not control',
    async run(world) {
      const [one, two] = await pair(world);
      await world.apply(
        CONFIG_MAPS,
        world.object(
          CONFIG_MAPS,
          'a',
          {},
          { ownerReferences: [ownerOf(one, { controller: true })] },
        ),
        'one',
      );
      const { metadata } = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [ownerOf(two)] }),
        'two',
      );
      expect(
        metadata.ownerReferences?.map(({ name, controller }) => [name, controller]),
      ).to.deep.equal([
        ['one', true],
        ['two', undefined],
      ]);
    },
  },
  {
    name: 'gives up an owner reference that its manager no longer sends, and keeps the other',
    async run(world) {
      const [one, two] = await pair(world);
      await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [ownerOf(one)] }),
        'one',
      );
      await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [ownerOf(two)] }),
        'two',
      );
      const { metadata } = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}),
        'one',
      );
      expect(metadata.ownerReferences?.map(({ name }) => name)).to.deep.equal(['two']);
    },
  },
  {
    name: 'takes owners with blockOwnerDeletion, and remembers each by its uid',
    async run(world) {
      const [one] = await pair(world);
      const owner = ownerOf(one, { controller: true, blockOwnerDeletion: true });
      const made = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [owner] }),
        'one',
      );
      expect(made.metadata.ownerReferences).to.deep.equal([owner]);
      expect((made.metadata.managedFields as { fieldsV1: unknown }[])[0]?.fieldsV1).to.deep.equal({
        'f:metadata': { 'f:ownerReferences': { [`k:{"uid":"${one.metadata.uid}"}`]: {} } },
      });
    },
  },
];
