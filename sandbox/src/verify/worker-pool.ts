/**
 * A pool of worker threads that run scenarios. Each thread reloads the project for each simulated
 * process. A thread is replaced after a number of reloads, because Node never unloads modules.
 * Results do not depend on the thread.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Fault, RunResult, LaunchRun } from '../exploration/index.ts';
import { MAX_RELOADS } from './module-reload.ts';

/** A request to a worker thread. */
export interface RunRequest {
  /** Number of the request in the pool, from 1. */
  readonly nth: number;
  /** Name of the scenario. */
  readonly scenario: string;
  /** Seed of the run. */
  readonly seed: number;
  /** Faults to inject. */
  readonly faults: readonly Fault[];
}

/** The response of a worker thread. */
export interface RunResponse {
  /** Number of the request. */
  readonly nth: number;
  /** Result of the run. */
  readonly result: RunResult;
  /** Number of reloads of the project in this thread so far. */
  readonly reloads: number;
}

interface PendingRun {
  readonly request: RunRequest;
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: Error) => void;
}

/** Runs scenarios in worker threads. */
export class WorkerPool {
  readonly #dir: string;
  readonly #maxReloads: number;
  readonly #threads = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: PendingRun[] = [];
  readonly #running = new Map<number, PendingRun>();
  #count = 0;
  #error: Error | undefined;

  /**
   * @param dir folder of the project.
   * @param size number of threads.
   * @param maxReloads reloads after which a thread is replaced. Default: 500.
   */
  constructor(dir: string, size: number, maxReloads = MAX_RELOADS) {
    this.#dir = dir;
    this.#maxReloads = maxReloads;
    for (let nth = 0; nth < size; nth++) {
      this.#startThread();
    }
  }

  /**
   * @returns a function that queues runs of one scenario with one seed. The promise of a run
   * rejects after a thread has failed.
   */
  launcherFor(scenario: string, seed: number): LaunchRun {
    return (faults) => {
      const result = new Promise<RunResult>((resolve, reject) => {
        this.#waiting.push({
          request: { nth: ++this.#count, scenario, seed, faults },
          resolve,
          reject,
        });
        if (this.#error !== undefined) {
          this.#fail(this.#error);
        } else {
          this.#assign();
        }
      });
      // Exploration may end before it waits for this result.
      result.catch(() => undefined);
      return () => result;
    };
  }

  /** Stops all threads. */
  async end(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => this.#stopThread(thread)));
  }

  #startThread(): void {
    const thread = new Worker(
      new URL(`./worker-thread${extname(import.meta.url)}`, import.meta.url),
      {
        workerData: this.#dir,
      },
    );
    thread.on('message', ({ nth, result, reloads }: RunResponse) => {
      this.#running.get(nth)?.resolve(result);
      this.#running.delete(nth);
      if (reloads < this.#maxReloads) {
        this.#idle.push(thread);
      } else {
        void this.#stopThread(thread);
        this.#startThread();
      }
      this.#assign();
    });
    thread.on('error', (error: Error) => this.#fail(error));
    thread.on('exit', (code) =>
      this.#fail(
        new Error(
          `a worker thread of verify ended with code ${code}: a worker may call process.exit`,
        ),
      ),
    );
    this.#threads.add(thread);
    this.#idle.push(thread);
  }

  #stopThread(thread: Worker): Promise<number> {
    this.#threads.delete(thread);
    // A late message of this thread must not start another one.
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
      this.#running.set(pending.request.nth, pending);
      thread.postMessage(pending.request);
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of [...this.#running.values(), ...this.#waiting]) {
      reject(this.#error);
    }
    this.#running.clear();
    this.#waiting.length = 0;
  }
}
