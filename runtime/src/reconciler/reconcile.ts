/**
 * One reconcile of one resource, step by step, in the order of docs/design.md.
 *
 * Guarantees
 * - A reconcile never throws. Every error ends in a `ReconcileResult`.
 * - At most one PATCH of status. Outputs are applied before it.
 */
import type { PhaseDefinition } from '../api/scheduler.ts';
import { workerDefinitionOf } from '../api/scheduler.ts';
import type { AnyWorker } from '../api/worker.ts';
import { hasCode } from '../client/errors.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import { pausedAnnotation } from '../client/well-known-names.ts';
import { isExplicitNo } from '../util/explicit-no.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import { Attempts } from './attempts.ts';
import { callWorker } from './call-worker.ts';
import type { Situation } from './conditions.ts';
import { activeDeferral } from './deferral.ts';
import { unreadableInputReason, unreadOutputReason } from './dependencies/input-view.ts';
import { ensureFinalizer, finalize } from './finalizer.ts';
import { handleError } from './handle-error.ts';
import { validateResult } from './outputs/validate-result.ts';
import { phaseNamed, phaseTimes } from './phase.ts';
import { statusOf } from './resource-status.ts';
import type { ReconcileContext, ReconcileRequest } from './reconcile-context.ts';
import { createContext, timeLeftMs } from './reconcile-context.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { DONE, failedOutcome, notLaterThan } from './reconcile-result.ts';
import { handleResult, phaseAfterUndoing, transitionWithoutWorker } from './transition.ts';
import { appliedRecords } from './undone/applied-objects.ts';
import { msUntilNextCheck, undoneChangesToTell } from './undone/repair-records.ts';
import { updateStatus } from './update-status.ts';

/** How many objects the condition Paused names. */
const MAX_NAMED_OBJECTS = 5;

/** Prepares the resource (fresh read, deletion, finalizer), then reconciles its phase. */
export async function reconcile(request: ReconcileRequest): Promise<ReconcileResult> {
  let context = createContext(request);
  try {
    const resource = await rereadIfStale(context);
    if (resource === undefined) {
      return DONE;
    }
    context = createContext({ ...context, resource });
    if (resource.metadata.deletionTimestamp !== undefined) {
      return await finalize(context);
    }
    context = createContext({ ...context, resource: await ensureFinalizer(context) });
  } catch (error) {
    return handleError(context, error);
  }
  return reconcilePhase(context);
}

/** Everything that ends a reconcile without a call of the worker, then the worker. */
async function reconcilePhase(context: ReconcileContext): Promise<ReconcileResult> {
  const { resource, phase, deps, state } = context;
  if (!context.isPhaseKnown) {
    const known = deps.scheduler.phases.map(({ name }) => name).join(', ');
    const stored = `status.phase is '${phase.name}'`;
    const message = `${stored}, which is not a phase of this operator (${known})`;
    return endWith(context, { type: 'stalled', reason: 'UnknownPhase', message }, DONE.outcome);
  }
  const paused = pauseReason(resource, deps);
  if (paused !== undefined) {
    return endPaused(context, paused);
  }
  try {
    await deps.fieldClaims.finish(context);
  } catch (error) {
    return handleError(context, error);
  }
  const transition = transitionWithoutWorker(context);
  if (transition !== undefined) {
    return enterPhase(context, transition.to, transition.reason);
  }
  // A final phase reads nothing, so `allReadsSeen` drops the reads of earlier phases.
  if (phase.final === true || phase.worker === undefined) {
    return { ...(await endWith(context, { type: 'ok' }, DONE.outcome)), allReadsSeen: true };
  }
  const deferral = activeDeferral(resource, deps, state);
  if (deferral !== undefined) {
    const ms = Math.min(deferral.ms, timeLeftMs(context) ?? Infinity);
    return endWith(context, deferral.situation, { type: 'after', ms });
  }
  const unreadable =
    unreadableInputReason(phase, deps.informers) ?? unreadOutputReason(phase, deps.informers);
  if (unreadable !== undefined) {
    return endWith(
      context,
      { type: 'waiting', reason: 'InputUnavailable', message: unreadable },
      failedOutcome(timeLeftMs(context)),
    );
  }
  return runWorker(context, phase.worker);
}

/** Pauses the resource. With `whilePaused: release` the phase takes back what it can. */
async function endPaused(context: ReconcileContext, reason: string): Promise<ReconcileResult> {
  const { phase, deps } = context;
  if (phase.whilePaused !== 'release') {
    const left = describeLeftClaims(deps.fieldClaims.claimedObjects(context.resource));
    return endWith(context, { type: 'paused', message: `${reason}${left}` }, DONE.outcome);
  }
  try {
    const attempts = new Attempts();
    await deps.fieldClaims.release(context, attempts);
    attempts.throwIfRefused();
    const pruned = phase.outputs.filter(({ prune }) => prune === true);
    const nothing = Object.fromEntries(pruned.map(({ name }) => [name, []]));
    await deps.outputs.apply(context, workerDefinitionOf(phase), nothing);
  } catch (error) {
    return handleError(context, error);
  }
  const message = `${reason}; field claims are given back and outputs with prune are deleted`;
  const situation: Situation = { type: 'paused', message };
  // What the pause has deleted was not deleted by another client.
  const applied = appliedRecords(context.state.undone);
  const update = { phase, situation, isGenerationHandled: false, applied };
  return updateStatus(context, update, DONE.outcome);
}

/** The end of the message of a pause that leaves field claims in place. Empty: there are none. */
function describeLeftClaims(objects: readonly string[]): string {
  if (objects.length === 0) {
    return '';
  }
  const named = objects.slice(0, MAX_NAMED_OBJECTS).join(', ');
  const rest = objects.length - MAX_NAMED_OBJECTS;
  return `; field claims left in place: ${named}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** A transition that the worker did not choose. */
function enterPhase(
  context: ReconcileContext,
  phase: PhaseDefinition,
  reason: string,
): Promise<ReconcileResult> {
  const situation: Situation = { type: 'ok', justEntered: true };
  const update = { phase, situation, isGenerationHandled: true, reason };
  return updateStatus(context, update, { type: 'again' });
}

/** Writes a situation of the phase as it is. */
function endWith(
  context: ReconcileContext,
  situation: Situation,
  outcome: Outcome,
): Promise<ReconcileResult> {
  const isGenerationHandled = situation.type !== 'waiting' && situation.type !== 'paused';
  return updateStatus(context, { phase: context.phase, situation, isGenerationHandled }, outcome);
}

/**
 * Reads the resource from the API server when the cache may be outdated (`mustReread`): an earlier
 * write of the resource got no response, or another client deleted an output of it.
 *
 * @returns the resource to reconcile. Undefined: the resource is deleted, or its last finalizer is
 * removed; the DELETED event follows
 */
async function rereadIfStale(context: ReconcileContext): Promise<KubeObject | undefined> {
  const { resource, deps, state, signal } = context;
  if (state.goneUid === resource.metadata.uid) {
    return undefined;
  }
  if (!state.mustReread) {
    return resource;
  }
  const { api, scheduler, primary } = deps;
  const key = keyOf(resource);
  try {
    const latest = await api.get(scheduler.resource, key, signal);
    primary.put(latest, keyString(key));
  } catch (error) {
    if (!hasCode(error, 404)) {
      throw error;
    }
    state.goneUid = resource.metadata.uid;
  }
  state.mustReread = false;
  return state.goneUid === resource.metadata.uid ? undefined : primary.get(key);
}

/**
 * Why the resource is paused. Undefined: the resource is not paused. A paused resource gets no
 * writes but its status.
 */
export function pauseReason(
  resource: KubeObject,
  { scheduler, settings }: Pick<ReconcileDeps, 'scheduler' | 'settings'>,
): string | undefined {
  if (settings().paused) {
    return 'the operator is paused in its configuration';
  }
  const annotation = pausedAnnotation(scheduler.resource.group);
  const value = resource.metadata.annotations?.[annotation];
  return value === undefined || isExplicitNo(value)
    ? undefined
    : `paused by the annotation ${annotation}=${value}`;
}

/** Calls the worker, applies its outputs, then writes status. */
async function runWorker(context: ReconcileContext, run: AnyWorker): Promise<ReconcileResult> {
  const { resource, phase, deps } = context;
  const definition = workerDefinitionOf(phase);
  const times = phaseTimes(statusOf(resource), deps.clock.now());
  const timeoutMs = deps.settings().workerTimeoutMs;
  const state = context.state.undone;
  try {
    const target = phaseAfterUndoing(phase, await deps.outputs.findUndone(context));
    if (target !== undefined) {
      return await enterPhase(context, phaseNamed(deps.scheduler, target), 'Undone');
    }
    const undone = undoneChangesToTell(state);
    const result = await callWorker(context, { definition, ...times, undone, timeoutMs, run });
    validateResult(deps.scheduler, phase, result);
    state.untold = [];
    state.goTo = undefined;
    await deps.outputs.apply(context, definition, result.outputs ?? {});
    if (state.goTo !== undefined) {
      return await enterPhase(context, phaseNamed(deps.scheduler, state.goTo), 'Undone');
    }
    const handled = await handleResult(context, result, appliedRecords(state));
    const nextCheckMs = msUntilNextCheck(state, deps.clock.monotonic());
    return { outcome: notLaterThan(handled.outcome, nextCheckMs), allReadsSeen: true };
  } catch (error) {
    return handleError(context, error, timeLeftMs(context));
  }
}
