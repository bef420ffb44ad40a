/**
 * From a flight that breaks a promise to the shortest one found that breaks the same: fewer faults
 * first, then earlier ones.
 */
import type { Fault } from './fault.ts';
import type { RunResult } from './scenario-run.ts';

/** Flights that one shrinking may cost. */
const MAX_RUNS = 60;

export async function shrinkFaults(
  result: RunResult,
  invariant: string,
  run: (faults: readonly Fault[]) => Promise<RunResult>,
): Promise<RunResult> {
  let best = result;
  let runsLeft = MAX_RUNS;
  const attempt = async (faults: readonly Fault[]): Promise<boolean> => {
    if (runsLeft-- <= 0) {
      return false;
    }
    const attempted = await run(faults);
    if (!attempted.violations.some((violation) => violation.invariant === invariant)) {
      return false;
    }
    best = attempted;
    return true;
  };
  for (let index = 0; index < best.faults.length && best.faults.length > 1;) {
    if (!(await attempt(best.faults.filter((_, other) => other !== index)))) {
      index++;
    }
  }
  for (let index = 0; index < best.faults.length; index++) {
    for (
      let step = Math.floor((best.faults[index]?.nth ?? 1) / 2);
      step >= 1;
      step = Math.floor(step / 2)
    ) {
      while (
        await attempt(
          best.faults.map((fault, other) =>
            other === index ? { ...fault, nth: fault.nth - step } : fault,
          ),
        )
      ) {
        if ((best.faults[index]?.nth ?? 1) <= step) {
          break;
        }
      }
    }
  }
  return best;
}
