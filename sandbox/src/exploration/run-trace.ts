/** The trace of a run: what happened, in order. Users read it, and tests compare it. */
import type { KubeObject } from 'autopilot-runtime';
import type { ObjectKey } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

/** One line of a trace. */
export interface TraceEntry {
  /** Milliseconds of virtual time since the run began. */
  readonly at: number;
  /** `user` for a step of the scenario, or the name of a process: `operator-1`. */
  readonly who: string;
  /** What happened: `calls Syncing for AutoRoute example`. */
  readonly what: string;
  /** Description of the fault that was injected here. Absent: no fault. */
  readonly fault?: string;
}

/** Records the trace of one run. */
export class RunTrace {
  /** The entries so far. */
  readonly entries: TraceEntry[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Adds an entry at the present instant. */
  add(who: string, what: string, fault?: string): void {
    this.entries.push({
      at: this.#clock.monotonic(),
      who,
      what,
      ...(fault !== undefined && { fault }),
    });
  }
}

/** @returns `Kind namespace/name`, or `Kind name` in the namespace `default`. */
export function objectLabel(kind: string, { namespace, name }: ObjectKey): string {
  return namespace === undefined || namespace === 'default'
    ? `${kind} ${name}`
    : `${kind} ${namespace}/${name}`;
}

/** @returns {@link objectLabel} of an object. */
export function objectName({ kind, metadata }: KubeObject): string {
  return objectLabel(kind, metadata);
}

/** @returns milliseconds as `+1m02.350s`. */
export function formatElapsed(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms - minutes * 60_000) / 1000;
  return minutes === 0
    ? `+${seconds.toFixed(3)}s`
    : `+${minutes}m${seconds.toFixed(3).padStart(6, '0')}s`;
}

/**
 * Formats a trace for users.
 *
 * @returns one line for each entry. Faults are marked with `✘` and their description.
 */
export function formatTrace(entries: readonly TraceEntry[]): string {
  const width = Math.max(0, ...entries.map(({ who }) => who.length));
  return entries
    .map(({ at, who, what, fault }) => {
      const line = `${formatElapsed(at).padStart(12)}  ${who.padEnd(width)}  ${what}`;
      return fault === undefined ? `  ${line}` : `✘ ${line}   ← ${fault}`;
    })
    .join('\n');
}
