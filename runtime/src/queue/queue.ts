/**
 * A queue of keys: never two runs of one key at once, at most `concurrency` together, an addition during a run means one more run.
 * Each key has one state; timers, failures and "once more" live in it, never beside it.
 */
import type { Clock, Random, Timer } from '../clock.ts';

export type Outcome =
  /** Nothing more to do until added again. */
  | { readonly kind: 'done' }
  | { readonly kind: 'again' }
  | { readonly kind: 'after'; readonly ms: number }
  /** Come again with exponential backoff, and not later than in `atMostMs`. */
  | { readonly kind: 'failed'; readonly atMostMs?: number }
  /** The object is gone: forget everything about the key. */
  | { readonly kind: 'forget' };

type Item =
  | { readonly state: 'ready'; readonly failures: number }
  | { readonly state: 'running'; readonly failures: number; readonly again: boolean }
  | { readonly state: 'waiting'; readonly failures: number; readonly timer: Timer };

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly concurrency: number;
  /** Must not reject; a rejection counts as `failed`. */
  readonly process: (key: string) => Promise<Outcome>;
}

export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 300_000;

/** Exponential with jitter: half to one and a half of 0.5 s, 1 s, 2 s … 5 min. `failures` from 1. */
export function backoffMs(failures: number, random: Random): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + random());
}

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #ready: string[] = [];
  #active = 0;
  #open = false;
  #idle: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Runs under way and keys due now. */
  get pending(): number {
    return this.#active + this.#ready.length;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Due now. While running: once more afterwards. The failures so far are kept unless `fresh`. */
  add(key: string, fresh = false): void {
    const item = this.#items.get(key);
    const failures = fresh ? 0 : (item?.failures ?? 0);
    switch (item?.state) {
      case 'running':
        this.#items.set(key, { state: 'running', failures, again: true });
        return;
      case 'ready':
        this.#items.set(key, { state: 'ready', failures });
        return;
      case 'waiting':
        item.timer.cancel();
        break;
      case undefined:
        break;
      default:
        item satisfies never;
    }
    this.#items.set(key, { state: 'ready', failures });
    this.#ready.push(key);
    this.#pump();
  }

  start(): void {
    this.#open = true;
    this.#pump();
  }

  /** Starts no more runs; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#open = false;
    for (const item of this.#items.values()) if (item.state === 'waiting') item.timer.cancel();
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #pump(): void {
    while (this.#open && this.#active < this.#options.concurrency) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const failures = this.#items.get(key)?.failures ?? 0;
      this.#items.set(key, { state: 'running', failures, again: false });
      this.#active++;
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#options.process(key);
    } catch {
      outcome = { kind: 'failed' };
    }
    this.#active--;
    this.#settle(key, outcome);
    if (this.#active === 0) this.#idle?.();
    this.#pump();
  }

  #settle(key: string, outcome: Outcome): void {
    const item = this.#items.get(key);
    if (item?.state === 'running' && item.again && outcome.kind !== 'failed') {
      this.#items.delete(key);
      this.add(key);
      return;
    }
    switch (outcome.kind) {
      case 'done':
      case 'forget':
        this.#items.delete(key);
        return;
      case 'again':
        this.#items.delete(key);
        this.add(key);
        return;
      case 'after':
        return this.#wait(key, outcome.ms, 0);
      case 'failed': {
        const failures = (item?.failures ?? 0) + 1;
        return this.#wait(key, Math.min(backoffMs(failures, this.#options.random), outcome.atMostMs ?? Infinity), failures);
      }
      default:
        outcome satisfies never;
    }
  }

  #wait(key: string, ms: number, failures: number): void {
    if (!this.#open) return void this.#items.delete(key);
    const timer = this.#options.clock.after(ms, () => {
      this.#items.set(key, { state: 'ready', failures });
      this.#ready.push(key);
      this.#pump();
    });
    this.#items.set(key, { state: 'waiting', failures, timer });
  }
}
