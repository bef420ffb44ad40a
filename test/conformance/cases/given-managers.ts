import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import type { Seen, TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, failure, fieldsOf, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

const MANAGED_FIELDS = '/metadata/managedFields';
const ANNOTATION = 'example.com/note';

const isOf =
  (manager: string) =>
  (entry: unknown): boolean =>
    (entry as { readonly manager: string }).manager === manager;

/** Owned by `tower`, and its atomic list changed by `hand`. */
async function changedByHand(world: TestCluster): Promise<{ before: Seen; changed: Seen }> {
  const before = await world.apply(VOYAGES, world.voyage('a', { stops: ['x'] }), 'tower');
  const changed = await world.json(
    VOYAGES,
    'a',
    [{ op: 'replace', path: '/spec/stops', value: ['y'] }],
    { fieldManager: 'hand' },
  );
  return { before, changed };
}

function setManagers(world: TestCluster, value: unknown, fieldManager = 'hand'): Promise<Seen> {
  return world.json(VOYAGES, 'a', [{ op: 'replace', path: MANAGED_FIELDS, value }], {
    fieldManager,
  });
}

const managersOf = ({ metadata }: KubeObject): readonly string[] =>
  ((metadata.managedFields ?? []) as readonly { manager: string; operation: string }[])
    .map(({ manager, operation }) => `${manager} ${operation}`)
    .sort();

export const givenManagerCases: readonly Case[] = [
  {
    name: 'a patch of managedFields alone gives a field back to the entry of an apply',
    async run(world) {
      const { before } = await changedByHand(world);
      const given = await setManagers(world, before.metadata.managedFields);
      expect([given.spec.stops, managersOf(given)]).to.deep.equal([['y'], ['tower Apply']]);
      expect(fieldsOf(given, 'tower')).to.deep.equal(fieldsOf(before, 'tower'));
      const applied = await world.apply(VOYAGES, world.voyage('a', { stops: ['z'] }), 'tower');
      expect(applied.spec.stops).to.deep.equal(['z']);
    },
  },
  {
    name: 'a patch of managedFields that changes a field too gives the field to its own manager',
    async run(world) {
      const before = await world.apply(VOYAGES, world.voyage('a', { stops: ['x'] }), 'tower');
      const changed = await world.json(
        VOYAGES,
        'a',
        [
          { op: 'replace', path: '/spec/stops', value: ['y'] },
          { op: 'replace', path: MANAGED_FIELDS, value: before.metadata.managedFields },
        ],
        { fieldManager: 'hand' },
      );
      expect(fieldsOf(changed, 'hand')).to.deep.equal({ 'f:spec': { 'f:stops': {} } });
      const { code } = await failure(
        world.apply(VOYAGES, world.voyage('a', { stops: ['z'] }), 'tower'),
      );
      expect(code).to.equal(409);
    },
  },
  {
    name: 'a patch of managedFields may record another field for its own manager in the same request',
    async run(world) {
      const { before } = await changedByHand(world);
      const given = await world.json(
        VOYAGES,
        'a',
        [
          { op: 'add', path: '/metadata/annotations', value: { [ANNOTATION]: 'x' } },
          { op: 'replace', path: MANAGED_FIELDS, value: before.metadata.managedFields },
        ],
        { fieldManager: 'hand' },
      );
      expect(fieldsOf(given, 'hand')).to.deep.equal({
        'f:metadata': { 'f:annotations': { '.': {}, [`f:${ANNOTATION}`]: {} } },
      });
      expect(fieldsOf(given, 'tower')).to.deep.equal(fieldsOf(before, 'tower'));
    },
  },
  {
    name: 'a field that is removed in the same request leaves the given managedFields',
    async run(world) {
      const { before } = await changedByHand(world);
      const marked = await world.merge(
        VOYAGES,
        'a',
        { metadata: { annotations: { [ANNOTATION]: 'x' } } },
        { fieldManager: 'hand' },
      );
      expect(managersOf(marked)).to.deep.equal(['hand Update', 'tower Apply']);
      const given = await world.json(
        VOYAGES,
        'a',
        [
          { op: 'remove', path: '/metadata/annotations' },
          { op: 'replace', path: MANAGED_FIELDS, value: before.metadata.managedFields },
        ],
        { fieldManager: 'hand' },
      );
      expect(managersOf(given)).to.deep.equal(['tower Apply']);
    },
  },
  {
    name: 'managedFields may name a field that the object does not have',
    async run(world) {
      const before = await world.apply(VOYAGES, world.voyage('a', { seats: 2 }), 'tower');
      await world.json(VOYAGES, 'a', [{ op: 'remove', path: '/spec/seats' }], {
        fieldManager: 'hand',
      });
      const given = await setManagers(world, before.metadata.managedFields);
      expect(fieldsOf(given, 'tower')).to.deep.equal({
        'f:spec': { 'f:route': {}, 'f:seats': {} },
      });
      const later = await world.merge(
        VOYAGES,
        'a',
        { spec: { mode: 'visual' } },
        { fieldManager: 'other' },
      );
      expect(fieldsOf(later, 'tower')).to.deep.equal({
        'f:spec': { 'f:route': {}, 'f:seats': {} },
      });
      const applied = await world.apply(VOYAGES, world.voyage('a', { seats: 3 }), 'tower');
      expect(applied.spec.seats).to.equal(3);
    },
  },
  {
    name: 'an empty list of managedFields changes nothing, a list of one empty entry removes all',
    async run(world) {
      await changedByHand(world);
      const same = await setManagers(world, []);
      expect(managersOf(same)).to.deep.equal(['hand Update', 'tower Apply']);
      const none = await setManagers(world, [{}]);
      expect(managersOf(none)).to.deep.equal([]);
    },
  },
  {
    name: 'managedFields in a patch of a subresource change nothing',
    async run(world) {
      const { changed } = await changedByHand(world);
      const only = changed.metadata.managedFields?.filter(isOf('tower'));
      const given = await world.merge(
        VOYAGES,
        'a',
        { metadata: { managedFields: only }, status: { phase: 'Up' } },
        { subresource: 'status', fieldManager: 'hand' },
      );
      expect(managersOf(given)).to.deep.equal(['hand Update', 'hand Update', 'tower Apply']);
    },
  },
  {
    name: 'a replace takes the managedFields that it sends',
    async run(world) {
      const { before, changed } = await changedByHand(world);
      const { managedFields } = before.metadata;
      const object = { ...changed, metadata: { ...changed.metadata, managedFields } };
      const given = await world.api.replace(VOYAGES, object as KubeObject, {
        fieldManager: 'other',
      });
      expect(managersOf(given)).to.deep.equal(['tower Apply']);
    },
  },
  {
    name: 'an update of an object without managedFields records none',
    async run(world) {
      await changedByHand(world);
      await setManagers(world, [{}]);
      const updated = await world.json(
        VOYAGES,
        'a',
        [{ op: 'replace', path: '/spec/stops', value: ['z'] }],
        { fieldManager: 'hand' },
      );
      expect(managersOf(updated)).to.deep.equal([]);
    },
  },
  {
    name: 'an object that was created without a field records no later update',
    async run(world) {
      const made = await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}), 'hand');
      expect(managersOf(made)).to.deep.equal([]);
      const updated = await world.merge(
        CONFIG_MAPS,
        'a',
        { data: { a: 'b' } },
        { fieldManager: 'other' },
      );
      expect(managersOf(updated)).to.deep.equal([]);
    },
  },
];
