import { expect } from 'chai';
import { EventRecorder } from '../../../runtime/src/client/event-recorder.ts';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { Cluster, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/testing/settle.ts';
import { FaultInjector, connectionReset, refusal } from '../../integration/fault-injector.ts';

const EVENT = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
interface KubeEvent extends KubeObject {
  readonly note: string;
  readonly eventTime: string;
  readonly regarding: object;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

describe('Kubernetes Events', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let faults: FaultInjector;
  let ends: string[];
  let told: EventRecorder;
  beforeEach(() => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    faults = new FaultInjector();
    ends = [];
    told = new EventRecorder({
      api: faults.wrapApi(cluster.api),
      clock,
      operatorName: 'drone-operator',
      instance: 'pod-0',
      onResult: (result) => void ends.push(result),
    });
  });
  const drone = (name: string): KubeObject => ({
    apiVersion: 'drones.autopilot.test/v1',
    kind: 'Drone',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '7' },
  });
  async function pass(seconds: number): Promise<void> {
    const end = clock.monotonic() + seconds * 1000;
    await settle(cluster, clock, undefined);
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.moveTo(next);
      await settle(cluster, clock, undefined);
    }
    clock.moveTo(end);
  }
  const all = async (): Promise<readonly KubeEvent[]> =>
    (await cluster.api.list(EVENT)).items as readonly KubeEvent[];

  it('name the object that they regard, in the form that the API server accepts', async () => {
    told.record(drone('one'), 'Warning', 'Broken', 'it broke');
    await pass(0);
    const [event] = await all();
    expect(event).to.deep.include({
      type: 'Warning',
      reason: 'Broken',
      note: 'it broke',
      action: 'Reconcile',
      reportingController: 'drone-operator',
    });
    expect(event?.eventTime).to.equal('2026-01-01T00:00:00.000000Z');
    expect(event?.regarding).to.deep.equal({
      apiVersion: 'drones.autopilot.test/v1',
      kind: 'Drone',
      name: 'one',
      namespace: 'default',
      uid: 'uid-one',
      resourceVersion: '7',
    });
  });

  // @promise reconcile/events
  it('that are repeated become one series, updated at most once a minute', async () => {
    for (let i = 0; i < 100; i++) {
      told.record(drone('one'), 'Warning', 'Broken', 'it broke');
      await pass(1);
    }
    await pass(60);
    const found = await all();
    expect(found).to.have.length(1);
    expect(found[0]?.series).to.deep.equal({
      count: 100,
      lastObservedTime: '2026-01-01T00:01:39.000000Z',
    });
    expect(faults.requests.map(({ verb }) => verb)).to.deep.equal(['create', 'patch', 'patch']);
  });

  it('start a new series when the last Event is long ago, or has another note', async () => {
    told.record(drone('one'), 'Warning', 'Broken', 'it broke');
    told.record(drone('one'), 'Warning', 'Broken', 'it broke elsewhere');
    await pass(361);
    told.record(drone('one'), 'Warning', 'Broken', 'it broke');
    await pass(0);
    expect(await all()).to.have.length(3);
  });

  // @promise reconcile/events
  it('of a resource over its limit are dropped, and those of other resources are sent', async () => {
    for (let i = 0; i < 40; i++) {
      told.record(drone('loud'), 'Normal', 'Said', `number ${i}`);
      await pass(0);
    }
    told.record(drone('quiet'), 'Normal', 'Said', 'a word');
    await pass(0);
    expect(await all()).to.have.length(26);
    expect(ends.filter((end) => end === 'dropped')).to.have.length(15);
  });

  it('are sent one after the other, and dropped when too many are queued', async () => {
    for (let i = 0; i < 150; i++) {
      told.record(drone(`d${i}`), 'Normal', 'Said', 'a word');
    }
    expect(faults.requests).to.have.length(1);
    await pass(0);
    expect(ends.filter((end) => end === 'sent')).to.have.length(101);
    expect(ends.filter((end) => end === 'dropped')).to.have.length(49);
  });

  // @promise reconcile/events
  it('are sent slowly while resources wait for a reconcile', async () => {
    let busy = true;
    const few = new EventRecorder({
      api: faults.wrapApi(cluster.api),
      clock,
      operatorName: 'drone-operator',
      instance: 'pod-0',
      isBusy: () => busy,
    });
    for (let i = 0; i < 50; i++) {
      few.record(drone(`d${i}`), 'Normal', 'Said', 'a word');
    }
    await pass(1);
    expect(await all()).to.have.length(6);
    busy = false;
    await pass(1);
    expect(await all()).to.have.length(50);
  });

  it('that are refused have no effect on the operator', async () => {
    faults.fault = () => ({ when: 'before', error: refusal(403) });
    told.record(drone('one'), 'Normal', 'Said', 'a word');
    await pass(0);
    expect(ends).to.deep.equal(['failed']);
  });

  it('are truncated to the limits of the API server: 1024 bytes of a note, a valid name', async () => {
    const long = drone(`${'a'.repeat(199)}.b`);
    told.record(long, 'Warning', 'Broken', 'ä€😀'.repeat(200));
    await pass(0);
    const [event] = await all();
    expect(Buffer.byteLength(event?.note ?? '')).to.be.within(1015, 1024);
    expect(event?.note).to.match(/^(ä€😀)+(ä€?)?$/);
    expect(event?.metadata.name).to.match(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]+$/);
  });

  it('start a new series when the first Event was not created, or was deleted', async () => {
    faults.fault = () => ({ when: 'before', error: connectionReset() });
    told.record(drone('one'), 'Warning', 'Broken', 'it broke');
    await pass(60);
    faults.fault = () => undefined;
    told.record(drone('one'), 'Warning', 'Broken', 'it broke');
    await pass(60);
    const [first] = await all();
    expect(first?.note).to.equal('it broke');
    await cluster.api.delete(EVENT, { namespace: 'default', name: first?.metadata.name ?? '' });
    for (let i = 0; i < 2; i++) {
      told.record(drone('one'), 'Warning', 'Broken', 'it broke');
      await pass(60);
    }
    expect(await all()).to.have.length(1);
  });

  it('end with the operator: queued Events are not sent, the request under way is awaited', async () => {
    for (let i = 0; i < 5; i++) {
      told.record(drone(`d${i}`), 'Normal', 'Said', 'a word');
    }
    await told.stop();
    told.record(drone('late'), 'Normal', 'Said', 'a word');
    await pass(120);
    expect(ends.filter((end) => end === 'sent')).to.have.length(1);
    expect(await all()).to.have.length(1);
  });
});
