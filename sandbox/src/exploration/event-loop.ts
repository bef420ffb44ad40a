/**
 * The event loop of a run: everything that is due happens, then virtual time jumps to the next
 * timer. A run that never becomes idle is aborted.
 */
import { sleep } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

/** Changes of cluster objects after which a run that does not reach quiescence is aborted. */
const MAX_CHANGES = 2_000;
/** Virtual time after which a run that does not reach quiescence is aborted: 24 h. */
const MAX_MS = 24 * 3_600_000;
/** Turns that one instant waits for a worker that uses real I/O. */
const MAX_WAITING_TURNS = 2_000;
/** Turns after which one instant counts as an endless loop. */
const MAX_TURNS_PER_INSTANT = 20_000;
/** Fault sites and changes of one turn. More than that is a loop that never yields. */
const MAX_ACTIVITY_PER_TURN = 5_000;

/** The invariant that an endless run violates. */
export const QUIESCENCE = 'the operator reaches quiescence';
const ENDLESS_INSTANT = 'the operator is still active after the maximum of work at one instant';

/** Dependencies of an {@link EventLoop}. */
export interface EventLoopOptions {
  /** The clock that the loop moves. */
  readonly clock: VirtualClock;
  /**
   * Called after an instant at which something happened. Returns true if a fault was injected, so
   * that the instant is not over.
   */
  readonly onInstant: () => boolean;
  /** Called once when the run is aborted. No invariant is passed if one was violated before. */
  readonly onAbort: (invariant?: string, detail?: string) => void;
}

/** Runs instants of virtual time until the run is over. */
export class EventLoop {
  /** Calls of workers that run at present and are not delayed by a fault. */
  activeWorkers = 0;
  /** Instant of the last change in the cluster, in milliseconds of virtual time. */
  lastChangeAt = 0;
  /** Instant at which the last fault began or ended, in milliseconds of virtual time. */
  lastFaultAt = 0;
  readonly #options: EventLoopOptions;
  readonly #clock: VirtualClock;
  #isOver = false;
  #changes = 0;
  #activeFaults = 0;
  #activity = 0;
  #activityAtLastInstant = 0;
  #activityAtLastTurn = 0;

  constructor(options: EventLoopOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** True after the run was aborted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True while a fault delays a request, an event or a call. */
  get hasActiveFault(): boolean {
    return this.#activeFaults > 0;
  }

  /** @returns virtual time since the run began, in milliseconds. */
  now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Delays a request, an event or a call because of a fault.
   *
   * @param ms milliseconds of virtual time.
   * @throws the signal's reason when the signal is aborted first.
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
   * Records a fault site or a change. Aborts the run here if there are too many of them in one
   * turn, because a loop that never yields does not come back to {@link settle}.
   */
  recordActivity(): void {
    if (++this.#activity - this.#activityAtLastTurn > MAX_ACTIVITY_PER_TURN) {
      this.abort(QUIESCENCE, ENDLESS_INSTANT);
    }
  }

  /** Records a change in the cluster. */
  recordChange(): void {
    this.recordActivity();
    this.#changes++;
    this.lastChangeAt = this.now();
  }

  /**
   * Ends the run early.
   *
   * @param invariant the invariant that this violates. Absent: one was violated before.
   * @param detail what was observed.
   */
  abort(invariant?: string, detail?: string): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#options.onAbort(invariant, detail);
  }

  /**
   * Aborts the run when it exceeds the limits of changes or time.
   *
   * @param startedAt instant from which the operator was expected to become quiescent, in
   * milliseconds.
   */
  abortIfEndless(startedAt: number): void {
    if (this.#changes > MAX_CHANGES || this.now() - startedAt > MAX_MS) {
      this.abort(QUIESCENCE, `the operator is still making changes after ${this.#changes} changes`);
    }
  }

  /**
   * Moves to the next instant at which a timer is due.
   *
   * @param idleMs milliseconds to move instead when no timer is set.
   */
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

  /** Runs all instants until the given one, in milliseconds of virtual time. */
  async advanceUntil(instant: number): Promise<void> {
    while (!this.#isOver && (this.#clock.next ?? Infinity) <= instant) {
      await this.advance();
    }
    this.#clock.moveTo(instant);
  }

  /** @returns true if no timer is due up to the given instant. */
  isIdleUntil(instant: number): boolean {
    return this.#clock.next === undefined || this.#clock.next > instant;
  }

  /** Runs everything that is due now. If something happened, the instant is a fault site. */
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
   * Runs everything that is due now. The sandbox responds within one turn of the event loop.
   * Workers may wait for real I/O, so a running worker gets more turns.
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
    this.abort(QUIESCENCE, ENDLESS_INSTANT);
  }
}

function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
