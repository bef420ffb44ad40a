/**
 * Each fault as an episode: it begins, all parcels change their colour under it, it ends. What it
 * takes from there to rest is measured by the runner.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../realparts/index.ts';
import { PARCELS } from './courier.ts';
import type { Fault, RequestKind, Weather } from './weather.ts';
import { FAULTS, OF_WATCHES } from './weather.ts';
import type { World } from './world.ts';
import { PLACE } from './world.ts';

export interface Episode {
  readonly name: string;
  /** Whether it ends processes: their memory cannot be followed through it. */
  readonly ends: boolean;
  run(world: World): Promise<Over>;
}

export interface Over {
  /** How often the fault was injected. */
  readonly injected: number;
  /**
   * When the last fault was over (or, of one that nobody mends, when it came): time of the process.
   */
  readonly since: number;
}

const now = (): number => performance.now();

const ANY: readonly RequestKind[] = ['list', 'watch', 'get', 'write', 'event'];
/** A request that hangs takes a sync's place for half a minute. */
const HANGING: readonly Fault[] = ['stall', 'no answer'];
const MOST_HANGING = 15;
/** The answer of a watch has no end. */
const OF_ANSWERS: readonly Fault[] = ['lost answer', 'no answer', 'half answer'];
/** A watch that was opened before the fault is to have it, too; one that is silent stays so. */
const SHORT_LIVED: readonly Fault[] = ['half line', 'closed', 'gone'];
/** Of one operator: its resources, ConfigMaps, Services. */
const WATCHES = 3;

function weatherOf(fault: Fault): Weather {
  // A watch that is silent is noticed after two minutes: the next one is to be a good one.
  if (OF_WATCHES.includes(fault)) {
    return {
      fault,
      kinds: ['watch'],
      probability: 0.9,
      ...(fault === 'silent' && { most: WATCHES }),
    };
  }
  const kinds = OF_ANSWERS.includes(fault) ? ANY.filter((kind) => kind !== 'watch') : ANY;
  return {
    fault,
    kinds,
    probability: HANGING.includes(fault) ? 0.03 : 0.2,
    ...(HANGING.includes(fault) && { most: MOST_HANGING }),
  };
}

const total = (injected: Readonly<Partial<Record<Fault, number>>>): number =>
  Object.values(injected).reduce((sum, times) => sum + times, 0);

/** Watches that are open now have no fault: they must be opened anew. */
async function underway(
  world: World,
  weather: readonly Weather[],
  hanging: 'stay' | 'reset',
): Promise<Over> {
  const before = total(world.way.injected);
  const watches = weather.some(({ fault }) => OF_WATCHES.includes(fault));
  world.way.become(weather);
  if (watches) {
    world.way.breakWatches();
  }
  await world.turn();
  // A parcel that was deleted is made again when its finalizer is gone: that may need the weather
  // to get better.
  const meddling = world.meddle();
  if (weather.some(({ fault }) => SHORT_LIVED.includes(fault))) {
    world.way.breakWatches();
  }
  await pause(5_000);
  world.way.calm(hanging);
  const since = now();
  await meddling;
  return { injected: total(world.way.injected) - before, since };
}

const onTheWay = (fault: Fault): Episode => ({
  name: `${FAULTS[fault]}`,
  ends: false,
  run: (world) => underway(world, [weatherOf(fault)], 'stay'),
});

/** All faults of the way at once; what hangs is reset at the end, so that nobody waits for it. */
export const ALL_WEATHER: Episode = {
  name: 'all of these at once',
  ends: false,
  run: (world) =>
    underway(
      world,
      (Object.keys(FAULTS) as Fault[]).map((fault) => ({
        ...weatherOf(fault),
        probability: weatherOf(fault).probability / 3,
      })),
      'reset',
    ),
};

export const API_SERVER: Episode = {
  name: 'the API server is killed and started again',
  ends: false,
  run: (world) => restarted(world, () => world.plane.restartApiServer()),
};
export const ETCD: Episode = {
  name: 'etcd is killed and started again',
  ends: false,
  run: (world) => restarted(world, () => world.plane.restartEtcd()),
};

async function restarted(world: World, restart: () => Promise<void>): Promise<Over> {
  const turning = world.turn();
  await pause(500 + world.random() * 1_500);
  await restart();
  const since = now();
  await turning;
  await world.meddle();
  return { injected: 1, since };
}

export const TOKENS: Episode = {
  name: 'the ServiceAccount token is revoked; another one comes ten seconds later',
  ends: false,
  async run(world) {
    const turning = world.turn();
    await world.revokeToken();
    // The API server believes in a token for ten seconds after it has looked.
    await pause(12_000);
    await world.newToken();
    const since = now();
    await turning;
    return { injected: 1, since };
  },
};

export const CRD: Episode = {
  name: 'the CRD is deleted and created again, and with it all resources',
  ends: false,
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
    return { injected: 1, since };
  },
};

export const NAMESPACE: Episode = {
  name: 'the namespace of resources under way is deleted and created again',
  ends: false,
  async run(world) {
    await world.turn();
    await world.plane.kubectl(['delete', 'namespace', PLACE, '--timeout=300s']);
    await world.plane.kubectl(['create', 'namespace', PLACE]);
    const since = now();
    await world.each(world.names, (one) => world.remade(one));
    return { injected: 1, since };
  },
};

export const killed = (times: number): Episode => ({
  name: 'kill -9 of the leader at a random moment',
  ends: true,
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
    return { injected: times, since };
  },
});

export const FROZEN: Episode = {
  name: 'the leader is frozen (SIGSTOP) past its lease, and woken',
  ends: true,
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
    return { injected: 1, since };
  },
};

export const CUT_OFF: Episode = {
  name: 'the leader is cut off from the API server past its lease',
  ends: true,
  async run(world) {
    const leader = await world.leader();
    const { name, process } = world.replicas.get(leader);
    world.way.become([{ fault: 'stall', kinds: [...ANY, 'lease'], probability: 1, from: name }]);
    world.way.breakWatches();
    const since = now();
    await world.turn();
    await process.ended;
    world.way.calm('reset');
    return { injected: 1, since };
  },
};

/**
 * Times in status are of the wall clock: the next leader waits longer for a step by as much as its
 * clock is behind.
 */
export const SKEW: Episode = {
  name: 'the clocks of the replicas are wrong: three seconds early, ten late; the leader is killed',
  ends: true,
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
    await world.meddle();
    await world.leader();
    return { injected: 1, since };
  },
};

export const EVERYTHING: Episode = {
  name: 'everything: the way, the API server, etcd, a token, the leader',
  ends: true,
  async run(world) {
    world.way.become(
      (Object.keys(FAULTS) as Fault[]).map((fault) => ({
        ...weatherOf(fault),
        probability: weatherOf(fault).probability / 6,
      })),
    );
    const before = total(world.way.injected);
    const turning = world.turn();
    await world.plane.restartApiServer();
    await world.replicas.signal(await world.leader(), 'SIGKILL').process.ended;
    await world.newToken();
    await world.plane.restartEtcd();
    await turning;
    world.way.calm('reset');
    const since = now();
    await world.meddle();
    return { injected: total(world.way.injected) - before + 4, since };
  },
};

export const ON_THE_WAY: readonly Episode[] = (Object.keys(FAULTS) as Fault[]).map(onTheWay);
export const GENTLE: readonly Episode[] = [
  ...ON_THE_WAY,
  ALL_WEATHER,
  API_SERVER,
  ETCD,
  TOKENS,
  CRD,
  NAMESPACE,
];
export const HARSH: readonly Episode[] = [killed(3), FROZEN, CUT_OFF, SKEW, EVERYTHING];
/** One of each sort, for every day. */
export const SHORT: readonly Episode[] = [
  ALL_WEATHER,
  API_SERVER,
  ETCD,
  TOKENS,
  CRD,
  NAMESPACE,
  killed(1),
  FROZEN,
  SKEW,
];
