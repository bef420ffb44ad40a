import { expect } from 'chai';
import type { KubeObject, OperatorOptions } from '../../../runtime/src/internal.ts';
import { leaseName } from '../../../runtime/src/client/well-known-names.ts';
import { connectionReset, refusal } from '../../integration/fault-injector.ts';
import type { TestPhase, TestOperator } from '../../integration/test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  DRONES,
  input,
  defineTestOperator,
  readyMessage,
} from '../../integration/test-operators.ts';
import { OperatorHarness } from '../operator-harness.ts';

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
  let harness: OperatorHarness;
  beforeEach(async () => void (harness = await OperatorHarness.create()));
  afterEach(() => harness.stop());

  const deferredResources = (): NonNullable<OperatorOptions['deferredResources']> => [
    { resource: 'default/one', failures: 7, reason: 'it blocked', at: harness.clock.now() },
  ];
  const start = ({ scheduler }: TestOperator): Promise<unknown> =>
    harness.start(scheduler, { deferredResources: deferredResources() });
  const key = { namespace: 'default', name: 'one' };
  const one = (): Promise<KubeObject> => harness.cluster.api.get(DRONES, key);
  const patch = (body: object): Promise<KubeObject> =>
    harness.cluster.api.patch(DRONES, key, { type: 'merge', body });
  const working = (
    more: Readonly<Record<string, TestPhase>> = {},
    first: TestPhase = {},
  ): TestOperator => defineTestOperator({ A: { sync: () => ({ next: 'A' }), ...first }, ...more });
  const called = ({ calls }: TestOperator): readonly string[] =>
    calls.map(({ phase, resource }) => `${phase} ${resource}`);
  const statusWrites = (): number =>
    harness.faults.requests.filter(({ verb, name }) => verb === 'patch' && name === 'one').length;

  it('waits half a minute, everything else goes on, and an Event says so', async () => {
    const testOperator = working();
    await harness.createObjects(drone('one'), drone('two'));
    await start(testOperator);
    await harness.advance(31);
    expect(called(testOperator)).to.deep.equal(['A two']);
    await harness.advance(1);
    expect(called(testOperator)).to.deep.equal(['A two', 'A one']);
    const { items } = await harness.cluster.api.list(EVENTS);
    expect(items.map((event) => (event as unknown as { note: string }).note)).to.include(
      'it blocked',
    );
  });

  // @promise lifecycle/blocked-record
  it('is not deferred by a process that leads only an hour later', async () => {
    const testOperator = working();
    const spec = { holderIdentity: 'another', leaseDurationSeconds: 3_600 };
    await harness.createObjects(drone('one'), {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: leaseName(testOperator.scheduler.operatorName, []) },
      spec,
    });
    const config = {
      enableLeaderElection: true,
      leaderElectionNamespace: 'default',
      workInterval: '1h',
    };
    await harness.start(testOperator.scheduler, { deferredResources: deferredResources(), config });
    await harness.advance(3_599);
    expect(called(testOperator)).to.deep.equal([]);
    await harness.advance(3);
    expect([called(testOperator), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  // @promise lifecycle/blocked-event-loop
  it('has a condition, in one write, until the next successful reconcile removes it', async () => {
    const testOperator = working({}, { ready: true });
    await harness.createObjects(drone('one'));
    await start(testOperator);
    expect(conditions(await one())).to.deep.equal(BLOCKED);
    expect([readyMessage(await one()), statusWrites()]).to.deep.equal(['it blocked', 1]);
    await harness.advance(31);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([BLOCKED, 1]);
    await harness.advance(1);
    expect([conditions(await one()), statusWrites()]).to.deep.equal([['Ready=True A'], 2]);
  });

  it('costs no further write when the earlier process has written it already', async () => {
    const testOperator = working();
    await harness.createObjects(drone('one'));
    await start(testOperator);
    await harness.stop();
    await start(testOperator);
    expect([conditions(await one()), statusWrites(), called(testOperator)]).to.deep.equal([
      BLOCKED,
      1,
      [],
    ]);
  });

  // @promise lifecycle/blocked-event-loop
  it('is written again when the write failed, and the deferral is not longer for it', async () => {
    const testOperator = working();
    await harness.createObjects(drone('one'));
    let refused = 0;
    harness.faults.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'one' && refused++ < 2
        ? { when: refused === 1 ? 'before' : 'after', error: connectionReset() }
        : undefined;
    await start(testOperator);
    await harness.advance(10);
    expect([refused > 2, conditions(await one()), called(testOperator)]).to.deep.equal([
      false,
      BLOCKED,
      [],
    ]);
    await harness.advance(22);
    expect([conditions(await one()), called(testOperator)]).to.deep.equal([
      ['Ready=False A', 'Reconciling=True A'],
      ['A one'],
    ]);
  });

  it('is reconciled after its time also where the condition can never be written', async () => {
    const testOperator = working();
    await harness.createObjects(drone('one'));
    harness.faults.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'one' && testOperator.calls.length === 0
        ? { when: 'before', error: refusal(500) }
        : undefined;
    await start(testOperator);
    await harness.advance(31);
    expect(called(testOperator)).to.deep.equal([]);
    await harness.advance(60);
    expect([called(testOperator), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  it('waits whatever its inputs do, and not when it is changed itself', async () => {
    const testOperator = working({}, { inputs: [input.configmaps] });
    await harness.createObjects(drone('one'));
    await start(testOperator);
    await harness.createObjects(configMap('a'));
    await harness.advance(1);
    await patch({ metadata: { annotations: { any: 'thing' } } });
    await harness.advance(1);
    expect(called(testOperator)).to.deep.equal([]);
    await patch({ spec: { other: true } });
    await harness.advance(1);
    expect([called(testOperator), conditions(await one())]).to.deep.equal([
      ['A one'],
      ['Ready=False A', 'Reconciling=True A'],
    ]);
  });

  it('moves on at the timeout of its phase: another worker may be called', async () => {
    const testOperator = working(
      { B: { sync: () => ({ next: 'B' }) } },
      { timeout: '10s', onTimeout: 'B' },
    );
    await harness.createObjects(drone('one'));
    await start(testOperator);
    await harness.advance(9);
    expect(called(testOperator)).to.deep.equal([]);
    await harness.advance(2);
    expect(called(testOperator)).to.deep.equal(['B one']);
  });

  it('waits with its finalizer too, when it is being deleted', async () => {
    let finalized = 0;
    const testOperator = defineTestOperator(
      { A: { sync: () => ({ next: 'A' }) } },
      { finalize: () => ({ done: ++finalized > 0 }) },
    );
    await harness.createObjects(
      drone('one', {}, { finalizers: ['drones.autopilot.test/drone-operator'] }),
    );
    await harness.cluster.api.delete(DRONES, key);
    await start(testOperator);
    await harness.advance(31);
    expect([finalized, conditions(await one())]).to.deep.equal([0, BLOCKED]);
    await harness.advance(1);
    expect([finalized, (await harness.cluster.api.list(DRONES)).items]).to.deep.equal([1, []]);
  });
});
