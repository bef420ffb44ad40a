/** Steps (`step: true`) and how close they come to each other. */
import type { KubeObject } from 'autopilot-runtime/ports';
import { objectName, timeText } from './trace.ts';

interface Status {
  readonly phase?: string;
  readonly autopilot?: { readonly lastStep?: string };
}

export class Steps {
  /** The closest that two steps of one phase came, in milliseconds. */
  readonly closest = new Map<string, number>();
  readonly #least: ReadonlyMap<string, number> | undefined;
  /** When a resource made its last step in the phase it is in. */
  readonly #last = new Map<string, number>();

  constructor(least: ReadonlyMap<string, number> | undefined) {
    this.#least = least;
  }

  /**
   * The status of a resource was written. A step is as late as its sync: how long its writes took
   * does not matter.
   */
  seen(before: KubeObject, after: KubeObject, say: (detail: string) => void): void {
    const old = (before.status ?? {}) as Status;
    const { phase = '', autopilot } = (after.status ?? {}) as Status;
    const { uid = '' } = after.metadata;
    // Whoever comes back to a phase begins anew.
    if (old.phase !== phase) {
      this.#last.delete(uid);
    }
    if (autopilot?.lastStep === undefined || autopilot.lastStep === old.autopilot?.lastStep) {
      return;
    }
    const at = Date.parse(autopilot.lastStep);
    const last = this.#last.get(uid);
    this.#last.set(uid, at);
    if (last === undefined) {
      return;
    }
    const gap = at - last;
    this.closest.set(phase, Math.min(gap, this.closest.get(phase) ?? Infinity));
    const least = this.#least?.get(phase);
    if (least !== undefined && gap < least) {
      say(
        `${objectName(after)} made two steps in ${phase} within ${timeText(gap).slice(1)}; ${timeText(least).slice(1)} is the least`,
      );
    }
  }
}
