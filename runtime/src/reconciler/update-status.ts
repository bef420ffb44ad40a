/** How a sync ends: what is said about it in status, in one PATCH, and when the next one is due. */
import { inspect } from 'node:util';
import { parseDuration } from '../api/duration.ts';
import { hasCode } from '../client/errors.ts';
import { statusFieldManager } from '../client/well-known-names.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { RetryLater } from '../api/worker.ts';
import { PermanentError } from '../api/worker.ts';
import type { Situation } from './conditions.ts';
import {
  requestedDelayMs,
  isPermanentError,
  persistentError,
  mayHaveBeenWritten,
  StuckWorker,
} from './reconcile-errors.ts';
import { mergePatch } from '../util/json.ts';
import type { ResourceState } from './resource-state.ts';
import {
  recordConflict,
  exceedsLoopLimit,
  recordTransition,
  recordStay,
} from './resource-state.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { initialPhase, isReadyPhase, phaseAfterSpecChange, phaseOf, statusOf } from './phase.ts';
import type { StatusUpdate } from './next-status.ts';
import { nextStatus } from './next-status.ts';

/** The cache has the fresh copy by then. */
const CONFLICT_RETRY_MS = 50;
/** Less would leave nothing for the other resources. */
const MIN_REQUEUE_MS = 100;
/**
 * A phase that counts as ready stays so while its outputs are refused this many times in a row; and
 * so often is nothing said in status of
 * writes that are to wait.
 */
const TOLERATED_FAILURES = 3;

/** What a sync leaves behind for the machine. */
export interface ReconcileResult {
  readonly outcome: Outcome;
  /** What went wrong, as a sentence. */
  readonly error?: string;
  /**
   * The worker said that no retry can help: no further sync until `stallFingerprintOf` changes or
   * an input
   * that was read.
   */
  readonly stalled?: true;
  /** A worker ran to its end, or there is none: what was read now replaces what was read before. */
  readonly allReadsSeen?: true;
  /** The worker did not settle after its grace: no further sync of this resource until it has. */
  readonly stuckWorker?: Promise<unknown>;
}

const DONE: ReconcileResult = { outcome: { type: 'done' } };
const RETRY_AFTER_CONFLICT: ReconcileResult = { outcome: { type: 'after', ms: CONFLICT_RETRY_MS } };

/**
 * Until the next sync of a worker or finalizer that said when; `workInterval` when it did not. At
 * least 100 ms.
 */
export function requeueDelayMs(
  requested: string | undefined,
  { settings }: Pick<ReconcileDeps, 'settings'>,
): number {
  return Math.max(
    MIN_REQUEUE_MS,
    requested === undefined ? settings().workIntervalMs : parseDuration(requested),
  );
}

/**
 * The one status PATCH. A conflict means that the cache was behind: again from the fresh copy.
 * @throws PermanentError when the API server refuses the user's own fields.
 */
export async function updateStatus(
  resource: KubeObject,
  change: StatusUpdate,
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
  outcome: Outcome,
): Promise<ReconcileResult> {
  const { scheduler, clock, observer } = deps;
  const from = statusOf(resource).phase ?? '';
  const to = change.phase.name;
  const changesPhase = (from || initialPhase(scheduler).name) !== to;
  const isLooping =
    changesPhase &&
    change.phase.final !== true &&
    exceedsLoopLimit(state, clock.monotonic(), scheduler.phases.length);
  const shownChange = isLooping ? { ...change, situation: LOOPING } : change;
  const failedWrite = await writeStatus(resource, shownChange, deps, state, signal);
  if (failedWrite !== undefined) {
    return failedWrite;
  }
  if (changesPhase) {
    recordTransition(state, clock.monotonic());
  } else if (change.situation.type !== 'failing') {
    recordStay(state);
  }
  if (from !== to) {
    observer.event({ type: 'transition', resource: keyOf(resource), from, to });
    const since = statusOf(resource).autopilot?.phaseStartedAt;
    if (from !== '' && since !== undefined) {
      observer.phaseLeft(from, Math.max(0, clock.now() - Date.parse(since)) / 1000);
    }
    deps.recordEvent(resource, 'Normal', 'Transition', `${from === '' ? 'new' : from} -> ${to}`);
  }
  if (!isLooping) {
    return { outcome };
  }
  if (!state.isLooping) {
    state.isLooping = true;
    observer.event({ type: 'looping', resource: keyOf(resource), phase: to });
    deps.recordEvent(resource, 'Warning', LOOPING.reason, LOOPING.message);
  }
  return {
    outcome: failedOutcome(
      change.phase.timeout === undefined ? undefined : parseDuration(change.phase.timeout),
    ),
  };
}

const LOOPING = {
  type: 'failing',
  reason: 'Looping',
  message:
    'the phases change faster than twice around in 10 s; each further change waits longer, until a worker stays in its phase',
} as const satisfies Situation;

/** Undefined: written, or nothing to write. */
async function writeStatus(
  resource: KubeObject,
  change: StatusUpdate,
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { scheduler, api, clock, primary, log } = deps;
  const difference = mergePatch(
    resource.status ?? {},
    nextStatus(resource, change, new Date(clock.now())),
  );
  if (difference === undefined) {
    return undefined;
  }
  const key = keyOf(resource);
  const body = {
    metadata: { resourceVersion: resource.metadata.resourceVersion },
    status: difference,
  };
  const options = {
    subresource: 'status',
    fieldManager: statusFieldManager(scheduler.operatorName),
  } as const;
  try {
    await primary.write(key, keyString(key), () =>
      api.patch(scheduler.resource, key, { type: 'merge', body }, options, signal),
    );
    return undefined;
  } catch (error) {
    if (signal.aborted || hasCode(error, 404)) {
      return DONE;
    }
    if (hasCode(error, 409)) {
      await refreshCache(resource, deps, signal);
      if (recordConflict(state)) {
        return RETRY_AFTER_CONFLICT;
      }
    }
    state.mustReread = mayHaveBeenWritten(error);
    if (change.statusInfo !== undefined && hasCode(error, 400, 422)) {
      throw new PermanentError(
        `the statusInfo that the worker returned was refused: ${(error as Error).message}`,
        'StatusRefused',
      );
    }
    log.warn('status could not be written', {
      resource: keyString(key),
      error: (error as Error).message,
    });
    return { outcome: failedOutcome(undefined, requestedDelayMs(error)) };
  }
}

/**
 * Reads the resource once: a stale cache that no event would mend soon must not make a hot loop.
 */
async function refreshCache(
  resource: KubeObject,
  deps: ReconcileDeps,
  signal: AbortSignal,
): Promise<void> {
  const key = keyOf(resource);
  const fresh = await deps.api.get(deps.scheduler.resource, key, signal).catch(() => undefined);
  if (fresh !== undefined) {
    deps.primary.put(fresh, keyString(key));
  }
}

/** @param left until the phase's timeout, which also ends a backoff. */
export async function handleError(
  resource: KubeObject,
  phase: PhaseDefinition,
  error: unknown,
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
  msUntilTimeout: number | undefined,
): Promise<ReconcileResult> {
  if (signal.aborted) {
    return DONE;
  }
  const thrown =
    error instanceof Error ? error : new Error(`${inspect(error)} was thrown, which is no Error`);
  const isStale = thrown.name === 'StaleCache';
  if (isStale && recordConflict(state)) {
    return RETRY_AFTER_CONFLICT;
  }
  if (!isStale) {
    state.consecutiveConflicts = 0;
  }
  const failure = isStale ? persistentError(thrown) : thrown;
  const { message, name, stack } = failure;
  // A stuck worker may have been stuck for long, and its condition is not written again. A late
  // request of a dead process may have moved
  // the resource meanwhile: its phase stays then.
  const current =
    error instanceof StuckWorker ? (deps.primary.get(keyOf(resource)) ?? resource) : resource;
  const currentPhase = current === resource ? phase : (phaseOf(deps.scheduler, current) ?? phase);
  // A move that is still to be made must not be forgotten because this is written first.
  const isSpecHandled = phaseAfterSpecChange(deps.scheduler, current, currentPhase) === undefined;
  const endWith = (situation: Situation, outcome: Outcome): Promise<ReconcileResult> =>
    updateStatus(
      current,
      {
        phase: currentPhase,
        situation,
        isGenerationHandled: isSpecHandled && situation.type !== 'waiting',
      },
      deps,
      state,
      signal,
      outcome,
    );
  const delay = name === 'RetryLater' ? retryDelayMs(error as RetryLater) : undefined;
  if (delay !== undefined) {
    return endWith(
      { type: 'waiting', reason: 'Waiting', message },
      { type: 'after', ms: Math.min(delay, msUntilTimeout ?? Infinity) },
    );
  }
  const logFields = { resource: keyString(keyOf(resource)), phase: phase.name };
  deps.log.warn('reconcile failed', {
    ...logFields,
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
  if (isPermanentError(error)) {
    const reason = (error as PermanentError).reason || 'PermanentError';
    deps.recordEvent(resource, 'Warning', reason, message);
    const outcome: Outcome =
      msUntilTimeout === undefined ? { type: 'done' } : { type: 'after', ms: msUntilTimeout };
    const result = await endWith({ type: 'stalled', reason, message }, outcome);
    return { ...result, error: message, ...(result.outcome === outcome && { stalled: true }) };
  }
  const reason = REASON_BY_ERROR_NAME[name] ?? 'WorkerError';
  deps.recordEvent(resource, 'Warning', reason, message);
  state.consecutiveRefusals = reason === 'OutputRefused' ? state.consecutiveRefusals + 1 : 0;
  const serverDelayMs = requestedDelayMs(failure);
  const outcome = failedOutcome(msUntilTimeout, serverDelayMs);
  state.consecutiveThrottles = serverDelayMs > 0 ? state.consecutiveThrottles + 1 : 0;
  // Status would be another write before the time that the server has named. What does not pass is
  // to be seen all the same.
  if (state.consecutiveThrottles > 0 && state.consecutiveThrottles <= TOLERATED_FAILURES) {
    return { outcome, error: message };
  }
  const stillReady =
    isReadyPhase(phase) &&
    state.consecutiveRefusals > 0 &&
    state.consecutiveRefusals <= TOLERATED_FAILURES;
  const result = {
    ...(await endWith({ type: 'failing', reason, message, stillReady }, outcome)),
    error: message,
  };
  // Also when status could not be written.
  if (state.consecutiveThrottles > 0) {
    return { ...result, outcome };
  }
  return error instanceof StuckWorker
    ? { ...result, outcome: { type: 'done' }, stuckWorker: error.running }
    : result;
}

/** Undefined when it is no duration: such an error is one of the worker. */
function retryDelayMs({ delay }: RetryLater): number | undefined {
  try {
    return Math.max(MIN_REQUEUE_MS, parseDuration(delay));
  } catch {
    return undefined;
  }
}

/** By the name of the error. */
const REASON_BY_ERROR_NAME: Readonly<Record<string, string>> = {
  OutputConflict: 'OutputConflict',
  OutputRefused: 'OutputRefused',
  ApiError: 'ApiError',
  ConnectionError: 'ApiError',
  StuckWorker: 'Quarantined',
};

/**
 * Backoff, but not beyond the phase's timeout, and not before the server wants to hear of it again.
 */
export function failedOutcome(msUntilTimeout: number | undefined, atLeastMs = 0): Outcome {
  return {
    type: 'failed',
    ...(msUntilTimeout !== undefined && { atMostMs: msUntilTimeout }),
    ...(atLeastMs > 0 && { atLeastMs }),
  };
}
