/**
 * A correct operator that releases a version: it claims the route of a team, asks Prometheus, and
 * waits for an approval. Each seeded bug is a copy of this operator with one mistake.
 */
import type { FieldClaim, QueryResult } from '../../../runtime/src/index.ts';
import { claimFields } from '../../../runtime/src/index.ts';
import { defineScheduler } from '../../../runtime/src/generated.ts';
import type {
  AnyContext,
  AnyResult,
  KubeObject,
  Scheduler,
} from '../../../runtime/src/internal.ts';
import type { ObjectManifest } from '../../../sandbox/src/index.ts';
import { deployments, traffic } from '../../../sandbox/src/index.ts';
import type { Scenario } from '../../../sandbox/src/exploration/index.ts';
import {
  approve,
  create,
  quiesce,
  remove,
  scenario,
} from '../../../sandbox/src/exploration/index.ts';
import { drone, DRONES, input, output, route, service } from '../../integration/test-operators.ts';
import type { Worker } from './lift.ts';

export type ReleasePhase = 'Measuring' | 'Serving' | 'Failed';
export type ReleaseWorkers = Readonly<Record<ReleasePhase, Worker>>;

const MEASURED_MS = 60_000;

/** A claim that sends a part of the requests to the new version. */
export function claimRoute({ inputs }: AnyContext, percent: number, host = 'new'): FieldClaim {
  const found = inputs['virtualservices']?.require('web') as KubeObject;
  const value = [
    { destination: { host: 'old' }, weight: 100 - percent },
    { destination: { host }, weight: percent },
  ];
  return claimFields(found, [{ path: ['spec', 'http', { name: 'main' }, 'route'], value }]);
}

/** A claim as the worker returns it. */
type Outputs = NonNullable<AnyResult['outputs']>;
type Judge = (result: QueryResult) => boolean | undefined;

/**
 * Measures the new version while it gets half of the requests. The decision is kept in status: an
 * approval is for the decision, and not for the next measurement.
 *
 * @param judge returns undefined if the version cannot be judged yet.
 */
export async function measure(context: AnyContext, judge: Judge): Promise<AnyResult> {
  const { resource, now, phaseStartedAt, metrics } = context;
  const outputs: Outputs = { virtualservices: [claimRoute(context, 50)] };
  const { passed: known } = (resource.status ?? {}) as { readonly passed?: boolean };
  const leftMs = phaseStartedAt.getTime() + MEASURED_MS - now.getTime();
  if (known === undefined && leftMs > 0) {
    return { next: 'Measuring', requeueAfter: `${leftMs}ms`, outputs };
  }
  const query = metrics?.['istioSuccessRate'];
  const passed = known ?? (query && judge(await query({ name: 'new', interval: '1m' })));
  if (passed === undefined) {
    return { next: 'Measuring', requeueAfter: '30s', outputs };
  }
  return { next: passed ? 'Serving' : 'Failed', outputs, statusInfo: { passed } };
}

/** The correct workers. No data is neither a success nor a failure. */
export function release(): ReleaseWorkers {
  return {
    Measuring: (context) =>
      measure(context, (result) => (result.type === 'value' ? result.value >= 99 : undefined)),
    Serving: (context) => ({
      next: 'Serving',
      outputs: { virtualservices: [claimRoute(context, 100)] },
    }),
    // Claims nothing, and looks after the route: an old claim that comes back is given back.
    Failed: ({ inputs }) => {
      inputs['virtualservices']?.get('web');
      return { next: 'Failed', outputs: { virtualservices: [] } };
    },
  };
}

/** @param workers workers that replace those of `release`. */
export function createReleaseScheduler(workers: Partial<ReleaseWorkers> = {}): Scheduler {
  const all = { ...release(), ...workers };
  const inputs = [input.virtualservices];
  const outputs = [{ ...output.virtualservices, prune: true }];
  return defineScheduler({
    operatorName: 'drone-operator',
    resource: DRONES,
    queries: [
      {
        name: 'istioSuccessRate',
        template: 'success_rate{name="{{ .name }}",namespace="{{ .namespace }}"}[{{ .interval }}]',
        parameters: ['name', 'namespace', 'interval'],
      },
    ],
    phases: [
      {
        name: 'Measuring',
        initial: true,
        next: ['Serving', 'Failed'],
        metrics: true,
        interval: '5m',
        worker: all.Measuring,
        inputs,
        outputs,
      },
      {
        name: 'Serving',
        ready: true,
        approval: 'required',
        next: [],
        interval: '5m',
        worker: all.Serving,
        inputs,
        outputs,
      },
      { name: 'Failed', next: [], interval: '5m', worker: all.Failed, inputs, outputs },
    ],
    finalizer: { inputs, outputs, finalize: () => ({ done: true }) },
  });
}

function versionOf(name: string): readonly ObjectManifest[] {
  const labels = { app: name };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image: `web:${name}` }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port: 80 }], selector: labels },
    },
  ];
}

function shop(successRate: number): Pick<Scenario, 'objects' | 'simulators'> {
  return {
    objects: [
      route('web', 'main', 'other'),
      service('web') as KubeObject & ObjectManifest,
      ...versionOf('old'),
      ...versionOf('new'),
    ],
    simulators: [
      deployments(),
      traffic({
        hosts: { web: 20 },
        successRate: ({ metadata }) => (metadata.name === 'new' ? successRate : 100),
      }),
    ],
  };
}

/** A good version is measured, approved and served. Then its resource is deleted. */
export const approved: Scenario = scenario({
  ...shop(100),
  name: 'approved',
  steps: [
    create(drone('one')),
    approve('Drone', 'one', { phase: 'Serving' }),
    quiesce(),
    remove('Drone', 'one'),
    quiesce(),
  ],
});

/** A bad version is measured and gets no more requests. */
export const refused: Scenario = scenario({
  ...shop(50),
  name: 'refused',
  steps: [create(drone('one')), quiesce()],
});
