/**
 * Runs properties on random inputs. In CI each property has a fixed number of runs of one seed.
 *
 * - AUTOPILOT_FUZZ_MINUTES: runs each property for that time, with another seed each day.
 * - AUTOPILOT_SEED: the seed. A failure prints the one to repeat.
 */
import fc from 'fast-check';

const MINUTES = Number(process.env['AUTOPILOT_FUZZ_MINUTES'] ?? 0);
const DAY_MS = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY_MS);
const SEED = Number(process.env['AUTOPILOT_SEED'] ?? (MINUTES > 0 ? TODAY : 1));
const RUNS = 300;
/** Longest time of one property in CI, in milliseconds. */
const LIMIT_MS = 15_000;

/** Time that a test of one property may take, in milliseconds. */
export const TIMEOUT_MS = 60_000 + MINUTES * 60_000;

/**
 * @param runs number of runs in CI.
 * @throws Error with the smallest input found that the property does not hold for, and its seed.
 */
export async function holds<T>(
  property: fc.IAsyncProperty<T> | fc.IProperty<T>,
  runs: number = RUNS,
): Promise<void> {
  const details = await fc.check(property as fc.IAsyncProperty<T>, {
    seed: SEED,
    numRuns: MINUTES > 0 ? Number.MAX_SAFE_INTEGER : runs,
    interruptAfterTimeLimit: MINUTES > 0 ? MINUTES * 60_000 : LIMIT_MS,
    markInterruptAsFailure: false,
  });
  if (details.failed) {
    const text = fc.defaultReportMessage(details) ?? '';
    throw new Error(`repeat with AUTOPILOT_SEED=${SEED} npm test -- fuzz\n${text}`, {
      cause: details.errorInstance,
    });
  }
}
