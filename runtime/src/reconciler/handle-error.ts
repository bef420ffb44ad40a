/** What a reconcile does about an error: report it, write status, and decide about the retry. */
import { keyOf, keyString } from '../client/object.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import type { Situation } from './conditions.ts';
import { isReadyPhase } from './phase.ts';
import type { ReconcileContext } from './reconcile-context.ts';
import { createContext } from './reconcile-context.ts';
import type { Failure } from './reconcile-errors.ts';
import { classifyError } from './reconcile-errors.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { DONE, failedOutcome, RETRY_AFTER_CONFLICT } from './reconcile-result.ts';
import type { ResourceState } from './resource-state.ts';
import { recordConflict } from './resource-state.ts';
import { phaseAfterSpecChange } from './transition.ts';
import { writeStatus } from './update-status.ts';

/**
 * So many consecutive refusals leave a ready phase Ready, and so many consecutive throttled writes
 * leave status unwritten.
 */
const TOLERATED_FAILURES = 3;

type ReportedFailure = Extract<Failure, { readonly error: Error }>;

/**
 * Ends a reconcile that threw.
 *
 * @param timeLeft milliseconds until the timeout of the phase, which ends a backoff too. Undefined:
 * the phase has none, or its timeout does not apply
 */
export async function handleError(
  context: ReconcileContext,
  error: unknown,
  timeLeft?: number,
): Promise<ReconcileResult> {
  if (context.signal.aborted) {
    return DONE;
  }
  const { state } = context;
  const failure = afterConflicts(state, classifyError(error));
  switch (failure.type) {
    case 'conflict':
      return RETRY_AFTER_CONFLICT;
    case 'waiting': {
      const { message, delayMs } = failure;
      const waiting: Situation = { type: 'waiting', reason: 'Waiting', message };
      const retry = { type: 'after', ms: Math.min(delayMs, timeLeft ?? Infinity) } as const;
      return { outcome: (await writeSituation(context, waiting)) ?? retry };
    }
    case 'stalled':
      reportFailure(context, failure);
      return stall(context, failure, timeLeft);
    case 'stuck':
      reportFailure(context, failure);
      countFailure(state, failure);
      return quarantine(context, failure);
    case 'throttled':
      reportFailure(context, failure);
      countFailure(state, failure);
      return backOff(context, failure, failedOutcome(timeLeft, failure.retryAfterMs));
    case 'failing': {
      reportFailure(context, failure);
      countFailure(state, failure);
      return retryWithBackoff(context, failure, failedOutcome(timeLeft));
    }
    default:
      return failure satisfies never;
  }
}

/**
 * Counts conflicts. A conflict that fresh objects do not resolve becomes the failure behind it: a
 * webhook or a quota may return 409 too.
 */
function afterConflicts(state: ResourceState, failure: Failure): Failure {
  if (failure.type !== 'conflict') {
    state.consecutiveConflicts = 0;
    return failure;
  }
  return recordConflict(state) ? failure : classifyError(failure.persistent);
}

/** Log line, trace event and Kubernetes Event of a failure. */
function reportFailure(context: ReconcileContext, { error, reason }: ReportedFailure): void {
  const { resource, phase, deps } = context;
  const { message, name, stack } = error;
  deps.log.warn('reconcile failed', {
    resource: keyString(keyOf(resource)),
    phase: phase.name,
    error: message,
    reason: name,
    ...(name === 'Error' && { stack }),
  });
  deps.observer.event({
    type: 'reconcileFailed',
    resource: keyOf(resource),
    phase: phase.name,
    message,
  });
  deps.recordEvent(resource, 'Warning', reason, message);
}

function countFailure(state: ResourceState, failure: ReportedFailure): void {
  const isRefused = failure.reason === 'OutputRefused';
  state.consecutiveRefusals = isRefused ? state.consecutiveRefusals + 1 : 0;
  state.consecutiveThrottles = failure.type === 'throttled' ? state.consecutiveThrottles + 1 : 0;
}

/** Waits for a change, or for the timeout of the phase. Stalled only once status says so. */
async function stall(
  context: ReconcileContext,
  { error, reason }: ReportedFailure,
  timeLeft: number | undefined,
): Promise<ReconcileResult> {
  const { message } = error;
  const retry = await writeSituation(context, { type: 'stalled', reason, message });
  if (retry !== undefined) {
    return { outcome: retry, error: message };
  }
  const outcome: Outcome =
    timeLeft === undefined ? { type: 'done' } : { type: 'after', ms: timeLeft };
  return { outcome, error: message, stalled: true };
}

/**
 * Status is written for the resource as it is now: the worker may have been stuck for long, and a
 * late request of a stopped process may have moved the resource meanwhile.
 */
async function quarantine(
  context: ReconcileContext,
  failure: Extract<Failure, { readonly type: 'stuck' }>,
): Promise<ReconcileResult> {
  const { resource, deps } = context;
  const latest = deps.primary.get(keyOf(resource)) ?? resource;
  await writeSituation(createContext({ ...context, resource: latest }), failing(context, failure));
  return { outcome: { type: 'done' }, error: failure.error.message, stuckWorker: failure.running };
}

/**
 * Respects the delay that the API server asked for, also for status: that write would be another
 * request within the delay. A throttling that persists is shown in status nevertheless.
 */
async function backOff(
  context: ReconcileContext,
  failure: ReportedFailure,
  outcome: Outcome,
): Promise<ReconcileResult> {
  if (context.state.consecutiveThrottles > TOLERATED_FAILURES) {
    await writeSituation(context, failing(context, failure));
  }
  return { outcome, error: failure.error.message };
}

async function retryWithBackoff(
  context: ReconcileContext,
  failure: ReportedFailure,
  outcome: Outcome,
): Promise<ReconcileResult> {
  const retry = await writeSituation(context, failing(context, failure));
  return { outcome: retry ?? outcome, error: failure.error.message };
}

/** A ready phase stays Ready while only a few consecutive refusals have occurred. */
function failing(
  { phase, state }: ReconcileContext,
  { error, reason }: ReportedFailure,
): Situation {
  const { consecutiveRefusals } = state;
  const stillReady =
    isReadyPhase(phase) && consecutiveRefusals > 0 && consecutiveRefusals <= TOLERATED_FAILURES;
  return { type: 'failing', reason, message: error.message, stillReady };
}

/**
 * Writes a situation, and the phase as it is. The generation counts as handled only when no
 * transition by `onSpecChange` is due, which would be lost otherwise.
 *
 * @returns the outcome that takes precedence, see `writeStatus`
 */
function writeSituation(
  context: ReconcileContext,
  situation: Situation,
): Promise<Outcome | undefined> {
  const { resource, phase, deps } = context;
  const isSpecHandled = phaseAfterSpecChange(deps.scheduler, resource, phase) === undefined;
  const isGenerationHandled = isSpecHandled && situation.type !== 'waiting';
  return writeStatus(context, { phase, situation, isGenerationHandled });
}
