/**
 * One process of an operator as a flight sees it: it can be killed without any clean-up, and stand
 * still.
 */
import type { Clock, KubeObject, Operator, Timer } from 'autopilot-runtime/internal';
import { keyString } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

/**
 * The clock of one process: its timers die with it, wait while it stands still, and its wall clock
 * may be wrong.
 */
class ProcessClock implements Clock {
  readonly #base: VirtualClock;
  readonly #skew: () => number;
  readonly #timers = new Set<Timer>();
  readonly #runWhenAwake: (callback: () => void) => void;
  #isKilled = false;

  constructor(base: VirtualClock, skew: () => number, gate: (callback: () => void) => void) {
    this.#base = base;
    this.#skew = skew;
    this.#runWhenAwake = gate;
  }

  now(): number {
    return this.#base.now() + this.#skew();
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  after(ms: number, callback: () => void): Timer {
    if (this.#isKilled) {
      return { cancel: () => undefined };
    }
    const timer = this.#base.after(ms, () => {
      this.#timers.delete(timer);
      this.#runWhenAwake(callback);
    });
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  kill(): void {
    this.#isKilled = true;
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#timers.clear();
  }
}

export class OperatorProcess {
  readonly name: string;
  readonly clock: Clock;
  /** Aborted when the process is killed: what the cluster does for it ends. */
  readonly killController = new AbortController();
  operator: Operator | undefined;
  /** Each breaks one open watch. */
  readonly watches = new Set<() => void>();
  /** Started while another one leads. */
  readonly isStandby: boolean;
  /** It cannot reach its lease. */
  leaseUnreachable = false;
  /** Its watches are late by so many milliseconds. */
  watchDelayMs = 0;
  /** Version of each object as it was last told, by kind and key. */
  readonly #seenVersion = new Map<string, string>();
  readonly #clock: ProcessClock;
  #frozen: Promise<void> | undefined;

  constructor(name: string, base: VirtualClock, skew: () => number, isStandby: boolean) {
    this.name = name;
    this.isStandby = isStandby;
    this.#clock = new ProcessClock(base, skew, (callback) => {
      if (this.#frozen === undefined) {
        callback();
      } else {
        void this.#frozen.then(() => this.isAlive && callback());
      }
    });
    this.clock = this.#clock;
  }

  get isAlive(): boolean {
    return !this.killController.signal.aborted;
  }

  get isLeading(): boolean {
    return this.isAlive && this.operator?.isLeading() === true;
  }

  /**
   * What it does is counted as places; a standby's doings are not, so that places are the same with
   * and without one.
   */
  get countsFaultSites(): boolean {
    return !this.isStandby || this.isLeading;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  kill(): void {
    this.#clock.kill();
    this.killController.abort(new Error('killed'));
  }

  /** Stands still until the promise settles. */
  freezeUntil(end: Promise<void>): void {
    this.#frozen = end;
    void end.then(() => (this.#frozen = undefined));
  }

  /** To be awaited before anything reaches the process: never resolves when it is dead. */
  async waitUntilRunning(): Promise<void> {
    while (this.#frozen !== undefined) {
      await this.#frozen;
    }
    if (!this.isAlive) {
      await neverSettle();
    }
  }

  /** It was told this state. */
  recordSeen(object: KubeObject): void {
    const key = `${object.kind} ${keyString(object.metadata)}`;
    const { resourceVersion = '0' } = object.metadata;
    const seen = this.#seenVersion.get(key);
    if (seen === undefined || BigInt(seen) < BigInt(resourceVersion)) {
      this.#seenVersion.set(key, resourceVersion);
    }
  }

  /** The version of an object that it was last told of. */
  seenVersion(kind: string, key: string): string | undefined {
    return this.#seenVersion.get(`${kind} ${key}`);
  }
}

export function neverSettle(): Promise<never> {
  return new Promise<never>(() => undefined);
}
