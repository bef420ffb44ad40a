/**
 * Threads that fly for an exploration, each with the project loaded anew, and another thread in its
 * place when that was done too often in
 * it. Where a flight is flown makes no difference to it.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Fault, RunResult, LaunchRun } from '../exploration/index.ts';
import { MAX_RELOADS } from './module-reload.ts';

/** One flight that is asked for. */
export interface RunRequest {
  readonly nth: number;
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly Fault[];
}

export interface RunResponse {
  readonly nth: number;
  readonly result: RunResult;
  /** Of the modules of the project in this thread, so far. */
  readonly reloads: number;
}

interface PendingRun {
  readonly request: RunRequest;
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: Error) => void;
}

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
   * @param dir of the project
   * @param maxReloads of its modules, after which a thread is replaced
   */
  constructor(dir: string, size: number, maxReloads = MAX_RELOADS) {
    this.#dir = dir;
    this.#maxReloads = maxReloads;
    for (let nth = 0; nth < size; nth++) {
      this.#startThread();
    }
  }

  /** Flies one scenario with one seed. The promise of a flight rejects when a thread has ended. */
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
      // Nobody may ask for it any more when it fails.
      result.catch(() => undefined);
      return () => result;
    };
  }

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
          `a thread of verify has ended with code ${code}: does a worker call process.exit?`,
        ),
      ),
    );
    this.#threads.add(thread);
    this.#idle.push(thread);
  }

  #stopThread(thread: Worker): Promise<number> {
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
