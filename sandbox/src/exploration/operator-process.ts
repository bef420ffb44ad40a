/**
 * One process of an operator as a flight sees it: it can be killed without any clean-up, and stand
 * still.
 */
import type { Clock, KubeObject, Operator, Timer } from 'autopilot-runtime/ports';
import { keyString } from 'autopilot-runtime/ports';
import type { VirtualClock } from '../clock.ts';

/**
 * The clock of one process: its timers die with it, wait while it stands still, and its wall clock
 * may be wrong.
 */
class ProcessClock implements Clock {
  readonly #base: VirtualClock;
  readonly #skew: () => number;
  readonly #timers = new Set<Timer>();
  readonly #gate: (callback: () => void) => void;
  #dead = false;

  constructor(base: VirtualClock, skew: () => number, gate: (callback: () => void) => void) {
    this.#base = base;
    this.#skew = skew;
    this.#gate = gate;
  }

  now(): number {
    return this.#base.now() + this.#skew();
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  after(ms: number, callback: () => void): Timer {
    if (this.#dead) {
      return { cancel: () => undefined };
    }
    const timer = this.#base.after(ms, () => {
      this.#timers.delete(timer);
      this.#gate(callback);
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
    this.#dead = true;
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#timers.clear();
  }
}

export class Process {
  readonly name: string;
  readonly clock: Clock;
  /** Aborted when the process is killed: what the cluster does for it ends. */
  readonly death = new AbortController();
  operator: Operator | undefined;
  /** Each breaks one open watch. */
  readonly watches = new Set<() => void>();
  /** Started while another one leads. */
  readonly standsBy: boolean;
  /** It cannot reach its lease. */
  cutOff = false;
  /** Its watches are late by so many milliseconds. */
  lag = 0;
  /** Version of each object as it was last told, by kind and key. */
  readonly #known = new Map<string, string>();
  readonly #clock: ProcessClock;
  #frozen: Promise<void> | undefined;

  constructor(name: string, base: VirtualClock, skew: () => number, standsBy: boolean) {
    this.name = name;
    this.standsBy = standsBy;
    this.#clock = new ProcessClock(base, skew, (callback) => {
      if (this.#frozen === undefined) {
        callback();
      } else {
        void this.#frozen.then(() => this.alive && callback());
      }
    });
    this.clock = this.#clock;
  }

  get alive(): boolean {
    return !this.death.signal.aborted;
  }

  get leading(): boolean {
    return this.alive && this.operator?.leading() === true;
  }

  /**
   * What it does is counted as places; a standby's doings are not, so that places are the same with
   * and without one.
   */
  get counted(): boolean {
    return !this.standsBy || this.leading;
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  kill(): void {
    this.#clock.kill();
    this.death.abort(new Error('killed'));
  }

  /** Stands still until the promise settles. */
  freeze(until: Promise<void>): void {
    this.#frozen = until;
    void until.then(() => (this.#frozen = undefined));
  }

  /** To be awaited before anything reaches the process: never resolves when it is dead. */
  async awake(): Promise<void> {
    while (this.#frozen !== undefined) {
      await this.#frozen;
    }
    if (!this.alive) {
      await never();
    }
  }

  /** It was told this state. */
  learn(object: KubeObject): void {
    const key = `${object.kind} ${keyString(object.metadata)}`;
    const { resourceVersion = '0' } = object.metadata;
    const known = this.#known.get(key);
    if (known === undefined || BigInt(known) < BigInt(resourceVersion)) {
      this.#known.set(key, resourceVersion);
    }
  }

  /** The version of an object that it was last told of. */
  known(kind: string, key: string): string | undefined {
    return this.#known.get(`${kind} ${key}`);
  }
}

export function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}
