import type { QueryResult, Scheduler } from 'autopilot-runtime';
import type { KubeObject } from 'autopilot-runtime/internal';
import type {
  QueryMetrics,
  ObjectManifest,
  RolloutState,
  SimulatorContext,
} from 'autopilot-sandbox';
import {
  observedTraffic,
  Cluster,
  deployments,
  startSandbox,
  prometheus,
  traffic,
} from 'autopilot-sandbox';
import { expect } from 'chai';
import { builtInQueries } from '../../../generators/lib/kinds/prometheus-queries.ts';
import { fillTemplate } from '../../../runtime/src/queries/query-template.ts';
import { defineScheduler } from '../../../runtime/src/api/scheduler.ts';

const context = (cluster: Cluster): SimulatorContext => ({ cluster, scheduler });

const queries = builtInQueries.map(({ method, template, parameters, choices }) => ({
  name: method,
  template,
  parameters,
  defaults: Object.fromEntries(
    Object.entries(choices ?? {}).map(([name, [first]]) => [name, first ?? '']),
  ),
}));
const scheduler: Scheduler = defineScheduler({
  operatorName: 'idle-operator',
  resource: {
    group: 'examples.io',
    version: 'v1',
    kind: 'Idle',
    plural: 'idles',
    namespaced: true,
  },
  phases: [{ name: 'Idle', initial: true, final: true, next: ['Idle'], inputs: [], outputs: [] }],
  queries,
} as unknown as Scheduler);

function deployment(name: string, { replicas = 2, image = 'good' } = {}): ObjectManifest {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
}
const service = (name: string, app = name): ObjectManifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app }, ports: [{ port: 80 }] },
});
const split = (weights: Readonly<Record<string, number>>): ObjectManifest => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web' },
  spec: {
    hosts: ['web'],
    http: [
      {
        match: [{ headers: { tester: { exact: 'yes' } } }],
        route: [{ destination: { host: 'tests' } }],
      },
      {
        route: Object.entries(weights).map(([host, weight]) => ({
          destination: { host: `${host}.default.svc.cluster.local` },
          weight,
        })),
      },
    ],
  },
});

/** A Deployment as the simulated controller leaves it. */
interface RolledDeployment {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: Readonly<Record<string, number>> & {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
}

describe('the simulated Deployment controller', () => {
  const states: Readonly<Record<string, RolloutState>> = { slow: 'underway', bad: 'failed' };
  const rollout = (image = ''): RolloutState => states[image] ?? 'complete';
  const start = (...objects: readonly ObjectManifest[]): ReturnType<typeof startSandbox> =>
    startSandbox(scheduler, {
      objects,
      simulators: [
        deployments({
          rollout: ({ spec }) => rollout(spec?.template?.spec?.containers?.[0]?.image),
        }),
      ],
    });

  it('rolls a Deployment out and writes its observedGeneration', async () => {
    const sandbox = await start(deployment('web'));
    const { status, metadata } = (await sandbox.get('Deployment', 'web')) ?? {};
    expect(status).to.deep.include({
      observedGeneration: metadata?.generation,
      replicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      unavailableReplicas: 0,
    });
    await sandbox.stop();
  });

  it('follows a change of replicas', async () => {
    const sandbox = await start(deployment('web'));
    await sandbox.patch('Deployment', 'web', { spec: { replicas: 0 } });
    expect((await sandbox.get('Deployment', 'web'))?.status).to.deep.include({
      replicas: 0,
      availableReplicas: 0,
    });
    await sandbox.stop();
  });

  /** Every Pod is of the present template and available, as `kubectl rollout status` asks. */
  const isRolledOut = ({ spec, status }: RolledDeployment): boolean =>
    status.updatedReplicas === spec.replicas &&
    status.replicas === status.updatedReplicas &&
    status.availableReplicas === status.updatedReplicas;

  /** The Deployment after its image has changed from `good` to another one. */
  async function afterRelease(image: string, spec: object = {}): Promise<RolledDeployment> {
    const sandbox = await start(deployment('web', { replicas: 4 }));
    await sandbox.patch('Deployment', 'web', {
      spec: { ...spec, template: { spec: { containers: [{ name: 'web', image }] } } },
    });
    const object = await sandbox.get('Deployment', 'web');
    await sandbox.stop();
    return object as unknown as RolledDeployment;
  }

  it('does not let a rollout that is under way look like one that is complete', async () => {
    expect(isRolledOut(await afterRelease('good'))).to.equal(true);
    for (const image of ['slow', 'bad']) {
      const object = await afterRelease(image);
      expect(isRolledOut(object), image).to.equal(false);
      expect(object.status.observedGeneration).to.equal(object.metadata.generation);
    }
  });

  it('replaces as many Pods as the strategy allows before the new ones are available', async () => {
    const pods = async (spec?: object): Promise<object> => {
      const { replicas, updatedReplicas, availableReplicas, unavailableReplicas } = (
        await afterRelease('slow', spec)
      ).status;
      return { replicas, updatedReplicas, availableReplicas, unavailableReplicas };
    };
    const rolling = (rollingUpdate: object): object => ({
      strategy: { type: 'RollingUpdate', rollingUpdate },
    });
    expect(await pods(), 'the default: 25 % each').to.deep.equal({
      replicas: 5,
      updatedReplicas: 2,
      availableReplicas: 3,
      unavailableReplicas: 2,
    });
    expect(await pods(rolling({ maxSurge: 1, maxUnavailable: 0 }))).to.deep.equal({
      replicas: 5,
      updatedReplicas: 1,
      availableReplicas: 4,
      unavailableReplicas: 1,
    });
    expect(await pods(rolling({ maxSurge: 0, maxUnavailable: '50%' }))).to.deep.equal({
      replicas: 4,
      updatedReplicas: 2,
      availableReplicas: 2,
      unavailableReplicas: 2,
    });
    expect(await pods({ strategy: { type: 'Recreate', rollingUpdate: null } })).to.deep.equal({
      replicas: 4,
      updatedReplicas: 4,
      availableReplicas: 0,
      unavailableReplicas: 4,
    });
  });

  it('writes the conditions of each state as the real controller does', async () => {
    const conditions = async (image: string): Promise<readonly string[]> =>
      (await afterRelease(image)).status.conditions.map(
        ({ type, status, reason }) => `${type}=${status} ${reason}`,
      );
    expect(await conditions('good')).to.deep.equal([
      'Available=True MinimumReplicasAvailable',
      'Progressing=True NewReplicaSetAvailable',
    ]);
    expect(await conditions('slow')).to.deep.equal([
      'Available=True MinimumReplicasAvailable',
      'Progressing=True ReplicaSetUpdated',
    ]);
    expect(await conditions('bad')).to.deep.equal([
      'Available=True MinimumReplicasAvailable',
      'Progressing=False ProgressDeadlineExceeded',
    ]);
  });

  it('reports a first rollout that exceeded its progress deadline', async () => {
    const sandbox = await start(deployment('web', { image: 'bad' }));
    const { status } = (await sandbox.get('Deployment', 'web')) ?? {};
    expect(status).to.deep.include({ replicas: 2, updatedReplicas: 2, availableReplicas: 0 });
    expect(status.conditions.map(({ reason }: { reason: string }) => reason)).to.deep.equal([
      'MinimumReplicasUnavailable',
      'ProgressDeadlineExceeded',
    ]);
    await sandbox.stop();
  });
});

describe('the simulated Prometheus', () => {
  const definition = (name: string): (typeof queries)[number] =>
    queries.find((query) => query.name === name) as (typeof queries)[number];
  const asking =
    (ask: QueryMetrics | undefined) =>
    (name: string, parameters: object): Promise<QueryResult> | undefined =>
      ask?.(
        fillTemplate(definition(name), { namespace: 'default', interval: '1m', ...parameters }),
        new AbortController().signal,
      );

  it('reads the parameters of a query from its PromQL', async () => {
    const seen: object[] = [];
    const { queryMetrics: ask } = prometheus({
      istioSuccessRate: (parameters) => (seen.push(parameters), 99),
    })(context(new Cluster()));
    expect(
      await asking(ask)('istioSuccessRate', {
        name: 'web-canary',
        interval: '90s',
        reporter: 'source',
      }),
    ).to.deep.equal({ type: 'value', value: 99 });
    expect(seen).to.deep.equal([
      { name: 'web-canary', namespace: 'default', interval: '90s', reporter: 'source' },
    ]);
  });

  it('distinguishes the queries of an operator', async () => {
    const names = queries.map(({ name }) => name);
    const { queryMetrics: ask } = prometheus(
      Object.fromEntries(names.map((name, index) => [name, () => index])),
    )(context(new Cluster()));
    for (const [index, name] of names.entries()) {
      expect(await asking(ask)(name, { name: 'web' })).to.deep.equal({
        type: 'value',
        value: index,
      });
    }
  });

  it('returns no data for a query without a handler, and throws for an unknown query', async () => {
    const { queryMetrics: ask } = prometheus({ istioSuccessRate: () => NaN })(
      context(new Cluster()),
    );
    expect(await asking(ask)('istioRequestCount', { name: 'web' })).to.deep.equal({
      type: 'noData',
    });
    expect(await asking(ask)('istioSuccessRate', { name: 'web' })).to.deep.equal({
      type: 'notANumber',
    });
    expect(
      await ask?.('up', new AbortController().signal).catch((error: Error) => error.message),
    ).to.contain('declares no query with this template: up');
  });

  // @promise sandbox/simulators
  it('answers from the routes and Pods of the cluster', async () => {
    const objects = [
      deployment('web-primary'),
      deployment('web-canary', { image: 'bad' }),
      service('web-primary'),
      service('web-canary'),
      service('web', 'none'),
    ];
    const shop = traffic({
      hosts: { web: 10 },
      successRate: ({ spec }) =>
        spec?.template?.spec?.containers?.[0]?.image === 'bad' ? 40 : 100,
    });
    const sandbox = await startSandbox(scheduler, { objects, simulators: [deployments(), shop] });
    const ask = asking(shop(context(sandbox.cluster)).queryMetrics);
    expect(await ask('istioRequestCount', { name: 'web-canary' })).to.deep.equal({
      type: 'value',
      value: 0,
    });
    expect(await ask('istioSuccessRate', { name: 'web-canary' })).to.deep.equal({ type: 'noData' });
    await sandbox.create(split({ 'web-primary': 90, 'web-canary': 10 }));
    expect(await ask('istioRequestCount', { name: 'web-canary', interval: '5m' })).to.deep.equal({
      type: 'value',
      value: 300,
    });
    expect(await ask('istioSuccessRate', { name: 'web-canary' })).to.deep.equal({
      type: 'value',
      value: 40,
    });
    expect(await ask('istioSuccessRate', { name: 'web-primary' })).to.deep.equal({
      type: 'value',
      value: 100,
    });
    expect(
      await ask('istioSuccessRate', { name: 'web-primary', namespace: 'elsewhere' }),
    ).to.deep.equal({ type: 'noData' });
    await sandbox.stop();
  });
});

describe('observedTraffic', () => {
  async function seen(...objects: readonly ObjectManifest[]): Promise<(host: string) => object> {
    const { cluster } = await startSandbox(scheduler, { objects, simulators: [deployments()] });
    return (host) => {
      const { destinations: at, lostPercent: lost } = observedTraffic(cluster, host);
      return {
        ...Object.fromEntries(
          at.map(
            ({
              deployment: { metadata },
              percent,
            }: {
              deployment: KubeObject;
              percent: number;
            }) => [metadata.name, percent],
          ),
        ),
        lost,
      };
    };
  }

  it('sends requests to the Pods of the Service if there is no route', async () => {
    const at = await seen(deployment('web'), service('web'));
    expect(at('web')).to.deep.equal({ web: 100, lost: 0 });
  });

  it('follows the weights of a VirtualService', async () => {
    const at = await seen(
      deployment('a'),
      deployment('b'),
      service('a'),
      service('b'),
      split({ a: 75, b: 25 }),
    );
    expect(at('web')).to.deep.equal({ a: 75, b: 25, lost: 0 });
  });

  it('loses requests to a Service that has no Pod or does not exist', async () => {
    const at = await seen(deployment('a', { replicas: 0 }), service('a'), split({ a: 75, b: 25 }));
    expect(at('web')).to.deep.equal({ lost: 100 });
  });

  it('follows the weights of an HTTPRoute of the Service', async () => {
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'web' },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
        rules: [
          {
            backendRefs: [
              { name: 'a', weight: 1 },
              { name: 'b', weight: 3 },
            ],
          },
        ],
      },
    };
    const at = await seen(deployment('a'), deployment('b'), service('a'), service('b'), route);
    expect(at('web')).to.deep.equal({ a: 25, b: 75, lost: 0 });
  });
});
