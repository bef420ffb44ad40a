/**
 * The runtime's own finalizer: it keeps a resource until everything is gone or put back that no
 * owner reference takes along, and
 * until the user's own finalizer has done its work. Never removed before that has succeeded.
 */
import { parseDuration } from '../api/duration.ts';
import type { JsonPatchOperation } from '../client/kube-api.ts';
import { hasCode } from '../client/errors.ts';
import { finalizerName, statusFieldManager } from '../client/well-known-names.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import type { FinalizerDefinition, PhaseDefinition, Scheduler } from '../api/scheduler.ts';
import {
  allWorkerDefinitions,
  claimableInput,
  finalizerWorkerDefinition,
  needsFinalizer,
} from '../api/scheduler.ts';
import { PermanentError } from '../api/worker.ts';
import { activeDeferral } from './deferral.ts';
import { callWorker } from './call-worker.ts';
import { mayHaveBeenWritten, toOutputRefused, StaleCache } from './reconcile-errors.ts';
import type { ReconcileResult } from './update-status.ts';
import { handleError, updateStatus, requeueDelayMs } from './update-status.ts';
import type { ReadTracker } from './dependencies/input-view.ts';
import { unreadableInputReason } from './dependencies/input-view.ts';
import { validateFinalizeResult } from './outputs/desired-object.ts';
import type { ResourceState } from './resource-state.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { initialPhase, phaseOf, statusOf } from './phase.ts';
import { isFieldClaim } from './field-claims/apply-claims.ts';

/**
 * Adds our finalizer where it is needed and takes it away where it is not.
 * @returns the resource as it is then.
 * @throws StaleCache, or what the API threw.
 */
export async function ensureFinalizer(
  resource: KubeObject,
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { scheduler } = deps;
  const name = finalizerName(scheduler.resource.group, scheduler.operatorName);
  const { finalizers } = resource.metadata;
  const at = finalizers?.indexOf(name) ?? -1;
  const needed = needsFinalizer(scheduler);
  if (needed === at >= 0) {
    return resource;
  }
  if (!needed) {
    return patchResource(
      resource,
      [{ op: 'remove', path: `/metadata/finalizers/${at}` }],
      deps,
      state,
      signal,
    );
  }
  const operation: JsonPatchOperation =
    finalizers === undefined
      ? { op: 'add', path: '/metadata/finalizers', value: [name] }
      : { op: 'add', path: '/metadata/finalizers/-', value: name };
  return patchResource(resource, [operation], deps, state, signal);
}

/**
 * One sync of a resource that is being deleted. Somebody else's finalizer is none of our business.
 */
export async function finalize(
  resource: KubeObject,
  deps: ReconcileDeps,
  state: ResourceState,
  tracker: ReadTracker,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { scheduler, outputs, fieldClaims } = deps;
  const { finalizer } = scheduler;
  const at =
    resource.metadata.finalizers?.indexOf(
      finalizerName(scheduler.resource.group, scheduler.operatorName),
    ) ?? -1;
  if (at < 0 || state.finalizerRemovedUid === resource.metadata.uid) {
    return { outcome: { type: 'done' } };
  }
  const phase = phaseOf(scheduler, resource) ?? unknownPhase(resource, scheduler);
  const waitWith = (
    reason: string,
    message: string,
    outcome: ReconcileResult['outcome'],
    finalizerCalled = false,
  ): Promise<ReconcileResult> =>
    updateStatus(
      resource,
      {
        phase,
        situation: { type: 'waiting', reason, message },
        isGenerationHandled: false,
        finalizerCalled,
      },
      deps,
      state,
      signal,
      outcome,
    );
  const deferral = activeDeferral(resource, deps, state);
  if (deferral !== undefined) {
    return updateStatus(
      resource,
      { phase, situation: deferral.situation, isGenerationHandled: false },
      deps,
      state,
      signal,
      { type: 'after', ms: deferral.ms },
    );
  }
  const unreadable =
    unreadableOutputReason(deps) ?? (finalizer && unreadableInputReason(finalizer, deps.informers));
  if (unreadable !== undefined) {
    return waitWith('InputUnavailable', `the resource cannot go yet: ${unreadable}`, {
      type: 'failed',
    });
  }
  try {
    await outputs.deleteUnreachable(finalizer?.outputs ?? [], resource, signal);
    await fieldClaims.release(resource, signal);
    if (finalizer !== undefined) {
      const { done, message, requeueAfter } = await callFinalizer(
        finalizer,
        resource,
        phase,
        deps,
        tracker,
        signal,
      );
      const ms = requeueDelayMs(requeueAfter, deps);
      if (!done) {
        return {
          ...(await waitWith(
            'Finalizing',
            message ?? 'the finalizer is not done yet',
            { type: 'after', ms },
            true,
          )),
          allReadsSeen: true,
        };
      }
      await outputs.deleteUnreachable([], resource, signal);
    }
    await patchResource(
      resource,
      [{ op: 'remove', path: `/metadata/finalizers/${at}` }],
      deps,
      state,
      signal,
    );
    state.finalizerRemovedUid = resource.metadata.uid;
    return { outcome: { type: 'done' }, allReadsSeen: true };
  } catch (error) {
    return handleError(resource, phase, error, deps, state, signal, undefined);
  }
}

async function callFinalizer(
  finalizer: FinalizerDefinition,
  resource: KubeObject,
  phase: PhaseDefinition,
  deps: ReconcileDeps,
  tracker: ReadTracker,
  signal: AbortSignal,
): ReturnType<typeof callWorker<Awaited<ReturnType<FinalizerDefinition['finalize']>>>> {
  const definition = finalizerWorkerDefinition(finalizer);
  const { finalizerStartedAt } = statusOf(resource).autopilot ?? {};
  const result = await callWorker(
    {
      definition,
      resource,
      phase: phase.name,
      phaseStartedAt: finalizerStartedAt === undefined ? undefined : Date.parse(finalizerStartedAt),
      lastStep: undefined,
      timeoutMs:
        finalizer.timeout === undefined
          ? deps.settings().workerTimeoutMs
          : parseDuration(finalizer.timeout),
      run: finalizer.finalize,
    },
    deps,
    tracker,
    signal,
  );
  validateFinalizeResult(finalizer.outputs, result);
  for (const [name, objects] of Object.entries(result.outputs ?? {})) {
    if (objects?.some((object) => isFieldClaim(object))) {
      throw new PermanentError(
        `the finalizer returned a field claim in outputs.${name}; what a resource holds is put back before its finalizer is called`,
      );
    }
  }
  await deps.outputs.apply(definition, result.outputs ?? {}, resource, tracker, signal);
  return result;
}

/** Why it cannot be known what is left of the resource; undefined: it is known. */
function unreadableOutputReason({ scheduler, informers }: ReconcileDeps): string | undefined {
  for (const definition of allWorkerDefinitions(scheduler)) {
    for (const output of definition.outputs) {
      const claimable = claimableInput(definition, output);
      for (const informer of [
        informers.forOutput(output),
        ...(claimable === undefined ? [] : [informers.forInput(claimable)]),
      ]) {
        if (informer.unavailableReason !== undefined && !informer.isNotServed) {
          return `${output.name} cannot be read: ${informer.unavailableReason}`;
        }
      }
    }
  }
  return undefined;
}

function unknownPhase(resource: KubeObject, scheduler: Scheduler): PhaseDefinition {
  return { ...initialPhase(scheduler), name: statusOf(resource).phase ?? '' };
}

/** A JSON patch of the resource itself, for exactly the version that was read. */
async function patchResource(
  resource: KubeObject,
  operations: readonly JsonPatchOperation[],
  deps: ReconcileDeps,
  state: ResourceState,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { api, scheduler, primary } = deps;
  const key = keyOf(resource);
  const writer = keyString(key);
  const { uid, resourceVersion } = resource.metadata;
  const body: readonly JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    ...operations,
  ];
  const options = { fieldManager: statusFieldManager(scheduler.operatorName) };
  try {
    return await primary.write(key, writer, () =>
      api.patch(scheduler.resource, key, { type: 'json', body }, options, signal),
    );
  } catch (error) {
    state.mustReread = mayHaveBeenWritten(error);
    if (hasCode(error, 404)) {
      throw new StaleCache(`${writer} is gone`);
    }
    if (!hasCode(error, 409, 422)) {
      throw error;
    }
    // A failed test is a 422, as a refusal by a webhook is: the object tells which of them it was.
    const fresh = await api.get(scheduler.resource, key, signal);
    primary.put(fresh, writer);
    if (hasCode(error, 422) && fresh.metadata.resourceVersion === resourceVersion) {
      throw toOutputRefused(error, `the finalizer of ${writer}`);
    }
    throw new StaleCache(`${writer} has changed since it was read`, {
      cause: toOutputRefused(error, `the finalizer of ${writer}`),
    });
  }
}
