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
  readonly #last = new Map<string, { readonly phase: string; readonly at: number }>();

  constructor(least: ReadonlyMap<string, number> | undefined) {
    this.#least = least;
  }

  /** The status of a resource was written. */
  seen(before: KubeObject, after: KubeObject, at: number, say: (detail: string) => void): void {
    const old = (before.status ?? {}) as Status;
    const { phase = '', autopilot } = (after.status ?? {}) as Status;
    const { uid = '' } = after.metadata;
    if (autopilot?.lastStep === undefined || autopilot.lastStep === old.autopilot?.lastStep) return;
    // A step that leaves its phase is one of the phase it was made in.
    const stepped = old.phase ?? phase;
    const last = this.#last.get(uid);
    this.#last.set(uid, { phase: stepped, at });
    if (last?.phase !== stepped) return;
    const gap = at - last.at;
    this.closest.set(stepped, Math.min(gap, this.closest.get(stepped) ?? Infinity));
    const least = this.#least?.get(stepped);
    if (least !== undefined && gap < least)
      say(`${objectName(after)} made two steps in ${stepped} within ${timeText(gap).slice(1)}; ${timeText(least).slice(1)} is the least`);
  }
}
