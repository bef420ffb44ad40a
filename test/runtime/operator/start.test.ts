import { expect } from 'chai';
import type { Operator } from '../../../runtime/src/operator/start.ts';
import { startOperator } from '../../../runtime/src/operator/start.ts';
import type { KubeApi, Scheduler } from '../../../runtime/src/internal.ts';
import { Cluster, seededRandom, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/testing/settle.ts';
import { FaultInjector, connectionReset, refusal } from '../../integration/fault-injector.ts';
import {
  DRONE_CRD,
  DRONES,
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  service,
} from '../../integration/test-operators.ts';

const LEASE = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

describe('operators over one cluster', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let operators: Operator[];
  let log: string[];
  beforeEach(async () => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    operators = [];
    log = [];
    await cluster.api.create(cluster.typeNamed('CustomResourceDefinition'), DRONE_CRD);
  });
  afterEach(async () => {
    for (const operator of operators) {
      await stop(operator);
    }
  });

  const testOperator = defineTestOperator({
    A: {
      inputs: [input.configmaps],
      outputs: [output.services],
      sync: ({ inputs }) => ({
        next: 'A',
        outputs: {
          services: (inputs['configmaps']?.list() ?? []).map(({ metadata }) =>
            service(`of-${metadata.name}`),
          ),
        },
      }),
    },
  });
  function start(identity: string, api: KubeApi = cluster.api, config: object = {}): Operator {
    const say =
      (level: string) =>
      (message: string): void =>
        void log.push(`${identity} ${level} ${message}`);
    const operator = startOperator({
      scheduler: testOperator.scheduler,
      api,
      clock,
      random: seededRandom(identity.length),
      log: { debug() {}, info: say('info'), warn: say('warn'), error: say('error') },
      identity,
      config: {
        enableLeaderElection: true,
        leaderElectionNamespace: 'default',
        workInterval: '1h',
        ...config,
      },
    });
    operators.push(operator);
    return operator;
  }
  /** An operator with other workers, whose log is discarded. */
  function startQuietly(scheduler: Scheduler, faults: FaultInjector): Operator {
    return startOperator({
      scheduler,
      api: faults.wrapApi(cluster.api),
      clock,
      random: seededRandom(1),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      identity: 'first',
      config: { enableLeaderElection: true, leaderElectionNamespace: 'default' },
    });
  }

  /** Its worker ends when its signal tells it to, and asks for a Service then. */
  function startListening(faults: FaultInjector): {
    readonly operator: Operator;
    readonly told: () => AbortSignal | undefined;
  } {
    let told: AbortSignal | undefined;
    const slow = defineTestOperator({
      A: {
        outputs: [output.services],
        sync: ({ signal }) =>
          new Promise((resolve) => {
            told = signal;
            signal.addEventListener('abort', () =>
              resolve({ next: 'B', outputs: { services: [service('last')] } }),
            );
          }),
      },
      B: {},
    });
    return { operator: startQuietly(slow.scheduler, faults), told: () => told };
  }
  async function pass(seconds: number): Promise<void> {
    const end = clock.monotonic() + seconds * 1000;
    const quiet = {
      pendingCount: () =>
        operators.reduce(
          (sum, operator) => sum + (operator.isLeading() ? operator.pendingCount() : 0),
          0,
        ),
    };
    await settle(cluster, clock, quiet);
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.moveTo(next);
      await settle(cluster, clock, quiet);
    }
    clock.moveTo(end);
  }
  async function stop(operator: Operator): Promise<void> {
    operators = operators.filter((other) => other !== operator);
    let stopped = false;
    const stopping = operator.stop().then(() => (stopped = true));
    for (let i = 0; !stopped && i < 1000; i++) {
      await pass(0.1);
    }
    await stopping;
  }
  const create = async (object: ReturnType<typeof drone>): Promise<void> => {
    await cluster.api.create(cluster.typeOf(object), {
      ...object,
      metadata: { namespace: 'default', ...object.metadata },
    });
  };
  const services = async (): Promise<readonly string[]> =>
    (await cluster.api.list(output.services.type)).items.map(({ metadata }) => metadata.name);
  const leading = (): readonly boolean[] => operators.map((operator) => operator.isLeading());

  it('elect one leader; the other stands by with complete lists, logs the leader, and writes nothing', async () => {
    const first = start('first');
    await pass(1);
    const faults = new FaultInjector();
    const second = start('second', faults.wrapApi(cluster.api));
    let ready = false;
    void second.ready.then(() => (ready = true));
    await create(configMap('a'));
    await create(drone('one'));
    await pass(30);
    expect([first.isLeading(), second.isLeading(), ready, second.holder()]).to.deep.equal([
      true,
      false,
      true,
      'first',
    ]);
    expect(
      [...second.controller.informers].map(({ scope, size }) => `${scope.type.kind} ${size}`),
    ).to.include.members(['Drone 1', 'Service 1']);
    expect(
      faults.requests.filter(({ verb }) => !['list', 'get', 'watch'].includes(verb)),
    ).to.deep.equal([]);
    expect(log).to.include('second info another replica holds the lease; standing by');
  });

  // @promise election/lease
  it('hand over at once at a clean stop: the lease is released after the last write', async () => {
    const faults = new FaultInjector();
    const first = start('first', faults.wrapApi(cluster.api));
    await pass(1);
    start('second');
    await create(configMap('a'));
    await create(drone('one'));
    await pass(10);
    await create(configMap('b'));
    await stop(first);
    expect(faults.requests.at(-1)).to.deep.include({ verb: 'replace', kind: 'Lease' });
    await pass(0);
    expect(leading()).to.deep.equal([true]);
    expect(await services()).to.deep.equal(['of-a', 'of-b']);
  });

  it('hand over within the lease duration when the leader dies', async () => {
    const faults = new FaultInjector();
    start('first', faults.wrapApi(cluster.api));
    await pass(1);
    start('second');
    await pass(10);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    faults.endWatches(connectionReset());
    await pass(15);
    await pass(2.3);
    expect(leading()).to.deep.equal([false, true]);
    expect(log).to.include('first error lease lost; no further writes');
  });

  // @promise election/lost-lease-signal
  it('abort the signal of a worker when the lease is lost, and write nothing of its result', async () => {
    const faults = new FaultInjector();
    const { operator, told } = startListening(faults);
    operators.push(operator);
    await create(drone('one'));
    await pass(1);
    expect([operator.isLeading(), told()?.aborted]).to.deep.equal([true, false]);
    faults.fault = ({ kind }) =>
      kind === 'Lease' ? { when: 'before', error: connectionReset() } : undefined;
    await pass(15);
    expect([operator.isLeading(), told()?.aborted]).to.deep.equal([false, true]);
    expect(await services()).to.deep.equal([]);
  });

  // @promise election/frozen-leader
  it('start no reconcile after a suspend in which the lease expired, whichever event arrives first', async () => {
    start('first');
    await pass(1);
    await create(drone('one'));
    await pass(10);
    const before = testOperator.calls.length;
    expect(before).to.be.greaterThan(0);
    // No timer of it fires: as after SIGCONT, the news of watches may come before them.
    clock.moveTo(clock.monotonic() + 20_000);
    await create(drone('two'));
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect(testOperator.calls.length).to.equal(before);
    await pass(30);
    expect([leading(), log.at(-1)]).to.deep.equal([
      [false],
      'first error lease lost; no further writes',
    ]);
    expect(testOperator.calls.length).to.equal(before);
  });

  it('continue when the renewal of the lease was only late', async () => {
    start('first');
    await pass(1);
    // The wall clock jumps: by it the lease has run out, until it is renewed.
    await pass(10);
    const before = testOperator.calls.length;
    const now = clock.now.bind(clock);
    clock.now = () => now() + 60_000;
    await create(drone('two'));
    await pass(5);
    expect(testOperator.calls.length).to.be.greaterThan(before);
    expect(leading()).to.deep.equal([true]);
  });

  // @promise inputs/caches-first
  it('call no worker before every initial list is complete', async () => {
    const listed = Promise.withResolvers<void>();
    const slow: KubeApi = {
      ...cluster.api,
      list: async (type, ...rest) => {
        if (type.kind === 'ConfigMap') {
          await listed.promise;
        }
        return cluster.api.list(type, ...rest);
      },
    };
    await create(configMap('a'));
    await create(drone('one'));
    const before = testOperator.calls.length;
    const operator = start('first', slow, { enableLeaderElection: false });
    await pass(5);
    expect([testOperator.calls.length - before, await services()]).to.deep.equal([0, []]);
    listed.resolve();
    await operator.ready;
    await pass(1);
    expect([testOperator.calls.length - before, await services()]).to.deep.equal([1, ['of-a']]);
  });

  // @promise election/caches-after-election
  it('start no reconcile before their informers are as new as the API server was at the election', async () => {
    const first = start('first');
    await pass(1);
    const faults = new FaultInjector();
    start('second', faults.wrapApi(cluster.api));
    await create(drone('one'));
    await pass(5);
    // The standby hears nothing any more, and does not know.
    let deaf = true;
    faults.fault = ({ verb, kind }) =>
      deaf && kind !== 'Lease' && (verb === 'list' || verb === 'watch')
        ? { when: 'before', error: connectionReset() }
        : undefined;
    faults.endWatches(connectionReset());
    await create(configMap('a'));
    await pass(1);
    await cluster.api.delete(DRONES, { namespace: 'default', name: 'one' });
    const before = testOperator.calls.length;
    await stop(first);
    await pass(5);
    expect([leading(), testOperator.calls.length - before]).to.deep.equal([[false], 0]);
    deaf = false;
    await pass(40);
    expect([leading(), testOperator.calls.length - before]).to.deep.equal([[true], 0]);
  });

  it('list each kind once at the start without another replica', async () => {
    const faults = new FaultInjector();
    start('first', faults.wrapApi(cluster.api));
    await pass(5);
    expect(
      faults.requests.filter(({ verb }) => verb === 'list').map(({ kind }) => kind),
    ).to.have.members(['Drone', 'ConfigMap', 'Service']);
    expect(leading()).to.deep.equal([true]);
  });

  // @promise election/lease-per-scope
  it('have a lease for each set of namespaces and lead side by side', async () => {
    start('first', cluster.api, { watchNamespace: 'default' });
    start('second', cluster.api, { watchNamespace: 'kube-public,kube-system' });
    await pass(5);
    expect(leading()).to.deep.equal([true, true]);
    expect((await cluster.api.list(LEASE, { namespace: 'default' })).items).to.have.length(2);
  });

  // @promise lifecycle/roles-only
  it('never list or watch the whole cluster with permissions in namespaces only', async () => {
    const own = <O extends { readonly namespace?: string }>(options: O | undefined): void => {
      if (options?.namespace === undefined) {
        throw refusal(403, 'Forbidden');
      }
    };
    const api: KubeApi = {
      ...cluster.api,
      list: async (type, options, signal) => (
        own(options),
        cluster.api.list(type, options, signal)
      ),
      watch: (type, options, signal) => (own(options), cluster.api.watch(type, options, signal)),
    };
    const operator = start('first', api, { watchNamespace: 'default,kube-public' });
    await create(configMap('a'));
    await create(drone('one'));
    await create(drone('elsewhere', {}, { namespace: 'kube-system' }));
    await pass(5);
    expect([operator.isLeading(), operator.controller.unavailableKinds()]).to.deep.equal([
      true,
      [],
    ]);
    expect(await services()).to.deep.equal(['of-a']);
  });

  // @promise election/election-problems
  it('log why they cannot acquire the lease', async () => {
    const faults = new FaultInjector();
    faults.fault = ({ kind }) =>
      kind === 'Lease' ? { when: 'before', error: refusal(403) } : undefined;
    start('first', faults.wrapApi(cluster.api));
    await pass(60);
    expect(log).to.deep.equal(['first warn cannot read or write the lease']);
  });

  it('log which kinds they cannot read, at once and every five minutes', async () => {
    const faults = new FaultInjector();
    faults.fault = ({ kind }) =>
      kind === 'ConfigMap' ? { when: 'before', error: refusal(403) } : undefined;
    start('first', faults.wrapApi(cluster.api));
    await pass(700);
    expect(log.filter((line) => line !== 'first info lease acquired')).to.deep.equal(
      Array(3).fill('first warn cannot list or watch a kind'),
    );
  });

  for (const [leaderElection, silent] of [
    [true, 'get'],
    [true, 'list'],
    [false, 'list'],
  ] as const) {
    it(`stop at once while a ${silent} has no response, ${leaderElection ? 'with' : 'without'} election`, async () => {
      const never = (signal: AbortSignal | undefined): Promise<never> =>
        new Promise((_, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      const api: KubeApi = {
        ...cluster.api,
        get: (type, key, signal) =>
          silent === 'get' ? never(signal) : cluster.api.get(type, key, signal),
        list: (type, options, signal) =>
          silent === 'list' ? never(signal) : cluster.api.list(type, options, signal),
      };
      const operator = start('first', api, { enableLeaderElection: leaderElection });
      await pass(0.1);
      let how = 'waiting';
      void operator.ready.then(
        () => (how = 'ready'),
        () => (how = 'stopped'),
      );
      operators = [];
      await Promise.all([operator.stop(), operator.stop()]);
      await pass(0);
      expect([operator.isLeading(), how]).to.deep.equal([false, 'stopped']);
      const holders = (await cluster.api.list(LEASE)).items.map(
        ({ spec }) => (spec as { holderIdentity: string }).holderIdentity,
      );
      expect(holders).to.deep.equal(leaderElection && silent === 'list' ? [''] : []);
    });
  }

  // @promise lifecycle/graceful-stop
  it('stop in order: no new reconciles, the end of running ones, then the lease', async () => {
    const faults = new FaultInjector();
    let finish = (): void => undefined;
    const slow = defineTestOperator({
      A: {
        outputs: [output.services],
        sync: () =>
          new Promise(
            (resolve) =>
              (finish = () => resolve({ next: 'B', outputs: { services: [service('last')] } })),
          ),
      },
      B: {},
    });
    const operator = startQuietly(slow.scheduler, faults);
    await create(drone('one'));
    await settle(cluster, clock, undefined);
    expect(operator.isLeading()).to.equal(true);
    let stopped = false;
    const stopping = operator.stop().then(() => (stopped = true));
    await settle(cluster, clock, undefined);
    expect(stopped).to.equal(false);
    faults.requests.length = 0;
    finish();
    await stopping;
    expect(
      faults.requests
        .filter(({ kind }) => kind !== 'Event')
        .map(({ verb, kind }) => `${verb} ${kind}`),
    ).to.deep.equal(['apply Service', 'patch Drone', 'replace Lease']);
  });

  // @promise election/drain-signal
  it('abort the signal of a worker 30 s after the stop, write nothing of its result, and release the lease', async () => {
    const faults = new FaultInjector();
    const { operator, told } = startListening(faults);
    await create(drone('one'));
    await pass(1);
    let stopped = false;
    const stopping = operator.stop().then(() => (stopped = true));
    await pass(29);
    expect([told()?.aborted, stopped]).to.deep.equal([false, false]);
    faults.requests.length = 0;
    await pass(2);
    await stopping;
    expect([told()?.aborted, (told()?.reason as Error | undefined)?.message]).to.deep.equal([
      true,
      'the operator is stopping',
    ]);
    expect(
      faults.requests.filter(({ verb }) => !['list', 'get', 'watch'].includes(verb)).at(-1),
    ).to.deep.include({ verb: 'replace', kind: 'Lease' });
    expect([
      await services(),
      (await cluster.api.get(DRONES, { namespace: 'default', name: 'one' })).status,
    ]).to.deep.equal([[], undefined]);
  });

  // @promise election/drain-signal
  it('wait five more seconds for a worker that ignores its signal, and then stop', async () => {
    const slow = defineTestOperator({ A: { sync: () => new Promise(() => undefined) }, B: {} });
    const operator = startQuietly(slow.scheduler, new FaultInjector());
    await create(drone('one'));
    await pass(1);
    let stopped = false;
    const stopping = operator.stop().then(() => (stopped = true));
    await pass(34);
    expect(stopped).to.equal(false);
    await pass(2);
    expect(stopped).to.equal(true);
    await stopping;
  });
});
