import { expect } from 'chai';
import type { AnyResult } from '../../runtime/src/ports.ts';
import type { Flight, FlightOptions } from '../../sandbox/src/index.ts';
import { fly } from '../../sandbox/src/index.ts';
import { Faults } from './faults.ts';
import type { TestMachine } from './machines.ts';
import { conditions, drone, DRONES, machine, output, readyMessage, service } from './machines.ts';

let flight: Flight;
let faults: Faults;

async function start({ scheduler }: TestMachine, options: FlightOptions = {}): Promise<void> {
  faults = new Faults();
  flight = await fly(scheduler, {
    through: faults.through,
    config: { workIntervalMs: 3_600_000, workerTimeoutMs: 30_000 },
    ...options,
  });
}
const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await flight.get('Drone', name));
const phase = async (name = 'one'): Promise<string> =>
  (await flight.get('Drone', name))?.status?.phase as string;

describe('a worker that does not end', () => {
  afterEach(() => flight.stop());
  /** Workers of `stuck` end when the test says so, whatever their signal says. */
  function stuck(
    result: AnyResult = {
      next: 'B',
      outputs: { services: [service('late')] },
      statusInfo: { late: true },
    },
    rest: object = {},
  ) {
    const ends: (() => void)[] = [];
    let hanging = true;
    const flown = machine({
      A: {
        outputs: [output.services],
        sync: ({ resource }) => {
          if (resource.metadata.name !== 'stuck' || !hanging) {
            return { next: 'B' };
          }
          return new Promise<AnyResult>((resolve) => ends.push(() => resolve(result)));
        },
        ...rest,
      },
      B: { sync: () => ({ next: 'B' }) },
      Late: {},
    });
    return {
      flown,
      end: async () => ((hanging = false), ends.splice(0).forEach((end) => end()), flight.settle()),
    };
  }

  it('does not take its resource back to its phase when a late request of a dead process has moved it meanwhile', async () => {
    const { flown, end } = stuck();
    await start(flown);
    await flight.create(drone('stuck'));
    const key = { namespace: 'default', name: 'stuck' };
    await flight.cluster.api.patch(
      DRONES,
      key,
      { type: 'merge', body: { status: { phase: 'B' } } },
      { subresource: 'status' },
    );
    await flight.advance('36s');
    expect([await phase('stuck'), (await said('stuck'))[0]]).to.deep.equal([
      'B',
      'Ready=False Quarantined',
    ]);
    await end();
    expect(await phase('stuck')).to.equal('B');
  });

  // @promise queue/quarantine
  it('is told after its time, loses its slot five seconds later, and its resource is Quarantined until it ends', async () => {
    const { flown, end } = stuck();
    await start(flown, { config: { workerTimeoutMs: 30_000, maxConcurrentReconciles: 1 } });
    await flight.create(drone('stuck'));
    await flight.create(drone('other'));
    await flight.advance('34s');
    expect([await phase('other'), await said('stuck')]).to.deep.equal([undefined, []]);
    await flight.advance('1s');
    expect(await phase('other')).to.equal('B');
    expect(await said('stuck')).to.deep.equal([
      'Ready=False Quarantined',
      'Reconciling=True Quarantined',
      'Quarantined=True Quarantined',
    ]);
    expect(readyMessage(await flight.get('Drone', 'stuck'))).to.equal(
      'the worker took longer than 30 s and did not end when it was told to; this resource waits until it does',
    );
    await flight.patch('Drone', 'stuck', { spec: { changed: true } });
    await flight.advance('1h');
    expect(flown.calls.filter(({ resource }) => resource === 'stuck')).to.have.length(1);
    await end();
    expect(
      flown.calls.filter(({ resource }) => resource === 'stuck').map((call) => call.phase),
    ).to.deep.equal(['A', 'A', 'B']);
    expect(await said('stuck')).to.deep.equal(['Ready=False B', 'Reconciling=True B']);
  });

  // @promise queue/quarantine
  it('is not listened to any more: nothing of a late result is written', async () => {
    const { flown, end } = stuck({
      next: 'Late',
      outputs: { services: [service('late')] },
      statusInfo: { late: true },
    });
    await start(flown);
    await flight.create(drone('stuck'));
    await flight.advance('1m');
    const before = faults.requests.length;
    await end();
    await flight.advance('1m');
    expect(await flight.list('Service')).to.deep.equal([]);
    expect(faults.requests.slice(before).filter(({ verb }) => verb === 'apply')).to.deep.equal([]);
    expect((await flight.get('Drone', 'stuck'))?.status).not.to.have.property('late');
    expect(await phase('stuck')).to.equal('B');
  });

  it('holds up its phase’s timeout, because no other worker of its resource may run beside it; then it fires', async () => {
    const { flown, end } = stuck(undefined, { timeout: '50s', onTimeout: 'Late' });
    await start(flown);
    await flight.create(drone('stuck'));
    await flight.advance('10m');
    expect(await phase('stuck')).to.equal('A');
    await end();
    expect(await phase('stuck')).to.equal('Late');
  });

  it('does not hide a change of the spec that came meanwhile: the phase goes where onSpecChange says when it has ended', async () => {
    const ends: (() => void)[] = [];
    let calls = 0;
    const sync = (): AnyResult | Promise<AnyResult> =>
      ++calls === 1
        ? { next: 'A', requeueAfter: '1s' }
        : new Promise((resolve) => ends.push(() => resolve({ next: 'A' })));
    await start(machine({ A: { onSpecChange: 'B', sync }, B: { sync: () => ({ next: 'B' }) } }));
    await flight.create(drone('one'));
    await flight.advance('2s');
    await flight.patch('Drone', 'one', { spec: { other: true } });
    await flight.advance('40s');
    expect((await said())[0]).to.equal('Ready=False Quarantined');
    ends.forEach((end) => end());
    await flight.settle();
    expect(await phase()).to.equal('B');
  });

  it('holds up nothing of another resource that is made under the same name meanwhile', async () => {
    const ends: (() => void)[] = [];
    const flown = machine({
      A: {
        sync: ({ resource }) =>
          (resource.spec as object) && 'good' in (resource.spec as object)
            ? { next: 'B' }
            : new Promise((resolve) => ends.push(() => resolve({ next: 'Late' }))),
      },
      B: {},
      Late: {},
    });
    await start(flown);
    await flight.create(drone('one'));
    await flight.advance('1m');
    await flight.remove('Drone', 'one');
    await flight.create(drone('one', { good: true }));
    expect([await phase(), await said()]).to.deep.equal(['B', ['Ready=True B']]);
    for (const end of ends) {
      end();
    }
    await flight.settle();
    expect(await phase()).to.equal('B');
  });

  it('holds up the deletion of its resource too', async () => {
    const { flown, end } = stuck();
    const scheduler = {
      ...flown.scheduler,
      finalizer: { inputs: [], outputs: [], finalize: () => ({ done: true }) },
    };
    await start({ ...flown, scheduler });
    await flight.create(drone('stuck'));
    await flight.advance('1m');
    await flight.remove('Drone', 'stuck');
    expect(await flight.get('Drone', 'stuck')).not.to.equal(undefined);
    await end();
    expect(await flight.get('Drone', 'stuck')).to.equal(undefined);
  });
});
