import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context, Result } from '../src/generated/promoting.ts';
import { sync } from '../src/workers/promoting.ts';
import { canary, copy, target } from './shop.ts';

const promote = (...deployments: readonly ReturnType<typeof target>[]): Promise<Result> =>
  sync(
    workerContext<Context>({
      resource: { ...canary(), status: { weight: 55, passed: 10, history: [] } },
      inputs: { deployments },
    }),
  );

describe('Promoting', () => {
  it('gives the primary what the canary runs, under the primary’s labels, and leaves the requests where they are', async () => {
    const { next, outputs } = await promote(
      target('web:3'),
      copy('primary', { of: 'web:1' }),
      copy('canary', { of: 'web:2' }),
    );
    expect(next).to.equal('Promoting');
    const [primary] = outputs?.deployments ?? [];
    expect(primary).to.have.nested.property('metadata.name', 'web-primary');
    expect(primary).to.have.nested.property('spec.template.spec.containers[0].image', 'web:2');
    expect(primary)
      .to.have.nested.property('spec.template.metadata.labels')
      .that.deep.equals({ app: 'web', tier: 'front', canary: 'false' });
    expect(outputs?.virtualservices?.[0]).to.have.nested.property(
      'spec.http[0].route[1].weight',
      55,
    );
  });

  it('routes all requests to the primary after its rollout, and records the release', async () => {
    const { next, outputs, statusInfo } = await promote(
      target('web:2'),
      copy('primary', { of: 'web:2' }),
      copy('canary', { of: 'web:2' }),
    );
    expect(next).to.equal('Waiting');
    expect(outputs?.virtualservices?.[0]).to.have.nested.property(
      'spec.http[0].route[1].weight',
      0,
    );
    expect(statusInfo?.history?.[0]).to.deep.include({
      promoted: true,
      reason: 'the success rate was high enough in 10 intervals',
      at: '2026-01-01T00:00:00.000Z',
    });
  });

  it('rolls back when there is no canary left to copy', async () => {
    expect((await promote(target('web:2'), copy('primary', { of: 'web:1' }))).next).to.equal(
      'RollBack',
    );
  });
});
