/** The time between two steps (`step: true`) of a resource in one phase. */
import type { KubeObject } from 'autopilot-runtime';
import { parseDuration } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { hasClockJump } from './fault.ts';
import { objectName, formatElapsed } from './run-trace.ts';
import type { Scenario } from './scenario.ts';

interface StepStatus {
  readonly phase?: string;
  readonly autopilot?: { readonly lastStep?: string };
}

/** Records the time between steps and reports intervals that are too short. */
export class StepIntervals {
  /** The shortest interval between two steps of each phase, in milliseconds. */
  readonly shortest = new Map<string, number>();
  readonly #minimum: ReadonlyMap<string, number> | undefined;
  /** Time of the last step of each resource in its present phase, by uid. */
  readonly #lastStepAt = new Map<string, number>();

  /** @param minimum milliseconds by phase. Undefined: intervals are only recorded. */
  constructor(minimum: ReadonlyMap<string, number> | undefined) {
    this.#minimum = minimum;
  }

  /**
   * Records a write of a resource's status. The time of a step is that of its reconcile, so that
   * slow writes do not matter.
   *
   * @param report called with the detail of a violation.
   */
  recordStatus(before: KubeObject, after: KubeObject, report: (detail: string) => void): void {
    const old = (before.status ?? {}) as StepStatus;
    const { phase = '', autopilot } = (after.status ?? {}) as StepStatus;
    const { uid = '' } = after.metadata;
    // A resource that enters a phase may make its first step at once.
    if (old.phase !== phase) {
      this.#lastStepAt.delete(uid);
    }
    if (autopilot?.lastStep === undefined || autopilot.lastStep === old.autopilot?.lastStep) {
      return;
    }
    const at = Date.parse(autopilot.lastStep);
    const last = this.#lastStepAt.get(uid);
    this.#lastStepAt.set(uid, at);
    if (last === undefined) {
      return;
    }
    const gap = at - last;
    this.shortest.set(phase, Math.min(gap, this.shortest.get(phase) ?? Infinity));
    const minimum = this.#minimum?.get(phase);
    if (minimum !== undefined && gap < minimum) {
      const [found, required] = [gap, minimum].map((ms) => formatElapsed(ms).slice(1));
      report(
        `${objectName(after)} made two steps in ${phase} within ${found}; the minimum is ${required}`,
      );
    }
  }
}

/**
 * The minimum interval between two steps of each phase: what the scenario says, or half of the
 * shortest interval in the baseline run.
 *
 * @param baseline shortest intervals of the baseline run, in milliseconds.
 * @returns undefined for the baseline run and for runs in which the wall clock jumps.
 */
export function minStepIntervalsOf(
  { minStepInterval = {} }: Scenario,
  baseline: ReadonlyMap<string, number> | undefined,
  faults: readonly Fault[],
): ReadonlyMap<string, number> | undefined {
  if (baseline === undefined || hasClockJump(faults)) {
    return undefined;
  }
  const minimum = new Map([...baseline].map(([phase, gap]) => [phase, gap / 2]));
  for (const [phase, duration] of Object.entries(minStepInterval)) {
    minimum.set(phase, parseDuration(duration));
  }
  return minimum;
}
