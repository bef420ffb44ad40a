import { expect } from 'chai';
import type { Election } from '../../../runtime/src/kube/lease.ts';
import { campaign, fenced } from '../../../runtime/src/kube/lease.ts';
import type { KubeApi } from '../../../runtime/src/ports.ts';
import { Cluster, seeded, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/kit/settle.ts';
import { Faults, noAnswer } from '../../flights/faults.ts';

const LEASE = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true };
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

  interface Candidate extends Election {
    readonly told: string[];
  }
  function candidate(identity: string, api: KubeApi = cluster.api, own: AbortSignal = stop.signal): Candidate {
    const election = campaign({ api, clock, random: seeded(1), key, identity }, own);
    const told: string[] = [];
    void election.won.then(() => told.push('won'));
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
    expect([first.told, first.valid(), second.told, second.valid()]).to.deep.equal([['won'], true, [], false]);
    expect(second.holder()).to.equal('first');
  });

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
    expect(first.valid()).to.equal(false);
    await pass(2_500);
    expect([second.told, second.valid()]).to.deep.equal([['won'], true]);
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
    expect(((await cluster.api.get(LEASE, key)).spec as { leaseTransitions: number }).leaseTransitions).to.equal(1);
  });

  it('that cannot be renewed is given up before anybody else may take it', async () => {
    const faults = new Faults();
    const first = candidate('first', faults.through(cluster.api));
    await pass(0);
    const second = candidate('second');
    await pass(10_000);
    faults.fault = () => ({ when: 'before', error: noAnswer() });
    let both = false;
    for (let i = 0; i < 30; i++) {
      await pass(1_000);
      both ||= first.valid() && second.valid();
    }
    expect([first.told, second.told, both]).to.deep.equal([['won', 'lost'], ['won'], false]);
  });

  it('survives a short outage', async () => {
    const faults = new Faults();
    const first = candidate('first', faults.through(cluster.api));
    await pass(4_000);
    faults.fault = () => ({ when: 'before', error: noAnswer() });
    await pass(6_000);
    faults.fault = () => undefined;
    await pass(20_000);
    expect([first.told, first.valid()]).to.deep.equal([['won'], true]);
  });

  it('counts as expired two seconds early for a process that was frozen', async () => {
    const first = candidate('first');
    await pass(0);
    clock.moveTo(clock.monotonic() + 12_999);
    expect(first.valid()).to.equal(true);
    clock.moveTo(clock.monotonic() + 1);
    expect(first.valid()).to.equal(false);
  });

  it('that is not held lets no write through, and all reads', async () => {
    let held = false;
    const api = fenced(cluster.api, () => held);
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } };
    const type = cluster.typeOf(object);
    const refused = async (write: Promise<unknown>): Promise<unknown> => write.catch((error: Error) => error.message);
    const sentence = 'the lease is not held any more: nothing was written';
    expect(await refused(api.create(type, object))).to.equal(sentence);
    expect(await refused(api.apply(type, object, { fieldManager: 'x' }))).to.equal(sentence);
    expect((await api.list(type)).items).to.deep.equal([]);
    held = true;
    await api.create(type, object);
    held = false;
    expect(await refused(api.delete(type, object.metadata))).to.equal(sentence);
    expect(await refused(api.patch(type, object.metadata, { type: 'merge', body: {} }))).to.equal(sentence);
    expect(await refused(api.replace(type, object))).to.equal(sentence);
    expect((await api.get(type, object.metadata)).metadata.name).to.equal('a');
  });
});
