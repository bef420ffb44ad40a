import { expect } from 'chai';
import { PermanentError, RetryLater } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  defineTestOperator,
  readyMessage,
} from './test-operators.ts';

describe('a worker that fails', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator, options?: SandboxOptions): Promise<void> {
    sandbox = await startSandbox(scheduler, options);
  }
  const status = async (name = 'one') => (await sandbox.get('Drone', name))?.status ?? {};

  it('keeps the phase when a worker throws, and retries with growing backoff', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => Promise.reject(new Error('no luck')) },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('10m');
    const times = testOperator.calls.map(({ at }) => at);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, wait] of waits.entries()) {
      const middle = Math.min(300, 0.5 * 2 ** index);
      expect(wait).to.be.within(middle * 0.5, middle * 1.5);
    }
    expect(waits.length).to.be.within(7, 13);
    expect((await status()).phase).to.equal('A');
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False WorkerError',
      'Reconciling=True WorkerError',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal('no luck');
  });

  // @promise queue/retry-backoff
  it('tries at once when the spec changes during backoff', async () => {
    const testOperator = defineTestOperator({
      A: {
        sync: ({ resource }) =>
          (resource.spec as { good?: boolean }).good
            ? { next: 'B' }
            : Promise.reject(new Error('bad spec')),
      },
      B: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('5m');
    const before = testOperator.calls.length;
    await sandbox.patch('Drone', 'one', { spec: { good: true } });
    expect(testOperator.calls.length).to.equal(before + 1);
    expect((await status()).phase).to.equal('B');
  });

  // @promise reconcile/timing
  it('waits exactly as long as RetryLater says; that is no failure', async () => {
    const testOperator = defineTestOperator({
      A: {
        sync: () => {
          throw new RetryLater('25s', 'the oven is cold');
        },
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    expect(testOperator.calls.map(({ at }) => at)).to.deep.equal([0, 25, 50]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal('the oven is cold');
    expect(sandbox.events.filter(({ type }) => type === 'reconcileFailed')).to.deep.equal([]);
  });

  // @promise reconcile/no-tight-loop
  it('is called again after 100 ms at the earliest, whatever it asks for', async () => {
    const retrying = defineTestOperator({
      A: { sync: () => Promise.reject(new RetryLater('0s')) },
    });
    const staying = defineTestOperator({ A: { sync: () => ({ next: 'A', requeueAfter: '0s' }) } });
    const due = defineTestOperator({ A: { interval: '0s', sync: () => ({ next: 'A' }) } });
    const ending = defineTestOperator(
      { A: { sync: () => ({ next: 'A' }) } },
      { finalize: () => (called++, { done: false, requeueAfter: '0s' }) },
    );
    let called = 0;
    for (const testOperator of [retrying, staying, due]) {
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.advance('1s');
      expect(testOperator.calls.map(({ at }) => at)).to.deep.equal([
        0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
      ]);
      await sandbox.stop();
    }
    await start(ending);
    await sandbox.create(drone('one'));
    await sandbox.delete('Drone', 'one');
    await sandbox.advance('1s');
    expect(called).to.equal(11);
  });

  it('takes a RetryLater without a duration for an error of the worker', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => Promise.reject(new RetryLater('soon', 'later')) },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('10s');
    expect(testOperator.calls.length).to.be.within(3, 6);
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False WorkerError',
      'Reconciling=True WorkerError',
    ]);
  });

  // @promise inputs/need
  it('waits for a required input, and continues as soon as the object exists', async () => {
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => (inputs['configmaps']?.require('map'), { next: 'B' }),
      },
      B: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'ConfigMap map does not exist yet',
    );
    await sandbox.create(configMap('map'));
    expect((await status()).phase).to.equal('B');
  });

  // @promise inputs/dependencies-after-error
  it('is called immediately for a changed read, and after its own failures only with backoff', async () => {
    const gates: (() => void)[] = [];
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.configmaps],
        sync: async ({ inputs }) => {
          inputs['configmaps']?.get('read');
          if (testOperator.calls.length === 1) {
            await new Promise<void>((open) => gates.push(open));
          }
          throw new Error('no luck');
        },
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.create(configMap('read'));
    gates[0]?.();
    await sandbox.advance('100ms');
    expect(testOperator.calls.map(({ at }) => at)).to.deep.equal([0, 0]);
    await sandbox.advance('5s');
    const before = testOperator.calls.length;
    expect(before).to.be.within(3, 5);
    await sandbox.patch('ConfigMap', 'read', { data: { new: 'value' } });
    expect(testOperator.calls, 'a backoff under way ends').to.have.length(before + 1);
  });

  for (const [thrown, shown] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 5 }, '{ code: 5 }'],
    [Object.create(null), '[Object: null prototype] {}'],
  ] as const) {
    it(`shows ${shown} that was thrown in place of an error`, async () => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what libraries do
      const testOperator = defineTestOperator({ A: { sync: () => Promise.reject(thrown) } });
      await start(testOperator);
      await sandbox.create(drone('one'));
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False WorkerError',
        'Reconciling=True WorkerError',
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
        `${shown} was thrown, which is not an Error`,
      );
    });
  }

  describe('with PermanentError, while its resource changes', () => {
    /**
     * A second process calls the worker, which fails as in the first process, so that there is
     * nothing to write.
     */
    async function meanwhile(change: () => Promise<void>): Promise<TestOperator> {
      let open = (): void => undefined;
      const testOperator = defineTestOperator(
        {
          A: {
            sync: async ({ resource }) => {
              if (testOperator.calls.length === 2) {
                await new Promise<void>((resolve) => (open = resolve));
              }
              if ((resource.spec as { good?: boolean }).good === true) {
                return { next: 'B' };
              }
              throw new PermanentError('there is no such airport', 'NoAirport');
            },
          },
          B: {},
        },
        {},
      );
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.restart(testOperator.scheduler);
      await change();
      open();
      await sandbox.settle();
      return testOperator;
    }

    // @promise reconcile/timing
    it('is called again for a spec that changed meanwhile', async () => {
      await meanwhile(() => sandbox.patch('Drone', 'one', { spec: { good: true } }));
      expect((await status()).phase).to.equal('B');
    });

    it('is called again for a retry annotation that was set meanwhile', async () => {
      const testOperator = await meanwhile(() =>
        sandbox.patch('Drone', 'one', {
          metadata: { annotations: { 'drones.autopilot.test/retry': 'now' } },
        }),
      );
      expect(testOperator.calls).to.have.length(3);
    });

    it('lets the resource go when it was deleted meanwhile', async () => {
      await meanwhile(() => sandbox.delete('Drone', 'one'));
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });
  });

  describe('after a PermanentError', () => {
    let testOperator: TestOperator;
    beforeEach(async () => {
      testOperator = defineTestOperator({
        A: {
          inputs: [input.configmaps],
          sync: ({ inputs }) => {
            inputs['configmaps']?.get('read');
            throw new PermanentError('there is no such airport', 'NoAirport');
          },
        },
      });
      await start(testOperator);
      await sandbox.create(drone('one'));
    });

    // @promise reconcile/timing
    it('is Stalled and not tried again', async () => {
      await sandbox.advance('2h');
      expect(testOperator.calls).to.have.length(1);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False NoAirport',
        'Stalled=True NoAirport',
      ]);
    });

    // @promise reconcile/permanent-errors
    it('is tried again when the spec changes', async () => {
      await sandbox.patch('Drone', 'one', { spec: { airport: 'FRA' } });
      expect(testOperator.calls).to.have.length(2);
    });

    // @promise reconcile/permanent-errors
    it('is tried again for the retry annotation, once for each value', async () => {
      await sandbox.patch('Drone', 'one', {
        metadata: { annotations: { 'drones.autopilot.test/retry': 'please' } },
      });
      await sandbox.patch('Drone', 'one', { metadata: { annotations: { other: 'x' } } });
      expect(testOperator.calls).to.have.length(2);
    });

    // @promise reconcile/permanent-errors
    it('is tried again when an input changes that it had read, and not for another one', async () => {
      await sandbox.create(configMap('other'));
      expect(testOperator.calls).to.have.length(1);
      await sandbox.create(configMap('read'));
      expect(testOperator.calls).to.have.length(2);
    });

    // @promise reconcile/timing
    it('is tried once by a new process', async () => {
      await sandbox.restart(testOperator.scheduler);
      expect(testOperator.calls).to.have.length(2);
    });
  });
});
