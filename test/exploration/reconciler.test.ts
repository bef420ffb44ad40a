import { expect } from 'chai';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject, Operator, OperatorOptions } from '../../runtime/src/internal.ts';
import { startOperator } from '../../runtime/src/internal.ts';
import type { ClusterSnapshot, Scenario } from '../../sandbox/src/exploration/index.ts';
import {
  create,
  explore,
  patch,
  remove,
  quiesce,
  scenario,
  wait,
} from '../../sandbox/src/exploration/index.ts';
import type { TestOperator } from '../integration/test-operators.ts';
import {
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  route,
  service,
} from '../integration/test-operators.ts';

interface Spec {
  readonly route: string;
}
const split = (weight: number): readonly object[] => [
  { destination: { host: 'old' }, weight: 100 - weight },
  { destination: { host: 'new' }, weight },
];

/** Moves the traffic of one route in steps of one minute, then stays in Shifted. */
const shifting = (): TestOperator =>
  defineTestOperator({
    Shifting: {
      inputs: [input.virtualservices],
      outputs: [output.virtualservices],
      interval: '5m',
      sync: ({ resource, inputs, lastStep, now }) => {
        const found = inputs['virtualservices']?.require('web') as KubeObject;
        const { weight = 0 } = (resource.status ?? {}) as { weight?: number };
        if (weight === 50) {
          return { next: 'Shifted' };
        }
        const left = lastStep === undefined ? 0 : lastStep.getTime() + 60_000 - now.getTime();
        const due = left <= 0;
        const next = due ? weight + 25 : weight;
        const edit = claimFields(found, [
          {
            path: ['spec', 'http', { name: (resource.spec as Spec).route }, 'route'],
            value: split(next),
          },
        ]);
        return {
          next: 'Shifting',
          ...(due && { step: true }),
          requeueAfter: `${due ? 60 : Math.ceil(left / 1000)}s`,
          statusInfo: { weight: next },
          outputs: { virtualservices: [edit] },
        };
      },
    },
    Shifted: {},
  });

/** Claims the route that `spec.route` names, and releases routes that it no longer claims. */
const choosing = (): TestOperator =>
  defineTestOperator({
    Claiming: {
      ready: true,
      inputs: [input.virtualservices],
      outputs: [{ ...output.virtualservices, prune: true }],
      sync: ({ resource, inputs }) => {
        const found = inputs['virtualservices']?.require('web') as KubeObject;
        const edit = claimFields(found, [
          {
            path: ['spec', 'http', { name: (resource.spec as Spec).route }, 'route'],
            value: split(30),
          },
        ]);
        return { next: 'Claiming', outputs: { virtualservices: [edit] } };
      },
    },
  });

/** Writes Services to another namespace. Its finalizer needs two calls. */
const crossNamespace = (): TestOperator =>
  defineTestOperator(
    {
      Writing: {
        outputs: [{ ...output.services, namespace: 'all', prune: true }],
        sync: ({ resource }) => {
          const { names } = resource.spec as { names: readonly string[] };
          return {
            next: 'Watching',
            outputs: {
              services: names.map((name) => ({
                ...service(name),
                metadata: { name, namespace: 'far' },
              })),
            },
          };
        },
      },
      Watching: { ready: true, onSpecChange: 'Writing', sync: () => ({ next: 'Watching' }) },
    },
    {
      inputs: [input.configmaps],
      outputs: [output.configmaps],
      finalize: ({ inputs, resource }) => {
        const last = `${resource.metadata.name}-last-words`;
        return {
          done: inputs['configmaps']?.get(last) !== undefined,
          outputs: { configmaps: [configMap(last) as never] },
          requeueAfter: '30s',
        };
      },
    },
  );

const http = (
  snapshot: ClusterSnapshot,
): readonly { readonly name?: string; readonly route?: unknown }[] =>
  (snapshot.get('VirtualService', 'web')?.spec?.http ?? []) as never;
const untouched = JSON.stringify([{ destination: { host: 'old' }, weight: 100 }]);

/** A route whose requests all go to one host. */
const leading = (name: string, host: string): object => ({
  name,
  route: [{ destination: { host }, weight: 100 }],
});

const SCENARIOS: readonly (readonly [string, () => TestOperator, Scenario])[] = [
  [
    'two resources claim two routes of one object, one of them is deleted, and a user changes the object',
    shifting,
    scenario({
      name: 'claimed routes',
      objects: [route('web', 'a', 'b', 'c')],
      steps: [
        create(drone('one', { route: 'a' })),
        create(drone('two', { route: 'b' })),
        wait('30s'),
        patch('VirtualService', 'web', { metadata: { labels: { team: 'mesh' } } }),
        quiesce(),
        remove('Drone', 'one'),
        quiesce(),
      ],
      config: { workInterval: '10m' },
      ignoredFields: ['VirtualService.metadata.annotations'],
      // Shifted looks after nothing.
      ignoredFaults: [
        'kind-gone',
        'claim-contested',
        'claim-edited',
        'claim-recreated',
        'claim-renamed',
        'claim-replaced',
        'owner-applies',
      ],
      invariants: {
        'a route without a claim is not changed': (snapshot) =>
          http(snapshot).some(
            ({ name, route: left }) => name === 'c' && JSON.stringify(left) === untouched,
          ),
        'a route is restored before its resource is deleted': (snapshot) =>
          snapshot.get('Drone', 'one') !== undefined ||
          http(snapshot).some(
            ({ name, route: left }) => name === 'a' && JSON.stringify(left) === untouched,
          ),
      },
    }),
  ],
  [
    'two resources claim the same route, a user reverts it, and one resource claims another route',
    choosing,
    scenario({
      name: 'one route for two',
      objects: [route('web', 'a', 'b'), drone('one', { route: 'a' })],
      steps: [
        quiesce(),
        create(drone('two', { route: 'a' })),
        wait('5s'),
        patch('VirtualService', 'web', { spec: route('web', 'a', 'b')['spec'] as object }),
        wait('5s'),
        patch('Drone', 'one', { spec: { route: 'b' } }),
        quiesce(),
        remove('Drone', 'two'),
        quiesce(),
      ],
      config: { workInterval: '10m' },
      ignoredFields: ['VirtualService.metadata.annotations'],
      invariants: { 'both routes exist': (snapshot) => http(snapshot).length === 2 },
    }),
  ],
  [
    'a claimed route is changed by its owner, then its resource is deleted',
    choosing,
    scenario({
      name: 'a route of a busy owner',
      objects: [route('web', 'a', 'b'), drone('one', { route: 'a' })],
      steps: [
        quiesce(),
        patch('VirtualService', 'web', { spec: { http: [leading('a', 'newest')] } }),
        quiesce(),
        remove('Drone', 'one'),
        quiesce(),
      ],
      config: { workInterval: '10m' },
      ignoredFields: ['VirtualService.metadata.annotations'],
      // The owner changes the route before the resource is deleted, and the object exists.
      ignoredFaults: ['kind-gone', 'resource-deleted'],
      invariants: {
        'the newest route of the owner is restored before the resource is deleted': (snapshot) =>
          snapshot.get('Drone', 'one') !== undefined ||
          JSON.stringify(http(snapshot)) === JSON.stringify([leading('a', 'newest')]),
      },
    }),
  ],
  [
    'a resource writes to another namespace, writes other objects, and is deleted',
    crossNamespace,
    scenario({
      name: 'another namespace',
      ignoredFields: ['Service.spec.clusterIP', 'Service.spec.clusterIPs'],
      // Watching relies on the Services of Writing.
      ignoredFaults: ['old-copy', 'output-contested', 'output-deleted', 'output-edited'],
      config: { workInterval: '10m' },
      objects: [configMap('makes-the-namespace', {}, { namespace: 'far' })],
      steps: [
        create(drone('one', { names: ['x', 'y'] })),
        quiesce(),
        patch('Drone', 'one', { spec: { names: ['y', 'z'] } }),
        quiesce(),
        remove('Drone', 'one'),
        quiesce(),
      ],
      invariants: {
        'objects in another namespace are deleted before their resource': (snapshot) =>
          snapshot.get('Drone', 'one') !== undefined ||
          snapshot.list('Service', 'far').length === 0,
      },
    }),
  ],
];

describe('exploration of the reconciler', function () {
  this.timeout(120_000);
  for (const [title, subject, scenarioUnderTest] of SCENARIOS) {
    it(`finds that all invariants hold under every single fault at every site: ${title}`, async () => {
      const { findings, runs, singles } = await explore(
        { scheduler: () => subject().scheduler },
        scenarioUnderTest,
      );
      expect(
        findings.map(
          ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]);
      expect(runs).to.be.greaterThan(150);
    });
  }

  // @promise outputs/ownership-stays
  it('finds a runtime that keeps the ownership of claimed fields', async () => {
    const [, subject, claimedRoutes] = SCENARIOS[0] as (typeof SCENARIOS)[number];
    const { findings } = await explore(
      { scheduler: () => subject().scheduler, start: keepingOwnership },
      claimedRoutes,
      { maxFindings: 1, hasBudget: (runs) => runs < 1 },
    );
    expect(findings[0]?.violation).to.deep.include({
      invariant: 'the owner of an object can apply at any time',
    });
    expect(findings[0]?.violation.detail).to.contain('conflict with "drone-operator"');
  });
});

/** Starts the real runtime with a client that sends no managedFields. */
function keepingOwnership(options: OperatorOptions): Operator {
  const { api } = options;
  const isOwnership = ({ path }: { readonly path: string }): boolean =>
    path === '/metadata/managedFields';
  return startOperator({
    ...options,
    api: {
      ...api,
      patch: (type, key, patch, ...rest) =>
        api.patch(
          type,
          key,
          patch.type === 'json'
            ? { ...patch, body: patch.body.filter((operation) => !isOwnership(operation)) }
            : patch,
          ...rest,
        ),
    },
  });
}
