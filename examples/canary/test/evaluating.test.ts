import type { QueryResult } from 'autopilot-runtime';
import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context, Result } from '../src/generated/evaluating.ts';
import { revisionOf } from '../src/release.ts';
import { sync } from '../src/workers/evaluating.ts';
import { canary, copy, target } from './shop.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const value = (number: number): QueryResult => ({ type: 'value', value: number });

/** Calls the worker one minute after the last step. The canary has three Pods and weight 15. */
function evaluate(
  options: {
    rate?: QueryResult;
    count?: QueryResult;
    lastStep?: Date;
    weight?: number;
    available?: number;
    spec?: object;
  } = {},
): Promise<Result> {
  const {
    rate = value(100),
    count = value(50),
    lastStep = ago(60),
    weight = 15,
    available = 3,
    spec,
  } = options;
  return sync(
    workerContext<Context>({
      resource: { ...canary(spec), status: { weight, passed: 1, history: [] } },
      inputs: {
        deployments: [
          target('web:2'),
          copy('primary', { of: 'web:1' }),
          copy('canary', { of: 'web:2', available }),
        ],
      },
      metrics: { istioSuccessRate: async () => rate, istioRequestCount: async () => count },
      now: NOW,
      lastStep,
    }),
  );
}
const weights = ({ outputs }: Result): unknown =>
  (
    outputs?.virtualservices?.[0] as
      | { spec: { http: { route: { weight: number }[] }[] } }
      | undefined
  )?.spec.http[0]?.route.map(({ weight }) => weight);

describe('Evaluating', () => {
  it('makes the next step after an interval in which enough requests succeeded', async () => {
    const result = await evaluate();
    expect(result).to.deep.include({
      next: 'Evaluating',
      step: true,
      statusInfo: { weight: 20, passed: 2, history: [] },
    });
    expect(weights(result)).to.deep.equal([80, 20]);
  });

  it('waits for the rest of the interval', async () => {
    const result = await evaluate({ lastStep: ago(20) });
    expect(result).to.deep.include({ next: 'Evaluating', requeueAfter: '40000ms' });
    expect(weights(result)).to.deep.equal([85, 15]);
  });

  it('promotes when the analysis period is full', async () => {
    expect(await evaluate({ spec: { analysisPeriod: '2m' } })).to.deep.include({
      next: 'Promoting',
    });
  });

  it('rolls back below the threshold and reports the success rate', async () => {
    expect(await evaluate({ rate: value(98.94) })).to.deep.include({
      next: 'RollBack',
      message: 'success rate 98.94 % is less than spec.successThreshold 99 %',
    });
  });

  it('rolls back a canary that only fails', async () =>
    expect(await evaluate({ rate: value(0) })).to.deep.include({ next: 'RollBack' }));

  const inconclusive: readonly (readonly [string, Parameters<typeof evaluate>[0]])[] = [
    ['no data on requests', { count: { type: 'noData' } }],
    ['no requests', { count: value(0), rate: { type: 'noData' } }],
    ['one request, which succeeded', { count: value(1) }],
    ['no data on success', { rate: { type: 'noData' } }],
    ['a success rate that is not a number', { rate: { type: 'notANumber' } }],
    ['several success rates', { rate: { type: 'severalSeries', count: 2 } }],
  ];
  for (const [what, options] of inconclusive) {
    it(`stays in Evaluating without a step: ${what}`, async () => {
      const result = await evaluate({ ...options, spec: { analysisPeriod: '1m' } });
      expect(result.next).to.equal('Evaluating');
      expect(result.step).to.equal(undefined);
      expect(weights(result)).to.deep.equal([85, 15]);
    });
  }

  it('sends the first requests when all Pods are ready, and not before', async () => {
    const early = await evaluate({ weight: 0, available: 2 });
    expect(weights(early)).to.deep.equal([100, 0]);
    expect(early.message).to.equal('0 %: the Pods of the canary are not ready yet');
    const first = await evaluate({ weight: 0 });
    expect(weights(first)).to.deep.equal([90, 10]);
    expect(first.step).to.equal(true);
  });

  it('rolls back when no Pod is ready any more', async () => {
    expect(await evaluate({ available: 0 })).to.deep.include({
      next: 'RollBack',
      message: 'no Pod of the canary is ready any more',
    });
  });

  it('derives the revision from the Pod template only', () => {
    const one = target('web:1');
    expect(revisionOf({ ...one, spec: { ...one.spec, replicas: 9 } } as never)).to.equal(
      revisionOf(one as never),
    );
    expect(revisionOf(target('web:2') as never)).to.not.equal(revisionOf(one as never));
  });
});
