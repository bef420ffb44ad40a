import { expect } from 'chai';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { TestOperator } from './test-operators.ts';
import { defineTestOperator, drone } from './test-operators.ts';

let sandbox: Sandbox;

async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox(scheduler, { config: { workInterval: '1h' }, ...options });
}
const phase = async (): Promise<string> =>
  (await sandbox.get('Drone', 'one'))?.status?.phase as string;

describe('the times of a phase', () => {
  afterEach(() => sandbox.stop());
  const PAUSED = 'drones.autopilot.test/paused';
  const pause = (value: 'true' | null): Promise<void> =>
    sandbox.patch('Drone', 'one', { metadata: { annotations: { [PAUSED]: value } } });

  // @promise reconcile/phase-times
  it('give a timeout of one second one second, wherever in a second the phase began', async () => {
    const late = defineTestOperator({
      A: { timeout: '1s', onTimeout: 'Late', interval: '100ms', sync: () => ({ next: 'A' }) },
      Late: {},
    });
    await start(late);
    await sandbox.advance('900ms');
    await sandbox.create(drone('one'));
    await sandbox.advance('950ms');
    expect(await phase()).to.equal('A');
    await sandbox.advance('50ms');
    expect(await phase()).to.equal('Late');
  });

  it('give back pauses that are shorter than a second', async () => {
    const late = defineTestOperator({
      A: { timeout: '10s', onTimeout: 'Late', sync: () => ({ next: 'A' }) },
      Late: {},
    });
    await start(late);
    await sandbox.create(drone('one'));
    for (let round = 0; round < 4; round++) {
      await sandbox.advance('1s');
      await pause('true');
      await sandbox.advance('900ms');
      await pause(null);
    }
    await sandbox.advance('5900ms');
    expect(await phase()).to.equal('A');
    await sandbox.advance('200ms');
    expect(await phase()).to.equal('Late');
  });

  it('keep no step of an earlier phase, also when the step and the move are one result', async () => {
    const seen: unknown[] = [];
    const mover = defineTestOperator({
      A: { sync: () => ({ next: 'B', step: true }) },
      B: {
        sync: ({ lastStep }) => {
          seen.push(lastStep);
          return { next: 'B' };
        },
      },
    });
    await start(mover);
    await sandbox.create(drone('one'));
    expect(seen).to.deep.equal([undefined]);
  });
});
