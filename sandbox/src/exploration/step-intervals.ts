/** Steps (`step: true`) and how close they come to each other. */
import type { KubeObject } from 'autopilot-runtime/internal';
import { objectName, formatElapsed } from './run-trace.ts';

interface StepStatus {
  readonly phase?: string;
  readonly autopilot?: { readonly lastStep?: string };
}

export class StepIntervals {
  /** The closest that two steps of one phase came, in milliseconds. */
  readonly shortest = new Map<string, number>();
  readonly #minimum: ReadonlyMap<string, number> | undefined;
  /** When a resource made its last step in the phase it is in. */
  readonly #lastStepAt = new Map<string, number>();

  constructor(least: ReadonlyMap<string, number> | undefined) {
    this.#minimum = least;
  }

  /**
   * The status of a resource was written. A step is as late as its sync: how long its writes took
   * does not matter.
   */
  recordStatus(before: KubeObject, after: KubeObject, report: (detail: string) => void): void {
    const old = (before.status ?? {}) as StepStatus;
    const { phase = '', autopilot } = (after.status ?? {}) as StepStatus;
    const { uid = '' } = after.metadata;
    // Whoever comes back to a phase begins anew.
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
      report(
        `${objectName(after)} made two steps in ${phase} within ${formatElapsed(gap).slice(1)}; ${formatElapsed(minimum).slice(1)} is the least`,
      );
    }
  }
}
