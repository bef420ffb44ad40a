import { expect } from 'chai';
import type { ScenarioCost } from '../../sandbox/src/verify/budget.ts';
import { minutesForAll } from '../../sandbox/src/verify/budget.ts';

/** In a minute, half of the flights with a single fault. */
const spent = (done: number, all: number, rest: Partial<ScenarioCost> = {}): ScenarioCost => ({
  isComplete: true,
  singles: [done, all],
  runs: done * 2,
  ms: 60_000,
  ...rest,
});

describe('the budget that would fly all single faults', () => {
  it('is as many times what it was as there are single faults for each that was flown, in whole minutes', () => {
    expect(minutesForAll([spent(100, 400)])).to.equal(4);
    expect(minutesForAll([spent(100, 401)])).to.equal(5);
  });

  it('gives the slowest scenario enough, for all get the same', () => {
    expect(minutesForAll([spent(100, 400), spent(100, 200)])).to.equal(8);
  });

  it('counts what a scenario with few faults leaves over for those after it', () => {
    // The first flies its ten single faults and thirty other flights in 12 s.
    expect(minutesForAll([spent(10, 10, { runs: 200 }), spent(100, 400)])).to.equal(5);
    expect(minutesForAll([spent(100, 400), spent(10, 10, { runs: 200 })])).to.equal(8);
  });

  it('is not said when all were flown, when something was found, or when nobody can know', () => {
    expect(minutesForAll([spent(100, 100)])).to.equal(undefined);
    expect(minutesForAll([spent(100, 400, { isComplete: false })])).to.equal(undefined);
    expect(minutesForAll([spent(100, 400), spent(0, 400, { runs: 3 })])).to.equal(undefined);
  });
});
