/** Calls a worker, or the finalizer: with a frozen context, and not for longer than it may take. */
import { deepFreeze } from '../cache/store.ts';
import type { Clock } from '../util/clock.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import { withLogFields } from '../observability/logger.ts';
import type { WorkerDefinition } from '../api/scheduler.ts';
import type { AnyContext } from '../api/worker.ts';
import { PermanentError } from '../api/worker.ts';
import { StuckWorker } from './reconcile-errors.ts';
import type { ReadTracker } from './dependencies/input-view.ts';
import { createInputViews } from './dependencies/input-view.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

/** After its signal is aborted, a worker has this long before its slot is taken away. */
const ABORT_GRACE_MS = 5_000;

export interface WorkerCall<Result> {
  readonly definition: WorkerDefinition;
  /** Name of the phase, for the worker's log. */
  readonly phase: string;
  readonly resource: KubeObject;
  readonly phaseStartedAt: number | undefined;
  readonly lastStep: number | undefined;
  readonly timeoutMs: number;
  readonly run: (context: AnyContext) => Promise<Result> | Result;
}

/**
 * The result, frozen and a copy: what the worker does to it later has no effect.
 * @throws what the worker throws, Stuck when it does not end in time, or why it may not be called
 * any more.
 */
export async function callWorker<Result>(
  { definition, resource, run, timeoutMs, ...request }: WorkerCall<Result>,
  deps: ReconcileDeps,
  tracker: ReadTracker,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted();
  // By hand, and not by AbortSignal.any: that one remembers every signal it ever made beside a
  // long-lived one until they are collected.
  const workerAbort = new AbortController();
  const workerSignal = workerAbort.signal;
  const now = new Date(deps.clock.now());
  const context: AnyContext = Object.freeze({
    resource,
    inputs: createInputViews(definition, resource, tracker, (input) =>
      deps.informers.forInput(input),
    ),
    ...(definition.metrics === true && { metrics: deps.metricsQueriesFor(resource, workerSignal) }),
    config: deepFreeze(deps.settings().config),
    log: withLogFields(deps.log, { resource: keyString(keyOf(resource)), phase: request.phase }),
    signal: workerSignal,
    now,
    phaseStartedAt: new Date(request.phaseStartedAt ?? now),
    lastStep: request.lastStep === undefined ? undefined : new Date(request.lastStep),
  });
  const running = (async () => run(context))();
  return frozenCopy(
    await withTimeLimit(running, timeoutMs, deps.clock, workerAbort, signal),
    definition,
  );
}

function frozenCopy<Result>(result: Result, { title }: WorkerDefinition): Result {
  try {
    return deepFreeze(structuredClone(result));
  } catch (error) {
    throw new PermanentError(
      `${title} returned something that is no plain data: ${(error as Error).message}`,
    );
  }
}

function withTimeLimit<Result>(
  running: Promise<Result>,
  ms: number,
  clock: Clock,
  workerAbort: AbortController,
  signal: AbortSignal,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (message: string): void => {
      const grace = clock.after(ABORT_GRACE_MS, () =>
        reject(
          new StuckWorker(
            message,
            running.catch(() => undefined),
          ),
        ),
      );
      running.catch(() => undefined).finally(() => grace.cancel());
    };
    const timer = clock.after(ms, () => {
      workerAbort.abort(new Error(`the worker took longer than ${ms / 1000} s`));
      giveUp(
        `the worker took longer than ${ms / 1000} s and did not end when it was told to; this resource waits until it does`,
      );
    });
    const onShutdown = (): void => {
      workerAbort.abort(signal.reason);
      giveUp('the worker did not end at shutdown');
    };
    signal.addEventListener('abort', onShutdown, { once: true });
    running.then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', onShutdown);
    });
  });
}
