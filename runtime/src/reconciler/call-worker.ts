/** Calls a worker or the finalizer: with a frozen context, and within a time limit. */
import type { WorkerDefinition } from '../api/scheduler.ts';
import type { AnyContext, UndoneChange } from '../api/worker.ts';
import { PermanentError } from '../api/worker.ts';
import { deepFreeze } from '../cache/store.ts';
import { messageOf } from '../client/errors.ts';
import { keyOf, keyString } from '../client/object.ts';
import { withLogFields } from '../observability/logger.ts';
import type { Clock } from '../util/clock.ts';
import { toPlainJson } from '../util/plain-json.ts';
import { createInputViews } from './dependencies/input-view.ts';
import type { ReconcileContext } from './reconcile-context.ts';
import { StuckWorker } from './reconcile-errors.ts';

/** Milliseconds that a worker has to stop after its signal is aborted. */
const ABORT_GRACE_MS = 5_000;

/** One call of a worker or of the finalizer. */
export interface WorkerCall<Result> {
  readonly definition: WorkerDefinition;
  /** Milliseconds since 1970. Undefined: now. */
  readonly phaseStartedAt: number | undefined;
  /** Milliseconds since 1970. Undefined: no step yet. */
  readonly lastStep: number | undefined;
  /** `context.undone`. */
  readonly undone: readonly UndoneChange[];
  /** Milliseconds until the signal of the worker is aborted. */
  readonly timeoutMs: number;
  readonly run: (context: AnyContext) => Promise<Result> | Result;
}

/**
 * @returns a frozen copy of the result, which later changes by the worker do not affect
 * @throws what the worker throws; StuckWorker when the worker does not stop in time; PermanentError
 * when the result is not JSON; the reason of the signal when it is aborted before the call
 */
export async function callWorker<Result>(
  context: ReconcileContext,
  { definition, run, timeoutMs, ...times }: WorkerCall<Result>,
): Promise<Result> {
  const { deps, signal } = context;
  signal.throwIfAborted();
  // AbortSignal.any would keep every signal that it made until the long-lived one is collected.
  const workerAbort = new AbortController();
  const workerContext = createWorkerContext(context, definition, times, workerAbort.signal);
  const running = (async () => run(workerContext))();
  const result = await withTimeLimit(running, {
    ms: timeoutMs,
    clock: deps.clock,
    workerAbort,
    signal,
  });
  return frozenCopy(result, definition);
}

type WorkerTimes = Pick<WorkerCall<unknown>, 'phaseStartedAt' | 'lastStep' | 'undone'>;

function createWorkerContext(
  context: ReconcileContext,
  definition: WorkerDefinition,
  { phaseStartedAt, lastStep, undone }: WorkerTimes,
  signal: AbortSignal,
): AnyContext {
  const { resource, phase, deps } = context;
  const now = new Date(deps.clock.now());
  const inputs = createInputViews(definition, context, (input) => deps.informers.forInput(input));
  return Object.freeze({
    resource,
    inputs,
    ...(definition.metrics === true && { metrics: deps.metricsQueriesFor(resource, signal) }),
    config: deepFreeze(deps.settings().config),
    log: withLogFields(deps.log, { resource: keyString(keyOf(resource)), phase: phase.name }),
    signal,
    now,
    phaseStartedAt: new Date(phaseStartedAt ?? now),
    lastStep: lastStep === undefined ? undefined : new Date(lastStep),
    undone: deepFreeze([...undone]),
  });
}

/** No result is reported with the other wrong results, see `validateResult`. */
function frozenCopy<Result>(result: Result, { title }: WorkerDefinition): Result {
  if (result === undefined) {
    return result;
  }
  try {
    return deepFreeze(toPlainJson(result));
  } catch (error) {
    throw new PermanentError(
      `${title} returned a value that cannot be stored: ${messageOf(error)}`,
    );
  }
}

interface TimeLimit {
  readonly ms: number;
  readonly clock: Clock;
  /** Aborts the signal of the worker. */
  readonly workerAbort: AbortController;
  /** The signal of the reconcile. */
  readonly signal: AbortSignal;
}

/**
 * Settles like `running`. Rejects with StuckWorker when the worker still runs 5 s after its signal
 * was aborted, by the time limit or by the signal of the reconcile.
 */
function withTimeLimit<Result>(
  running: Promise<Result>,
  { ms, clock, workerAbort, signal }: TimeLimit,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const rejectAfterGrace = (message: string): void => {
      const settled = running.catch(() => undefined);
      const grace = clock.after(ABORT_GRACE_MS, () => reject(new StuckWorker(message, settled)));
      void settled.finally(() => grace.cancel());
    };
    const timer = clock.after(ms, () => {
      const exceeded = `the worker took longer than ${ms / 1000} s`;
      workerAbort.abort(new Error(exceeded));
      rejectAfterGrace(
        `${exceeded} and did not stop within 5 s after its signal was aborted; the resource is quarantined until the worker ends. Pass context.signal to everything that the worker awaits`,
      );
    });
    const onAbort = (): void => {
      workerAbort.abort(signal.reason);
      rejectAfterGrace('the worker did not stop within 5 s after its signal was aborted');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    running.then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    });
  });
}
