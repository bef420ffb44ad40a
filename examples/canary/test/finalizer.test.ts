import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import { finalize } from '../src/finalizer.ts';
import type { Context, Result } from '../src/generated/finalizer.ts';
import { canary, target } from './shop.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const end = (
  seconds: number,
  ...deployments: readonly ReturnType<typeof target>[]
): Promise<Result> =>
  finalize(
    workerContext<Context>({
      resource: canary(),
      inputs: { deployments },
      now: NOW,
      phaseStartedAt: new Date(NOW.getTime() - seconds * 1000),
    }),
  );

describe('the finalizer', () => {
  it('removes the generated route at once and waits for the rollout of the Deployment', async () => {
    const { done, outputs } = await end(600, target('web:1', { available: 1 }));
    expect([done, outputs]).to.deep.equal([false, { virtualservices: [] }]);
  });
  it('waits for the rest of the drain time', async () =>
    expect(await end(10, target('web:1'))).to.deep.include({
      done: false,
      requeueAfter: '20000ms',
    }));
  it('waits for the whole drain time at the first call', async () =>
    expect(await end(0, target('web:1'))).to.deep.include({
      done: false,
      requeueAfter: '30000ms',
    }));
  it('is done after the drain time', async () =>
    expect((await end(30, target('web:1'))).done).to.equal(true));
  it('does not wait for a Deployment that does not exist', async () =>
    expect((await end(30)).done).to.equal(true));
});
