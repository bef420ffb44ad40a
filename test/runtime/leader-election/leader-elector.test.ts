import { expect } from 'chai';
import type { LeaderElectorOptions } from '../../../runtime/src/leader-election/leader-elector.ts';
import { LeaderElector } from '../../../runtime/src/leader-election/leader-elector.ts';
import { WriteFence } from '../../../runtime/src/leader-election/write-fence.ts';
import type { Clock, KubeApi } from '../../../runtime/src/internal.ts';
import { Cluster, seededRandom, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/testing/settle.ts';
import { FaultInjector, connectionReset, refusal } from '../../integration/fault-injector.ts';

const LEASE = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
const key = { namespace: 'default', name: 'drone-operator' };

function startLeaderElector(options: LeaderElectorOptions, signal: AbortSignal): LeaderElector {
  const elector = new LeaderElector(options);
  void elector.run(signal);
  return elector;
}

describe('the lease', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let stop: AbortController;
  beforeEach(() => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  type Candidate = LeaderElector & {
    /** `acquired` and `lost`, as they happened. */
    readonly history: string[];
  };
  function candidate(
    identity: string,
    api: KubeApi = cluster.api,
    signal: AbortSignal = stop.signal,
  ): Candidate {
    const elector = startLeaderElector(
      { api, clock, random: seededRandom(1), key, identity },
      signal,
    );
    const history: string[] = [];
    void elector.acquired.then(() => history.push('acquired'));
    void elector.lost.then(() => history.push('lost'));
    return Object.assign(elector, { history });
  }
  async function pass(ms: number): Promise<void> {
    const end = clock.monotonic() + ms;
    await settle(cluster, clock, undefined);
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.moveTo(next);
      await settle(cluster, clock, undefined);
    }
    clock.moveTo(end);
  }

  it('is acquired by the first candidate, which may write; the second may not', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(60_000);
    expect([first.history, first.mayWrite(), second.history, second.mayWrite()]).to.deep.equal([
      ['acquired'],
      true,
      [],
      false,
    ]);
    expect(second.holder()).to.equal('first');
  });

  // @promise election/lease
  it('is written as client-go writes it', async () => {
    candidate('first');
    await pass(0);
    const { spec } = await cluster.api.get(LEASE, key);
    expect(spec).to.deep.equal({
      holderIdentity: 'first',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  it('is acquired by a standby within seconds after a release', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    await first.release();
    expect(first.mayWrite()).to.equal(false);
    await pass(2_500);
    expect([second.history, second.mayWrite()]).to.deep.equal([['acquired'], true]);
  });

  it('is acquired from a dead holder after the lease duration, never before', async () => {
    const dying = new AbortController();
    candidate('first', cluster.api, dying.signal);
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    dying.abort();
    await pass(12_000);
    expect(second.history).to.deep.equal([]);
    await pass(8_000);
    expect(second.history).to.deep.equal(['acquired']);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { leaseTransitions: number }).leaseTransitions,
    ).to.equal(1);
  });

  it('is lost, when renewals fail, before another process may acquire it', async () => {
    const faults = new FaultInjector();
    const first = candidate('first', faults.wrapApi(cluster.api));
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    let both = false;
    for (let i = 0; i < 30; i++) {
      await pass(1_000);
      both ||= first.mayWrite() && second.mayWrite();
    }
    expect([first.history, second.history, both]).to.deep.equal([
      ['acquired', 'lost'],
      ['acquired'],
      false,
    ]);
  });

  it('survives a short outage', async () => {
    const faults = new FaultInjector();
    const first = candidate('first', faults.wrapApi(cluster.api));
    await pass(4_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(6_000);
    faults.fault = () => undefined;
    await pass(20_000);
    expect([first.history, first.mayWrite()]).to.deep.equal([['acquired'], true]);
  });

  // @promise election/lease-expiry
  it('counts as expired two seconds early for a process that was frozen', async () => {
    const first = candidate('first');
    await pass(0);
    clock.moveTo(clock.monotonic() + 12_999);
    expect(first.mayWrite()).to.equal(true);
    clock.moveTo(clock.monotonic() + 1);
    expect(first.mayWrite()).to.equal(false);
  });

  const clockCases: readonly {
    readonly name: string;
    readonly wall: number;
    readonly monotonic: number;
  }[] = [
    {
      name: 'the monotonic clock alone: the wall clock was set back by the time that has passed',
      wall: 0,
      monotonic: 1,
    },
    {
      name: 'the wall clock alone: the computer slept, and its monotonic clock stopped',
      wall: 1,
      monotonic: 0,
    },
    {
      name: 'a wall clock that was set back: the time that has passed is unknown',
      wall: -1,
      monotonic: 0,
    },
  ];
  for (const { name, wall, monotonic } of clockCases) {
    // @promise election/lease-expiry
    it(`counts as expired two seconds early by ${name}`, async () => {
      let ms = 0;
      const clockApart: Clock = {
        now: () => clock.now() + wall * ms,
        monotonic: () => clock.monotonic() + monotonic * ms,
        after: (...call) => clock.after(...call),
      };
      const elector = startLeaderElector(
        { api: cluster.api, clock: clockApart, random: seededRandom(1), key, identity: 'first' },
        stop.signal,
      );
      await pass(0);
      const { api } = new WriteFence(cluster.api, () => elector);
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'default' },
      };
      ms = 12_999;
      expect(elector.mayWrite()).to.equal(true);
      await api.create(cluster.typeOf(object), object);
      ms = 13_000;
      expect(elector.mayWrite()).to.equal(false);
      expect(
        await api
          .delete(cluster.typeOf(object), object.metadata)
          .catch((error: Error) => error.name),
      ).to.equal('NotLeaderError');
      expect((await cluster.api.list(cluster.typeOf(object))).items).to.have.length(1);
    });
  }

  // @promise election/lease-expiry
  it('may be renewed after a jump of the wall clock, and allows writes again', async () => {
    let jump = 0;
    const clockApart: Clock = {
      now: () => clock.now() + jump,
      monotonic: () => clock.monotonic(),
      after: (...call) => clock.after(...call),
    };
    const elector = startLeaderElector(
      { api: cluster.api, clock: clockApart, random: seededRandom(1), key, identity: 'first' },
      stop.signal,
    );
    await pass(0);
    jump = 60_000;
    expect(elector.mayWrite()).to.equal(false);
    await pass(2_000);
    expect([elector.mayWrite(), elector.leadershipSignal.aborted]).to.deep.equal([true, false]);
  });

  it('is acquired at once after a release, because a standby watches it', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(10_900);
    await first.release();
    await pass(0);
    expect([second.history, second.mayWrite()]).to.deep.equal([['acquired'], true]);
  });

  it('needs no right to watch: a standby then reads it every two seconds', async () => {
    const faults = new FaultInjector();
    const first = candidate('first');
    await pass(0);
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: refusal(403) } : undefined;
    const second = candidate('second', faults.wrapApi(cluster.api));
    await pass(10_000);
    expect(faults.requests.filter(({ verb }) => verb === 'watch')).to.have.length(1);
    await first.release();
    await pass(2_400);
    expect(second.history).to.deep.equal(['acquired']);
  });

  it('is acquired from a dead holder as soon as it is free', async () => {
    const dying = new AbortController();
    candidate('first', cluster.api, dying.signal);
    await pass(1_000);
    const second = candidate('second');
    await pass(100);
    dying.abort();
    await pass(14_899);
    expect(second.history).to.deep.equal([]);
    await pass(101);
    expect(second.history).to.deep.equal(['acquired']);
  });

  it('is lost ten seconds after the last successful renewal, also when the API server does not respond', async () => {
    let silent = false;
    const never = (signal: AbortSignal | undefined): Promise<never> =>
      new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    const api: KubeApi = {
      ...cluster.api,
      get: (type, at, signal) => (silent ? never(signal) : cluster.api.get(type, at, signal)),
      replace: (type, object, options, signal) =>
        silent ? never(signal) : cluster.api.replace(type, object, options, signal),
    };
    const first = candidate('first', api);
    await pass(4_000);
    silent = true;
    await pass(9_999);
    expect([first.history, first.leadershipSignal.aborted]).to.deep.equal([['acquired'], false]);
    await pass(1);
    expect([first.history, first.leadershipSignal.aborted, first.mayWrite()]).to.deep.equal([
      ['acquired', 'lost'],
      true,
      false,
    ]);
  });

  it('is lost when another process has acquired it while this process was frozen', async () => {
    const first = candidate('first');
    await pass(0);
    const lease = await cluster.api.get(LEASE, key);
    await cluster.api.replace(LEASE, {
      ...lease,
      spec: { ...(lease.spec as object), holderIdentity: 'second' },
    });
    await pass(2_000);
    expect([first.history, first.holder()]).to.deep.equal([['acquired', 'lost'], 'second']);
  });

  it('is kept when only the response to a renewal was lost', async () => {
    const faults = new FaultInjector();
    const first = candidate('first', faults.wrapApi(cluster.api));
    await pass(1_000);
    let lost = 0;
    faults.fault = ({ verb }) =>
      verb === 'replace' && lost++ === 0 ? { when: 'after', error: connectionReset() } : undefined;
    await pass(20_000);
    expect([first.history, first.mayWrite(), lost > 1]).to.deep.equal([['acquired'], true, true]);
  });

  it('costs its holder one request every two seconds', async () => {
    const faults = new FaultInjector();
    candidate('first', faults.wrapApi(cluster.api));
    await pass(1_000);
    faults.requests.length = 0;
    await pass(20_000);
    expect(faults.requestsFor('Lease')).to.deep.equal(
      Array.from({ length: 10 }, () => 'replace drone-operator'),
    );
  });

  it('is released also when another client has changed its metadata', async () => {
    const first = candidate('first');
    await pass(1_000);
    await cluster.api.patch(LEASE, key, {
      type: 'merge',
      body: { metadata: { annotations: { touched: 'yes' } } },
    });
    await first.release();
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('');
  });

  it('is not released when another process holds it', async () => {
    const first = candidate('first');
    await pass(1_000);
    await cluster.api.patch(LEASE, key, {
      type: 'merge',
      body: { spec: { holderIdentity: 'second' } },
    });
    await first.release();
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('second');
  });

  // @promise election/deleted-lease
  it('stays with its holder when the Lease is deleted: a standby waits for the lease duration', async () => {
    const first = candidate('first');
    await pass(500);
    const second = candidate('second');
    await pass(10_000);
    let both = false;
    for (let i = 0; i < 100; i++) {
      if (i % 20 === 5) {
        await cluster.api.delete(LEASE, key);
      }
      await pass(100);
      both ||= first.mayWrite() && second.mayWrite();
    }
    expect([first.history, second.history, both]).to.deep.equal([['acquired'], [], false]);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('first');
  });

  // @promise election/deleted-lease
  it('lets one process write when the Lease is deleted and a new process stands for election', async () => {
    for (const at of [100, 700, 1_300, 1_900]) {
      const own = new AbortController();
      const holder = candidate('holder', cluster.api, own.signal);
      await pass(20_000);
      expect(holder.mayWrite()).to.equal(true);
      await pass(at);
      await cluster.api.delete(LEASE, key);
      const fresh = candidate('fresh', cluster.api, own.signal);
      let both = 0;
      for (let i = 0; i < 300; i++) {
        await pass(10);
        if (holder.mayWrite() && fresh.mayWrite()) {
          both++;
        }
      }
      expect(
        [both, holder.mayWrite() !== fresh.mayWrite()],
        `${at} ms after a renewal`,
      ).to.deep.equal([0, true]);
      own.abort();
      await cluster.api.delete(LEASE, key);
    }
  });

  // @promise election/deleted-lease
  it('is created again at once by its holder when the Lease is deleted', async () => {
    const holder = candidate('holder');
    await pass(20_100);
    await cluster.api.delete(LEASE, key);
    await pass(0);
    expect([holder.mayWrite(), holder.history]).to.deep.equal([true, ['acquired']]);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('holder');
  });

  // @promise election/deleted-lease
  it('is lost at once when a user writes another holder', async () => {
    const holder = candidate('holder');
    await pass(20_100);
    await cluster.api.patch(LEASE, key, {
      type: 'merge',
      body: { spec: { holderIdentity: 'thief' } },
    });
    await pass(0);
    expect([holder.mayWrite(), holder.history]).to.deep.equal([false, ['acquired', 'lost']]);
  });

  // @promise election/election-problems
  it('reports why it cannot be read: once for each reason, and again after a success', async () => {
    const faults = new FaultInjector();
    const reasons: string[] = [];
    faults.fault = () => ({ when: 'before', error: refusal(403) });
    startLeaderElector(
      {
        api: faults.wrapApi(cluster.api),
        clock,
        random: seededRandom(1),
        key,
        identity: 'first',
        onError: (reason) => void reasons.push(reason),
      },
      stop.signal,
    );
    await pass(20_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(20_000);
    expect(reasons).to.deep.equal(['refused with 403', 'the connection was reset']);
    faults.fault = () => undefined;
    await pass(5_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(5_000);
    expect(reasons).to.deep.equal([
      'refused with 403',
      'the connection was reset',
      'the connection was reset',
    ]);
  });

  // @promise election/election-problems
  it('reports no error when two candidates write at once', async () => {
    const reasons: string[] = [];
    for (const identity of ['first', 'second']) {
      startLeaderElector(
        {
          api: cluster.api,
          clock,
          random: seededRandom(1),
          key,
          identity,
          onError: (reason) => void reasons.push(reason),
        },
        stop.signal,
      );
    }
    await pass(20_000);
    expect(reasons).to.deep.equal([]);
  });

  describe('write fence', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    };
    const refusedMessage = 'write not sent: this process does not hold the leader lease (any more)';
    const refused = async (write: Promise<unknown>): Promise<unknown> =>
      write.catch((error: Error) => error.message);

    it('refuses every write and passes every read while the lease is not held', async () => {
      let held = false;
      const { api } = new WriteFence(cluster.api, () => ({
        mayWrite: () => held,
        leadershipSignal: new AbortController().signal,
      }));
      const type = cluster.typeOf(object);
      expect(await refused(api.create(type, object))).to.equal(refusedMessage);
      expect(await refused(api.apply(type, object, { fieldManager: 'x' }))).to.equal(
        refusedMessage,
      );
      expect((await api.list(type)).items).to.deep.equal([]);
      held = true;
      await api.create(type, object);
      held = false;
      expect(await refused(api.delete(type, object.metadata))).to.equal(refusedMessage);
      expect(await refused(api.patch(type, object.metadata, { type: 'merge', body: {} }))).to.equal(
        refusedMessage,
      );
      expect(await refused(api.replace(type, object))).to.equal(refusedMessage);
      expect((await api.get(type, object.metadata)).metadata.name).to.equal('a');
    });

    it('refuses every write before there is an election', async () => {
      const { api } = new WriteFence(cluster.api, () => undefined);
      expect(await refused(api.create(cluster.typeOf(object), object))).to.equal(refusedMessage);
    });

    // @promise election/lease-expiry
    it('aborts a write without a response when the lease is lost', async () => {
      const held = new AbortController();
      const silentApi: KubeApi = {
        ...cluster.api,
        create: (_, __, ___, signal) =>
          new Promise((_resolve, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      };
      const fence = new WriteFence(silentApi, () => ({
        mayWrite: () => true,
        leadershipSignal: held.signal,
      }));
      const write = refused(fence.api.create(cluster.typeOf(object), object));
      let isSettled = false;
      void fence.writesSettled().then(() => (isSettled = true));
      await settle(cluster, clock, undefined);
      expect(isSettled).to.equal(false);
      held.abort(new Error('lost'));
      expect(await write).to.equal('lost');
      await settle(cluster, clock, undefined);
      expect(isSettled).to.equal(true);
    });

    it('checks again when a request is sent, if the client supports that check', async () => {
      let held = true;
      const guardableApi = {
        ...cluster.api,
        withWriteCheck: (check: () => void): KubeApi => ({
          ...cluster.api,
          create: async (...call) => {
            held = false;
            check();
            return cluster.api.create(...call);
          },
        }),
      };
      const { api } = new WriteFence(guardableApi, () => ({
        mayWrite: () => held,
        leadershipSignal: new AbortController().signal,
      }));
      expect(await refused(api.create(cluster.typeOf(object), object))).to.equal(refusedMessage);
    });
  });
});
