/**
 * A work queue of keys, as client-go's rate-limiting queue (util/workqueue) with two priorities.
 *
 * Guarantees:
 * - A key is never processed twice at the same time. A key that is added while it is processed is
 *   processed once more afterwards.
 * - At most `concurrency` keys are processed at once.
 * - Changed keys come before keys that are only due (timers, the first reconcile after a start).
 *   One run in five is of a due key, so that due keys do not starve. A due key that is changed
 *   becomes a changed key.
 *
 * Each key has one state, which holds its timer, its failures and whether it runs again.
 */
import type { Clock, Random, Timer } from '../util/clock.ts';

/** Why a key is added to a queue; the values of the metrics label `cause`. */
export const ENQUEUE_CAUSES = [
  'start',
  'resource',
  'input',
  'output',
  'timer',
  'transition',
  'backoff',
  'released',
] as const;
/** One of `ENQUEUE_CAUSES`. */
export type EnqueueCause = (typeof ENQUEUE_CAUSES)[number];

/** When a key is processed again. */
export type Outcome =
  /** Nothing to do until the key is added again. */
  | { readonly type: 'done' }
  /** Process the key again immediately. */
  | { readonly type: 'again' }
  /** Process the key again after `ms` milliseconds. */
  | { readonly type: 'after'; readonly ms: number }
  /**
   * Process the key again with exponential backoff, after `atMostMs` at the latest. Adding the key
   * does not shorten the wait below `atLeastMs`.
   */
  | { readonly type: 'failed'; readonly atMostMs?: number; readonly atLeastMs?: number }
  /** The object is deleted: drop all state of the key. */
  | { readonly type: 'forget' };

/** `changed`: enqueued by an event. `due`: enqueued by a timer, after the changed keys. */
export type QueuePriority = 'changed' | 'due';

type QueueItem =
  | {
      readonly type: 'ready';
      readonly failures: number;
      readonly priority: QueuePriority;
      readonly since: number;
    }
  /**
   * `again`: once more afterwards, after a failure only when its backoff is over; `immediately`:
   * whatever comes of it.
   */
  | {
      readonly type: 'running';
      readonly failures: number;
      readonly since: number;
      readonly rerun: false | 'afterBackoff' | 'immediately';
    }
  /** `notBefore`: monotonic. */
  | {
      readonly type: 'waiting';
      readonly failures: number;
      readonly timer: Timer;
      readonly notBefore: number;
    };

/** What happens in the queue, for metrics. Times in milliseconds. */
export interface QueueObserver {
  added(cause: EnqueueCause): void;
  /** A run begins, after the key was ready for so long. */
  began(waitedMs: number): void;
  ended(tookMs: number): void;
  /** A key comes again because of a failure. */
  retried(): void;
}

/** Options of a {@link WorkQueue}. */
export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly concurrency: number;
  /** Must not reject; a rejection counts as `failed`. */
  readonly process: (key: string) => Promise<Outcome>;
  readonly observer?: QueueObserver;
}

/** Options of `WorkQueue.add`. */
export interface AddOptions {
  /** Reset the number of failures, and with it the backoff. Default: false. */
  readonly resetBackoff?: boolean;
  /** Default: `changed`. */
  readonly priority?: QueuePriority;
  /**
   * Default: `resource`. Of a key that runs, `input` means that the run decided on what is
   * different by now: a failure waits for nothing.
   */
  readonly cause?: EnqueueCause;
}

/** Delay after the first failure, in milliseconds. Each further failure doubles the delay. */
export const BACKOFF_MIN_MS = 500;
/** Longest delay after failures, in milliseconds. */
export const BACKOFF_MAX_MS = 300_000;
/** One run in this many is of a due key. */
const DUE_SHARE = 5;

/**
 * Exponential with jitter: half to one and a half of 0.5 s, 1 s, 2 s … 5 min. `failures` from 1.
 */
export function backoffMs(failures: number, random: Random): number {
  return (
    Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + random())
  );
}

/** A queue of keys: each key is processed by one worker at a time, with backoff after failures. */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #items = new Map<string, QueueItem>();
  readonly #readyKeys: Readonly<Record<QueuePriority, Set<string>>> = {
    changed: new Set(),
    due: new Set(),
  };
  readonly #running = new Set<string>();
  #runCount = 0;
  #isStarted = false;
  #isStopped = false;
  #resolveIdle: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Runs under way and keys due now. */
  get pending(): number {
    return this.#running.size + this.#readyKeys.changed.size + this.#readyKeys.due.size;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Keys that are ready, in each line. */
  get depth(): Readonly<Record<QueuePriority, number>> {
    return { changed: this.#readyKeys.changed.size, due: this.#readyKeys.due.size };
  }

  /** Milliseconds that each run under way has taken so far. */
  get unfinished(): readonly number[] {
    const now = this.#options.clock.monotonic();
    return [...this.#running].flatMap((key) => {
      const item = this.#items.get(key);
      return item?.type === 'running' ? now - item.since : [];
    });
  }

  /**
   * Ready now. While running: once more afterwards; when that run fails, after its backoff, unless
   * the cause is an input or it is a fresh start (a write that failed may come back as a change of
   * the resource or its outputs). The failures so far are kept unless `fresh`.
   */
  add(
    key: string,
    { resetBackoff = false, priority = 'changed', cause = 'resource' }: AddOptions = {},
  ): void {
    this.#options.observer?.added(cause);
    const item = this.#items.get(key);
    const failures = resetBackoff ? 0 : (item?.failures ?? 0);
    switch (item?.type) {
      case 'running':
        this.#items.set(key, {
          ...item,
          failures,
          rerun:
            resetBackoff || cause === 'input' || item.rerun === 'immediately'
              ? 'immediately'
              : 'afterBackoff',
        });
        return;
      case 'ready': {
        const highest = item.priority === 'changed' ? item.priority : priority;
        if (highest !== item.priority) {
          this.#readyKeys[item.priority].delete(key);
        }
        this.#items.set(key, { ...item, failures, priority: highest });
        this.#readyKeys[highest].add(key);
        return;
      }
      case 'waiting': {
        item.timer.cancel();
        const left = item.notBefore - this.#options.clock.monotonic();
        if (left > 0) {
          return this.#schedule(key, left, failures, { priority, atLeastMs: left });
        }
        break;
      }
      case undefined:
        break;
      default:
        item satisfies never;
    }
    this.#ready(key, failures, priority);
    this.#startRuns();
  }

  start(): void {
    this.#isStarted = true;
    this.#startRuns();
  }

  /** Starts no more runs; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#isStopped = true;
    for (const item of this.#items.values()) {
      if (item.type === 'waiting') {
        item.timer.cancel();
      }
    }
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => (this.#resolveIdle = resolve));
    }
  }

  #ready(key: string, failures: number, priority: QueuePriority): void {
    this.#items.set(key, {
      type: 'ready',
      failures,
      priority,
      since: this.#options.clock.monotonic(),
    });
    this.#readyKeys[priority].add(key);
  }

  #startRuns(): void {
    while (this.#isStarted && this.#running.size < this.#options.concurrency) {
      const key = this.#next();
      if (key === undefined) {
        return;
      }
      void this.#run(key);
    }
  }

  #next(): string | undefined {
    const { changed, due } = this.#readyKeys;
    const ready =
      changed.size === 0 || (due.size > 0 && ++this.#runCount % DUE_SHARE === 0) ? due : changed;
    const [key] = ready;
    if (key !== undefined) {
      ready.delete(key);
    }
    return key;
  }

  async #run(key: string): Promise<void> {
    const { clock, observer, process } = this.#options;
    const before = this.#items.get(key);
    const began = clock.monotonic();
    if (before?.type === 'ready') {
      observer?.began(began - before.since);
    }
    this.#items.set(key, {
      type: 'running',
      failures: before?.failures ?? 0,
      since: began,
      rerun: false,
    });
    this.#running.add(key);
    let outcome: Outcome;
    try {
      outcome = await process(key);
    } catch {
      outcome = { type: 'failed' };
    }
    this.#running.delete(key);
    observer?.ended(clock.monotonic() - began);
    this.#applyOutcome(key, outcome);
    if (this.#running.size === 0) {
      this.#resolveIdle?.();
    }
    this.#startRuns();
  }

  #applyOutcome(key: string, outcome: Outcome): void {
    const item = this.#items.get(key);
    this.#items.delete(key);
    const rerun = item?.type === 'running' && item.rerun;
    if (rerun && outcome.type !== 'failed') {
      return this.#ready(key, 0, 'changed');
    }
    switch (outcome.type) {
      case 'done':
      case 'forget':
        return;
      case 'again':
        return this.add(key, { cause: 'transition' });
      case 'after':
        return this.#schedule(key, outcome.ms, 0);
      case 'failed': {
        const failures = (item?.failures ?? 0) + 1;
        const { atLeastMs = 0, atMostMs = Infinity } = outcome;
        if (rerun === 'immediately' && atLeastMs === 0) {
          return this.#ready(key, failures, 'changed');
        }
        this.#options.observer?.retried();
        const backoff =
          rerun === 'immediately'
            ? 0
            : Math.min(backoffMs(failures, this.#options.random), atMostMs);
        return this.#schedule(key, Math.max(backoff, atLeastMs), failures, { atLeastMs });
      }
      default:
        outcome satisfies never;
    }
  }

  #schedule(
    key: string,
    ms: number,
    failures: number,
    {
      priority = 'due',
      atLeastMs = 0,
    }: { readonly priority?: QueuePriority; readonly atLeastMs?: number } = {},
  ): void {
    if (this.#isStopped) {
      return;
    }
    const { clock } = this.#options;
    const notBefore = clock.monotonic() + atLeastMs;
    const timer = clock.after(ms, () => {
      this.#ready(key, failures, priority);
      this.#options.observer?.added(failures > 0 ? 'backoff' : 'timer');
      this.#startRuns();
    });
    this.#items.set(key, { type: 'waiting', failures, timer, notBefore });
  }
}
