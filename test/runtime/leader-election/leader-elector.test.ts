import { expect } from 'chai';
import type { LeaderElector } from '../../../runtime/src/leader-election/leader-elector.ts';
import { startLeaderElector } from '../../../runtime/src/leader-election/leader-elector.ts';
import { createWriteFence } from '../../../runtime/src/leader-election/write-fence.ts';
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

  interface Candidate extends LeaderElector {
    readonly told: string[];
  }
  function candidate(
    identity: string,
    api: KubeApi = cluster.api,
    own: AbortSignal = stop.signal,
  ): Candidate {
    const election = startLeaderElector(
      { api, clock, random: seededRandom(1), key, identity },
      own,
    );
    const told: string[] = [];
    void election.acquired.then(() => told.push('won'));
    void election.lost.then(() => told.push('lost'));
    return { ...election, told };
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

  it('goes to the first one that asks; it may write, the other may not', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(60_000);
    expect([first.told, first.mayWrite(), second.told, second.mayWrite()]).to.deep.equal([
      ['won'],
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

  it('is taken over within seconds when it is given back', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    await first.release();
    expect(first.mayWrite()).to.equal(false);
    await pass(2_500);
    expect([second.told, second.mayWrite()]).to.deep.equal([['won'], true]);
  });

  it('of a holder that has died is taken over after its duration, never before', async () => {
    const dying = new AbortController();
    candidate('first', cluster.api, dying.signal);
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    dying.abort();
    await pass(12_000);
    expect(second.told).to.deep.equal([]);
    await pass(8_000);
    expect(second.told).to.deep.equal(['won']);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { leaseTransitions: number }).leaseTransitions,
    ).to.equal(1);
  });

  it('that cannot be renewed is given up before anybody else may take it', async () => {
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
    expect([first.told, second.told, both]).to.deep.equal([['won', 'lost'], ['won'], false]);
  });

  it('survives a short outage', async () => {
    const faults = new FaultInjector();
    const first = candidate('first', faults.wrapApi(cluster.api));
    await pass(4_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(6_000);
    faults.fault = () => undefined;
    await pass(20_000);
    expect([first.told, first.mayWrite()]).to.deep.equal([['won'], true]);
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

  const apart: readonly {
    readonly hands: string;
    readonly wall: number;
    readonly monotonic: number;
  }[] = [
    {
      hands: 'the monotonic clock alone: the wall clock was set back by as much as has passed',
      wall: 0,
      monotonic: 1,
    },
    {
      hands: 'the wall clock alone: the machine slept, and the monotonic clock with it',
      wall: 1,
      monotonic: 0,
    },
    {
      hands: 'a wall clock that was set back: nobody knows how long it has been',
      wall: -1,
      monotonic: 0,
    },
  ];
  for (const { hands, wall, monotonic } of apart) {
    // @promise election/lease-expiry
    it(`counts as expired two seconds early by ${hands}`, async () => {
      let ms = 0;
      const clockApart: Clock = {
        now: () => clock.now() + wall * ms,
        monotonic: () => clock.monotonic() + monotonic * ms,
        after: (...call) => clock.after(...call),
      };
      const election = startLeaderElector(
        { api: cluster.api, clock: clockApart, random: seededRandom(1), key, identity: 'first' },
        stop.signal,
      );
      await pass(0);
      const { api } = createWriteFence(cluster.api, () => election);
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'default' },
      };
      ms = 12_999;
      expect(election.mayWrite()).to.equal(true);
      await api.create(cluster.typeOf(object), object);
      ms = 13_000;
      expect(election.mayWrite()).to.equal(false);
      expect(
        await api
          .delete(cluster.typeOf(object), object.metadata)
          .catch((error: Error) => error.name),
      ).to.equal('NotLeaderError');
      expect((await cluster.api.list(cluster.typeOf(object))).items).to.have.length(1);
    });
  }

  // @promise election/lease-expiry
  it('that only seemed to have run out, because the wall clock jumped, counts again when it is renewed', async () => {
    let jump = 0;
    const clockApart: Clock = {
      now: () => clock.now() + jump,
      monotonic: () => clock.monotonic(),
      after: (...call) => clock.after(...call),
    };
    const election = startLeaderElector(
      { api: cluster.api, clock: clockApart, random: seededRandom(1), key, identity: 'first' },
      stop.signal,
    );
    await pass(0);
    jump = 60_000;
    expect(election.mayWrite()).to.equal(false);
    await pass(2_000);
    expect([election.mayWrite(), election.leadershipSignal.aborted]).to.deep.equal([true, false]);
  });

  it('is taken at once when it is given back: a standby watches it', async () => {
    const first = candidate('first');
    await pass(0);
    const second = candidate('second');
    await pass(10_900);
    await first.release();
    await pass(0);
    expect([second.told, second.mayWrite()]).to.deep.equal([['won'], true]);
  });

  it('needs no right to watch: a standby then looks every two seconds', async () => {
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
    expect(second.told).to.deep.equal(['won']);
  });

  it('of a holder that has died is taken as soon as it may be', async () => {
    const dying = new AbortController();
    candidate('first', cluster.api, dying.signal);
    await pass(1_000);
    const second = candidate('second');
    await pass(100);
    dying.abort();
    await pass(14_899);
    expect(second.told).to.deep.equal([]);
    await pass(101);
    expect(second.told).to.deep.equal(['won']);
  });

  it('is lost ten seconds after the last good renewal, also when the API server does not answer at all', async () => {
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
    expect([first.told, first.leadershipSignal.aborted]).to.deep.equal([['won'], false]);
    await pass(1);
    expect([first.told, first.leadershipSignal.aborted, first.mayWrite()]).to.deep.equal([
      ['won', 'lost'],
      true,
      false,
    ]);
  });

  it('is lost when somebody else has it, which a process finds that was frozen', async () => {
    const first = candidate('first');
    await pass(0);
    const lease = await cluster.api.get(LEASE, key);
    await cluster.api.replace(LEASE, {
      ...lease,
      spec: { ...(lease.spec as object), holderIdentity: 'second' },
    });
    await pass(2_000);
    expect([first.told, first.holder()]).to.deep.equal([['won', 'lost'], 'second']);
  });

  it('is kept when only the answer to a renewal was lost', async () => {
    const faults = new FaultInjector();
    const first = candidate('first', faults.wrapApi(cluster.api));
    await pass(1_000);
    let lost = 0;
    faults.fault = ({ verb }) =>
      verb === 'replace' && lost++ === 0 ? { when: 'after', error: connectionReset() } : undefined;
    await pass(20_000);
    expect([first.told, first.mayWrite(), lost > 1]).to.deep.equal([['won'], true, true]);
  });

  it('is one request each two seconds for the holder', async () => {
    const faults = new FaultInjector();
    candidate('first', faults.wrapApi(cluster.api));
    await pass(1_000);
    faults.requests.length = 0;
    await pass(20_000);
    expect(faults.requestsFor('Lease')).to.deep.equal(
      Array.from({ length: 10 }, () => 'replace drone-operator'),
    );
  });

  it('is given back also when somebody has touched it meanwhile', async () => {
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

  it('that has gone to somebody else is not given back', async () => {
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
  it('that somebody deletes stays with its holder: a standby waits as if the holder had fallen silent', async () => {
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
    expect([first.told, second.told, both]).to.deep.equal([['won'], [], false]);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('first');
  });

  // @promise election/deleted-lease
  it('that somebody deletes lets only one write, also when a process comes at once that has seen no holder', async () => {
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
  it('that somebody deletes is made again at once by its holder', async () => {
    const holder = candidate('holder');
    await pass(20_100);
    await cluster.api.delete(LEASE, key);
    await pass(0);
    expect([holder.mayWrite(), holder.told]).to.deep.equal([true, ['won']]);
    expect(
      ((await cluster.api.get(LEASE, key)).spec as { holderIdentity: string }).holderIdentity,
    ).to.equal('holder');
  });

  // @promise election/deleted-lease
  it('that somebody takes away by hand is lost at once', async () => {
    const holder = candidate('holder');
    await pass(20_100);
    await cluster.api.patch(LEASE, key, {
      type: 'merge',
      body: { spec: { holderIdentity: 'thief' } },
    });
    await pass(0);
    expect([holder.mayWrite(), holder.told]).to.deep.equal([false, ['won', 'lost']]);
  });

  // @promise election/election-problems
  it('that cannot be had is said, once for each reason, and again when it was had in between', async () => {
    const faults = new FaultInjector();
    const said: string[] = [];
    faults.fault = () => ({ when: 'before', error: refusal(403) });
    startLeaderElector(
      {
        api: faults.wrapApi(cluster.api),
        clock,
        random: seededRandom(1),
        key,
        identity: 'first',
        onError: (reason) => void said.push(reason),
      },
      stop.signal,
    );
    await pass(20_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(20_000);
    expect(said).to.deep.equal(['refused with 403', 'the connection was reset']);
    faults.fault = () => undefined;
    await pass(5_000);
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    await pass(5_000);
    expect(said).to.deep.equal([
      'refused with 403',
      'the connection was reset',
      'the connection was reset',
    ]);
  });

  // @promise election/election-problems
  it('that two want at once is nothing to complain about', async () => {
    const said: string[] = [];
    for (const identity of ['first', 'second']) {
      startLeaderElector(
        {
          api: cluster.api,
          clock,
          random: seededRandom(1),
          key,
          identity,
          onError: (reason) => void said.push(reason),
        },
        stop.signal,
      );
    }
    await pass(20_000);
    expect(said).to.deep.equal([]);
  });

  describe('as a fence', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    };
    const sentence = 'the lease is not held any more: nothing was written';
    const refused = async (write: Promise<unknown>): Promise<unknown> =>
      write.catch((error: Error) => error.message);

    it('that is not held lets no write through, and all reads', async () => {
      let held = false;
      const { api } = createWriteFence(cluster.api, () => ({
        mayWrite: () => held,
        leadershipSignal: new AbortController().signal,
      }));
      const type = cluster.typeOf(object);
      expect(await refused(api.create(type, object))).to.equal(sentence);
      expect(await refused(api.apply(type, object, { fieldManager: 'x' }))).to.equal(sentence);
      expect((await api.list(type)).items).to.deep.equal([]);
      held = true;
      await api.create(type, object);
      held = false;
      expect(await refused(api.delete(type, object.metadata))).to.equal(sentence);
      expect(await refused(api.patch(type, object.metadata, { type: 'merge', body: {} }))).to.equal(
        sentence,
      );
      expect(await refused(api.replace(type, object))).to.equal(sentence);
      expect((await api.get(type, object.metadata)).metadata.name).to.equal('a');
    });

    it('lets nothing through before there is an election', async () => {
      const { api } = createWriteFence(cluster.api, () => undefined);
      expect(await refused(api.create(cluster.typeOf(object), object))).to.equal(sentence);
    });

    // @promise election/lease-expiry
    it('gives up a write that was not answered when the lease is lost', async () => {
      const held = new AbortController();
      const door: KubeApi = {
        ...cluster.api,
        create: (_, __, ___, signal) =>
          new Promise((_resolve, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      };
      const fence = createWriteFence(door, () => ({
        mayWrite: () => true,
        leadershipSignal: held.signal,
      }));
      const write = refused(fence.api.create(cluster.typeOf(object), object));
      let quiet = false;
      void fence.writesSettled().then(() => (quiet = true));
      await settle(cluster, clock, undefined);
      expect(quiet).to.equal(false);
      held.abort(new Error('lost'));
      expect(await write).to.equal('lost');
      await settle(cluster, clock, undefined);
      expect(quiet).to.equal(true);
    });

    it('looks again in the moment a request leaves, where the door can', async () => {
      let held = true;
      const door = {
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
      const { api } = createWriteFence(door, () => ({
        mayWrite: () => held,
        leadershipSignal: new AbortController().signal,
      }));
      expect(await refused(api.create(cluster.typeOf(object), object))).to.equal(sentence);
    });
  });
});
