/** What happened in a flight, in order: for people to read, and for tests to compare. */
import type { KubeObject, ObjectKey } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

export interface TraceEntry {
  /** Milliseconds of virtual time since the flight began. */
  readonly at: number;
  /** `user`, or a process: `operator-1`. */
  readonly who: string;
  readonly what: string;
  /** What was made to go wrong here. */
  readonly fault?: string;
}

export class RunTrace {
  readonly entries: TraceEntry[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  add(who: string, what: string, fault?: string): void {
    this.entries.push({
      at: this.#clock.monotonic(),
      who,
      what,
      ...(fault !== undefined && { fault }),
    });
  }
}

/** `Kind namespace/name`, without the namespace that everything is in. */
export function objectLabel(kind: string, { namespace, name }: ObjectKey): string {
  return namespace === undefined || namespace === 'default'
    ? `${kind} ${name}`
    : `${kind} ${namespace}/${name}`;
}

export function objectName({ kind, metadata }: KubeObject): string {
  return objectLabel(kind, metadata);
}

/** `+1m02.350s` since the flight began. */
export function formatElapsed(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms - minutes * 60_000) / 1000;
  return minutes === 0
    ? `+${seconds.toFixed(3)}s`
    : `+${minutes}m${seconds.toFixed(3).padStart(6, '0')}s`;
}

/** One line for each entry; faults are marked. */
export function formatTrace(entries: readonly TraceEntry[]): string {
  const width = Math.max(0, ...entries.map(({ who }) => who.length));
  return entries
    .map(({ at, who, what, fault }) => {
      const line = `${formatElapsed(at).padStart(12)}  ${who.padEnd(width)}  ${what}`;
      return fault === undefined ? `  ${line}` : `✘ ${line}   ← ${fault}`;
    })
    .join('\n');
}
