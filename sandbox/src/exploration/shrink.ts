/**
 * Shrinks a run that violates an invariant: first fewer faults, then earlier ones. The result is
 * the shortest run found that violates the same invariant.
 */
import type { Fault } from './fault.ts';
import type { RunResult } from './scenario-run.ts';

/** Runs that shrinking one finding may cost. */
const MAX_RUNS = 60;

/**
 * @param result a run that violates the invariant.
 * @param invariant the invariant that the shrunk run must violate too.
 * @param run runs the same scenario with other faults.
 */
export async function shrinkFaults(
  result: RunResult,
  invariant: string,
  run: (faults: readonly Fault[]) => Promise<RunResult>,
): Promise<RunResult> {
  const shrinker = new Shrinker(result, invariant, run);
  await shrinker.dropFaults();
  await shrinker.moveFaultsEarlier();
  return shrinker.best;
}

class Shrinker {
  best: RunResult;
  readonly #invariant: string;
  readonly #run: (faults: readonly Fault[]) => Promise<RunResult>;
  #runsLeft = MAX_RUNS;

  constructor(
    result: RunResult,
    invariant: string,
    run: (faults: readonly Fault[]) => Promise<RunResult>,
  ) {
    this.best = result;
    this.#invariant = invariant;
    this.#run = run;
  }

  /** Drops each fault without which the invariant is still violated. Keeps at least one. */
  async dropFaults(): Promise<void> {
    let index = 0;
    while (index < this.best.faults.length && this.best.faults.length > 1) {
      const withoutFault = this.best.faults.filter((_, other) => other !== index);
      if (!(await this.#tryFaults(withoutFault))) {
        index++;
      }
    }
  }

  /** Moves each fault to an earlier site of its type, in steps that are halved. */
  async moveFaultsEarlier(): Promise<void> {
    for (let index = 0; index < this.best.faults.length; index++) {
      let step = Math.floor(this.#nthOf(index) / 2);
      while (step >= 1) {
        await this.#moveEarlier(index, step);
        step = Math.floor(step / 2);
      }
    }
  }

  /** Moves one fault by `step` sites as often as the invariant is still violated. */
  async #moveEarlier(index: number, step: number): Promise<void> {
    let isMoved = true;
    while (isMoved && this.#nthOf(index) > step) {
      isMoved = await this.#tryFaults(
        this.best.faults.map((fault, other) =>
          other === index ? { ...fault, nth: fault.nth - step } : fault,
        ),
      );
    }
  }

  #nthOf(index: number): number {
    return this.best.faults[index]?.nth ?? 1;
  }

  /** @returns true if these faults violate the invariant too; they are the best ones then. */
  async #tryFaults(faults: readonly Fault[]): Promise<boolean> {
    if (this.#runsLeft <= 0) {
      return false;
    }
    this.#runsLeft--;
    const result = await this.#run(faults);
    if (!result.violations.some(({ invariant }) => invariant === this.#invariant)) {
      return false;
    }
    this.best = result;
    return true;
  }
}
