import { expect } from 'chai';
import type { KubeObject, OperatorOptions } from '../../../runtime/src/ports.ts';
import { leaseName } from '../../../runtime/src/kube/names.ts';
import { noAnswer, refusal } from '../../flights/faults.ts';
import type { Phase, TestMachine } from '../../flights/machines.ts';
import {
  conditions,
  configMap,
  drone,
  DRONES,
  input,
  machine,
  readyMessage,
} from '../../flights/machines.ts';
import { Stage } from '../stage.ts';

const EVENTS = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
const BLOCKED = [
  'Ready=False WorkerBlocked',
  'Reconciling=True WorkerBlocked',
  'WorkerBlocked=True WorkerBlocked',
];

describe('a resource whose worker blocked the last process', () => {
  let stage: Stage;
  beforeEach(async () => void (stage = await Stage.set()));
  afterEach(() => stage.stop());

  const heldBack = (): NonNullable<OperatorOptions['heldBack']> => [
    { resource: 'default/one', failures: 7, reason: 'it blocked', at: stage.clock.now() },
  ];
  const start = ({ scheduler }: TestMachine): Promise<unknown> =>
    stage.start(scheduler, { heldBack: heldBack() });
  const key = { namespace: 'default', name: 'one' };
  const one = (): Promise<KubeObject> => stage.cluster.api.get(DRONES, key);
  const patch = (body: object): Promise<KubeObject> =>
    stage.cluster.api.patch(DRONES, key, { type: 'merge', body });
  const working = (more: Readonly<Record<string, Phase>> = {}, first: Phase = {}): TestMachine =>
    machine({ A: { sync: () => ({ next: 'A' }), ...first }, ...more });
  const called = ({ calls }: TestMachine): readonly string[] =>
    calls.map(({ phase, resource }) => `${phase} ${resource}`);
  const statusWrites = (): number =>
    stage.faults.requests.filter(({ verb, name }) => verb === 'patch' && name === 'one').length;

  it('waits half a minute, everything else goes on, and an Event says so', async () => {
    const flown = working();
    await stage.create(drone('one'), drone('two'));
    await start(flown);
    await stage.pass(31);
    expect(called(flown)).to.deep.equal(['A two']);
    await stage.pass(1);
    expect(called(flown)).to.deep.equal(['A two', 'A one']);
    const { items } = await stage.cluster.api.list(EVENTS);
    expect(items.map((event) => (event as unknown as { note: string }).note)).to.include(
      'it blocked',
    );
  });

  // @promise lifecycle/blocked-record
  it('is not held back by a process that leads only an hour later: nobody can know what has happened since', async () => {
    const flown = working();
    const spec = { holderIdentity: 'another', leaseDurationSeconds: 3_600 };
    await stage.create(drone('one'), {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: leaseName(flown.scheduler.operatorName, []) },
      spec,
    });
    const config = {
      leaderElection: true,
      leaderElectionNamespace: 'default',
      workIntervalMs: 3_600_000,
    };
    await stage.start(flown.scheduler, { heldBack: heldBack(), config });
    await stage.pass(3_599);
    expect(called(flown)).to.deep.equal([]);
    await stage.pass(3);
    expect([called(flown), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  // @promise lifecycle/blocked-event-loop
  it('says so in a condition too, in one write; the next sync that goes well takes it away, in its own', async () => {
    const flown = working({}, { ready: true });
    await stage.create(drone('one'));
    await start(flown);
    expect(conditions(await one())).to.deep.equal(BLOCKED);
    expect([readyMessage(await one()), statusWrites()]).to.deep.equal(['it blocked', 1]);
    await stage.pass(31);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([BLOCKED, 1]);
    await stage.pass(1);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([['Ready=True A'], 2]);
  });

  it('costs no write more where the last process has said it already', async () => {
    const flown = working();
    await stage.create(drone('one'));
    await start(flown);
    await stage.stop();
    await start(flown);
    expect([conditions(await one()), statusWrites(), called(flown)]).to.deep.equal([
      BLOCKED,
      1,
      [],
    ]);
  });

  // @promise lifecycle/blocked-event-loop
  it('is told of again when that could not be written, and does not wait longer for it', async () => {
    const flown = working();
    await stage.create(drone('one'));
    let refused = 0;
    stage.faults.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'one' && refused++ < 2
        ? { when: refused === 1 ? 'before' : 'after', error: noAnswer() }
        : undefined;
    await start(flown);
    await stage.pass(10);
    expect([refused > 2, conditions(await one()), called(flown)]).to.deep.equal([
      false,
      BLOCKED,
      [],
    ]);
    await stage.pass(22);
    expect([conditions(await one()), called(flown)]).to.deep.equal([
      ['Ready=False A', 'Reconciling=True A'],
      ['A one'],
    ]);
  });

  it('is worked on after its time also where the condition can never be written', async () => {
    const flown = working();
    await stage.create(drone('one'));
    stage.faults.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'one' && flown.calls.length === 0
        ? { when: 'before', error: refusal(500) }
        : undefined;
    await start(flown);
    await stage.pass(31);
    expect(called(flown)).to.deep.equal([]);
    await stage.pass(60);
    expect([called(flown), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  it('waits whatever changes around it, and not when it is changed itself', async () => {
    const flown = working({}, { inputs: [input.configmaps] });
    await stage.create(drone('one'));
    await start(flown);
    await stage.create(configMap('a'));
    await stage.pass(1);
    await patch({ metadata: { annotations: { any: 'thing' } } });
    await stage.pass(1);
    expect(called(flown)).to.deep.equal([]);
    await patch({ spec: { other: true } });
    await stage.pass(1);
    expect([called(flown), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  it('moves on when the time of its phase is up: another worker may be called', async () => {
    const flown = working(
      { B: { sync: () => ({ next: 'B' }) } },
      { timeout: '10s', onTimeout: 'B' },
    );
    await stage.create(drone('one'));
    await start(flown);
    await stage.pass(9);
    expect(called(flown)).to.deep.equal([]);
    await stage.pass(2);
    expect(called(flown)).to.deep.equal(['B one']);
  });

  it('waits with its finalizer too, when it was being deleted', async () => {
    let finalized = 0;
    const flown = machine(
      { A: { sync: () => ({ next: 'A' }) } },
      { finalize: () => ({ done: ++finalized > 0 }) },
    );
    await stage.create(drone('one', {}, { finalizers: ['flights.autopilot.test/drone-operator'] }));
    await stage.cluster.api.delete(DRONES, key);
    await start(flown);
    await stage.pass(31);
    expect([finalized, conditions(await one())]).to.deep.equal([0, BLOCKED]);
    await stage.pass(1);
    expect([finalized, (await stage.cluster.api.list(DRONES)).items]).to.deep.equal([1, []]);
  });
});
