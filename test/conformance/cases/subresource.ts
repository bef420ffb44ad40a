import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { DEPLOYMENTS, failure, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

export const subresourceCases: readonly Case[] = [
  {
    name: 'replaces status with the whole object: spec and labels in it are not written',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a', {}, { labels: { a: 'b' } }));
      const { resourceVersion } = made.metadata;
      const next = {
        ...world.voyage('a', { altitude: 9 }, { resourceVersion, labels: { a: 'c' } }),
        status: { phase: 'Up', seen: 3 },
      };
      const replaced = (await world.api.replace(VOYAGES, next, {
        subresource: 'status',
      })) as KubeObject & { spec: { altitude: number } };
      expect([replaced.spec.altitude, replaced.status]).to.deep.equal([
        100,
        { phase: 'Up', seen: 3 },
      ]);
      expect(replaced.metadata.labels).to.deep.equal({ a: 'b' });
    },
  },
  {
    name: 'keeps status when the object is replaced without it, and when it is replaced with another',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { metadata } = await world.merge(
        VOYAGES,
        'a',
        { status: { phase: 'Up' } },
        { subresource: 'status' },
      );
      const replaced = await world.api.replace(VOYAGES, {
        ...world.voyage('a', { altitude: 7 }, { resourceVersion: metadata.resourceVersion }),
        status: { phase: 'Down' },
      });
      expect(replaced.status).to.deep.equal({ phase: 'Up' });
    },
  },
  {
    name: 'refuses a stale version for status: 409',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.merge(VOYAGES, 'a', { spec: { altitude: 7 } });
      const body = {
        metadata: { resourceVersion: metadata.resourceVersion },
        status: { phase: 'Up' },
      };
      expect(
        (await failure(world.merge(VOYAGES, 'a', body, { subresource: 'status' }))).code,
      ).to.equal(409);
    },
  },
  {
    name: 'validates status: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { code, message } = await failure(
        world.merge(VOYAGES, 'a', { status: { seen: 'often' } }, { subresource: 'status' }),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'status.seen: Invalid value: "string": seen in body must be of type integer: "string"',
      );
    },
  },
  {
    name: 'removes what status sets to null, and the whole of it',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      await world.merge(
        VOYAGES,
        'a',
        { status: { phase: 'Up', seen: 1 } },
        { subresource: 'status' },
      );
      expect(
        (await world.merge(VOYAGES, 'a', { status: { seen: null } }, { subresource: 'status' }))
          .status,
      ).to.deep.equal({ phase: 'Up' });
      expect(
        (await world.merge(VOYAGES, 'a', { status: null }, { subresource: 'status' })).status,
      ).to.equal(undefined);
    },
  },
  {
    name: 'keeps the version when status is as it was',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const first = await world.merge(
        VOYAGES,
        'a',
        { status: { phase: 'Up' } },
        { subresource: 'status' },
      );
      const second = await world.merge(
        VOYAGES,
        'a',
        { status: { phase: 'Up' } },
        { subresource: 'status' },
      );
      expect(second.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
    },
  },
  {
    name: 'writes status on a dry run not',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a'));
      const patch = { type: 'merge', body: { status: { phase: 'Up' } } } as const;
      const shown = await world.api.patch(VOYAGES, world.key('a'), patch, {
        subresource: 'status',
        dryRun: true,
      });
      expect(shown.status).to.deep.equal({ phase: 'Up' });
      expect(await world.get(VOYAGES, 'a')).to.deep.equal(made);
    },
  },
  {
    name: 'has no status of a kind that does not declare it: 404',
    async run(world) {
      const type = await world.define('Plain', { type: 'object' });
      await world.create(type, world.object(type, 'a', {}));
      expect(
        (
          await failure(
            world.api.patch(
              type,
              world.key('a'),
              { type: 'merge', body: { status: {} } },
              { subresource: 'status' },
            ),
          )
        ).code,
      ).to.equal(404);
    },
  },
  {
    name: 'writes status of a kind without the status subresource, and counts the write as a change',
    async run(world) {
      const schema = {
        openAPIV3Schema: {
          type: 'object',
          properties: { status: { type: 'object', properties: { phase: { type: 'string' } } } },
        },
      };
      const type = await world.define('Plain', {}, { version: { schema } });
      await world.create(type, world.object(type, 'a', { status: { phase: 'Up' } }));
      const changed = await world.merge(type, 'a', { status: { phase: 'Down' } });
      expect([changed.status, changed.metadata.generation]).to.deep.equal([{ phase: 'Down' }, 2]);
    },
  },
  {
    name: 'scales: a patch of scale sets the replicas of the object, and is a change of the spec',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }));
      const scale = (await world.api.patch(
        VOYAGES,
        world.key('a'),
        { type: 'merge', body: { spec: { replicas: 5 } } },
        { subresource: 'scale' },
      )) as KubeObject;
      expect([scale.kind, scale.apiVersion, scale.spec]).to.deep.equal([
        'Scale',
        'autoscaling/v1',
        { replicas: 5 },
      ]);
      const { spec, metadata } = await world.get(VOYAGES, 'a');
      expect([spec.seats, metadata.generation]).to.deep.equal([5, 2]);
    },
  },
  {
    name: 'scales: status shows the replicas and the selector that the object’s status tells',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }));
      await world.merge(
        VOYAGES,
        'a',
        { status: { seats: 1, selector: 'app=a' } },
        { subresource: 'status' },
      );
      const scale = await world.api.patch(
        VOYAGES,
        world.key('a'),
        { type: 'merge', body: { spec: { replicas: 3 } } },
        { subresource: 'scale' },
      );
      expect([scale.spec, scale.status]).to.deep.equal([
        { replicas: 3 },
        { replicas: 1, selector: 'app=a' },
      ]);
    },
  },
  {
    name: 'scales: refuses less than zero: 422',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }));
      const call = world.api.patch(
        VOYAGES,
        world.key('a'),
        { type: 'merge', body: { spec: { replicas: -1 } } },
        { subresource: 'scale' },
      );
      expect((await failure(call)).code).to.equal(422);
    },
  },
  {
    name: 'scales a Deployment',
    async run(world) {
      const labels = { app: 'a' };
      const template = {
        metadata: { labels },
        spec: { containers: [{ name: 'web', image: 'a:1' }] },
      };
      await world.create(
        DEPLOYMENTS,
        world.object(DEPLOYMENTS, 'a', { spec: { selector: { matchLabels: labels }, template } }),
      );
      const scale = await world.api.patch(
        DEPLOYMENTS,
        world.key('a'),
        { type: 'merge', body: { spec: { replicas: 4 } } },
        { subresource: 'scale' },
      );
      expect(scale.status).to.deep.equal({ replicas: 0, selector: 'app=a' });
      expect((await world.get(DEPLOYMENTS, 'a')).spec.replicas).to.equal(4);
    },
  },
];
