/**
 * A virtual clock and a seeded random source.
 */
import type { Clock, Random, Timer } from 'autopilot-runtime/internal';

/** Default start of virtual time: 2026-01-01T00:00:00Z, in milliseconds. */
export const EPOCH = Date.UTC(2026, 0, 1);

interface ScheduledTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that moves only when it is told to. Timers run in the order in which they are due. Timers
 * that are due at one instant run in the order in which they were set.
 */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #start: number;
  readonly #timers = new Set<ScheduledTimer>();

  /** @param start initial time of `now()`, in milliseconds since 1970. Default: {@link EPOCH} */
  constructor(start: number = EPOCH) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): Timer {
    const due: ScheduledTimer = {
      at: this.#elapsed + Math.max(0, ms),
      order: this.#order++,
      callback,
    };
    this.#timers.add(due);
    return { cancel: () => void this.#timers.delete(due) };
  }

  /** Due time of the next timer, comparable with `monotonic()`. Undefined: no timer. */
  get next(): number | undefined {
    return this.#first()?.at;
  }

  /** Moves the time forward to `monotonic` without running timers. An earlier time is ignored. */
  moveTo(monotonic: number): void {
    this.#elapsed = Math.max(this.#elapsed, monotonic);
  }

  /** Runs the first due timer. @returns false when no timer is due */
  fire(): boolean {
    const due = this.#first();
    if (due === undefined || due.at > this.#elapsed) {
      return false;
    }
    this.#timers.delete(due);
    due.callback();
    return true;
  }

  #first(): ScheduledTimer | undefined {
    let first: ScheduledTimer | undefined;
    for (const due of this.#timers) {
      if (
        first === undefined ||
        due.at < first.at ||
        (due.at === first.at && due.order < first.order)
      ) {
        first = due;
      }
    }
    return first;
  }
}

/** A seeded random source: mulberry32 (public domain, Tommy Ettinger 2017). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
