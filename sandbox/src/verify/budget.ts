/**
 * How a budget is shared among scenarios, and how much of it would fly every single fault, from how
 * fast they were flown.
 */

/**
 * For each single fault of a scenario it flies so many times, if others are waiting: then its pairs
 * and orders were three times as many.
 */
export const ENOUGH = 4;

/** What became of one scenario. */
export interface Spent {
  /** Nothing was found, which ends a scenario early. */
  readonly whole: boolean;
  readonly singles: readonly [flown: number, all: number];
  /** Of any kind. */
  readonly flown: number;
  readonly ms: number;
}

const MINUTE_MS = 60_000;

/** What a scenario gets of what is left, in milliseconds, when so many are left with it. */
export function shareOf(leftMs: number, scenarios: number): number {
  return leftMs / scenarios;
}

/**
 * In whole minutes, for the same scenarios in the same order. Undefined: all single faults were
 * flown, as far as nothing was found, or
 * nobody can say, because some scenario has flown none.
 */
export function minutesForAll(scenarios: readonly Spent[]): number | undefined {
  const short = scenarios.filter(({ whole, singles: [done, all] }) => whole && done < all);
  if (short.length === 0 || short.some(({ singles: [done] }) => done === 0)) {
    return undefined;
  }
  // With so much even the slowest has what it needs if nobody leaves anything over.
  const most = Math.ceil(
    (Math.max(...short.map((one) => needOf(one))) * scenarios.length) / MINUTE_MS,
  );
  for (let minutes = 1; minutes < most; minutes++) {
    if (fliesAll(scenarios, minutes * MINUTE_MS)) {
      return minutes;
    }
  }
  return most;
}

/** Scenarios take their shares as in `verify`. */
function fliesAll(scenarios: readonly Spent[], budgetMs: number): boolean {
  let leftMs = budgetMs;
  return scenarios.every((one, index) => {
    const share = shareOf(leftMs, scenarios.length - index);
    leftMs -= Math.min(share, one.whole ? (one.ms / one.flown) * one.singles[1] * ENOUGH : one.ms);
    return !one.whole || share >= needOf(one);
  });
}

/** The part of its flights that have a single fault stays the same until all are flown. */
function needOf({ singles: [done, all], ms }: Spent): number {
  return done < all ? (ms / done) * all : 0;
}
