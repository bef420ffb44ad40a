import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context } from '../src/generated/rollback.ts';
import { sync } from '../src/workers/rollback.ts';
import { canary, copy } from './shop.ts';

describe('RollBack', () => {
  it('routes all requests to the primary at once and records the reason', async () => {
    const status = {
      weight: 20,
      passed: 2,
      verdict: 'too slow',
      history: Array.from({ length: 10 }, (_, n) => ({
        revision: `${n}`,
        promoted: true,
        reason: '',
        at: '',
      })),
    };
    const { next, outputs, statusInfo } = await sync(
      workerContext<Context>({
        resource: { ...canary(), status },
        inputs: { deployments: [copy('canary', { of: 'web:2' })] },
      }),
    );
    expect(next).to.equal('Waiting');
    expect(outputs?.virtualservices?.[0]).to.have.nested.property(
      'spec.http[0].route[1].weight',
      0,
    );
    expect(statusInfo).to.deep.include({ weight: 0, passed: 0 });
    expect(statusInfo?.verdict).to.equal(null);
    expect(statusInfo?.history).to.have.length(10);
    expect(statusInfo?.history?.[0]).to.deep.include({ promoted: false, reason: 'too slow' });
  });
});
