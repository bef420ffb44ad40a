import { expect } from 'chai';
import { PermanentError } from '../../runtime/src/index.ts';
import type { Flight, FlightOptions } from '../../sandbox/src/index.ts';
import { fly } from '../../sandbox/src/index.ts';
import { Faults } from './faults.ts';
import type { TestMachine } from './machines.ts';
import { conditions, drone, machine } from './machines.ts';

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

describe('a paused resource', () => {
  afterEach(() => flight.stop());
  const PAUSED = 'flights.autopilot.test/paused';
  const pause = (value: 'true' | null): Promise<void> =>
    flight.patch('Drone', 'one', { metadata: { annotations: { [PAUSED]: value } } });

  // @promise reconcile/paused
  it('stands still in time: what is left of its timeout is left when it goes on', async () => {
    await start(
      machine({
        A: { timeout: '60s', onTimeout: 'Late', interval: '5s', sync: () => ({ next: 'A' }) },
        Late: {},
      }),
    );
    await flight.create(drone('one'));
    await flight.advance('40s');
    await pause('true');
    await flight.advance('2h');
    expect([await phase(), (await said()).at(-1)]).to.deep.equal(['A', 'Paused=True Paused']);
    await pause(null);
    await flight.advance('19s');
    expect(await phase()).to.equal('A');
    await flight.advance('1s');
    expect(await phase()).to.equal('Late');
  });

  it('makes no step early: lastStep and phaseStartedAt are later by the pause, over restarts too', async () => {
    const seen: (readonly (number | undefined)[])[] = [];
    const flown = machine({
      A: {
        interval: '10s',
        sync: ({ now, lastStep, phaseStartedAt }) => {
          const since = (time: Date | undefined): number | undefined =>
            time === undefined ? undefined : (now.getTime() - time.getTime()) / 1000;
          seen.push([since(phaseStartedAt), since(lastStep)]);
          return lastStep === undefined ? { next: 'A', step: true } : { next: 'A' };
        },
      },
    });
    await start(flown);
    await flight.create(drone('one'));
    await flight.advance('15s');
    await pause('true');
    await flight.advance('1h');
    await flight.restart(flown.scheduler);
    await flight.advance('1h');
    await pause(null);
    await flight.advance('12s');
    expect(seen).to.deep.equal([
      [0, undefined],
      [10, 10],
      [15, 15],
      [25, 25],
    ]);
    expect((await flight.get('Drone', 'one'))?.status.autopilot).not.to.have.property('pausedAt');
  });

  it('is what it was, as far as tools that wait can see: ready if it was, else on its way', async () => {
    await start(
      machine({
        A: { sync: () => ({ next: 'Steady' }) },
        Steady: { ready: true, sync: () => ({ next: 'Steady' }) },
      }),
    );
    await flight.create(drone('one'));
    await pause('true');
    expect(await said()).to.deep.equal(['Ready=True Steady', 'Paused=True Paused']);
    await flight.create(drone('two', {}, { annotations: { [PAUSED]: 'true' } }));
    expect(await said('two')).to.deep.equal(['Ready=False Paused', 'Paused=True Paused']);
  });

  // @promise reconcile/paused
  it('is Paused also when it was Stalled: its timeout stands still, and then it is tried once more', async () => {
    const flown = machine({
      A: {
        timeout: '60s',
        onTimeout: 'Late',
        sync: () => Promise.reject(new PermanentError('no such airport', 'NoAirport')),
      },
      Late: {},
    });
    await start(flown);
    await flight.create(drone('one'));
    await flight.advance('40s');
    await pause('true');
    expect(await said()).to.deep.equal(['Ready=False Paused', 'Paused=True Paused']);
    await flight.advance('2h');
    expect([await phase(), flown.calls.length]).to.deep.equal(['A', 1]);
    await pause(null);
    expect([await said(), flown.calls.length]).to.deep.equal([
      ['Ready=False NoAirport', 'Stalled=True NoAirport'],
      2,
    ]);
    await flight.advance('19s');
    expect(await phase()).to.equal('A');
    await flight.advance('1s');
    expect(await phase()).to.equal('Late');
  });

  // @promise reconcile/paused
  it('is every resource when the configuration says so, and goes on when it no longer does', async () => {
    const flown = machine({ A: { sync: () => ({ next: 'B' }) }, B: {} });
    await start(flown, { config: { paused: true } });
    await flight.create(drone('one'));
    await flight.advance('1h');
    expect([flown.calls.length, await said()]).to.deep.equal([
      0,
      ['Ready=False Paused', 'Paused=True Paused'],
    ]);
    await flight.restart(flown.scheduler);
    expect(await phase()).to.equal('B');
  });
});
