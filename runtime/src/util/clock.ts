/**
 * Time and random numbers as parameters, so that runs in the sandbox are exact and repeatable. The
 * only file that touches the process's own clock and random source.
 */

/** A timer that was started by `Clock.after`. */
export interface Timer {
  /** Cancels the timer. No effect when the timer has fired. */
  cancel(): void;
}

/** The source of time. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Calls back once, `ms` from now. Never keeps the process alive. */
  after(ms: number, callback: () => void): Timer;
}

/** A number in [0, 1). */
export type Random = () => number;

/** About 25 days: a timer of Node that is to wait for longer fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    let handle: NodeJS.Timeout | undefined;
    const wait = (left: number): void => {
      handle = setTimeout(
        () => (left > MAX_TIMEOUT_MS ? wait(left - MAX_TIMEOUT_MS) : callback()),
        Math.min(left, MAX_TIMEOUT_MS),
      );
      handle.unref();
    };
    wait(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** The random source of the process. */
export const systemRandom: Random = () => Math.random();

/**
 * Resolves after `ms`; rejects with the signal's reason when aborted first. Leaves no timer behind.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      return reject(signal.reason as Error);
    }
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Keeps the process alive until it is cancelled: the clock's own timers do not. */
export function keepAlive(): Timer {
  const handle = setInterval(() => undefined, 3_600_000);
  return { cancel: () => clearInterval(handle) };
}
