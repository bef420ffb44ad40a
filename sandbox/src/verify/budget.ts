/**
 * Divides a budget of time among scenarios, and estimates the budget that would be enough for all
 * single faults.
 */

/**
 * Runs of a scenario for each of its single faults, while other scenarios wait for their turn. The
 * plan has one single fault in two runs, so pairs and schedules are then three times as many.
 */
export const RUNS_PER_SINGLE = 4;

/** What one scenario cost. */
export interface ScenarioCost {
  /** False: an invariant was violated, which ends a scenario early. */
  readonly isComplete: boolean;
  /** Number of single faults that were run, and of all single faults. */
  readonly singles: readonly [runs: number, all: number];
  /** Number of all runs. */
  readonly runs: number;
  /** Time, in milliseconds. */
  readonly ms: number;
  /** Cost of its single faults in relation to other scenarios: sites times the time of a run. */
  readonly weight: number;
}

const MINUTE_MS = 60_000;

/**
 * @param weights of the scenarios that are left. The first one is the scenario whose turn it is.
 * @returns the share of a scenario in milliseconds.
 */
export function budgetShare(remainingMs: number, weights: readonly number[]): number {
  const [own = 0] = weights;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return total === 0 ? remainingMs : (remainingMs * own) / total;
}

/**
 * Estimates the budget for all single faults of the same scenarios in the same order.
 *
 * @returns whole minutes. Undefined if all single faults of the complete scenarios were run, or if
 * a scenario has run none, so that there is nothing to estimate from.
 */
export function minutesForAll(scenarios: readonly ScenarioCost[]): number | undefined {
  const incomplete = scenarios.filter(
    ({ isComplete, singles: [done, all] }) => isComplete && done < all,
  );
  if (incomplete.length === 0 || incomplete.some(({ singles: [done] }) => done === 0)) {
    return undefined;
  }
  // Enough for each scenario even if the others use up their shares.
  const total = scenarios.reduce((sum, { weight }) => sum + weight, 0);
  const mostMs = Math.max(
    ...incomplete.map((one) => (budgetNeeded(one) * total) / Math.max(1, one.weight)),
  );
  const maxMinutes = Math.ceil(mostMs / MINUTE_MS);
  for (let minutes = 1; minutes < maxMinutes; minutes++) {
    if (coversAllSingles(scenarios, minutes * MINUTE_MS)) {
      return minutes;
    }
  }
  return maxMinutes;
}

/** Simulates how `verify` divides a budget. */
function coversAllSingles(scenarios: readonly ScenarioCost[], budgetMs: number): boolean {
  let remainingMs = budgetMs;
  return scenarios.every((one, index) => {
    const share = budgetShare(
      remainingMs,
      scenarios.slice(index).map(({ weight }) => weight),
    );
    const mostMs = one.isComplete ? (one.ms / one.runs) * one.singles[1] * RUNS_PER_SINGLE : one.ms;
    remainingMs -= Math.min(share, mostMs);
    return !one.isComplete || share >= budgetNeeded(one);
  });
}

/** The part of single faults in all runs stays the same until all of them are run. */
function budgetNeeded({ singles: [done, all], ms }: ScenarioCost): number {
  return done < all ? (ms / done) * all : 0;
}
