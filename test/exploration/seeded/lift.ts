/**
 * A correct operator whose workers do everything a worker may do. Each seeded bug is a copy of this
 * operator with one mistake.
 */
import { defineScheduler } from '../../../runtime/src/generated.ts';
import type {
  AnyContext,
  AnyResult,
  KubeObject,
  PhaseDefinition,
  Scheduler,
} from '../../../runtime/src/internal.ts';
import type { Scenario } from '../../../sandbox/src/exploration/index.ts';
import {
  create,
  patch,
  remove,
  quiesce,
  scenario,
  wait,
} from '../../../sandbox/src/exploration/index.ts';
import {
  configMap,
  drone,
  DRONES,
  input,
  output,
  service,
} from '../../integration/test-operators.ts';

export type Worker = (context: AnyContext) => AnyResult | Promise<AnyResult>;
export type PhaseName = 'Preparing' | 'Stepping' | 'Cleaning';
export type Workers = Readonly<Record<PhaseName, Worker>>;

export const PACE_MS = 60_000;
const FULL = 30;

interface Drone {
  readonly spec: { readonly size?: number };
  readonly status?: { readonly weight?: number };
}

export const droneOf = ({ resource }: AnyContext): Drone => resource as KubeObject & Drone;
export const weightOf = (context: AnyContext): number => droneOf(context).status?.weight ?? 0;

export function progress(context: AnyContext, weight: number, name = 'progress'): KubeObject {
  return configMap(`${context.resource.metadata.name}-${name}`, {
    weight: String(weight),
  }) as KubeObject;
}

/** An output in another namespace: no owner reference is possible, so the finalizer deletes it. */
export function noteOf(name: string, port: number): KubeObject {
  const { metadata: _, ...rest } = service(name, port);
  return { ...rest, metadata: { name, namespace: 'other' } };
}

/** Milliseconds until the next step is allowed. */
export function left({ now, lastStep, phaseStartedAt }: AnyContext): number {
  return Math.max(0, (lastStep ?? phaseStartedAt).getTime() + PACE_MS - now.getTime());
}

/**
 * The correct workers. They create a Service with the port from a ConfigMap, make steps at an
 * interval, delete the output that recorded the steps, and end.
 */
export function lift(): Workers {
  return {
    Preparing: (context) => {
      const { name } = context.resource.metadata;
      const settings = context.inputs['configmaps']?.require('settings') as KubeObject & {
        readonly data: { readonly port: string };
      };
      const note = noteOf(`${name}-note`, 80 + (droneOf(context).spec.size ?? 1));
      return {
        next: 'Stepping',
        outputs: { services: [service(`${name}-a`, Number(settings.data.port))], notes: [note] },
        statusInfo: { weight: 0 },
      };
    },
    Stepping: (context) => {
      const weight = weightOf(context);
      if (left(context) > 0) {
        return {
          next: 'Stepping',
          requeueAfter: `${left(context)}ms`,
          outputs: { configmaps: [progress(context, weight)] },
        };
      }
      if (weight >= FULL) {
        return { next: 'Cleaning' };
      }
      return {
        next: 'Stepping',
        step: true,
        statusInfo: { weight: weight + 10 },
        outputs: { configmaps: [progress(context, weight + 10)] },
      };
    },
    Cleaning: () => ({ next: 'Done', outputs: { configmaps: [] } }),
  };
}

/** @param workers workers that replace those of `lift`. */
export function createScheduler(workers: Partial<Workers> = {}): Scheduler {
  const all = { ...lift(), ...workers };
  const phase = (
    name: PhaseName,
    rest: Omit<PhaseDefinition, 'name' | 'worker'>,
  ): PhaseDefinition => ({ name, worker: all[name], ...rest });
  return defineScheduler({
    operatorName: 'drone-operator',
    resource: DRONES,
    queries: [],
    finalizer: { inputs: [], outputs: [], finalize: () => ({ done: true }) },
    phases: [
      phase('Preparing', {
        initial: true,
        next: ['Stepping'],
        inputs: [input.configmaps],
        outputs: [output.services, { ...output.services, name: 'notes', namespace: 'all' }],
      }),
      phase('Stepping', {
        next: ['Cleaning'],
        interval: '10s',
        inputs: [input.configmaps],
        outputs: [{ ...output.configmaps, prune: true }],
      }),
      phase('Cleaning', {
        next: ['Done'],
        inputs: [],
        outputs: [{ ...output.configmaps, prune: true }],
      }),
      { name: 'Done', final: true, inputs: [], outputs: [] },
    ],
  });
}

/** Later phases rely on the Services of Preparing, and Done looks after nothing. */
const ignoredFaults: Scenario['ignoredFaults'] = [
  'output-contested Service',
  'output-edited Service',
  'output-deleted Service',
  'old-copy ConfigMap',
];
const touch = { metadata: { annotations: { team: 'red' } } };
const surroundings = {
  objects: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } },
    configMap('settings', { port: '80' }),
  ],
  ignoredFaults,
} as const;

/**
 * A user annotates the resource between two steps, changes its spec, so that it starts over, and
 * deletes it.
 */
export const life: Scenario = scenario({
  ...surroundings,
  name: 'life',
  steps: [
    create(drone('one', { size: 1 })),
    wait('90s'),
    patch('Drone', 'one', touch),
    quiesce(),
    patch('Drone', 'one', { spec: { size: 2 } }),
    quiesce(),
    remove('Drone', 'one'),
  ],
  minStepInterval: { Stepping: '1m' },
  invariants: {
    'both halves sum to 100': (snapshot) => {
      const [canary, primary] = ['one-canary', 'one-primary'].map((name) =>
        weightIn(snapshot.get('ConfigMap', name)),
      );
      return (
        (canary === undefined && primary === undefined) || (canary ?? 0) + (primary ?? 0) === 100
      );
    },
  },
});

/** A user annotates the resource and its output just before a step and before the clean-up. */
export const touched: Scenario = scenario({
  ...surroundings,
  name: 'touched',
  steps: [
    create(drone('one', { size: 1 })),
    wait('118s'),
    patch('ConfigMap', 'one-progress', touch),
    patch('Drone', 'one', touch),
    wait('120s'),
    patch('ConfigMap', 'one-progress', { metadata: { annotations: { team: 'blue' } } }),
    quiesce(),
    patch('Drone', 'one', { spec: { size: 2 } }),
    quiesce(),
    remove('Drone', 'one'),
  ],
  minStepInterval: { Stepping: '1m' },
});

function weightIn(object: object | undefined): number | undefined {
  return object === undefined
    ? undefined
    : Number((object as { readonly data: { readonly weight: string } }).data.weight);
}

/** A foreign object has the name of an output. */
export const taken: Scenario = scenario({
  name: 'taken',
  objects: [...surroundings.objects, { ...service('one-a', 1) } as never],
  steps: [create(drone('one', { size: 1 })), quiesce(), remove('Drone', 'one')],
});
