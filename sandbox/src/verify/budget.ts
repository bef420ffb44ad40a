/**
 * How a budget is shared among scenarios, and how much of it would fly every single fault, from how
 * fast they were flown.
 */

/**
 * For each single fault of a scenario it flies so many times, if others are waiting: then its pairs
 * and orders were three times as many.
 */
export const RUNS_PER_SINGLE = 4;

/** What became of one scenario. */
export interface ScenarioCost {
  /** Nothing was found, which ends a scenario early. */
  readonly isComplete: boolean;
  readonly singles: readonly [runs: number, all: number];
  /** Of any kind. */
  readonly runs: number;
  readonly ms: number;
}

const MINUTE_MS = 60_000;

/** What a scenario gets of what is left, in milliseconds, when so many are left with it. */
export function budgetShare(remainingMs: number, scenarios: number): number {
  return remainingMs / scenarios;
}

/**
 * In whole minutes, for the same scenarios in the same order. Undefined: all single faults were
 * flown, as far as nothing was found, or
 * nobody can say, because some scenario has flown none.
 */
export function minutesForAll(scenarios: readonly ScenarioCost[]): number | undefined {
  const incomplete = scenarios.filter(
    ({ isComplete, singles: [done, all] }) => isComplete && done < all,
  );
  if (incomplete.length === 0 || incomplete.some(({ singles: [done] }) => done === 0)) {
    return undefined;
  }
  // With so much even the slowest has what it needs if nobody leaves anything over.
  const maxMinutes = Math.ceil(
    (Math.max(...incomplete.map((one) => budgetNeeded(one))) * scenarios.length) / MINUTE_MS,
  );
  for (let minutes = 1; minutes < maxMinutes; minutes++) {
    if (coversAllSingles(scenarios, minutes * MINUTE_MS)) {
      return minutes;
    }
  }
  return maxMinutes;
}

/** Scenarios take their shares as in `verify`. */
function coversAllSingles(scenarios: readonly ScenarioCost[], budgetMs: number): boolean {
  let remainingMs = budgetMs;
  return scenarios.every((one, index) => {
    const share = budgetShare(remainingMs, scenarios.length - index);
    remainingMs -= Math.min(
      share,
      one.isComplete ? (one.ms / one.runs) * one.singles[1] * RUNS_PER_SINGLE : one.ms,
    );
    return !one.isComplete || share >= budgetNeeded(one);
  });
}

/** The part of its flights that have a single fault stays the same until all are flown. */
function budgetNeeded({ singles: [done, all], ms }: ScenarioCost): number {
  return done < all ? (ms / done) * all : 0;
}
