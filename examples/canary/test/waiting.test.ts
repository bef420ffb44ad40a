import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context, Result } from '../src/generated/waiting.ts';
import { revisionOf } from '../src/release.ts';
import { sync } from '../src/workers/waiting.ts';
import { canary, copy, target } from './shop.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const wait = (
  seconds: number,
  ...deployments: readonly ReturnType<typeof target>[]
): Promise<Result> => waitAfter(undefined, seconds, ...deployments);
const waitAfter = (
  tried: string | undefined,
  seconds: number,
  ...deployments: readonly ReturnType<typeof target>[]
): Promise<Result> =>
  sync(
    workerContext<Context>({
      resource: { ...canary(), status: { tried } },
      inputs: { deployments },
      now: NOW,
      phaseStartedAt: new Date(NOW.getTime() - seconds * 1000),
    }),
  );

describe('Waiting', () => {
  it('scales nothing down before the end of the drain time', async () => {
    const { outputs, requeueAfter } = await wait(
      10,
      target('web:1'),
      copy('primary', { of: 'web:1' }),
    );
    expect([outputs?.deployments, requeueAfter]).to.deep.equal([undefined, '20000ms']);
  });

  it('scales Deployment and canary down after the drain time', async () => {
    const { next, outputs } = await wait(30, target('web:1'), copy('primary', { of: 'web:1' }));
    expect(next).to.equal('Waiting');
    const [copied, claim] = outputs?.deployments ?? [];
    expect(copied).to.have.nested.property('spec.replicas', 0);
    expect(claim).to.deep.include({
      fieldClaim: true,
      fields: [{ path: ['spec', 'replicas'], value: 0 }],
    });
  });

  it('evaluates a new version with as many Pods as the primary has', async () => {
    const { next, outputs } = await wait(
      30,
      target('web:2'),
      copy('primary', { of: 'web:1' }),
      copy('canary', { of: 'web:1' }),
    );
    expect(next).to.equal('Evaluating');
    expect(outputs?.deployments?.[0]).to.have.nested.property('spec.replicas', 3);
  });

  it('does not evaluate a failed version again', async () => {
    const failed = revisionOf(target('web:2') as never);
    expect(
      (
        await waitAfter(
          failed,
          30,
          target('web:2'),
          copy('primary', { of: 'web:1' }),
          copy('canary', { of: 'web:2' }),
        )
      ).next,
    ).to.equal('Waiting');
  });

  it('evaluates a new version that a crash left in the canary but not in status', async () => {
    expect(
      (
        await wait(
          30,
          target('web:2'),
          copy('primary', { of: 'web:1' }),
          copy('canary', { of: 'web:2' }),
        )
      ).next,
    ).to.equal('Evaluating');
  });

  it('goes to Initializing without a primary', async () =>
    expect(await wait(30, target('web:1'))).to.deep.equal({ next: 'Initializing' }));
});
