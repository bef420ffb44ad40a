import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { CONFIG_MAPS, failure, fieldsOf, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly fieldsType: string;
}

/** `manager operation[ subresource]` of each entry. */
function entries(object: KubeObject): readonly string[] {
  return ((object.metadata.managedFields ?? []) as readonly Entry[])
    .map(({ manager, operation, subresource }) =>
      [manager, operation, ...(subresource === undefined ? [] : [subresource])].join(' '),
    )
    .sort();
}

export const managerCases: readonly Case[] = [
  {
    name: 'an entry says manager, operation, version, time and type',
    async run(world) {
      const made = await world.create(VOYAGES, world.voyage('a'), 'hand');
      const [entry] = made.metadata.managedFields as readonly Entry[];
      expect(entry).to.deep.include({
        manager: 'hand',
        operation: 'Update',
        apiVersion: 'conformance.autopilot.test/v1',
        fieldsType: 'FieldsV1',
      });
      expect(entry?.time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    },
  },
  {
    name: 'creating makes an entry of all fields that are there then, defaults included',
    async run(world) {
      const made = await world.create(
        VOYAGES,
        world.voyage('a', { legs: [{ name: 'one' }], tags: ['x'] }, { labels: { a: 'b' } }),
        'hand',
      );
      expect(fieldsOf(made, 'hand')).to.deep.equal({
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          '.': {},
          'f:altitude': {},
          'f:legs': { '.': {}, 'k:{"name":"one"}': { '.': {}, 'f:hours': {}, 'f:name': {} } },
          'f:route': {},
          'f:tags': { '.': {}, 'v:"x"': {} },
        },
      });
    },
  },
  {
    name: 'one name has an entry for each way of writing',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'), 'hand');
      await world.merge(
        VOYAGES,
        'a',
        { status: { phase: 'Up' } },
        { subresource: 'status', fieldManager: 'hand' },
      );
      const applied = await world.apply(VOYAGES, world.voyage('a', { seats: 5 }), 'hand');
      expect(entries(applied)).to.deep.equal(['hand Apply', 'hand Update', 'hand Update status']);
    },
  },
  {
    name: 'updates of one manager add up in one entry',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'), 'hand');
      await world.merge(VOYAGES, 'a', { spec: { seats: 1 } }, { fieldManager: 'other' });
      const changed = await world.merge(
        VOYAGES,
        'a',
        { spec: { mode: 'visual' } },
        { fieldManager: 'other' },
      );
      expect(entries(changed)).to.deep.equal(['hand Update', 'other Update']);
      expect(fieldsOf(changed, 'other')).to.deep.equal({
        'f:spec': { 'f:mode': {}, 'f:seats': {} },
      });
    },
  },
  {
    name: 'who changes a field takes it; who sets it to what it is does not',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 1, mode: 'visual' }), 'hand');
      const changed = await world.merge(
        VOYAGES,
        'a',
        { spec: { seats: 2, mode: 'visual' } },
        { fieldManager: 'other' },
      );
      expect(fieldsOf(changed, 'other')).to.deep.equal({ 'f:spec': { 'f:seats': {} } });
    },
  },
  {
    name: 'an update that removes a field takes it from everybody, and a manager left with nothing goes',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'), 'hand');
      await world.merge(VOYAGES, 'a', { spec: { seats: 1 } }, { fieldManager: 'other' });
      expect(
        entries(
          await world.merge(VOYAGES, 'a', { spec: { seats: null } }, { fieldManager: 'third' }),
        ),
      ).to.deep.equal(['hand Update']);
    },
  },
  {
    name: 'an applier that sends nothing of its own keeps an entry only for what it sends',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }), 'hand');
      await world.apply(VOYAGES, world.object(VOYAGES, 'a', { spec: { seats: 2 } }), 'tower');
      const gone = await world.apply(VOYAGES, world.object(VOYAGES, 'a', {}), 'tower');
      expect([entries(gone), gone.spec.seats]).to.deep.equal([['hand Update'], 2]);
    },
  },
  {
    name: 'apply after create by the same name: what was created stays owned by the update',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }), 'tower');
      const { spec } = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      expect(spec.seats).to.equal(2);
    },
  },
  {
    name: 'apply conflicts with an updater, and names it with its version',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 2 }), 'hand');
      const { message } = await failure(
        world.apply(VOYAGES, world.voyage('a', { seats: 3 }), 'tower'),
      );
      expect(message).to.equal(
        'Apply failed with 1 conflict: conflict with "hand" using conformance.autopilot.test/v1: .spec.seats',
      );
    },
  },
  {
    name: 'a conflict names two managers in the order of their names',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'zulu');
      await world.apply(VOYAGES, world.voyage('a', { mode: 'visual' }), 'alpha');
      const { message } = await failure(
        world.apply(VOYAGES, world.voyage('a', { seats: 3, mode: 'instrument' }), 'tower'),
      );
      expect(message).to.equal(
        'Apply failed with 2 conflicts: conflicts with "alpha":\n- .spec.mode\nconflicts with "zulu":\n- .spec.seats',
      );
    },
  },
  {
    name: 'a conflict changes nothing, not even what was free',
    async run(world) {
      const made = await world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'tower');
      await failure(
        world.apply(VOYAGES, world.voyage('a', { seats: 3, mode: 'visual' }), 'ground'),
      );
      expect(await world.get(VOYAGES, 'a')).to.deep.equal(made);
    },
  },
  {
    name: 'a field that was taken by force comes back to its old manager by force only',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'tower');
      await world.apply(VOYAGES, world.voyage('a', { seats: 3 }), 'ground', true);
      expect(
        (await failure(world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'tower'))).code,
      ).to.equal(409);
      expect((await world.apply(VOYAGES, world.voyage('a'), 'tower')).spec.seats).to.equal(3);
    },
  },
  {
    name: 'status is applied by many, each with its own entry',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const apply = (status: object, fieldManager: string) =>
        world.api.apply(VOYAGES, world.object(VOYAGES, 'a', { status }), {
          fieldManager,
          subresource: 'status',
        });
      await apply({ phase: 'Up', conditions: [{ type: 'Ready', status: 'True' }] }, 'one');
      const both = await apply({ conditions: [{ type: 'Stalled', status: 'False' }] }, 'two');
      expect((both.status as { conditions: unknown }).conditions).to.deep.equal([
        { type: 'Ready', status: 'True' },
        { type: 'Stalled', status: 'False' },
      ]);
      expect(fieldsOf(both, 'two')).to.deep.equal({
        'f:status': {
          'f:conditions': { 'k:{"type":"Stalled"}': { '.': {}, 'f:status': {}, 'f:type': {} } },
        },
      });
      const left = await apply({}, 'one');
      expect(left.status).to.deep.equal({ conditions: [{ type: 'Stalled', status: 'False' }] });
    },
  },
  {
    name: 'status cannot be applied to what is not there: 404',
    async run(world) {
      const call = world.api.apply(VOYAGES, world.object(VOYAGES, 'a', { status: {} }), {
        fieldManager: 'one',
        subresource: 'status',
      });
      expect((await failure(call)).code).to.equal(404);
    },
  },
  {
    name: 'spec in a write of the status subresource is neither written nor owned',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const object = world.voyage('a', { seats: 9 });
      const applied = await world.api.apply(
        VOYAGES,
        { ...object, status: { phase: 'Up' } },
        { fieldManager: 'one', subresource: 'status' },
      );
      expect((applied.spec as { seats?: number }).seats).to.equal(undefined);
      expect(fieldsOf(applied, 'one')).to.deep.equal({ 'f:status': { 'f:phase': {} } });
    },
  },
  {
    name: 'apply with the current version is done, with a stale one a conflict: 409',
    async run(world) {
      const { metadata } = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      const { resourceVersion, uid } = metadata;
      await world.apply(
        VOYAGES,
        world.voyage('a', { seats: 1 }, { resourceVersion, uid }),
        'tower',
      );
      const { code, reason, message } = await failure(
        world.apply(
          VOYAGES,
          world.voyage('a', { seats: 2 }, { resourceVersion, uid }),
          'tower',
          true,
        ),
      );
      expect([code, reason]).to.deep.equal([409, 'Conflict']);
      expect(message).to.contain('the object has been modified');
    },
  },
  {
    name: 'apply on a dry run answers what would be, and writes nothing',
    async run(world) {
      const made = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      const shown = await world.api.apply(VOYAGES, world.voyage('a', { seats: 4 }), {
        fieldManager: 'tower',
        dryRun: true,
      });
      expect((shown.spec as { seats: number }).seats).to.equal(4);
      expect(await world.get(VOYAGES, 'a')).to.deep.equal(made);
    },
  },
  {
    name: 'apply on a dry run tells conflicts',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { seats: 1 }), 'tower');
      expect(
        (
          await failure(
            world.api.apply(VOYAGES, world.voyage('a', { seats: 4 }), {
              fieldManager: 'other',
              dryRun: true,
            }),
          )
        ).code,
      ).to.equal(409);
    },
  },
  {
    name: 'apply refuses an object with managedFields: 400',
    async run(world) {
      const object = world.voyage(
        'a',
        {},
        { managedFields: [{ manager: 'x', operation: 'Apply' }] },
      );
      expect((await failure(world.apply(VOYAGES, object, 'tower'))).code).to.equal(400);
    },
  },
  {
    name: 'apply validates what comes out: 422, and nothing is written',
    async run(world) {
      const { code, message } = await failure(
        world.apply(VOYAGES, world.voyage('a', { altitude: 900 }), 'tower'),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'spec.altitude: Invalid value: 900: spec.altitude in body should be less than or equal to 500',
      );
      expect((await failure(world.get(VOYAGES, 'a'))).code).to.equal(404);
    },
  },
  {
    name: 'apply counts generation for the spec, not for labels and not for nothing',
    async run(world) {
      const generations: (number | undefined)[] = [];
      for (const object of [
        world.voyage('a'),
        world.voyage('a', {}, { labels: { a: 'b' } }),
        world.voyage('a', { seats: 1 }),
        world.voyage('a', { seats: 1 }),
      ]) {
        generations.push((await world.apply(VOYAGES, object, 'tower')).metadata.generation);
      }
      expect(generations).to.deep.equal([1, 1, 2, 2]);
    },
  },
  {
    name: 'replace clears the entries of fields that it leaves out',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { seats: 1, mode: 'visual' }), 'tower');
      const { metadata } = await world.get(VOYAGES, 'a');
      const next = world.voyage(
        'a',
        { mode: 'visual' },
        { resourceVersion: metadata.resourceVersion },
      );
      const replaced = await world.api.replace(VOYAGES, next, { fieldManager: 'hand' });
      expect(fieldsOf(replaced, 'tower')).to.deep.equal({
        'f:spec': { 'f:mode': {}, 'f:route': {} },
      });
    },
  },
  {
    name: 'empty data of a ConfigMap is owned as a whole',
    async run(world) {
      const made = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', { data: {} }),
        'tower',
      );
      expect(fieldsOf(made, 'tower')).to.deep.equal({ 'f:data': {} });
    },
  },
];
