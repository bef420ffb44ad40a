/**
 * Threads that fly for an exploration, each with the project loaded anew, and another thread in its
 * place when that was done too often in
 * it. Where a flight is flown makes no difference to it.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Fault, Flown, Launch } from '../explore/index.ts';
import { MOST_LIVES } from './lives.ts';

/** One flight that is asked for. */
export interface Order {
  readonly nth: number;
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly Fault[];
}

export interface Report {
  readonly nth: number;
  readonly flown: Flown;
  /** Of the modules of the project in this thread, so far. */
  readonly lives: number;
}

interface Pending {
  readonly order: Order;
  readonly resolve: (flown: Flown) => void;
  readonly reject: (error: Error) => void;
}

export class Crew {
  readonly #dir: string;
  readonly #mostLives: number;
  readonly #threads = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: Pending[] = [];
  readonly #flying = new Map<number, Pending>();
  #count = 0;
  #error: Error | undefined;

  /**
   * @param dir of the project
   * @param mostLives of its modules, after which a thread is replaced
   */
  constructor(dir: string, size: number, mostLives = MOST_LIVES) {
    this.#dir = dir;
    this.#mostLives = mostLives;
    for (let nth = 0; nth < size; nth++) {
      this.#hire();
    }
  }

  /** Flies one scenario with one seed. The promise of a flight rejects when a thread has ended. */
  launch(scenario: string, seed: number): Launch {
    return (faults) => {
      const flown = new Promise<Flown>((resolve, reject) => {
        this.#waiting.push({
          order: { nth: ++this.#count, scenario, seed, faults },
          resolve,
          reject,
        });
        if (this.#error !== undefined) {
          this.#fail(this.#error);
        } else {
          this.#assign();
        }
      });
      // Nobody may ask for it any more when it fails.
      flown.catch(() => undefined);
      return () => flown;
    };
  }

  async end(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => this.#dismiss(thread)));
  }

  #hire(): void {
    const thread = new Worker(new URL(`./pilot${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.#dir,
    });
    thread.on('message', ({ nth, flown, lives }: Report) => {
      this.#flying.get(nth)?.resolve(flown);
      this.#flying.delete(nth);
      if (lives < this.#mostLives) {
        this.#idle.push(thread);
      } else {
        void this.#dismiss(thread);
        this.#hire();
      }
      this.#assign();
    });
    thread.on('error', (error: Error) => this.#fail(error));
    thread.on('exit', (code) =>
      this.#fail(
        new Error(
          `a thread of verify has ended with code ${code}: does a worker call process.exit?`,
        ),
      ),
    );
    this.#threads.add(thread);
    this.#idle.push(thread);
  }

  #dismiss(thread: Worker): Promise<number> {
    this.#threads.delete(thread);
    // What it still reports leads to no other thread.
    thread.removeAllListeners('exit');
    thread.removeAllListeners('message');
    return thread.terminate();
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const [thread, pending] = [this.#idle.shift(), this.#waiting.shift()];
      if (thread === undefined || pending === undefined) {
        return;
      }
      this.#flying.set(pending.order.nth, pending);
      thread.postMessage(pending.order);
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of [...this.#flying.values(), ...this.#waiting]) {
      reject(this.#error);
    }
    this.#flying.clear();
    this.#waiting.length = 0;
  }
}
