import { expect } from 'chai';
import type { Case } from './case.ts';
import { failure, VOYAGES } from '../test-cluster.ts';

export const deleteCases: readonly Case[] = [
  {
    name: 'is done at once without finalizers; a second one is a 404',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const key = { namespace: world.namespace, name: 'a' };
      await world.api.delete(VOYAGES, key);
      expect((await failure(world.api.delete(VOYAGES, key))).code).to.equal(404);
    },
  },
  {
    name: 'waits for finalizers, counts as a change of the spec, and is done when the last one goes',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', {}, { finalizers: ['autopilot.test/hold'] }));
      await world.api.delete(VOYAGES, { namespace: world.namespace, name: 'a' });
      const { metadata } = await world.get(VOYAGES, 'a');
      expect(metadata.deletionTimestamp).to.match(/Z$/);
      expect(metadata.generation).to.equal(2);
      await world.merge(VOYAGES, 'a', { metadata: { finalizers: null } });
      expect((await failure(world.get(VOYAGES, 'a'))).code).to.equal(404);
    },
  },
  {
    name: 'refuses new finalizers on an object that is being deleted: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', {}, { finalizers: ['autopilot.test/hold'] }));
      await world.api.delete(VOYAGES, { namespace: world.namespace, name: 'a' });
      const { code, message } = await failure(
        world.merge(VOYAGES, 'a', {
          metadata: { finalizers: ['autopilot.test/hold', 'autopilot.test/late'] },
        }),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"autopilot.test/late"}',
      );
    },
  },
  {
    // @promise outputs/late-writes
    name: 'refuses another uid or version than asked for: 409',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      const key = { namespace: world.namespace, name: 'a' };
      const other = '00000000-0000-4000-8000-0000000000ff';
      const refused = async (preconditions: {
        uid?: string;
        resourceVersion?: string;
      }): Promise<unknown> => failure(world.api.delete(VOYAGES, key, { preconditions }));
      const head = 'Operation cannot be fulfilled on Voyage.conformance.autopilot.test "a": the';
      expect(await refused({ uid: other })).to.deep.equal({
        code: 409,
        reason: 'Conflict',
        message: `${head} UID in the precondition (${other}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      });
      expect(await refused({ resourceVersion: '1' })).to.deep.equal({
        code: 409,
        reason: 'Conflict',
        message: `${head} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
      });
      await world.api.delete(VOYAGES, key, {
        preconditions: { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' },
      });
    },
  },
];
