/**
 * How a flight goes on: everything that is due happens, then time jumps to what is due next. It
 * knows when nothing happens any more.
 */
import { sleep } from 'autopilot-runtime/ports';
import type { VirtualClock } from '../clock.ts';

/** Changes and time after which a flight that does not come to rest is given up. */
const MOST_CHANGES = 2_000;
const MOST_MS = 24 * 3_600_000;
/**
 * Turns of the event loop that a worker which does something real is waited for, at one instant.
 */
const PATIENT_TURNS = 2_000;
const MOST_TURNS = 20_000;
/** Places and changes of one turn: more is a loop that never lets anything else happen. */
const MOST_ACTIVITY = 5_000;

export interface CourseOptions {
  readonly clock: VirtualClock;
  /**
   * Everything that was due has happened, and it was not nothing. True: a fault has struck, and
   * there is more.
   */
  readonly onInstant: () => boolean;
  /** It is no use to fly on. Without a promise: one was broken before. */
  readonly onEnd: (promise?: string, detail?: string) => void;
}

export class Course {
  /** Workers that are at work by themselves, and not held by a fault. */
  busy = 0;
  /** Instants of the last change and of the last fault, or of its end. */
  lastChange = 0;
  lastFault = 0;
  readonly #options: CourseOptions;
  readonly #clock: VirtualClock;
  #over = false;
  #changes = 0;
  /** Faults that are not over. */
  #passing = 0;
  #activity = 0;
  /** Of the last instant, and of the last turn. */
  #seen = 0;
  #turn = 0;

  constructor(options: CourseOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** It is no use to fly on. */
  get over(): boolean {
    return this.#over;
  }

  /** A fault is under way. */
  get passing(): boolean {
    return this.#passing > 0;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Resolves after so many milliseconds of virtual time; rejects with the signal's reason when
   * aborted first.
   */
  async pass(ms: number, signal?: AbortSignal): Promise<void> {
    this.#passing++;
    try {
      await sleep(this.#clock, ms, signal);
    } finally {
      this.#passing--;
      this.lastFault = this.now();
    }
  }

  /**
   * Something has happened. A loop without end never comes back here: what runs in it is killed.
   */
  count(): void {
    if (++this.#activity - this.#turn > MOST_ACTIVITY) {
      this.giveUp('the machine comes to rest', 'it is at work without end at one instant');
    }
  }

  /** Something has changed in the cluster. */
  changed(): void {
    this.count();
    this.#changes++;
    this.lastChange = this.now();
  }

  /** @param promise that is broken by it; absent: one was broken before */
  giveUp(promise?: string, detail?: string): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#options.onEnd(promise, detail);
  }

  /** @param begun when it should have begun to come to rest */
  checkEndless(begun: number): void {
    if (this.#changes > MOST_CHANGES || this.now() - begun > MOST_MS) {
      this.giveUp(
        'the machine comes to rest',
        `it still changes something after ${this.#changes} changes`,
      );
    }
  }

  /** To the next instant at which something is due; `idleMs` further when nothing is. */
  async tick(idleMs = 0): Promise<void> {
    const { next } = this.#clock;
    if (next === undefined) {
      this.#clock.moveTo(this.now() + idleMs);
      if (idleMs > 0) {
        return;
      }
    } else {
      this.#clock.moveTo(next);
    }
    await this.instant();
  }

  /** Everything that is due by then happens. */
  async until(instant: number): Promise<void> {
    while (!this.#over && (this.#clock.next ?? Infinity) <= instant) {
      await this.tick();
    }
    this.#clock.moveTo(instant);
  }

  /** Does nothing happen any more before that instant? */
  isIdleUntil(instant: number): boolean {
    return this.#clock.next === undefined || this.#clock.next > instant;
  }

  /**
   * Everything that is due now happens; if something did, this is an instant: a place for faults.
   */
  async instant(): Promise<void> {
    await this.settle();
    if (this.#activity === this.#seen) {
      return;
    }
    this.#seen = this.#activity;
    if (!this.#options.onInstant()) {
      return;
    }
    this.lastFault = this.now();
    await this.settle();
  }

  /**
   * Everything in the sandbox answers within one turn of the event loop; workers may wait for
   * something real.
   */
  async settle(): Promise<void> {
    let waiting = 0;
    for (let turns = 0; turns < MOST_TURNS && this.#changes <= MOST_CHANGES; turns++) {
      let fired = false;
      while (this.#clock.fire()) {
        fired = true;
      }
      this.#turn = this.#activity;
      await nextTurn();
      if (this.#over) {
        return;
      }
      if (fired || this.#activity !== this.#turn) {
        waiting = 0;
      } else if (this.busy === 0 || ++waiting > PATIENT_TURNS) {
        return;
      }
    }
    this.giveUp('the machine comes to rest', 'it is at work without end at one instant');
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
