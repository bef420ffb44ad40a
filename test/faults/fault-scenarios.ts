/**
 * The fault scenarios: a fault begins, all parcels change their colour, the fault ends.
 * `run-scenario.ts` measures the recovery.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../realparts/index.ts';
import { PARCELS } from './parcel-operator.ts';
import type { RequestFaultType, RequestKind, RequestFault } from './request-faults.ts';
import { REQUEST_FAULTS, WATCH_FAULTS } from './request-faults.ts';
import type { TestWorld } from './test-world.ts';
import { PARCEL_NAMESPACE } from './test-world.ts';

export interface FaultScenario {
  readonly name: string;
  /** Whether it ends processes: their memory cannot be followed through it. */
  readonly endsProcesses: boolean;
  run(world: TestWorld): Promise<ScenarioOutcome>;
}

export interface ScenarioOutcome {
  /** How often the fault was injected. */
  readonly injected: number;
  /** End of the last fault, or its start for a lasting fault, as `performance.now()`. */
  readonly endedAt: number;
}

const now = (): number => performance.now();

const ANY: readonly RequestKind[] = ['list', 'watch', 'get', 'write', 'event'];
/** A hanging request occupies a reconcile for half a minute. */
const HANGING: readonly RequestFaultType[] = ['stall', 'no response'];
const MAX_HANGING = 15;
/** Faults of complete responses. A watch has none. */
const RESPONSE_FAULTS: readonly RequestFaultType[] = [
  'lost response',
  'no response',
  'half response',
];
/** Faults that also apply to watches that are already open. A silent watch stays silent. */
const WATCH_ENDING_FAULTS: readonly RequestFaultType[] = ['half line', 'closed', 'gone'];
/** Number of watches of one operator: its resources, ConfigMaps, Services. */
const WATCHES = 3;

function requestFaultOf(fault: RequestFaultType): RequestFault {
  // A silent watch is detected after two minutes. The next watch must work.
  if (WATCH_FAULTS.includes(fault)) {
    return {
      fault,
      kinds: ['watch'],
      probability: 0.9,
      ...(fault === 'silent' && { maxCount: WATCHES }),
    };
  }
  const kinds = RESPONSE_FAULTS.includes(fault) ? ANY.filter((kind) => kind !== 'watch') : ANY;
  return {
    fault,
    kinds,
    probability: HANGING.includes(fault) ? 0.03 : 0.2,
    ...(HANGING.includes(fault) && { maxCount: MAX_HANGING }),
  };
}

const total = (injected: Readonly<Partial<Record<RequestFaultType, number>>>): number =>
  Object.values(injected).reduce((sum, times) => sum + times, 0);

/** Changes all parcels under a fault. Open watches are reset, because they have no fault yet. */
async function injectDuringChanges(
  world: TestWorld,
  faults: readonly RequestFault[],
  hanging: 'stay' | 'reset',
): Promise<ScenarioOutcome> {
  const before = total(world.way.injected);
  const watches = faults.some(({ fault }) => WATCH_FAULTS.includes(fault));
  world.way.setFaults(faults);
  if (watches) {
    world.way.breakWatches();
  }
  await world.turn();
  // A deleted parcel is created again when its finalizer is gone, possibly after the faults.
  const userChanges = world.changeObjects();
  if (faults.some(({ fault }) => WATCH_ENDING_FAULTS.includes(fault))) {
    world.way.breakWatches();
  }
  await pause(5_000);
  world.way.stopFaults(hanging);
  const since = now();
  await userChanges;
  return { injected: total(world.way.injected) - before, endedAt: since };
}

const requestFaultScenario = (fault: RequestFaultType): FaultScenario => ({
  name: `${REQUEST_FAULTS[fault]}`,
  endsProcesses: false,
  run: (world) => injectDuringChanges(world, [requestFaultOf(fault)], 'stay'),
});

/** All request faults at once. Hanging requests are reset at the end. */
export const ALL_REQUEST_FAULTS: FaultScenario = {
  name: 'all of these at once',
  endsProcesses: false,
  run: (world) =>
    injectDuringChanges(
      world,
      (Object.keys(REQUEST_FAULTS) as RequestFaultType[]).map((fault) => ({
        ...requestFaultOf(fault),
        probability: requestFaultOf(fault).probability / 3,
      })),
      'reset',
    ),
};

export const API_SERVER: FaultScenario = {
  name: 'the API server is killed and started again',
  endsProcesses: false,
  run: (world) => restarted(world, () => world.plane.restartApiServer()),
};
export const ETCD: FaultScenario = {
  name: 'etcd is killed and started again',
  endsProcesses: false,
  run: (world) => restarted(world, () => world.plane.restartEtcd()),
};

async function restarted(world: TestWorld, restart: () => Promise<void>): Promise<ScenarioOutcome> {
  const turning = world.turn();
  await pause(500 + world.random() * 1_500);
  await restart();
  const since = now();
  await turning;
  await world.changeObjects();
  return { injected: 1, endedAt: since };
}

export const TOKENS: FaultScenario = {
  name: 'the ServiceAccount token is revoked; another one comes ten seconds later',
  endsProcesses: false,
  async run(world) {
    const turning = world.turn();
    await world.revokeToken();
    // The API server believes in a token for ten seconds after it has looked.
    await pause(12_000);
    await world.newToken();
    const since = now();
    await turning;
    return { injected: 1, endedAt: since };
  },
};

export const CRD: FaultScenario = {
  name: 'the CRD is deleted and created again, and with it all resources',
  endsProcesses: false,
  async run(world) {
    await world.turn();
    const name = `${PARCELS.plural}.${PARCELS.group}`;
    const crd = JSON.parse(await world.plane.kubectl(['get', 'crd', name, '-o', 'json'])) as {
      metadata: object;
      status?: object;
    };
    await world.plane.kubectl(['delete', 'crd', name, '--timeout=300s']);
    const { metadata, status: _, ...rest } = crd;
    const { labels, annotations } = metadata as { labels?: object; annotations?: object };
    await world.plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({ ...rest, metadata: { name, labels, annotations } }),
    });
    await world.plane.kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=60s',
      `crd/${name}`,
    ]);
    const since = now();
    await world.each(world.names, (one) => world.remade(one));
    return { injected: 1, endedAt: since };
  },
};

export const NAMESPACE: FaultScenario = {
  name: 'the namespace of resources under way is deleted and created again',
  endsProcesses: false,
  async run(world) {
    await world.turn();
    await world.plane.kubectl(['delete', 'namespace', PARCEL_NAMESPACE, '--timeout=300s']);
    await world.plane.kubectl(['create', 'namespace', PARCEL_NAMESPACE]);
    const since = now();
    await world.each(world.names, (one) => world.remade(one));
    return { injected: 1, endedAt: since };
  },
};

export const killed = (times: number): FaultScenario => ({
  name: 'kill -9 of the leader at a random moment',
  endsProcesses: true,
  async run(world) {
    const turning = world.turn();
    let since = now();
    for (let kill = 0; kill < times; kill++) {
      const leader = await world.leader();
      await pause(world.random() * 4_000);
      await world.replicas.signal(leader, 'SIGKILL').process.ended;
      since = now();
    }
    await turning;
    await world.leader();
    return { injected: times, endedAt: since };
  },
});

export const FROZEN: FaultScenario = {
  name: 'the leader is frozen (SIGSTOP) past its lease, and continued',
  endsProcesses: true,
  async run(world) {
    const leader = await world.leader();
    const turning = world.turn();
    await pause(world.random() * 2_000);
    const frozen = world.replicas.signal(leader, 'SIGSTOP');
    const since = now();
    await until('another replica leads', 60_000, async () => {
      if ((await world.leader()) === leader) {
        throw new Error(`${leader} holds the lease still`);
      }
    });
    await turning;
    world.replicas.signal(leader, 'SIGCONT');
    await frozen.process.ended;
    return { injected: 1, endedAt: since };
  },
};

export const CUT_OFF: FaultScenario = {
  name: 'the leader is cut off from the API server past its lease',
  endsProcesses: true,
  async run(world) {
    const leader = await world.leader();
    const { name, process } = world.replicas.get(leader);
    world.way.setFaults([
      { fault: 'stall', kinds: [...ANY, 'lease'], probability: 1, fromProcess: name },
    ]);
    world.way.breakWatches();
    const since = now();
    await world.turn();
    await process.ended;
    world.way.stopFaults('reset');
    return { injected: 1, endedAt: since };
  },
};

/**
 * Times in status are of the wall clock: the next leader waits longer for a step by as much as its
 * clock is behind.
 */
export const SKEW: FaultScenario = {
  name: 'the clocks of the replicas are wrong: three seconds early, ten late; the leader is killed',
  endsProcesses: true,
  async run(world) {
    for (const slot of world.replicas.slots) {
      await world.replicas.stop(slot);
    }
    await world.replicas.start('a', 3_000);
    await world.leader();
    await world.replicas.start('b', -10_000);
    await world.turn();
    await world.replicas.signal('a', 'SIGKILL').process.ended;
    const since = now();
    await world.changeObjects();
    await world.leader();
    return { injected: 1, endedAt: since };
  },
};

export const EVERYTHING: FaultScenario = {
  name: 'everything: the way, the API server, etcd, a token, the leader',
  endsProcesses: true,
  async run(world) {
    world.way.setFaults(
      (Object.keys(REQUEST_FAULTS) as RequestFaultType[]).map((fault) => ({
        ...requestFaultOf(fault),
        probability: requestFaultOf(fault).probability / 6,
      })),
    );
    const before = total(world.way.injected);
    const turning = world.turn();
    await world.plane.restartApiServer();
    await world.replicas.signal(await world.leader(), 'SIGKILL').process.ended;
    await world.newToken();
    await world.plane.restartEtcd();
    await turning;
    world.way.stopFaults('reset');
    const since = now();
    await world.changeObjects();
    return { injected: total(world.way.injected) - before + 4, endedAt: since };
  },
};

export const REQUEST_FAULT_SCENARIOS: readonly FaultScenario[] = (
  Object.keys(REQUEST_FAULTS) as RequestFaultType[]
).map(requestFaultScenario);
export const GENTLE: readonly FaultScenario[] = [
  ...REQUEST_FAULT_SCENARIOS,
  ALL_REQUEST_FAULTS,
  API_SERVER,
  ETCD,
  TOKENS,
  CRD,
  NAMESPACE,
];
export const HARSH: readonly FaultScenario[] = [killed(3), FROZEN, CUT_OFF, SKEW, EVERYTHING];
/** One of each sort, for every day. */
export const SHORT: readonly FaultScenario[] = [
  ALL_REQUEST_FAULTS,
  API_SERVER,
  ETCD,
  TOKENS,
  CRD,
  NAMESPACE,
  killed(1),
  FROZEN,
  SKEW,
];
