/**
 * A queue of keys: never two runs of one key at once, at most `concurrency` together, an addition
 * during a run means one more run.
 * Each key has one state; timers, failures and "once more" live in it, never beside it.
 *
 * There are two lines. What somebody may wait for (a change) comes first; what is only due (the
 * look at everything after a start, a
 * timer) comes after it, but one run in five is of the second line, so that it never starves. A key
 * that waits in the second line and
 * is changed moves to the first.
 */
import type { Clock, Random, Timer } from '../clock.ts';
import type { WakeCause } from '../observe/observer.ts';

export type Outcome =
  /** Nothing more to do until added again. */
  | { readonly kind: 'done' }
  | { readonly kind: 'again' }
  | { readonly kind: 'after'; readonly ms: number }
  /**
   * Come again with exponential backoff, not later than in `atMostMs`; above all not before
   * `atLeastMs` are over, whatever is added.
   */
  | { readonly kind: 'failed'; readonly atMostMs?: number; readonly atLeastMs?: number }
  /** The object is gone: forget everything about the key. */
  | { readonly kind: 'forget' };

export type Line = 'changed' | 'due';

type Item =
  | {
      readonly state: 'ready';
      readonly failures: number;
      readonly line: Line;
      readonly since: number;
    }
  /**
   * `again`: once more afterwards, after a failure only when its backoff is over; `at once`:
   * whatever comes of it.
   */
  | {
      readonly state: 'running';
      readonly failures: number;
      readonly since: number;
      readonly again: false | 'waits for backoff' | 'at once';
    }
  /** `notBefore`: monotonic. */
  | {
      readonly state: 'waiting';
      readonly failures: number;
      readonly timer: Timer;
      readonly notBefore: number;
    };

/** What happens in the queue, for metrics. Times in milliseconds. */
export interface QueueObserver {
  added(cause: WakeCause): void;
  /** A run begins, after the key was ready for so long. */
  began(waitedMs: number): void;
  ended(tookMs: number): void;
  /** A key comes again because of a failure. */
  retried(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly concurrency: number;
  /** Must not reject; a rejection counts as `failed`. */
  readonly process: (key: string) => Promise<Outcome>;
  readonly observer?: QueueObserver;
}

export interface AddOptions {
  /** Begin anew with the backoff. */
  readonly fresh?: boolean;
  /** Default: `changed`. */
  readonly line?: Line;
  /**
   * Default: `resource`. Of a key that runs, `input` means that the run decided on what is
   * different by now: a failure waits for nothing.
   */
  readonly cause?: WakeCause;
}

export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 300_000;
/** One run in so many is of the second line. */
const SHARE = 5;

/**
 * Exponential with jitter: half to one and a half of 0.5 s, 1 s, 2 s … 5 min. `failures` from 1.
 */
export function backoffMs(failures: number, random: Random): number {
  return (
    Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + random())
  );
}

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #lines: Readonly<Record<Line, Set<string>>> = { changed: new Set(), due: new Set() };
  readonly #running = new Set<string>();
  #runs = 0;
  #open = false;
  #stopped = false;
  #idle: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Runs under way and keys due now. */
  get pending(): number {
    return this.#running.size + this.#lines.changed.size + this.#lines.due.size;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Keys that are ready, in each line. */
  get depth(): Readonly<Record<Line, number>> {
    return { changed: this.#lines.changed.size, due: this.#lines.due.size };
  }

  /** Milliseconds that each run under way has taken so far. */
  get unfinished(): readonly number[] {
    const now = this.#options.clock.monotonic();
    return [...this.#running].flatMap((key) => {
      const item = this.#items.get(key);
      return item?.state === 'running' ? now - item.since : [];
    });
  }

  /**
   * Ready now. While running: once more afterwards; when that run fails, after its backoff, unless
   * the cause is an input or it is a fresh
   * start (a write that failed may come back as a change of the resource or its outputs). The
   * failures so far are kept unless `fresh`.
   */
  add(key: string, { fresh = false, line = 'changed', cause = 'resource' }: AddOptions = {}): void {
    this.#options.observer?.added(cause);
    const item = this.#items.get(key);
    const failures = fresh ? 0 : (item?.failures ?? 0);
    switch (item?.state) {
      case 'running':
        this.#items.set(key, {
          ...item,
          failures,
          again:
            fresh || cause === 'input' || item.again === 'at once'
              ? 'at once'
              : 'waits for backoff',
        });
        return;
      case 'ready': {
        const first = item.line === 'changed' ? item.line : line;
        if (first !== item.line) {
          this.#lines[item.line].delete(key);
        }
        this.#items.set(key, { ...item, failures, line: first });
        this.#lines[first].add(key);
        return;
      }
      case 'waiting': {
        item.timer.cancel();
        const left = item.notBefore - this.#options.clock.monotonic();
        if (left > 0) {
          return this.#wait(key, left, failures, { line, atLeastMs: left });
        }
        break;
      }
      case undefined:
        break;
      default:
        item satisfies never;
    }
    this.#ready(key, failures, line);
    this.#pump();
  }

  start(): void {
    this.#open = true;
    this.#pump();
  }

  /** Starts no more runs; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#open = false;
    this.#stopped = true;
    for (const item of this.#items.values()) {
      if (item.state === 'waiting') {
        item.timer.cancel();
      }
    }
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
  }

  #ready(key: string, failures: number, line: Line): void {
    this.#items.set(key, {
      state: 'ready',
      failures,
      line,
      since: this.#options.clock.monotonic(),
    });
    this.#lines[line].add(key);
  }

  #pump(): void {
    while (this.#open && this.#running.size < this.#options.concurrency) {
      const key = this.#next();
      if (key === undefined) {
        return;
      }
      void this.#run(key);
    }
  }

  #next(): string | undefined {
    const { changed, due } = this.#lines;
    const line = changed.size === 0 || (due.size > 0 && ++this.#runs % SHARE === 0) ? due : changed;
    const [key] = line;
    if (key !== undefined) {
      line.delete(key);
    }
    return key;
  }

  async #run(key: string): Promise<void> {
    const { clock, observer, process } = this.#options;
    const before = this.#items.get(key);
    const began = clock.monotonic();
    if (before?.state === 'ready') {
      observer?.began(began - before.since);
    }
    this.#items.set(key, {
      state: 'running',
      failures: before?.failures ?? 0,
      since: began,
      again: false,
    });
    this.#running.add(key);
    let outcome: Outcome;
    try {
      outcome = await process(key);
    } catch {
      outcome = { kind: 'failed' };
    }
    this.#running.delete(key);
    observer?.ended(clock.monotonic() - began);
    this.#settle(key, outcome);
    if (this.#running.size === 0) {
      this.#idle?.();
    }
    this.#pump();
  }

  #settle(key: string, outcome: Outcome): void {
    const item = this.#items.get(key);
    this.#items.delete(key);
    const again = item?.state === 'running' && item.again;
    if (again && outcome.kind !== 'failed') {
      return this.#ready(key, 0, 'changed');
    }
    switch (outcome.kind) {
      case 'done':
      case 'forget':
        return;
      case 'again':
        return this.add(key, { cause: 'transition' });
      case 'after':
        return this.#wait(key, outcome.ms, 0);
      case 'failed': {
        const failures = (item?.failures ?? 0) + 1;
        const { atLeastMs = 0, atMostMs = Infinity } = outcome;
        if (again === 'at once' && atLeastMs === 0) {
          return this.#ready(key, failures, 'changed');
        }
        this.#options.observer?.retried();
        const backoff =
          again === 'at once' ? 0 : Math.min(backoffMs(failures, this.#options.random), atMostMs);
        return this.#wait(key, Math.max(backoff, atLeastMs), failures, { atLeastMs });
      }
      default:
        outcome satisfies never;
    }
  }

  #wait(
    key: string,
    ms: number,
    failures: number,
    { line = 'due', atLeastMs = 0 }: { readonly line?: Line; readonly atLeastMs?: number } = {},
  ): void {
    if (this.#stopped) {
      return;
    }
    const { clock } = this.#options;
    const notBefore = clock.monotonic() + atLeastMs;
    const timer = clock.after(ms, () => {
      this.#ready(key, failures, line);
      this.#options.observer?.added(failures > 0 ? 'backoff' : 'timer');
      this.#pump();
    });
    this.#items.set(key, { state: 'waiting', failures, timer, notBefore });
  }
}
