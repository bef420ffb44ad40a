import { expect } from 'chai';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, details, failure, VOYAGES, NAMESPACES } from '../test-cluster.ts';
import type { Case } from './case.ts';

async function held(world: TestCluster): Promise<void> {
  await world.create(
    VOYAGES,
    world.voyage('a', {}, { finalizers: ['autopilot.test/hold', 'autopilot.test/other'] }),
  );
  await world.api.delete(VOYAGES, world.key('a'));
}

export const endingCases: readonly Case[] = [
  {
    name: 'an object with finalizers keeps its deletionTimestamp and grace of 0 when it is deleted again',
    async run(world) {
      await held(world);
      const first = await world.get(VOYAGES, 'a');
      await world.api.delete(VOYAGES, world.key('a'));
      expect(await world.get(VOYAGES, 'a')).to.deep.equal(first);
      expect(
        (first.metadata as { deletionGracePeriodSeconds?: number }).deletionGracePeriodSeconds,
      ).to.equal(0);
    },
  },
  {
    name: 'finalizers go one by one, and the object with the last',
    async run(world) {
      await held(world);
      const one = await world.json(VOYAGES, 'a', [
        { op: 'remove', path: '/metadata/finalizers/0' },
      ]);
      expect(one.metadata.finalizers).to.deep.equal(['autopilot.test/other']);
      await world.json(VOYAGES, 'a', [{ op: 'remove', path: '/metadata/finalizers/0' }]);
      expect((await failure(world.get(VOYAGES, 'a'))).code).to.equal(404);
    },
  },
  {
    name: 'an object that is being deleted can be changed, status too',
    async run(world) {
      await held(world);
      expect((await world.merge(VOYAGES, 'a', { spec: { altitude: 3 } })).spec.altitude).to.equal(
        3,
      );
      expect(
        (
          await world.merge(
            VOYAGES,
            'a',
            { status: { phase: 'Ending' } },
            { subresource: 'status' },
          )
        ).status,
      ).to.deep.equal({ phase: 'Ending' });
    },
  },
  {
    name: 'an object that is being deleted can be applied, and does not come back to life',
    async run(world) {
      await held(world);
      const { metadata } = await world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'tower');
      expect(metadata.deletionTimestamp).to.match(/Z$/);
    },
  },
  {
    name: 'a name is free again at once, and the new object is another one',
    async run(world) {
      const first = await world.create(VOYAGES, world.voyage('a'));
      await world.api.delete(VOYAGES, world.key('a'));
      const second = await world.create(VOYAGES, world.voyage('a'));
      expect(second.metadata.uid).not.to.equal(first.metadata.uid);
      expect(Number(second.metadata.resourceVersion)).to.be.greaterThan(
        Number(first.metadata.resourceVersion),
      );
    },
  },
  {
    name: 'a name is not free while its object waits for finalizers: 409',
    async run(world) {
      await held(world);
      const { code, reason, message } = await failure(world.create(VOYAGES, world.voyage('a')));
      expect([code, reason]).to.deep.equal([409, 'AlreadyExists']);
      expect(message).to.contain(
        'object is being deleted: voyages.conformance.autopilot.test "a" already exists',
      );
    },
  },
  {
    name: 'deleting in the foreground adds foregroundDeletion',
    async run(world) {
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}));
      await world.api.delete(CONFIG_MAPS, world.key('a'), { propagationPolicy: 'Foreground' });
      const { metadata } = await world.get(CONFIG_MAPS, 'a');
      expect(metadata.finalizers).to.deep.equal(['foregroundDeletion']);
      await world.merge(CONFIG_MAPS, 'a', { metadata: { finalizers: null } });
    },
  },
  {
    name: 'deleting with orphans adds orphan',
    async run(world) {
      await world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { finalizers: ['autopilot.test/hold'] }),
      );
      await world.api.delete(CONFIG_MAPS, world.key('a'), { propagationPolicy: 'Orphan' });
      expect((await world.get(CONFIG_MAPS, 'a')).metadata.finalizers).to.have.members([
        'autopilot.test/hold',
        'orphan',
      ]);
    },
  },
  {
    name: 'deleting in the background adds nothing',
    async run(world) {
      await world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { finalizers: ['autopilot.test/hold'] }),
      );
      await world.api.delete(CONFIG_MAPS, world.key('a'), { propagationPolicy: 'Background' });
      expect((await world.get(CONFIG_MAPS, 'a')).metadata.finalizers).to.deep.equal([
        'autopilot.test/hold',
      ]);
    },
  },
  {
    name: 'preconditions hold for objects with finalizers too',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', {}, { finalizers: ['autopilot.test/hold'] }));
      const call = world.api.delete(VOYAGES, world.key('a'), {
        preconditions: { uid: '00000000-0000-4000-8000-0000000000ff' },
      });
      expect((await failure(call)).code).to.equal(409);
      expect((await world.get(VOYAGES, 'a')).metadata.deletionTimestamp).to.equal(undefined);
    },
  },
  {
    name: 'deleting what is not there is a 404, with preconditions too',
    async run(world) {
      const call = world.api.delete(VOYAGES, world.key('a'), {
        preconditions: { resourceVersion: '1' },
      });
      expect(await failure(call)).to.deep.equal({
        code: 404,
        reason: 'NotFound',
        message: 'voyages.conformance.autopilot.test "a" not found',
      });
    },
  },
  {
    name: 'nothing new is created in a namespace that is being deleted: 403; what is there can be changed',
    async run(world) {
      const name = `${world.namespace}-end`;
      await world.api.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
      await world.api.create(
        CONFIG_MAPS,
        world.object(
          CONFIG_MAPS,
          'a',
          {},
          { namespace: name, finalizers: ['autopilot.test/hold'] },
        ),
      );
      await world.api.delete(NAMESPACES, { name });
      const { code, reason, message } = await failure(
        world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'b', {}, { namespace: name })),
      );
      expect([code, reason]).to.deep.equal([403, 'Forbidden']);
      expect(message).to.contain(
        `configmaps "b" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      );
      const patched = await world.api.patch(
        CONFIG_MAPS,
        { namespace: name, name: 'a' },
        { type: 'merge', body: { data: { x: 'y' } } },
      );
      expect((patched as { data?: object }).data).to.deep.equal({ x: 'y' });
    },
  },
  {
    // @promise finalizer/namespace-deletion
    name: 'such a refusal has a cause of its own: NamespaceTerminating, for a create and for an apply',
    async run(world) {
      const name = `${world.namespace}-end`;
      await world.api.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
      await world.api.create(
        CONFIG_MAPS,
        world.object(
          CONFIG_MAPS,
          'a',
          {},
          { namespace: name, finalizers: ['autopilot.test/hold'] },
        ),
      );
      await world.api.delete(NAMESPACES, { name });
      const late = world.object(CONFIG_MAPS, 'b', {}, { namespace: name });
      const causes = [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${name} is being terminated`,
          field: 'metadata.namespace',
        },
      ];
      for (const write of [
        world.api.create(CONFIG_MAPS, late),
        world.api.apply(CONFIG_MAPS, late, { fieldManager: 'tower', force: true }),
      ]) {
        expect(await details(write)).to.deep.equal({ name: 'b', kind: 'configmaps', causes });
      }
    },
  },
  {
    name: 'a namespace that is being deleted says so: Terminating',
    async run(world) {
      const name = `${world.namespace}-end`;
      const made = await world.api.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
      expect(made.status).to.deep.equal({ phase: 'Active' });
      expect(made.metadata.labels).to.deep.equal({ 'kubernetes.io/metadata.name': name });
      expect((made as unknown as { spec: object }).spec).to.deep.equal({
        finalizers: ['kubernetes'],
      });
      await world.api.create(
        CONFIG_MAPS,
        world.object(
          CONFIG_MAPS,
          'a',
          {},
          { namespace: name, finalizers: ['autopilot.test/hold'] },
        ),
      );
      await world.api.delete(NAMESPACES, { name });
      const ending = await world.api.get(NAMESPACES, { name });
      expect([
        (ending.status as { phase: string }).phase,
        ending.metadata.deletionTimestamp,
      ]).to.satisfy(([phase, time]: string[]) => phase === 'Terminating' && time !== undefined);
    },
  },
];
