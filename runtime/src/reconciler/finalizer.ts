/**
 * The finalizer of the runtime on the operator's own resources.
 *
 * Guarantees
 * - The finalizer stays until every object and field claim that no owner reference reaches is
 *   deleted or restored, and until the user's own finalizer function has returned `done: true`.
 * - Finalizers of other controllers are not touched.
 */
import { parseDuration } from '../api/duration.ts';
import type { FinalizerDefinition } from '../api/scheduler.ts';
import {
  allWorkerDefinitions,
  claimableInput,
  finalizerWorkerDefinition,
  isOutOfReach,
  needsFinalizer,
} from '../api/scheduler.ts';
import type { AnyOutputs, FinalizeResult } from '../api/worker.ts';
import { PermanentError } from '../api/worker.ts';
import { hasCode } from '../client/errors.ts';
import type { JsonPatchOperation } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import { finalizerName, statusFieldManager } from '../client/well-known-names.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import { Attempts } from './attempts.ts';
import { callWorker } from './call-worker.ts';
import { activeDeferral } from './deferral.ts';
import { unreadableInputReason } from './dependencies/input-view.ts';
import { isFieldClaim } from './field-claims/apply-claims.ts';
import { handleError } from './handle-error.ts';
import { validateFinalizeResult } from './outputs/validate-result.ts';
import { parseTime, statusOf } from './resource-status.ts';
import type { ReconcileContext } from './reconcile-context.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { mayHaveBeenWritten, StaleCache, toOutputRefused } from './reconcile-errors.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { DONE, requeueDelayMs } from './reconcile-result.ts';
import { updateStatus } from './update-status.ts';

/**
 * Adds the finalizer where the scheduler requires one, and removes it where not.
 *
 * @returns the resource as it is afterwards
 * @throws StaleCache, OutputRefused, or what the API threw
 */
export async function ensureFinalizer(context: ReconcileContext): Promise<KubeObject> {
  const { resource, deps } = context;
  const position = finalizerPosition(context);
  const isPresent = position >= 0;
  const isRequired = needsFinalizer(deps.scheduler);
  if (isRequired === isPresent) {
    return resource;
  }
  return isRequired
    ? patchResource(context, addOperation(context))
    : patchResource(context, removeOperation(position));
}

/** Reconciles a resource that is being deleted. */
export async function finalize(context: ReconcileContext): Promise<ReconcileResult> {
  const { resource, deps, state } = context;
  const { finalizer } = deps.scheduler;
  if (finalizerPosition(context) < 0 || state.goneUid === resource.metadata.uid) {
    return DONE;
  }
  const deferral = activeDeferral(resource, deps, state);
  if (deferral !== undefined) {
    const { phase } = context;
    return updateStatus(
      context,
      { phase, situation: deferral.situation, isGenerationHandled: false },
      { type: 'after', ms: deferral.ms },
    );
  }
  const unreadable =
    unreadableOutputReason(deps) ?? (finalizer && unreadableInputReason(finalizer, deps.informers));
  if (unreadable !== undefined) {
    return waitWith(
      context,
      { reason: 'InputUnavailable', message: `the resource cannot be deleted yet: ${unreadable}` },
      { type: 'failed' },
    );
  }
  try {
    return await cleanUp(context);
  } catch (error) {
    return handleError(context, error);
  }
}

/**
 * Deletes and restores what no owner reference reaches, calls the user's finalizer function, then
 * removes the finalizer.
 */
async function cleanUp(context: ReconcileContext): Promise<ReconcileResult> {
  const { resource, deps, state } = context;
  const { outputs, fieldClaims, scheduler } = deps;
  const { finalizer } = scheduler;
  const attempts = new Attempts();
  await outputs.deleteUnreachable(context, finalizer?.outputs ?? [], attempts);
  await fieldClaims.release(context, attempts);
  attempts.throwIfRefused();
  if (finalizer !== undefined) {
    const { done, message, requeueAfter } = await callFinalizer(context, finalizer);
    const ms = requeueDelayMs(requeueAfter, deps);
    if (!done) {
      const waiting = {
        reason: 'Finalizing',
        message: message ?? 'the finalizer is not done yet',
        finalizerCalled: true,
      };
      const result = await waitWith(context, waiting, { type: 'after', ms });
      return { ...result, allReadsSeen: true };
    }
    await outputs.deleteUnreachable(context, [], attempts);
    attempts.throwIfRefused();
  }
  await patchResource(context, removeOperation(finalizerPosition(context)));
  state.goneUid = resource.metadata.uid;
  return { ...DONE, allReadsSeen: true };
}

function waitWith(
  context: ReconcileContext,
  waiting: {
    readonly reason: string;
    readonly message: string;
    readonly finalizerCalled?: boolean;
  },
  outcome: Outcome,
): Promise<ReconcileResult> {
  const { reason, message, finalizerCalled = false } = waiting;
  return updateStatus(
    context,
    {
      phase: context.phase,
      situation: { type: 'waiting', reason, message },
      isGenerationHandled: false,
      finalizerCalled,
    },
    outcome,
  );
}

/** Calls the user's finalizer function and applies its outputs. */
async function callFinalizer(
  context: ReconcileContext,
  finalizer: FinalizerDefinition,
): Promise<FinalizeResult<AnyOutputs>> {
  const { resource, deps } = context;
  const definition = finalizerWorkerDefinition(finalizer);
  const { finalizerStartedAt } = statusOf(resource).autopilot ?? {};
  const { timeout } = finalizer;
  const result = await callWorker(context, {
    definition,
    phaseStartedAt: parseTime(finalizerStartedAt),
    lastStep: undefined,
    undone: [],
    timeoutMs: timeout === undefined ? deps.settings().workerTimeoutMs : parseDuration(timeout),
    run: finalizer.finalize,
  });
  validateFinalizeResult(finalizer.outputs, result);
  for (const [name, objects] of Object.entries(result.outputs ?? {})) {
    if (objects?.some((object) => isFieldClaim(object))) {
      throw new PermanentError(
        `the finalizer returned a field claim in outputs.${name}; field claims are released before the finalizer is called, so return objects only`,
      );
    }
  }
  await deps.outputs.apply(context, definition, result.outputs ?? {});
  return result;
}

/**
 * Why objects of the resource may exist that the cache does not show, and that no owner reference
 * reaches. Undefined: the cache shows all of them.
 */
function unreadableOutputReason({ scheduler, informers }: ReconcileDeps): string | undefined {
  for (const definition of allWorkerDefinitions(scheduler)) {
    for (const output of definition.outputs) {
      const claimable = claimableInput(definition, output);
      const sources = [
        ...(isOutOfReach(scheduler.resource, output) ? [informers.forOutput(output)] : []),
        ...(claimable === undefined ? [] : [informers.forInput(claimable)]),
      ];
      const unreadable = sources.find(
        ({ unavailableReason, isNotServed }) => unavailableReason !== undefined && !isNotServed,
      );
      if (unreadable !== undefined) {
        return `${output.name} cannot be read: ${unreadable.unavailableReason}`;
      }
    }
  }
  return undefined;
}

function nameOfFinalizer({ scheduler }: ReconcileDeps): string {
  return finalizerName(scheduler.resource.group, scheduler.operatorName);
}

/** Index in `metadata.finalizers`; -1 when the finalizer is not present. */
function finalizerPosition({ resource, deps }: ReconcileContext): number {
  return resource.metadata.finalizers?.indexOf(nameOfFinalizer(deps)) ?? -1;
}

function addOperation({ resource, deps }: ReconcileContext): JsonPatchOperation {
  const name = nameOfFinalizer(deps);
  return resource.metadata.finalizers === undefined
    ? { op: 'add', path: '/metadata/finalizers', value: [name] }
    : { op: 'add', path: '/metadata/finalizers/-', value: name };
}

function removeOperation(position: number): JsonPatchOperation {
  return { op: 'remove', path: `/metadata/finalizers/${position}` };
}

/** A JSON patch of the resource for exactly the version that was read. */
async function patchResource(
  context: ReconcileContext,
  operation: JsonPatchOperation,
): Promise<KubeObject> {
  const { resource, deps, state, signal } = context;
  const { api, scheduler, primary } = deps;
  const key = keyOf(resource);
  const writer = keyString(key);
  const { uid, resourceVersion } = resource.metadata;
  const body: readonly JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    operation,
  ];
  const options = { fieldManager: statusFieldManager(scheduler.operatorName) };
  try {
    return await primary.write(key, writer, () =>
      api.patch(scheduler.resource, key, { type: 'json', body }, options, signal),
    );
  } catch (error) {
    state.mustReread = mayHaveBeenWritten(error);
    throw await explainPatchError(context, error);
  }
}

/** @returns the error to throw: StaleCache after a change of the resource, else the refusal */
async function explainPatchError(context: ReconcileContext, error: unknown): Promise<unknown> {
  const { resource, deps, signal } = context;
  const key = keyOf(resource);
  const writer = keyString(key);
  if (hasCode(error, 404)) {
    return new StaleCache(`${writer} is deleted`);
  }
  if (!hasCode(error, 409, 422)) {
    return error;
  }
  // The API server answers 422 both for a failed test and for a refusal by a webhook. The version
  // tells which of them happened.
  const fresh = await deps.api.get(deps.scheduler.resource, key, signal);
  deps.primary.put(fresh, writer);
  const refused = toOutputRefused(error, `the finalizer of ${writer}`);
  const isUnchanged = fresh.metadata.resourceVersion === resource.metadata.resourceVersion;
  return hasCode(error, 422) && isUnchanged
    ? refused
    : new StaleCache(`${writer} has changed since it was read`, { cause: refused });
}
