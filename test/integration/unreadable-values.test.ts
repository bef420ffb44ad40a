import { expect } from 'chai';
import type { Logger } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { TestOperator } from './test-operators.ts';
import { conditions, defineTestOperator, drone, DRONES } from './test-operators.ts';

let sandbox: Sandbox;
let warnings: string[];
const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  error: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
};

async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
  warnings = [];
  sandbox = await startSandbox(scheduler, { log, config: { workInterval: '5s' }, ...options });
}
const refuse = (): never => {
  throw new Error('no');
};

describe('a value that is not expected', () => {
  afterEach(() => sandbox.stop());

  const thrown: Readonly<Record<string, () => unknown>> = {
    'an error whose message is an object': () =>
      Object.assign(new Error('x'), { message: { code: 42 } }),
    'an error whose message is undefined': () =>
      Object.assign(new Error('x'), { message: undefined }),
    'an error whose message cannot be read': () =>
      Object.defineProperty(new Error('x'), 'message', { get: refuse }),
    'an error whose name is a number': () => Object.assign(new Error('x'), { name: 42 }),
    'a PermanentError whose reason is an object': () =>
      Object.assign(new Error('x'), { name: 'PermanentError', reason: { code: 42 } }),
    'a RetryLater whose delay is an object': () =>
      Object.assign(new Error('x'), { name: 'RetryLater', delay: {} }),
    'an ApiError without a status': () =>
      Object.assign(new Error('x'), { name: 'ApiError', status: undefined }),
    'an error whose cause is itself': () => {
      const error = new Error('x');
      return Object.assign(error, { cause: error });
    },
    'an object that cannot be inspected': () => ({
      [Symbol.for('nodejs.util.inspect.custom')]: refuse,
    }),
    'a proxy that refuses everything': () =>
      new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse, has: refuse }),
    undefined: () => undefined,
  };
  for (const [what, make] of Object.entries(thrown)) {
    // @promise reconcile/never-silent
    it(`is told in log and status when a worker throws it: ${what}`, async () => {
      await start(
        defineTestOperator({
          A: {
            sync: () => {
              throw make();
            },
          },
        }),
      );
      await sandbox.create(drone('one'));
      await sandbox.advance('10m');
      const one = await sandbox.get('Drone', 'one');
      expect({ told: warnings.length > 0, said: conditions(one).length > 0 }).to.deep.equal({
        told: true,
        said: true,
      });
    });
  }

  const notes: readonly unknown[] = [
    { phaseStartedAt: '2026-01-01T00:00:00x5Z' },
    { phaseStartedAt: 42 },
    { phaseStartedAt: '+275760-09-13T00:00:00.000Z', pausedAt: '2000-01-01T00:00:00Z' },
    { pausedAt: 'yesterday' },
    { lastStep: '2026-01-01T00:00:00+99:99' },
    { history: { from: 'A' } },
    { history: [null, 7, { from: 'A' }] },
    { pendingApproval: 'Next' },
    { approved: 7 },
    'lost',
    [1],
  ];
  for (const autopilot of notes) {
    // @promise reconcile/never-silent
    it(`stops no worker as status.autopilot: ${JSON.stringify(autopilot)}`, async () => {
      const testOperator = defineTestOperator({
        A: {
          interval: '5s',
          timeout: '30m',
          onTimeout: 'Late',
          sync: ({ now }) => ({ next: 'A', statusInfo: { now: now.toISOString() } }),
        },
        Late: { sync: () => ({ next: 'Late' }) },
      });
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.cluster.api.patch(
        DRONES,
        { namespace: 'default', name: 'one' },
        { type: 'merge', body: { status: { autopilot } } },
        { subresource: 'status' },
      );
      const calls = testOperator.calls.length;
      await sandbox.advance('1h');
      const one = await sandbox.get('Drone', 'one');
      expect(testOperator.calls.length, 'calls').to.be.greaterThan(calls);
      expect([one?.status.phase, warnings]).to.deep.equal(['Late', []]);
    });
  }

  it('stops no worker as the whole of status, conditions or observedGeneration', async () => {
    for (const status of [
      { conditions: { type: 'Ready' }, observedGeneration: 'first' },
      { conditions: [null, 'Ready', { type: 7 }] },
      { phase: 7 },
      { phase: '' },
    ]) {
      const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'A' }) } });
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.cluster.api.patch(
        DRONES,
        { namespace: 'default', name: 'one' },
        { type: 'merge', body: { status } },
        { subresource: 'status' },
      );
      await sandbox.advance('1m');
      const one = await sandbox.get('Drone', 'one');
      expect([one?.status.phase, conditions(one)], JSON.stringify(status)).to.deep.equal([
        'A',
        ['Ready=False A', 'Reconciling=True A'],
      ]);
      await sandbox.stop();
    }
  });

  it('is told by the controller when the runtime itself throws, and the reconcile is repeated', async () => {
    const testOperator = defineTestOperator({ A: { sync: () => Promise.reject(new Error('x')) } });
    await start(testOperator, { log: { ...log, warn: refuse } });
    await sandbox.create(drone('one'));
    await sandbox.advance('10m');
    expect(warnings[0])
      .to.include('unexpected error in a reconcile')
      .and.to.include('"error":"no"');
    const reasons = (await sandbox.list('Event')).map(
      (event) => (event as object as { reason: string }).reason,
    );
    expect(reasons).to.include('InternalError');
    expect(testOperator.calls.length).to.be.greaterThan(2);
  });
});
