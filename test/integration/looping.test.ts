import { expect } from 'chai';
import type { AnyResult } from '../../runtime/src/internal.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector, connectionReset, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import { conditions, drone, defineTestOperator } from './test-operators.ts';

let sandbox: Sandbox;
let faults: FaultInjector;

async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
  faults = new FaultInjector();
  sandbox = await startSandbox(scheduler, {
    wrapApi: faults.wrapApi,
    config: { workInterval: '1h', workerTimeout: '30s' },
    ...options,
  });
}
const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await sandbox.get('Drone', name));
const phase = async (name = 'one'): Promise<string> =>
  (await sandbox.get('Drone', name))?.status?.phase as string;

describe('a resource whose phases loop', () => {
  afterEach(() => sandbox.stop());
  /** A and B without end, unless `spec.stay` names the phase to stay in. */
  const looper = (): TestOperator => {
    const to = (own: string, other: string, { stay }: { stay?: string }): AnyResult => ({
      next: stay === own ? own : other,
      requeueAfter: '1h',
    });
    return defineTestOperator({
      A: { sync: ({ resource }) => to('A', 'B', resource.spec as never) },
      B: { sync: ({ resource }) => to('B', 'A', resource.spec as never) },
    });
  };

  // @promise reconcile/looping
  it('may make 2 × N transitions in 10 s; further ones are delayed with backoff and a condition', async () => {
    const testOperator = looper();
    await start(testOperator);
    await sandbox.create(drone('one'));
    expect(testOperator.calls.map(({ at }) => at)).to.deep.equal([0, 0, 0, 0, 0]);
    expect(await said()).to.deep.equal([
      'Ready=False Looping',
      'Reconciling=True Looping',
      'Looping=True Looping',
    ]);
    await sandbox.advance('20m');
    const waits = testOperator.calls
      .slice(5)
      .map(({ at }, index) => at - (testOperator.calls[index + 4]?.at ?? 0));
    for (const [index, wait] of waits.entries()) {
      const middle = Math.min(300, 0.5 * 2 ** index);
      expect(wait).to.be.within(middle * 0.5, Math.min(300, middle * 1.5));
    }
    expect(waits.length).to.be.within(9, 15);
  });

  it('is counted once for each time that it begins', async () => {
    await start(looper());
    await sandbox.create(drone('one'));
    await sandbox.advance('5m');
    expect(sandbox.events.filter(({ type }) => type === 'looping')).to.have.length(1);
  });

  it('ends as soon as a worker stays in its phase', async () => {
    const testOperator = looper();
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.patch('Drone', 'one', { spec: { stay: 'A' } });
    await sandbox.advance('1s');
    expect(await phase()).to.equal('A');
    expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
    const before = testOperator.calls.length;
    await sandbox.patch('Drone', 'one', { spec: { stay: 'B' } });
    expect(testOperator.calls.length - before).to.equal(2);
    expect(await phase()).to.equal('B');
  });

  // @promise reconcile/looping
  // @promise lifecycle/isolated-loops
  it('harms only itself, and a long way to a final phase is no loop', async () => {
    const names = ['A', 'B', 'C', 'D', 'E', 'F'];
    const long = Object.fromEntries(
      names.map((name, index) => [name, { sync: () => ({ next: names[index + 1] ?? 'Done' }) }]),
    );
    await start(defineTestOperator({ ...long, Done: {} }));
    await sandbox.create(drone('one'));
    expect([await phase(), await said()]).to.deep.equal(['Done', ['Ready=True Done']]);
    await sandbox.stop();
    const testOperator = looper();
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.create(drone('two', { stay: 'A' }));
    expect(await said('two')).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
  });

  it('is forgotten with its resource, also when a resource of the same name follows unseen', async () => {
    await start(looper());
    await sandbox.create(drone('one'));
    expect(await said()).to.include('Looping=True Looping');
    faults.fault = ({ verb, kind }) =>
      ['watch', 'list'].includes(verb) && kind === 'Drone'
        ? { when: 'before', error: connectionReset() }
        : undefined;
    faults.endWatches(connectionReset());
    await sandbox.delete('Drone', 'one');
    await sandbox.create(drone('one', { stay: 'B' }));
    faults.fault = ({ verb, kind }) =>
      verb === 'watch' && kind === 'Drone'
        ? { when: 'before', error: refusal(410, 'Expired') }
        : undefined;
    await sandbox.until(async () => (await phase()) === 'B', '5m');
    expect(await said()).to.deep.equal(['Ready=False B', 'Reconciling=True B']);
    expect(sandbox.events.filter(({ type }) => type === 'looping')).to.have.length(1);
  });

  it('still times out', async () => {
    const phases = looper().scheduler.phases;
    await start(
      defineTestOperator({
        A: { sync: () => ({ next: 'B' }), timeout: '3s', onTimeout: 'Late' },
        B: { sync: () => ({ next: 'A' }), timeout: '3s', onTimeout: 'Late' },
        Late: {},
      }),
    );
    expect(phases).to.have.length(2);
    await sandbox.create(drone('one'));
    await sandbox.advance('5m');
    expect(await phase()).to.equal('Late');
  });
});
