import { expect } from 'chai';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { conditions, defineTestOperator, drone, output, service } from './test-operators.ts';

describe('a resting phase', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  // @promise reconcile/resting-phase
  it('is Ready, polls nothing, repairs its outputs, and starts again with a new spec', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'Kept' }) },
      Kept: {
        resting: true,
        outputs: [output.services],
        sync: () => ({ next: 'Kept', outputs: { services: [service('a')] } }),
      },
    });
    sandbox = await startSandbox(testOperator.scheduler, { config: { workInterval: '5s' } });
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal(['Ready=True Kept']);
    const calls = testOperator.calls.length;
    await sandbox.advance('10h');
    expect(testOperator.calls.length, 'calls in ten hours').to.equal(calls);
    await sandbox.delete('Service', 'a');
    await sandbox.advance('1m');
    expect(await sandbox.get('Service', 'a'), 'the deleted output').to.not.equal(undefined);
    await sandbox.patch('Drone', 'one', { spec: { wish: 2 } });
    const [first] = testOperator.calls.slice(calls).filter(({ phase }) => phase === 'A');
    expect(first?.phase, 'after a new spec').to.equal('A');
  });

  it('is reconciled in its interval when it has one, or when the worker asks for it', async () => {
    for (const [interval, requeueAfter] of [
      ['1m', undefined],
      [undefined, '1m'],
    ] as const) {
      const testOperator = defineTestOperator({
        Kept: {
          resting: true,
          ...(interval !== undefined && { interval }),
          sync: () => ({ next: 'Kept', ...(requeueAfter !== undefined && { requeueAfter }) }),
        },
      });
      sandbox = await startSandbox(testOperator.scheduler);
      await sandbox.create(drone('one'));
      const calls = testOperator.calls.length;
      await sandbox.advance('10m');
      expect(testOperator.calls.length - calls).to.be.within(9, 11);
      await sandbox.stop();
    }
  });
});
