/**
 * One reconcile of one resource, step by step, in the order of docs/design.md.
 *
 * Guarantees
 * - A reconcile never throws. Every error ends in a `ReconcileResult`.
 * - At most one PATCH of status. Outputs are applied before it.
 */
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
import { phaseTimes } from './phase.ts';
import { statusOf } from './resource-status.ts';
import type { ReconcileContext, ReconcileRequest } from './reconcile-context.ts';
import { createContext, timeLeftMs } from './reconcile-context.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { DONE, failedOutcome } from './reconcile-result.ts';
import { handleResult, transitionWithoutWorker } from './transition.ts';
import { updateStatus } from './update-status.ts';

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
    const { to, reason } = transition;
    return updateStatus(
      context,
      {
        phase: to,
        situation: { type: 'ok', justEntered: true },
        isGenerationHandled: true,
        reason,
      },
      { type: 'again' },
    );
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
    return endWith(context, { type: 'paused', message: reason }, DONE.outcome);
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
  return endWith(context, { type: 'paused', message }, DONE.outcome);
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
  try {
    const result = await callWorker(context, { definition, ...times, timeoutMs, run });
    validateResult(deps.scheduler, phase, result);
    await deps.outputs.apply(context, definition, result.outputs ?? {});
    return { ...(await handleResult(context, result)), allReadsSeen: true };
  } catch (error) {
    return handleError(context, error, timeLeftMs(context));
  }
}
