import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CONFIG_MAPS, DEPLOYMENTS, failure, fieldsOf, VOYAGES, SERVICES } from '../test-cluster.ts';
import type { Case } from './case.ts';

/** One manager applies `first`, another one forces `second`: the expected field `name`. */
// oxlint-disable-next-line max-params -- a row of a table
function merges(
  what: string,
  first: object,
  second: object,
  name: string,
  expected: unknown,
): Case {
  return {
    name: what,
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', first), 'tower');
      expect(
        (await world.apply(VOYAGES, world.voyage('a', second), 'ground', true)).spec[name],
      ).to.deep.equal(expected);
    },
  };
}

/** One manager applies `first` and then `second`: the expected field `name` of the spec. */
// oxlint-disable-next-line max-params -- a row of a table
function follows(
  what: string,
  first: object,
  second: object,
  name: string,
  expected: unknown,
): Case {
  return {
    name: what,
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', first), 'tower');
      expect(
        (await world.apply(VOYAGES, world.voyage('a', second), 'tower')).spec[name],
      ).to.deep.equal(expected);
    },
  };
}

const pod = (containers: readonly object[], more: object = {}): object => ({
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers, ...more } },
  },
});

export const applyListCases: readonly Case[] = [
  merges(
    'keys of two fields, with a default',
    { gates: [{ number: 1 }] },
    { gates: [{ number: 1, hall: 'B' }] },
    'gates',
    [
      { number: 1, hall: 'A' },
      { number: 1, hall: 'B' },
    ],
  ),
  merges(
    'lists by key within lists by key',
    { gates: [{ number: 1, desks: [{ name: 'x' }] }] },
    { gates: [{ number: 1, hall: 'A', desks: [{ name: 'y', open: true }] }] },
    'gates',
    [{ number: 1, hall: 'A', desks: [{ name: 'x' }, { name: 'y', open: true }] }],
  ),
  merges('sets: the union, in order', { tags: ['x', 'y'] }, { tags: ['y', 'z'] }, 'tags', [
    'x',
    'y',
    'z',
  ]),
  merges(
    'a map that is one value: the second one’s',
    { badge: { one: '1', two: '2' } },
    { badge: { two: '3' } },
    'badge',
    { two: '3' },
  ),
  merges('an atomic list: the second one’s', { stops: ['A', 'B'] }, { stops: ['C'] }, 'stops', [
    'C',
  ]),
  merges(
    'maps within maps',
    { plan: { left: 'l', deep: { left: 'dl' } } },
    { plan: { right: 'r', deep: { right: 'dr' } } },
    'plan',
    {
      left: 'l',
      right: 'r',
      deep: { left: 'dl', right: 'dr' },
    },
  ),
  merges(
    'what is open to anything: map by map, lists as one value',
    { extra: { a: { b: 1 }, l: [1, 2] } },
    { extra: { a: { c: 2 }, l: [3] } },
    'extra',
    {
      a: { b: 1, c: 2 },
      l: [3],
    },
  ),
  follows(
    'an item that is no longer sent goes, with all its fields',
    { legs: [{ name: 'one', from: 'A' }, { name: 'two' }] },
    { legs: [{ name: 'two' }] },
    'legs',
    [{ name: 'two', hours: 1 }],
  ),
  follows(
    'a field of an item that is no longer sent goes',
    { legs: [{ name: 'one', from: 'A', to: 'B' }] },
    { legs: [{ name: 'one', to: 'B' }] },
    'legs',
    [{ name: 'one', to: 'B', hours: 1 }],
  ),
  follows(
    'a default comes back where a field is no longer sent',
    { legs: [{ name: 'one', hours: 5 }] },
    { legs: [{ name: 'one' }] },
    'legs',
    [{ name: 'one', hours: 1 }],
  ),
  follows(
    'values of a set that are no longer sent go',
    { tags: ['x', 'y', 'z'] },
    { tags: ['z', 'w'] },
    'tags',
    ['z', 'w'],
  ),
  follows(
    'the order that is sent is the order that is kept',
    { legs: [{ name: 'one' }, { name: 'two' }] },
    { legs: [{ name: 'two' }, { name: 'one' }] },
    'legs',
    [
      { name: 'two', hours: 1 },
      { name: 'one', hours: 1 },
    ],
  ),
  follows(
    'a list that is no longer sent goes whole',
    { legs: [{ name: 'one' }], tags: ['x'] },
    {},
    'legs',
    undefined,
  ),
  follows(
    'an empty list in place of items that were sent: the list goes, as on the real server',
    { legs: [{ name: 'one' }] },
    { legs: [] },
    'legs',
    undefined,
  ),
  follows(
    'an empty list and an empty map that were never more stay',
    { legs: [], company: {} },
    { legs: [], company: {} },
    'company',
    {},
  ),
  {
    name: 'an empty map in place of fields that were sent becomes null, as on the real server: 422 where null is not allowed',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { company: { captain: 'Ada' } }), 'tower');
      const { code, message } = await failure(
        world.apply(VOYAGES, world.voyage('a', { company: {} }), 'tower'),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'spec.company: Invalid value: "null": spec.company in body must be of type object: "null"',
      );
    },
  },
  {
    name: 'an empty map in place of fields that were sent is stored as it is when an apply without the map comes first',
    async run(world) {
      const apply = async (spec: object): Promise<unknown> =>
        (await world.apply(VOYAGES, world.voyage('a', spec), 'tower')).spec.company;
      await apply({ company: { captain: 'Ada' } });
      expect([await apply({}), await apply({ company: {} })]).to.deep.equal([undefined, {}]);
    },
  },
  {
    name: 'an empty map in place of fields that were sent keeps the fields of other managers',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { company: { captain: 'Ada' } }), 'tower');
      await world.apply(VOYAGES, world.voyage('a', { company: { cook: 'Bo' } }), 'ground');
      const made = await world.apply(VOYAGES, world.voyage('a', { company: {} }), 'tower');
      expect(made.spec.company).to.deep.equal({ cook: 'Bo' });
    },
  },
  {
    name: 'an empty map in place of fields that were sent: a built-in kind loses the map',
    async run(world) {
      const deployment = (securityContext: object): KubeObject =>
        world.object(DEPLOYMENTS, 'a', pod([{ name: 'a', image: 'a', securityContext }]));
      await world.apply(DEPLOYMENTS, deployment({ runAsUser: 1 }), 'tower');
      const made = await world.apply(DEPLOYMENTS, deployment({}), 'tower');
      expect(made.spec.template.spec.containers[0].securityContext).to.equal(undefined);
    },
  },
  follows(
    'a map loses what is no longer sent',
    { company: { captain: 'Ada', cook: 'Bo' } },
    { company: { cook: 'Bo' } },
    'company',
    { cook: 'Bo' },
  ),
  follows(
    'a nested map that is no longer sent goes, its parent too when nothing is left',
    { plan: { deep: { left: 'x' } } },
    {},
    'plan',
    undefined,
  ),
  {
    name: 'an item that another manager owns a field of stays, with that field and its key',
    async run(world) {
      await world.apply(
        VOYAGES,
        world.voyage('a', { legs: [{ name: 'one', from: 'A' }] }),
        'tower',
      );
      await world.apply(VOYAGES, world.voyage('a', { legs: [{ name: 'one', to: 'B' }] }), 'ground');
      const { spec } = await world.apply(VOYAGES, world.voyage('a'), 'tower');
      expect(spec.legs).to.deep.equal([{ name: 'one', to: 'B', hours: 1 }]);
    },
  },
  {
    name: 'a value of a set that another manager has too stays',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { tags: ['x', 'y'] }), 'tower');
      await world.apply(VOYAGES, world.voyage('a', { tags: ['y'] }), 'ground');
      expect((await world.apply(VOYAGES, world.voyage('a'), 'tower')).spec.tags).to.deep.equal([
        'y',
      ]);
    },
  },
  {
    name: 'an atomic list of another manager is one conflict',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { stops: ['A'], badge: { one: '1' } }), 'tower');
      expect(
        (
          await failure(
            world.apply(
              VOYAGES,
              world.voyage('a', { stops: ['B'], badge: { one: '2' } }),
              'ground',
            ),
          )
        ).message,
      ).to.equal(
        'Apply failed with 2 conflicts: conflicts with "tower":\n- .spec.badge\n- .spec.stops',
      );
    },
  },
  {
    name: 'where anything is allowed, a list in place of another manager’s map is a conflict',
    async run(world) {
      await world.apply(VOYAGES, world.voyage('a', { extra: { y: { x: 'x' } } }), 'tower');
      expect(
        (await failure(world.apply(VOYAGES, world.voyage('a', { extra: { y: [] } }), 'ground')))
          .message,
      ).to.equal('Apply failed with 1 conflict: conflict with "tower": .spec.extra.y');
    },
  },
  {
    name: 'refuses the same key twice, and a key that is missing',
    async run(world) {
      expect(
        (
          await failure(
            world.apply(
              VOYAGES,
              world.voyage('a', { legs: [{ name: 'one' }, { name: 'one' }] }),
              'tower',
            ),
          )
        ).code,
      ).to.equal(500);
      expect(
        (await failure(world.apply(VOYAGES, world.voyage('a', { legs: [{ from: 'A' }] }), 'tower')))
          .code,
      ).to.equal(500);
    },
  },
  {
    name: 'null is a value that is sent: a field that may be null becomes null',
    async run(world) {
      const made = await world.apply(VOYAGES, world.voyage('a', { note: null }), 'tower');
      expect(made.spec.note).to.equal(null);
      expect(fieldsOf(made, 'tower')).to.deep.equal({ 'f:spec': { 'f:route': {}, 'f:note': {} } });
    },
  },
  {
    name: 'a Deployment: containers by name, env by name, ports by port and protocol, volumes by name',
    async run(world) {
      const first = pod(
        [
          {
            name: 'web',
            image: 'a:1',
            env: [{ name: 'A', value: '1' }],
            ports: [{ containerPort: 80 }],
          },
        ],
        {
          volumes: [{ name: 'v', emptyDir: {} }],
        },
      );
      const second = pod([
        {
          name: 'web',
          env: [{ name: 'B', value: '2' }],
          ports: [{ containerPort: 80, protocol: 'UDP' }],
        },
        { name: 'side', image: 'b:1' },
      ]);
      await world.apply(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', first), 'tower');
      const { spec } = await world.apply(
        DEPLOYMENTS,
        world.object(DEPLOYMENTS, 'a', second),
        'ground',
      );
      type Container = {
        name: string;
        image: string;
        env?: { name: string }[];
        ports?: { protocol: string }[];
      };
      const [web, side] = spec.template.spec.containers as [Container, Container];
      expect([
        web.name,
        web.image,
        web.env?.map(({ name }) => name),
        web.ports?.length,
        side.name,
      ]).to.deep.equal(['web', 'a:1', ['A', 'B'], 2, 'side']);
      expect(spec.template.spec.volumes).to.deep.equal([{ name: 'v', emptyDir: {} }]);
    },
  },
  {
    name: 'the selector of a Service is one value',
    async run(world) {
      const service = (selector: object): Parameters<TestCluster['apply']>[1] =>
        world.object(SERVICES, 'a', { spec: { selector, ports: [{ port: 80 }] } });
      await world.apply(SERVICES, service({ app: 'a', tier: 'x' }), 'tower');
      expect(
        (await failure(world.apply(SERVICES, service({ app: 'b' }), 'ground'))).message,
      ).to.contain('conflict with "tower": .spec.selector');
      expect(
        (await world.apply(SERVICES, service({ app: 'b' }), 'tower')).spec.selector,
      ).to.deep.equal({ app: 'b' });
    },
  },
  {
    name: 'labels and annotations key by key; finalizers as a set',
    async run(world) {
      const first = {
        labels: { a: '1' },
        annotations: { a: '1' },
        finalizers: ['autopilot.test/a'],
      };
      const second = {
        labels: { b: '2' },
        annotations: { b: '2' },
        finalizers: ['autopilot.test/b'],
      };
      await world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, first), 'tower');
      const { metadata } = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}, second),
        'ground',
      );
      expect([metadata.labels, metadata.annotations, metadata.finalizers]).to.deep.equal([
        { a: '1', b: '2' },
        { a: '1', b: '2' },
        ['autopilot.test/a', 'autopilot.test/b'],
      ]);
      const { metadata: after } = await world.apply(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', {}),
        'tower',
      );
      expect([after.labels, after.finalizers]).to.deep.equal([{ b: '2' }, ['autopilot.test/b']]);
    },
  },
];
