/** One simulated process of the operator. It can be killed without clean-up and be suspended. */
import type { KubeObject } from 'autopilot-runtime';
import type { Clock, Timer } from 'autopilot-runtime/internal';
import { keyString } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';

/** An operator that was started in a process. */
export interface RunningOperator {
  /** Settles when the operator has lost its lease. Its process then ends. */
  readonly lost: Promise<unknown>;
  /** Tests whether the operator leads. True without leader election. */
  isLeading(): boolean;
  /** Stops the operator. Waits for the workers that have not returned. */
  stop(): Promise<void>;
}

/** Settings of an {@link OperatorProcess}. */
export interface OperatorProcessOptions {
  /** Name in traces, and identity for leader election: `operator-1`. */
  readonly name: string;
  /** Virtual time of the run. */
  readonly clock: VirtualClock;
  /** Milliseconds by which the wall clock of all processes is wrong. */
  readonly clockSkewMs: () => number;
  /** True if the process starts while another one leads. */
  readonly isStandby: boolean;
}

/** State of one process of the operator, beside the operator itself. */
export class OperatorProcess {
  /** Name in traces: `operator-1`. */
  readonly name: string;
  /** The clock of this process. */
  readonly clock: Clock;
  /** Aborted when the process is killed, so that its watches end. */
  readonly killController = new AbortController();
  /** The operator that runs in this process. Undefined until it is started. */
  operator: RunningOperator | undefined;
  /** One function for each open watch; it breaks the watch. */
  readonly watches = new Set<() => void>();
  /** True if the process started while another one was leading. */
  readonly isStandby: boolean;
  /** True while requests for the lease fail. */
  leaseUnreachable = false;
  /** Milliseconds by which watch events are delayed. */
  watchDelayMs = 0;
  /** The newest resourceVersion that the process has received of each object, by kind and key. */
  readonly #seenVersion = new Map<string, string>();
  readonly #clock: ProcessClock;
  /** Settles at the end of the suspension. Undefined: the process runs. */
  #frozen: Promise<void> | undefined;

  constructor({ name, clock, clockSkewMs, isStandby }: OperatorProcessOptions) {
    this.name = name;
    this.isStandby = isStandby;
    this.#clock = new ProcessClock(clock, clockSkewMs, (callback) => this.#runWhenAwake(callback));
    this.clock = this.#clock;
  }

  /** False after the process was killed. */
  get isAlive(): boolean {
    return !this.killController.signal.aborted;
  }

  /** True while the operator in this process leads. */
  get isLeading(): boolean {
    return this.isAlive && this.operator?.isLeading() === true;
  }

  /**
   * True if requests, events and calls of this process are fault sites. A standby has none, so that
   * sites have the same numbers with and without a standby.
   */
  get countsFaultSites(): boolean {
    return !this.isStandby || this.isLeading;
  }

  /** True while the process is suspended. */
  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  /** Kills the process without any clean-up. */
  kill(): void {
    this.#clock.kill();
    this.killController.abort(new Error('the process was killed'));
  }

  /** Suspends the process until the promise settles. */
  freezeUntil(end: Promise<void>): void {
    this.#frozen = end;
    void end.then(() => (this.#frozen = undefined));
  }

  /**
   * Waits until the process runs. Awaited before anything reaches the process. Never resolves after
   * the process was killed.
   */
  async waitUntilRunning(): Promise<void> {
    while (this.#frozen !== undefined) {
      await this.#frozen;
    }
    if (!this.isAlive) {
      await neverSettle();
    }
  }

  /** Records that the process has received this state of an object. */
  recordSeen(object: KubeObject): void {
    const key = `${object.kind} ${keyString(object.metadata)}`;
    const { resourceVersion = '0' } = object.metadata;
    const seen = this.#seenVersion.get(key);
    if (seen === undefined || BigInt(seen) < BigInt(resourceVersion)) {
      this.#seenVersion.set(key, resourceVersion);
    }
  }

  /** @returns the newest resourceVersion of an object that the process has received. */
  seenVersion(kind: string, key: string): string | undefined {
    return this.#seenVersion.get(`${kind} ${key}`);
  }

  #runWhenAwake(callback: () => void): void {
    if (this.#frozen === undefined) {
      callback();
    } else {
      void this.#frozen.then(() => this.isAlive && callback());
    }
  }
}

/** @returns a promise that never settles: what a killed process waits for. */
export function neverSettle(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/**
 * The clock of one process. Its timers end when the process is killed and wait while the process is
 * suspended. Its wall clock may be wrong.
 */
class ProcessClock implements Clock {
  readonly #base: VirtualClock;
  readonly #skewMs: () => number;
  readonly #timers = new Set<Timer>();
  readonly #runWhenAwake: (callback: () => void) => void;
  #isKilled = false;

  constructor(
    base: VirtualClock,
    skewMs: () => number,
    runWhenAwake: (callback: () => void) => void,
  ) {
    this.#base = base;
    this.#skewMs = skewMs;
    this.#runWhenAwake = runWhenAwake;
  }

  now(): number {
    return this.#base.now() + this.#skewMs();
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
