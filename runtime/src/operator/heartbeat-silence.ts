/**
 * Decides from heartbeats whether the main thread is blocked. Slow is not blocked: a container with
 * a CPU limit may need ten seconds for what takes one second of CPU time.
 */
import type { MainThreadSample } from './main-thread-cpu.ts';

/** Time between two checks, in milliseconds. */
export const CHECK_INTERVAL_MS = 500;
/** A check that is later than this means that the whole process was suspended, in milliseconds. */
const SUSPENDED_AFTER_MS = 4 * CHECK_INTERVAL_MS;

/** What a check sees. */
export interface HeartbeatCheck {
  /** Monotonic time in milliseconds. */
  readonly now: number;
  /** Number of heartbeats of the main thread so far. */
  readonly beats: number;
  /** Whether a debugger may stop the main thread. */
  readonly isDebugged: boolean;
  /** Undefined where the kernel does not tell: time alone counts then. */
  readonly thread: MainThreadSample | undefined;
}

/**
 * The time since the last heartbeat, and what the main thread has done meanwhile.
 *
 * Without a heartbeat for `blockedMs` the main thread is blocked when it has used half of that time
 * as CPU time, or was asleep for all of it. With a whole CPU the time alone decides.
 */
export class HeartbeatSilence {
  readonly #blockedMs: number;
  #beats = -1;
  #silentSince: number;
  #asleepSince: number;
  #checkedAt: number;
  /** CPU time of the main thread at the last heartbeat. */
  #cpuMs = 0;

  /**
   * @param blockedMs time without a heartbeat, in milliseconds.
   * @param now monotonic time in milliseconds.
   */
  constructor(blockedMs: number, now: number) {
    this.#blockedMs = blockedMs;
    this.#silentSince = now;
    this.#asleepSince = now;
    this.#checkedAt = now;
  }

  /** @returns whether the main thread is blocked. */
  check({ now, beats, isDebugged, thread }: HeartbeatCheck): boolean {
    const wasSuspended = now - this.#checkedAt > SUSPENDED_AFTER_MS;
    const hasBeaten = beats !== this.#beats || isDebugged;
    this.#beats = beats;
    this.#checkedAt = now;
    if (hasBeaten) {
      this.#cpuMs = thread?.cpuMs ?? 0;
    }
    // After a suspension the main thread needs a moment for its next heartbeat.
    if (hasBeaten || wasSuspended) {
      this.#silentSince = now;
    }
    if (hasBeaten || wasSuspended || thread?.isAsleep !== true) {
      this.#asleepSince = now;
    }
    if (now - this.#silentSince < this.#blockedMs) {
      return false;
    }
    return (
      thread === undefined ||
      thread.cpuMs - this.#cpuMs >= this.#blockedMs / 2 ||
      now - this.#asleepSince >= this.#blockedMs
    );
  }
}
