import { expect } from 'chai';
import type { ScenarioCost } from '../../sandbox/src/verify/budget.ts';
import { budgetShare, minutesForAll } from '../../sandbox/src/verify/budget.ts';

/** The cost of a scenario in one minute, in which half of the runs have a single fault. */
const spent = (done: number, all: number, rest: Partial<ScenarioCost> = {}): ScenarioCost => ({
  isComplete: true,
  singles: [done, all],
  runs: done * 2,
  ms: 60_000,
  weight: 1,
  ...rest,
});

describe('the budget for all single faults', () => {
  it('grows in proportion to the single faults that were not run, in whole minutes', () => {
    expect(minutesForAll([spent(100, 400)])).to.equal(4);
    expect(minutesForAll([spent(100, 401)])).to.equal(5);
  });

  it('is divided by what the single faults of each scenario cost', () => {
    expect([budgetShare(60_000, [3, 1]), budgetShare(15_000, [1])]).to.deep.equal([45_000, 15_000]);
  });

  it('is enough for the slowest scenario', () => {
    expect(minutesForAll([spent(100, 400), spent(100, 200)])).to.equal(8);
    expect(minutesForAll([spent(100, 400, { weight: 2 }), spent(100, 200)])).to.equal(6);
  });

  it('counts the time that a scenario with few faults leaves to the scenarios after it', () => {
    // The first scenario needs 12 s for its ten single faults and thirty other runs.
    expect(minutesForAll([spent(10, 10, { runs: 200 }), spent(100, 400)])).to.equal(5);
    expect(minutesForAll([spent(100, 400), spent(10, 10, { runs: 200 })])).to.equal(8);
  });

  it('is unknown when all were run, after a finding, and when no single fault was run', () => {
    expect(minutesForAll([spent(100, 100)])).to.equal(undefined);
    expect(minutesForAll([spent(100, 400, { isComplete: false })])).to.equal(undefined);
    expect(minutesForAll([spent(100, 400), spent(0, 400, { runs: 3 })])).to.equal(undefined);
  });
});
