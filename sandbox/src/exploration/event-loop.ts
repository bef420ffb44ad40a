/**
 * How a flight goes on: everything that is due happens, then time jumps to what is due next. It
 * knows when nothing happens any more.
 */
import { sleep } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

/** Changes and time after which a flight that does not come to rest is given up. */
const MAX_CHANGES = 2_000;
const MAX_MS = 24 * 3_600_000;
/**
 * Turns of the event loop that a worker which does something real is waited for, at one instant.
 */
const MAX_WAITING_TURNS = 2_000;
const MAX_TURNS_PER_INSTANT = 20_000;
/** Places and changes of one turn: more is a loop that never lets anything else happen. */
const MAX_ACTIVITY_PER_TURN = 5_000;

export interface EventLoopOptions {
  readonly clock: VirtualClock;
  /**
   * Everything that was due has happened, and it was not nothing. True: a fault has struck, and
   * there is more.
   */
  readonly onInstant: () => boolean;
  /** It is no use to fly on. Without a promise: one was broken before. */
  readonly onAbort: (invariant?: string, detail?: string) => void;
}

export class EventLoop {
  /** Workers that are at work by themselves, and not held by a fault. */
  activeWorkers = 0;
  /** Instants of the last change and of the last fault, or of its end. */
  lastChangeAt = 0;
  lastFaultAt = 0;
  readonly #options: EventLoopOptions;
  readonly #clock: VirtualClock;
  #isOver = false;
  #changes = 0;
  /** Faults that are not over. */
  #activeFaults = 0;
  #activity = 0;
  /** Of the last instant, and of the last turn. */
  #activityAtLastInstant = 0;
  #activityAtLastTurn = 0;

  constructor(options: EventLoopOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** It is no use to fly on. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A fault is under way. */
  get hasActiveFault(): boolean {
    return this.#activeFaults > 0;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Resolves after so many milliseconds of virtual time; rejects with the signal's reason when
   * aborted first.
   */
  async delayForFault(ms: number, signal?: AbortSignal): Promise<void> {
    this.#activeFaults++;
    try {
      await sleep(this.#clock, ms, signal);
    } finally {
      this.#activeFaults--;
      this.lastFaultAt = this.now();
    }
  }

  /**
   * Something has happened. A loop without end never comes back here: what runs in it is killed.
   */
  recordActivity(): void {
    if (++this.#activity - this.#activityAtLastTurn > MAX_ACTIVITY_PER_TURN) {
      this.abort('the operator reaches quiescence', 'it is at work without end at one instant');
    }
  }

  /** Something has changed in the cluster. */
  recordChange(): void {
    this.recordActivity();
    this.#changes++;
    this.lastChangeAt = this.now();
  }

  /** @param invariant that is broken by it; absent: one was broken before */
  abort(invariant?: string, detail?: string): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#options.onAbort(invariant, detail);
  }

  /** @param startedAt when it should have begun to come to rest */
  abortIfEndless(startedAt: number): void {
    if (this.#changes > MAX_CHANGES || this.now() - startedAt > MAX_MS) {
      this.abort(
        'the operator reaches quiescence',
        `it still changes something after ${this.#changes} changes`,
      );
    }
  }

  /** To the next instant at which something is due; `idleMs` further when nothing is. */
  async advance(idleMs = 0): Promise<void> {
    const { next } = this.#clock;
    if (next === undefined) {
      this.#clock.moveTo(this.now() + idleMs);
      if (idleMs > 0) {
        return;
      }
    } else {
      this.#clock.moveTo(next);
    }
    await this.runInstant();
  }

  /** Everything that is due by then happens. */
  async advanceUntil(instant: number): Promise<void> {
    while (!this.#isOver && (this.#clock.next ?? Infinity) <= instant) {
      await this.advance();
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
  async runInstant(): Promise<void> {
    await this.settle();
    if (this.#activity === this.#activityAtLastInstant) {
      return;
    }
    this.#activityAtLastInstant = this.#activity;
    if (!this.#options.onInstant()) {
      return;
    }
    this.lastFaultAt = this.now();
    await this.settle();
  }

  /**
   * Everything in the sandbox answers within one turn of the event loop; workers may wait for
   * something real.
   */
  async settle(): Promise<void> {
    let waiting = 0;
    for (let turns = 0; turns < MAX_TURNS_PER_INSTANT && this.#changes <= MAX_CHANGES; turns++) {
      let fired = false;
      while (this.#clock.fire()) {
        fired = true;
      }
      this.#activityAtLastTurn = this.#activity;
      await nextEventLoopTurn();
      if (this.#isOver) {
        return;
      }
      if (fired || this.#activity !== this.#activityAtLastTurn) {
        waiting = 0;
      } else if (this.activeWorkers === 0 || ++waiting > MAX_WAITING_TURNS) {
        return;
      }
    }
    this.abort('the operator reaches quiescence', 'it is at work without end at one instant');
  }
}

function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
