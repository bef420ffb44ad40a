/**
 * The status PATCH of a reconcile, and what follows from the transition that it makes.
 *
 * Guarantees
 * - One PATCH per reconcile, guarded by resourceVersion. No PATCH without a difference.
 * - A transition is recorded only after the API server has accepted it.
 */
import { parseDuration } from '../api/duration.ts';
import { PermanentError } from '../api/worker.ts';
import { hasCode, messageOf } from '../client/errors.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import { statusFieldManager } from '../client/well-known-names.ts';
import { canonicalJson, deepEqual, mergePatch, shortHash } from '../util/json.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import type { Situation } from './conditions.ts';
import { contestedCondition, unresolvedClaimsCondition } from './conditions.ts';
import type { StatusUpdate } from './next-status.ts';
import { nextStatus } from './next-status.ts';
import { initialPhase } from './phase.ts';
import { parseTime, statusOf } from './resource-status.ts';
import type { ReconcileContext } from './reconcile-context.ts';
import { mayHaveBeenWritten, requestedDelayMs } from './reconcile-errors.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { DONE, failedOutcome, RETRY_AFTER_CONFLICT } from './reconcile-result.ts';
import {
  exceedsLoopLimit,
  recordConflict,
  recordStay,
  recordTransition,
} from './resource-state.ts';
import { contestedRecords, describeContest } from './undone/repair-records.ts';

/**
 * Writes status and ends the reconcile.
 *
 * @param outcome the outcome when status was written and the phases do not loop
 * @throws PermanentError when the API server refuses the fields of the user
 */
export async function updateStatus(
  context: ReconcileContext,
  update: StatusUpdate,
  outcome: Outcome,
): Promise<ReconcileResult> {
  return { outcome: (await writeStatus(context, update)) ?? outcome };
}

/**
 * Writes status in one PATCH and records the transition.
 *
 * @returns the outcome that takes precedence, because status was not written or the phases loop.
 * Undefined: status is written, the outcome of the caller applies
 * @throws PermanentError when the API server refuses the fields of the user
 */
export async function writeStatus(
  context: ReconcileContext,
  update: StatusUpdate,
): Promise<Outcome | undefined> {
  const { resource, deps, state } = context;
  const { scheduler, clock } = deps;
  const from = statusOf(resource).phase ?? '';
  const to = update.phase.name;
  const changesPhase = (from || initialPhase(scheduler).name) !== to;
  const isLooping =
    changesPhase &&
    update.phase.final !== true &&
    exceedsLoopLimit(state, clock.monotonic(), scheduler.phases.length);
  const looping = loopingSituation(scheduler.phases.length);
  const retry = await patchStatus(context, isLooping ? { ...update, situation: looping } : update);
  if (retry !== undefined) {
    return retry;
  }
  if (changesPhase) {
    recordTransition(state, clock.monotonic());
  } else if (update.situation.type !== 'failing') {
    recordStay(state);
  }
  if (from !== to) {
    reportTransition(context, from, to);
  }
  if (!isLooping) {
    return undefined;
  }
  if (!state.isLooping) {
    state.isLooping = true;
    deps.observer.event({ type: 'looping', resource: keyOf(resource), phase: to });
    deps.recordEvent(resource, 'Warning', looping.reason, looping.message);
  }
  const { timeout } = update.phase;
  return failedOutcome(timeout === undefined ? undefined : parseDuration(timeout));
}

function loopingSituation(phases: number): Extract<Situation, { readonly type: 'failing' }> {
  const limit = `more than ${2 * phases} phase changes within 10 s`;
  const rule = 'further changes are delayed with backoff until a worker stays in its phase';
  const message = `${limit}; ${rule}`;
  return { type: 'failing', reason: 'Looping', message };
}

/** Event, metric and Kubernetes Event of a transition. @param from empty: a new resource */
function reportTransition({ resource, deps }: ReconcileContext, from: string, to: string): void {
  const { observer, clock, recordEvent } = deps;
  observer.event({ type: 'transition', resource: keyOf(resource), from, to });
  const startedAt = parseTime(statusOf(resource).autopilot?.phaseStartedAt);
  if (from !== '' && startedAt !== undefined) {
    observer.phaseLeft(from, Math.max(0, clock.now() - startedAt) / 1000);
  }
  recordEvent(resource, 'Normal', 'Transition', `${from === '' ? 'new' : from} -> ${to}`);
}

/**
 * @returns undefined when status is written or does not differ; else the outcome of the reconcile
 */
async function patchStatus(
  context: ReconcileContext,
  update: StatusUpdate,
): Promise<Outcome | undefined> {
  const { resource, deps, signal } = context;
  const { scheduler, api, clock, primary } = deps;
  const notices = [
    ...unresolvedClaimsCondition(deps.fieldClaims.unresolved(resource)),
    ...(update.phase.final === true ? [] : contestedNotices(context)),
  ];
  const wanted = nextStatus(resource, { ...update, notices }, new Date(clock.now()));
  const difference = mergePatch(resource.status ?? {}, wanted);
  if (difference === undefined || isStoredAlready(context, wanted)) {
    return undefined;
  }
  const key = keyOf(resource);
  const { resourceVersion } = resource.metadata;
  const body = { metadata: { resourceVersion }, status: difference };
  const fieldManager = statusFieldManager(scheduler.operatorName);
  const options = { subresource: 'status', fieldManager } as const;
  try {
    const stored = await primary.write(key, keyString(key), () =>
      api.patch(scheduler.resource, key, { type: 'merge', body }, options, signal),
    );
    rememberNormalization(context, wanted, stored);
    return undefined;
  } catch (error) {
    return handlePatchError(context, update, error);
  }
}

/** Has this status been sent before, and become the stored one by defaults of the CRD? */
function isStoredAlready({ resource, state }: ReconcileContext, wanted: object): boolean {
  const { normalizedStatus } = state;
  return (
    normalizedStatus !== undefined &&
    normalizedStatus.storedHash === shortHash(canonicalJson(resource.status)) &&
    normalizedStatus.sentHash === shortHash(canonicalJson(wanted))
  );
}

function rememberNormalization(
  { state }: ReconcileContext,
  wanted: object,
  { status: stored }: KubeObject,
): void {
  state.normalizedStatus = deepEqual(stored, wanted)
    ? undefined
    : {
        sentHash: shortHash(canonicalJson(wanted)),
        storedHash: shortHash(canonicalJson(stored)),
      };
}

function contestedNotices({
  state,
  deps,
}: ReconcileContext): ReturnType<typeof contestedCondition> {
  const records = contestedRecords(state.undone, deps.clock.monotonic());
  return contestedCondition(
    records.map((record) => ({ message: describeContest(record), isGivenUp: record.isGivenUp })),
  );
}

/** @throws PermanentError when the API server refuses the fields of the user */
async function handlePatchError(
  context: ReconcileContext,
  { statusInfo }: StatusUpdate,
  error: unknown,
): Promise<Outcome> {
  const { resource, deps, state, signal } = context;
  if (signal.aborted || hasCode(error, 404)) {
    return DONE.outcome;
  }
  if (hasCode(error, 409)) {
    await refreshCache(context);
    if (recordConflict(state)) {
      return RETRY_AFTER_CONFLICT.outcome;
    }
  }
  state.mustReread = mayHaveBeenWritten(error);
  if (statusInfo !== undefined && hasCode(error, 400, 422)) {
    throw new PermanentError(
      `the API server refused the statusInfo that the worker returned: ${messageOf(error)}`,
      'StatusRefused',
    );
  }
  deps.log.warn('status could not be written', {
    resource: keyString(keyOf(resource)),
    error: messageOf(error),
  });
  return failedOutcome(undefined, requestedDelayMs(error));
}

/** Reads the resource once, so that retries do not repeat the conflict until the event arrives. */
async function refreshCache({ resource, deps, signal }: ReconcileContext): Promise<void> {
  const key = keyOf(resource);
  const fresh = await deps.api.get(deps.scheduler.resource, key, signal).catch(() => undefined);
  if (fresh !== undefined) {
    deps.primary.put(fresh, keyString(key));
  }
}
