/** The result of a reconcile, and when the next reconcile is due. */
import { parseDuration } from '../api/duration.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

/** What a reconcile leaves to the controller. */
export interface ReconcileResult {
  /** What the work queue does with the resource next. */
  readonly outcome: Outcome;
  /** The message of the error that ended the reconcile. */
  readonly error?: string;
  /**
   * The worker threw a PermanentError and status says so. No further reconcile until
   * `stallFingerprintOf` or an input that was read changes.
   */
  readonly stalled?: true;
  /**
   * The worker ran to its end, or the phase has no worker. The reads of this reconcile replace
   * those of earlier ones.
   */
  readonly allReadsSeen?: true;
  /** A worker that did not stop in time. No further reconcile until the promise settles. */
  readonly stuckWorker?: Promise<unknown>;
}

/** The delay lets the cache receive the version that caused the conflict. */
const CONFLICT_RETRY_MS = 50;
/** Lower bound of requested delays, so that one resource cannot occupy the queue. */
export const MIN_REQUEUE_MS = 100;

/** Nothing to do until the resource is enqueued again. */
export const DONE: ReconcileResult = { outcome: { type: 'done' } };
/** Reconcile again with the fresh object. */
export const RETRY_AFTER_CONFLICT: ReconcileResult = {
  outcome: { type: 'after', ms: CONFLICT_RETRY_MS },
};

/**
 * Milliseconds until the next reconcile that a worker or a finalizer asks for.
 *
 * @param requested a duration. Default: `workInterval` of the operator
 * @returns at least 100
 */
export function requeueDelayMs(
  requested: string | undefined,
  { settings }: Pick<ReconcileDeps, 'settings'>,
): number {
  const ms = requested === undefined ? settings().workIntervalMs : parseDuration(requested);
  return Math.max(MIN_REQUEUE_MS, ms);
}

/** The outcome, at the latest after `ms`. @param ms Infinity: as it is */
export function notLaterThan(outcome: Outcome, ms: number): Outcome {
  if (outcome.type === 'done' && ms !== Infinity) {
    return { type: 'after', ms };
  }
  return outcome.type === 'after' ? { ...outcome, ms: Math.min(outcome.ms, ms) } : outcome;
}

/**
 * A retry with backoff.
 *
 * @param atMostMs upper bound of the delay in milliseconds: the timeout of the phase ends a backoff
 * @param atLeastMs lower bound in milliseconds: the delay that the API server asked for
 */
export function failedOutcome(atMostMs: number | undefined, atLeastMs = 0): Outcome {
  return {
    type: 'failed',
    ...(atMostMs !== undefined && { atMostMs }),
    ...(atLeastMs > 0 && { atLeastMs }),
  };
}
