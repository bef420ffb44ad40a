import { expect } from 'chai';
import type { KubeObject, Operator, Scheduler } from '../../../runtime/src/ports.ts';
import { startOperator } from '../../../runtime/src/ports.ts';
import { Cluster, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/kit/settle.ts';
import { Faults, noAnswer, refusal } from '../../flights/faults.ts';
import type { Phase, TestMachine } from '../../flights/machines.ts';
import { conditions, configMap, drone, DRONE_CRD, DRONES, input, machine, readyMessage } from '../../flights/machines.ts';

const EVENTS = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
const BLOCKED = ['Ready=False WorkerBlocked', 'Reconciling=True WorkerBlocked', 'WorkerBlocked=True WorkerBlocked'];

describe('a resource whose worker blocked the last process', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let faults: Faults;
  let operator: Operator | undefined;
  beforeEach(async () => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    faults = new Faults();
    operator = undefined;
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
  });
  afterEach(async () => {
    await operator?.stop();
  });

  async function start(scheduler: Scheduler): Promise<void> {
    operator = startOperator({
      scheduler,
      api: faults.through(cluster.api),
      clock,
      random: () => 0.5,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      config: { workIntervalMs: 3_600_000 },
      heldBack: [{ resource: 'default/one', failures: 7, reason: 'it blocked' }],
    });
    await pass(0);
  }
  async function pass(seconds: number): Promise<void> {
    const end = clock.monotonic() + seconds * 1000;
    await settle(cluster, clock, operator);
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.moveTo(next);
      await settle(cluster, clock, operator);
    }
    clock.moveTo(end);
  }
  async function create(...objects: ReturnType<typeof drone>[]): Promise<void> {
    for (const object of objects) await cluster.api.create(cluster.typeOf(object), { ...object, metadata: { namespace: 'default', ...object.metadata } });
  }
  const key = { namespace: 'default', name: 'one' };
  const one = (): Promise<KubeObject> => cluster.api.get(DRONES, key);
  const patch = (body: object): Promise<KubeObject> => cluster.api.patch(DRONES, key, { type: 'merge', body });
  const working = (more: Readonly<Record<string, Phase>> = {}, first: Phase = {}): TestMachine =>
    machine({ A: { sync: () => ({ next: 'A' }), ...first }, ...more });
  const called = ({ calls }: TestMachine): readonly string[] => calls.map(({ phase, resource }) => `${phase} ${resource}`);
  const statusWrites = (): number => faults.requests.filter(({ verb, name }) => verb === 'patch' && name === 'one').length;

  it('waits half a minute, everything else goes on, and an Event says so', async () => {
    const flown = working();
    await create(drone('one'), drone('two'));
    await start(flown.scheduler);
    await pass(31);
    expect(called(flown)).to.deep.equal(['A two']);
    await pass(1);
    expect(called(flown)).to.deep.equal(['A two', 'A one']);
    const { items } = await cluster.api.list(EVENTS);
    expect(items.map((event) => (event as unknown as { note: string }).note)).to.include('it blocked');
  });

  it('says so in a condition too, in one write; the next sync that goes well takes it away, in its own', async () => {
    const flown = working({}, { ready: true });
    await create(drone('one'));
    await start(flown.scheduler);
    expect(conditions(await one())).to.deep.equal(BLOCKED);
    expect([readyMessage(await one()), statusWrites()]).to.deep.equal(['it blocked', 1]);
    await pass(31);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([BLOCKED, 1]);
    await pass(1);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([['Ready=True A'], 2]);
  });

  it('costs no write more where the last process has said it already', async () => {
    const flown = working();
    await create(drone('one'));
    await start(flown.scheduler);
    await operator?.stop();
    await start(flown.scheduler);
    expect([conditions(await one()), statusWrites(), called(flown)]).to.deep.equal([BLOCKED, 1, []]);
  });

  it('is told of again when that could not be written, and does not wait longer for it', async () => {
    const flown = working();
    await create(drone('one'));
    let refused = 0;
    faults.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'one' && refused++ < 2 ? { when: refused === 1 ? 'before' : 'after', error: noAnswer() } : undefined;
    await start(flown.scheduler);
    await pass(10);
    expect([refused > 2, conditions(await one()), called(flown)]).to.deep.equal([false, BLOCKED, []]);
    await pass(22);
    expect([conditions(await one()), called(flown)]).to.deep.equal([['Ready=False A', 'Reconciling=True A'], ['A one']]);
  });

  it('is worked on after its time also where the condition can never be written', async () => {
    const flown = working();
    await create(drone('one'));
    faults.fault = ({ verb, name }) => (verb === 'patch' && name === 'one' && flown.calls.length === 0 ? { when: 'before', error: refusal(500) } : undefined);
    await start(flown.scheduler);
    await pass(31);
    expect(called(flown)).to.deep.equal([]);
    await pass(60);
    expect([called(flown), conditions(await one())]).to.deep.equal([['A one'], ['Ready=False A', 'Reconciling=True A']]);
  });

  it('waits whatever changes around it, and not when it is changed itself', async () => {
    const flown = working({}, { inputs: [input.configmaps] });
    await create(drone('one'));
    await start(flown.scheduler);
    await create(configMap('a'));
    await pass(1);
    await patch({ metadata: { annotations: { any: 'thing' } } });
    await pass(1);
    expect(called(flown)).to.deep.equal([]);
    await patch({ spec: { other: true } });
    await pass(1);
    expect([called(flown), conditions(await one())]).to.deep.equal([['A one'], ['Ready=False A', 'Reconciling=True A']]);
  });

  it('moves on when the time of its phase is up: another worker may be called', async () => {
    const flown = working({ B: { sync: () => ({ next: 'B' }) } }, { timeout: '10s', onTimeout: 'B' });
    await create(drone('one'));
    await start(flown.scheduler);
    await pass(9);
    expect(called(flown)).to.deep.equal([]);
    await pass(2);
    expect(called(flown)).to.deep.equal(['B one']);
  });

  it('waits with its finalizer too, when it was being deleted', async () => {
    let finalized = 0;
    const flown = machine({ A: { sync: () => ({ next: 'A' }) } }, { finalize: () => ({ done: ++finalized > 0 }) });
    await create(drone('one', {}, { finalizers: ['flights.autopilot.test/drone-operator'] }));
    await cluster.api.delete(DRONES, key);
    await start(flown.scheduler);
    await pass(31);
    expect([finalized, conditions(await one())]).to.deep.equal([0, BLOCKED]);
    await pass(1);
    expect([finalized, (await cluster.api.list(DRONES)).items]).to.deep.equal([1, []]);
  });
});
