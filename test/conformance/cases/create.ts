import { expect } from 'chai';
import type { Case } from './case.ts';
import { CONFIG_MAPS, DEPLOYMENTS, failure, VOYAGES } from '../test-cluster.ts';

export const createCases: readonly Case[] = [
  {
    name: 'gives a uid, a version, a time and generation 1',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      expect(metadata.uid).to.match(/^[0-9a-f-]{36}$/);
      expect(metadata.resourceVersion).to.match(/^[1-9]\d*$/);
      expect(metadata.creationTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(metadata.generation).to.equal(1);
    },
  },
  {
    name: 'drops status when the kind has a status subresource',
    async run(world) {
      const { status } = await world.create(VOYAGES, {
        ...world.voyage('a'),
        status: { phase: 'Landed' },
      });
      expect(status).to.equal(undefined);
    },
  },
  {
    name: 'refuses a second object of the name: 409 AlreadyExists',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      expect(await failure(world.create(VOYAGES, world.voyage('a')))).to.deep.equal({
        code: 409,
        reason: 'AlreadyExists',
        message: 'voyages.conformance.autopilot.test "a" already exists',
      });
    },
  },
  {
    name: 'refuses a resourceVersion: 500, as the real server does',
    async run(world) {
      const { code, message } = await failure(
        world.create(VOYAGES, world.voyage('a', {}, { resourceVersion: '5' })),
      );
      expect([code, message]).to.deep.equal([
        500,
        'resourceVersion should not be set on objects to be created',
      ]);
    },
  },
  {
    name: 'refuses a namespace that is not there: 404',
    async run(world) {
      const call = world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { namespace: 'nowhere' }),
      );
      expect(await failure(call)).to.deep.equal({
        code: 404,
        reason: 'NotFound',
        message: 'namespaces "nowhere" not found',
      });
    },
  },
  {
    name: 'answers 404 for an object that is not there, in the core group and in others',
    async run(world) {
      expect(await failure(world.get(CONFIG_MAPS, 'a'))).to.deep.equal({
        code: 404,
        reason: 'NotFound',
        message: 'configmaps "a" not found',
      });
      expect(await failure(world.get(DEPLOYMENTS, 'a'))).to.deep.equal({
        code: 404,
        reason: 'NotFound',
        message: 'deployments.apps "a" not found',
      });
    },
  },
  {
    name: 'answers 404 for a kind that is not served',
    async run(world) {
      const type = { ...VOYAGES, plural: 'balloons', kind: 'Balloon' };
      const { code, reason, message } = await failure(
        world.api.list(type, { namespace: world.namespace }),
      );
      expect([code, reason]).to.deep.equal([404, '']);
      expect(message).to.contain('404 page not found');
    },
  },
  {
    name: 'makes a name of generateName',
    async run(world) {
      const { generateName: _, ...object } = { ...world.voyage('x'), generateName: '' };
      const { name: __, ...metadata } = object.metadata;
      const created = await world.create(VOYAGES, {
        ...object,
        metadata: { ...metadata, generateName: 'run-' } as never,
      });
      expect(created.metadata.name).to.match(/^run-[a-z0-9]{5}$/);
    },
  },
  {
    name: 'writes nothing on a dry run',
    async run(world) {
      const made = await world.api.create(VOYAGES, world.voyage('a'), { dryRun: true });
      expect(made.metadata.uid).to.match(/^[0-9a-f-]{36}$/);
      expect((await failure(world.get(VOYAGES, 'a'))).code).to.equal(404);
    },
  },
];
