import { expect } from 'chai';
import type { Case } from './case.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, failure, fieldsOf, VOYAGES, SERVICES } from '../test-cluster.ts';

export const applyCases: readonly Case[] = [
  {
    name: 'creates, and remembers what was sent',
    async run(world) {
      const made = await world.apply(
        VOYAGES,
        world.voyage('a', {
          company: { captain: 'Ada' },
          legs: [{ name: 'one', from: 'FRA' }],
          tags: ['x'],
          stops: ['NUE'],
        }),
        'tower',
      );
      expect(fieldsOf(made, 'tower')).to.deep.equal({
        'f:spec': {
          'f:route': {},
          'f:company': { 'f:captain': {} },
          'f:legs': { 'k:{"name":"one"}': { '.': {}, 'f:name': {}, 'f:from': {} } },
          'f:tags': { 'v:"x"': {} },
          'f:stops': {},
        },
      });
    },
  },
  {
    name: 'merges maps, lists by key and sets, and replaces other lists',
    async run(world) {
      await world.create(
        VOYAGES,
        world.voyage('a', {
          company: { captain: 'Ada' },
          legs: [{ name: 'one', from: 'FRA' }],
          tags: ['x'],
          stops: ['NUE'],
        }),
      );
      const { spec } = await world.apply(
        VOYAGES,
        world.voyage('a', {
          company: { cook: 'Bo' },
          legs: [{ name: 'two' }, { name: 'one', to: 'NUE' }],
          tags: ['y'],
          stops: ['STR'],
        }),
        'tower',
        true,
      );
      expect(spec.company).to.deep.equal({ captain: 'Ada', cook: 'Bo' });
      expect(spec.legs).to.deep.equal([
        { name: 'two', hours: 1 },
        { name: 'one', from: 'FRA', to: 'NUE', hours: 1 },
      ]);
      expect(spec.tags).to.deep.equal(['x', 'y']);
      expect(spec.stops).to.deep.equal(['STR']);
    },
  },
  {
    // @promise outputs/own-manager
    name: 'removes what the same manager no longer sends, and keeps what others own',
    async run(world) {
      await world.apply(
        VOYAGES,
        world.voyage('a', {
          altitude: 5,
          mode: 'visual',
          company: { captain: 'Ada' },
          legs: [{ name: 'one' }],
        }),
        'tower',
      );
      await world.apply(
        VOYAGES,
        world.voyage('a', { mode: 'visual', legs: [{ name: 'two' }] }),
        'ground',
      );
      const { spec } = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      expect(spec).to.deep.equal({
        route: 'FRA-MUC',
        altitude: 100,
        mode: 'visual',
        legs: [{ name: 'two', hours: 1 }],
      });
    },
  },
  {
    name: 'refuses to change what another applier owns: 409 with the manager and the field',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      expect(
        await failure(world.apply(VOYAGES, world.voyage('a', { altitude: 6 }), 'ground')),
      ).to.deep.equal({
        code: 409,
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "tower": .spec.altitude',
      });
    },
  },
  {
    name: 'names all conflicts, by manager',
    async run(world) {
      await world.apply(
        VOYAGES,
        world.voyage('a', { altitude: 5, legs: [{ name: 'one', from: 'FRA' }] }),
        'tower',
      );
      expect(
        (
          await failure(
            world.apply(
              VOYAGES,
              world.voyage('a', { altitude: 6, legs: [{ name: 'one', from: 'STR' }] }),
              'ground',
            ),
          )
        ).message,
      ).to.equal(
        'Apply failed with 2 conflicts: conflicts with "tower":\n- .spec.altitude\n- .spec.legs[name="one"].from',
      );
    },
  },
  {
    name: 'takes fields over when forced: they are no longer the other one’s',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      const forced = await world.apply(VOYAGES, world.voyage('a', { altitude: 6 }), 'ground', true);
      expect(fieldsOf(forced, 'tower')).to.deep.equal({ 'f:spec': { 'f:route': {} } });
      expect(fieldsOf(forced, 'ground')).to.deep.equal({
        'f:spec': { 'f:altitude': {}, 'f:route': {} },
      });
    },
  },
  {
    name: 'lets two managers own a field while they agree',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'ground');
      expect((await world.apply(VOYAGES, world.voyage('a'), 'tower')).spec.altitude).to.equal(5);
    },
  },
  {
    name: 'takes a field from its applier when another manager updates it',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      const changed = await world.merge(
        VOYAGES,
        'a',
        { spec: { altitude: 6 } },
        { fieldManager: 'hand' },
      );
      expect(fieldsOf(changed, 'tower')).to.deep.equal({ 'f:spec': { 'f:route': {} } });
      expect(fieldsOf(changed, 'hand')).to.deep.equal({ 'f:spec': { 'f:altitude': {} } });
    },
  },
  {
    name: 'keeps the version when the same is applied again',
    async run(world) {
      const first = await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      const second = await world.apply(VOYAGES, world.voyage('a', { altitude: 5 }), 'tower');
      expect(second.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
    },
  },
  {
    // @promise outputs/foreign-objects
    name: 'only creates when it carries version 1: 409 where the object exists',
    async run(world) {
      const guarded = world.voyage('a', {}, { resourceVersion: '1' });
      await world.apply(VOYAGES, guarded, 'tower');
      expect((await failure(world.apply(VOYAGES, guarded, 'ground'))).code).to.equal(409);
      expect(fieldsOf(await world.get(VOYAGES, 'a'), 'ground')).to.equal(undefined);
    },
  },
  {
    // @promise outputs/late-writes
    name: 'refuses a uid where nothing is: 409; another one than that of the object: 422, and 409 when the version is stale too',
    async run(world) {
      const uid = '00000000-0000-4000-8000-0000000000ff';
      expect(
        (await failure(world.apply(VOYAGES, world.voyage('a', {}, { uid }), 'tower', true))).code,
      ).to.equal(409);
      await world.create(VOYAGES, world.voyage('b'));
      const { code, message } = await failure(
        world.apply(VOYAGES, world.voyage('b', {}, { uid }), 'tower', true),
      );
      expect([code, message]).to.deep.equal([
        422,
        `Voyage.conformance.autopilot.test "b" is invalid: metadata.uid: Invalid value: "${uid}": field is immutable`,
      ]);
      expect(
        (
          await failure(
            world.apply(
              VOYAGES,
              world.voyage('b', {}, { uid, resourceVersion: '2' }),
              'tower',
              true,
            ),
          )
        ).code,
      ).to.equal(409);
    },
  },
  {
    // @promise outputs/late-writes
    name: 'with version and uid of an object that is gone creates nothing: 409',
    async run(world) {
      const { metadata } = await world.create(VOYAGES, world.voyage('a'));
      await world.api.delete(VOYAGES, { namespace: world.namespace, name: 'a' });
      const { uid, resourceVersion } = metadata;
      expect(
        (
          await failure(
            world.apply(VOYAGES, world.voyage('a', {}, { uid, resourceVersion }), 'tower', true),
          )
        ).code,
      ).to.equal(409);
      expect((await failure(world.get(VOYAGES, 'a'))).code).to.equal(404);
    },
  },
  {
    name: 'refuses fields that the schema does not declare: 500, as the real server does',
    async run(world) {
      const { code, message } = await failure(
        world.apply(VOYAGES, world.voyage('a', { colour: 'red' }), 'tower'),
      );
      expect(code).to.equal(500);
      expect(message).to.contain('.spec.colour: field not declared in schema');
    },
  },
  {
    name: 'knows how lists of built-in kinds merge: ports of a Service by port and protocol, TCP unless said',
    async run(world) {
      const service = (ports: readonly object[]): Parameters<TestCluster['apply']>[1] =>
        world.object(SERVICES, 'web', { spec: { ports } });
      await world.apply(SERVICES, service([{ port: 80, name: 'http' }]), 'tower');
      const { spec } = await world.apply(
        SERVICES,
        service([{ port: 81, name: 'admin' }]),
        'ground',
      );
      expect(spec.ports.map(({ port }: { port: number }) => port)).to.deep.equal([80, 81]);
      expect(fieldsOf(await world.get(SERVICES, 'web'), 'tower')).to.deep.equal({
        'f:spec': {
          'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
        },
      });
    },
  },
  {
    name: 'drops a key of a ConfigMap that its manager no longer sends',
    async run(world) {
      await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', { data: { one: '1', two: '2' } }),
        'tower',
      );
      expect(
        (
          await world.apply(
            CONFIG_MAPS,
            world.object(CONFIG_MAPS, 'a', { data: { two: '2' } }),
            'tower',
          )
        ).data,
      ).to.deep.equal({ two: '2' });
    },
  },
  {
    name: 'merges owners by uid',
    async run(world) {
      const owner = (name: string, digit: string): object => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name,
        uid: `00000000-0000-4000-8000-00000000000${digit}`,
      });
      await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [owner('x', '1')] }),
        'tower',
      );
      const { metadata } = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [owner('y', '2')] }),
        'ground',
      );
      expect(metadata.ownerReferences?.map(({ name }) => name)).to.deep.equal(['x', 'y']);
    },
  },
  {
    name: 'applies status through the status subresource only',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const { api } = world;
      const object = world.object(VOYAGES, 'a', { status: { phase: 'Up' } });
      const applied = await api.apply(VOYAGES, object, {
        fieldManager: 'tower',
        subresource: 'status',
      });
      expect(applied.status).to.deep.equal({ phase: 'Up' });
      expect(fieldsOf(applied, 'tower')).to.deep.equal({ 'f:status': { 'f:phase': {} } });
    },
  },
];
