/**
 * One sync of one resource, in the order of docs/design.md. Decides, writes, and says when to come
 * again; never throws.
 */
import { hasCode } from '../client/errors.ts';
import { pausedAnnotation } from '../client/well-known-names.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import type { PhaseDefinition, Scheduler } from '../api/scheduler.ts';
import { workerDefinitionOf } from '../api/scheduler.ts';
import type { AnyResult, AnyWorker } from '../api/worker.ts';
import { checkApproval } from './approval.ts';
import { activeDeferral } from './deferral.ts';
import { callWorker } from './call-worker.ts';
import type { Situation } from './conditions.ts';
import { finalize, ensureFinalizer } from './finalizer.ts';
import type { ReconcileResult } from './update-status.ts';
import { handleError, failedOutcome, updateStatus, requeueDelayMs } from './update-status.ts';
import type { ReadTracker } from './dependencies/input-view.ts';
import { unreadableInputReason } from './dependencies/input-view.ts';
import { validateResult } from './outputs/desired-object.ts';
import type { ResourceState } from './resource-state.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import {
  initialPhase,
  phaseAfterSpecChange,
  phaseNamed,
  phaseOf,
  phaseTimes,
  statusOf,
  msUntilTimeout,
} from './phase.ts';

/** @param reading takes what the worker reads, while it reads. */
export async function reconcile(
  cached: KubeObject,
  deps: ReconcileDeps,
  state: ResourceState,
  tracker: ReadTracker,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { scheduler, clock } = deps;
  let resource = cached;
  try {
    const current = state.mustReread ? await rereadResource(cached, deps, state, signal) : cached;
    if (current === undefined) {
      return { outcome: { type: 'done' } };
    }
    resource = current;
    if (resource.metadata.deletionTimestamp !== undefined) {
      return await finalize(resource, deps, state, tracker, signal);
    }
    resource = await ensureFinalizer(resource, deps, state, signal);
  } catch (error) {
    return handleError(
      resource,
      phaseOf(scheduler, resource) ?? initialPhase(scheduler),
      error,
      deps,
      state,
      signal,
      undefined,
    );
  }

  const endWith = (
    phase: PhaseDefinition,
    situation: Situation,
    outcome: Outcome,
    reason?: string,
  ): Promise<ReconcileResult> => {
    const isGenerationHandled = situation.type !== 'waiting' && situation.type !== 'paused';
    return updateStatus(
      resource,
      { phase, situation, isGenerationHandled, ...(reason !== undefined && { reason }) },
      deps,
      state,
      signal,
      outcome,
    );
  };
  const phase = phaseOf(scheduler, resource);
  const paused = pauseReason(resource, deps);
  if (phase === undefined) {
    const { phase: current = '' } = statusOf(resource);
    const message = `status.phase is '${current}', which is not a phase of this operator (${scheduler.phases.map(({ name }) => name).join(', ')})`;
    return endWith(
      { ...initialPhase(scheduler), name: current },
      { type: 'stalled', reason: 'UnknownPhase', message },
      { type: 'done' },
    );
  }
  if (paused !== undefined) {
    return endWith(phase, { type: 'paused', message: paused }, { type: 'done' });
  }
  const transition = transitionWithoutWorker(resource, phase, scheduler, clock.now());
  if (transition !== undefined) {
    return endWith(
      transition.to,
      { type: 'ok', justEntered: true },
      { type: 'again' },
      transition.reason,
    );
  }
  // Complete: nothing is read here, and what an earlier phase has read wakes nobody any more.
  if (phase.final === true || phase.worker === undefined) {
    return { ...(await endWith(phase, { type: 'ok' }, { type: 'done' })), allReadsSeen: true };
  }
  const deferral = activeDeferral(resource, deps, state);
  if (deferral !== undefined) {
    const ms = Math.min(deferral.ms, msUntilTimeout(resource, phase, clock.now()) ?? Infinity);
    return endWith(phase, deferral.situation, { type: 'after', ms });
  }
  const unavailable = unreadableInputReason(phase, deps.informers);
  if (unavailable !== undefined) {
    return endWith(
      phase,
      { type: 'waiting', reason: 'InputUnavailable', message: unavailable },
      failedOutcome(msUntilTimeout(resource, phase, clock.now())),
    );
  }
  return runWorker(resource, phase, phase.worker, deps, state, tracker, signal);
}

/**
 * The resource as it is, after a write of ours that nobody knows the end of; undefined: it is gone,
 * and the cache will hear of it.
 */
async function rereadResource(
  cached: KubeObject,
  { api, scheduler, primary }: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const key = keyOf(cached);
  try {
    const latest = await api.get(scheduler.resource, key, signal);
    primary.put(latest, keyString(key));
  } catch (error) {
    if (!hasCode(error, 404)) {
      throw error;
    }
    state.finalizerRemovedUid = cached.metadata.uid;
  }
  state.mustReread = false;
  return state.finalizerRemovedUid === cached.metadata.uid ? undefined : primary.get(key);
}

/**
 * Why nothing is to be done for it now, not even said to be Stalled; undefined: it is not paused.
 */
export function pauseReason(
  resource: KubeObject,
  { scheduler, settings }: Pick<ReconcileDeps, 'scheduler' | 'settings'>,
): string | undefined {
  const annotation = pausedAnnotation(scheduler.resource.group);
  if (settings().paused) {
    return 'the operator is paused in its configuration';
  }
  return resource.metadata.annotations?.[annotation] === 'true'
    ? `paused by the annotation ${annotation}`
    : undefined;
}

/** A move that needs no worker: the spec changed, or the phase's time is up. */
function transitionWithoutWorker(
  resource: KubeObject,
  phase: PhaseDefinition,
  scheduler: Scheduler,
  now: number,
): { to: PhaseDefinition; reason: string } | undefined {
  const changed = phaseAfterSpecChange(scheduler, resource, phase);
  if (changed !== undefined) {
    return { to: changed, reason: 'SpecChange' };
  }
  if (
    phase.final !== true &&
    msUntilTimeout(resource, phase, now) === 0 &&
    phase.onTimeout !== undefined
  ) {
    return { to: phaseNamed(scheduler, phase.onTimeout), reason: 'Timeout' };
  }
  return undefined;
}

async function runWorker(
  resource: KubeObject,
  phase: PhaseDefinition,
  worker: AnyWorker,
  deps: ReconcileDeps,
  state: ResourceState,
  tracker: ReadTracker,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { scheduler, clock } = deps;
  const definition = workerDefinitionOf(phase);
  const times = phaseTimes(statusOf(resource), clock.now());
  const timeoutMs = deps.settings().workerTimeoutMs;
  try {
    const result = await callWorker(
      { definition, phase: phase.name, resource, ...times, timeoutMs, run: worker },
      deps,
      tracker,
      signal,
    );
    validateResult(scheduler, phase, result);
    await deps.outputs.apply(definition, result.outputs ?? {}, resource, tracker, signal);
    return {
      ...(await handleResult(resource, phase, result, deps, state, signal)),
      allReadsSeen: true,
    };
  } catch (error) {
    return handleError(
      resource,
      phase,
      error,
      deps,
      state,
      signal,
      msUntilTimeout(resource, phase, clock.now()),
    );
  }
}

async function handleResult(
  resource: KubeObject,
  phase: PhaseDefinition,
  result: AnyResult,
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { scheduler, clock, random } = deps;
  const target = scheduler.phases.find(({ name }) => name === result.next) ?? phase;
  const { requeueAfter, message, statusInfo, step } = result;
  const stayOutcome: Outcome = {
    type: 'after',
    ms: Math.min(
      requeueDelayMs(requeueAfter ?? phase.interval, deps),
      msUntilTimeout(resource, phase, clock.now()) ?? Infinity,
    ),
  };
  const common = { statusInfo, step, isGenerationHandled: true };
  const approval = checkApproval(target, phase, resource, scheduler.resource, random);
  if (approval.type === 'awaited') {
    return updateStatus(
      resource,
      {
        ...common,
        phase,
        situation: { type: 'awaitingApproval', message: approval.message },
        pendingApproval: approval.pendingApproval,
      },
      deps,
      state,
      signal,
      stayOutcome,
    );
  }
  return updateStatus(
    resource,
    {
      ...common,
      phase: target,
      situation: {
        type: 'ok',
        justEntered: target !== phase,
        ...(message !== undefined && { message }),
      },
      pendingApproval: null,
      ...(approval.type === 'given' && { approved: approval.value }),
    },
    deps,
    state,
    signal,
    target === phase ? stayOutcome : { type: 'again' },
  );
}
