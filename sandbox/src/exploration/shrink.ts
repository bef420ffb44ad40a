/**
 * From a flight that breaks a promise to the shortest one found that breaks the same: fewer faults
 * first, then earlier ones.
 */
import type { Fault } from './fault.ts';
import type { Flown } from './trial.ts';

/** Flights that one shrinking may cost. */
const MOST_FLIGHTS = 60;

export async function shrink(
  flown: Flown,
  promise: string,
  fly: (faults: readonly Fault[]) => Promise<Flown>,
): Promise<Flown> {
  let best = flown;
  let left = MOST_FLIGHTS;
  const attempt = async (faults: readonly Fault[]): Promise<boolean> => {
    if (left-- <= 0) {
      return false;
    }
    const again = await fly(faults);
    if (!again.violations.some((violation) => violation.promise === promise)) {
      return false;
    }
    best = again;
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
