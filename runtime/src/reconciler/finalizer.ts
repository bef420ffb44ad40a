/**
 * The runtime's own finalizer: it keeps a resource until everything is gone or put back that no
 * owner reference takes along, and
 * until the user's own finalizer has done its work. Never removed before that has succeeded.
 */
import { parseDuration } from '../duration.ts';
import type { JsonPatchOperation } from '../kube/api.ts';
import { hasCode } from '../kube/errors.ts';
import { finalizerName, statusFieldManager } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import type {
  FinalizerDefinition,
  OutputDefinition,
  PhaseDefinition,
  Scheduler,
} from '../scheduler.ts';
import { allUses, usesOfFinalizer } from '../scheduler.ts';
import { PermanentError } from '../worker.ts';
import { heldBack } from './blocked.ts';
import { call } from './call.ts';
import { mayBeDone, refused, StaleCache } from './errors.ts';
import type { SyncEnd } from './finish.ts';
import { fail, finish, waitMs } from './finish.ts';
import type { Reading } from './inputs.ts';
import { unreadableInput } from './inputs.ts';
import { checkFinalizeResult } from './intent.ts';
import type { Memory } from './memory.ts';
import type { SyncPorts } from './ports.ts';
import { initialPhase, phaseOf, statusOf } from './resource.ts';
import { isShared, sharedInput } from './sharing.ts';

/**
 * Can the operator write anything that no owner reference reaches, or is there a finalizer of the
 * user's?
 */
export function needsFinalizer(scheduler: Scheduler): boolean {
  if (scheduler.finalizer !== undefined) {
    return true;
  }
  const { namespaced } = scheduler.resource;
  const unreachable = ({ type, namespace }: OutputDefinition): boolean =>
    namespaced && (!type.namespaced || namespace === 'all');
  return allUses(scheduler).some((uses) =>
    uses.outputs.some((output) => unreachable(output) || sharedInput(uses, output) !== undefined),
  );
}

/**
 * Adds our finalizer where it is needed and takes it away where it is not.
 * @returns the resource as it is then.
 * @throws StaleCache, or what the API threw.
 */
export async function withRightFinalizer(
  resource: KubeObject,
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { scheduler } = ports;
  const name = finalizerName(scheduler.resource.group, scheduler.operatorName);
  const { finalizers } = resource.metadata;
  const at = finalizers?.indexOf(name) ?? -1;
  const needed = needsFinalizer(scheduler);
  if (needed === at >= 0) {
    return resource;
  }
  if (!needed) {
    return change(
      resource,
      [{ op: 'remove', path: `/metadata/finalizers/${at}` }],
      ports,
      memory,
      signal,
    );
  }
  const operation: JsonPatchOperation =
    finalizers === undefined
      ? { op: 'add', path: '/metadata/finalizers', value: [name] }
      : { op: 'add', path: '/metadata/finalizers/-', value: name };
  return change(resource, [operation], ports, memory, signal);
}

/**
 * One sync of a resource that is being deleted. Somebody else's finalizer is none of our business.
 */
export async function finalize(
  resource: KubeObject,
  ports: SyncPorts,
  memory: Memory,
  reading: Reading,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const { scheduler, outputs, sharing } = ports;
  const { finalizer } = scheduler;
  const at =
    resource.metadata.finalizers?.indexOf(
      finalizerName(scheduler.resource.group, scheduler.operatorName),
    ) ?? -1;
  if (at < 0 || memory.released === resource.metadata.uid) {
    return { outcome: { kind: 'done' } };
  }
  const phase = phaseOf(scheduler, resource) ?? unknownPhase(resource, scheduler);
  const wait = (
    reason: string,
    message: string,
    outcome: SyncEnd['outcome'],
    finalizing = false,
  ): Promise<SyncEnd> =>
    finish(
      resource,
      { phase, situation: { kind: 'waiting', reason, message }, observed: false, finalizing },
      ports,
      memory,
      signal,
      outcome,
    );
  const blocked = heldBack(resource, ports, memory);
  if (blocked !== undefined) {
    return finish(
      resource,
      { phase, situation: blocked.situation, observed: false },
      ports,
      memory,
      signal,
      { kind: 'after', ms: blocked.ms },
    );
  }
  const unknown = unreadable(ports) ?? (finalizer && unreadableInput(finalizer, ports.informers));
  if (unknown !== undefined) {
    return wait('InputUnavailable', `the resource cannot go yet: ${unknown}`, { kind: 'failed' });
  }
  try {
    await outputs.removeUnreachable(finalizer?.outputs ?? [], resource, signal);
    await sharing.release(resource, signal);
    if (finalizer !== undefined) {
      const { done, message, requeueAfter } = await callFinalizer(
        finalizer,
        resource,
        phase,
        ports,
        reading,
        signal,
      );
      const ms = waitMs(requeueAfter, ports);
      if (!done) {
        return {
          ...(await wait(
            'Finalizing',
            message ?? 'the finalizer is not done yet',
            { kind: 'after', ms },
            true,
          )),
          complete: true,
        };
      }
      await outputs.removeUnreachable([], resource, signal);
    }
    await change(
      resource,
      [{ op: 'remove', path: `/metadata/finalizers/${at}` }],
      ports,
      memory,
      signal,
    );
    memory.released = resource.metadata.uid;
    return { outcome: { kind: 'done' }, complete: true };
  } catch (error) {
    return fail(resource, phase, error, ports, memory, signal, undefined);
  }
}

async function callFinalizer(
  finalizer: FinalizerDefinition,
  resource: KubeObject,
  phase: PhaseDefinition,
  ports: SyncPorts,
  reading: Reading,
  signal: AbortSignal,
): ReturnType<typeof call<Awaited<ReturnType<FinalizerDefinition['finalize']>>>> {
  const uses = usesOfFinalizer(finalizer);
  const { finalizerStartedAt } = statusOf(resource).autopilot ?? {};
  const result = await call(
    {
      uses,
      resource,
      phase: phase.name,
      phaseStartedAt: finalizerStartedAt === undefined ? undefined : Date.parse(finalizerStartedAt),
      lastStep: undefined,
      timeoutMs:
        finalizer.timeout === undefined
          ? ports.settings().workerTimeoutMs
          : parseDuration(finalizer.timeout),
      run: finalizer.finalize,
    },
    ports,
    reading,
    signal,
  );
  checkFinalizeResult(finalizer.outputs, result);
  for (const [name, objects] of Object.entries(result.outputs ?? {})) {
    if (objects?.some((object) => isShared(object))) {
      throw new PermanentError(
        `the finalizer returned a shared edit in outputs.${name}; what a resource holds is put back before its finalizer is called`,
      );
    }
  }
  await ports.outputs.apply(uses, result.outputs ?? {}, resource, reading, signal);
  return result;
}

/** Why it cannot be known what is left of the resource; undefined: it is known. */
function unreadable({ scheduler, informers }: SyncPorts): string | undefined {
  for (const uses of allUses(scheduler)) {
    for (const output of uses.outputs) {
      const shared = sharedInput(uses, output);
      for (const informer of [
        informers.ofOutput(output),
        ...(shared === undefined ? [] : [informers.ofInput(shared)]),
      ]) {
        if (informer.unavailable !== undefined && !informer.absent) {
          return `${output.name} cannot be read: ${informer.unavailable}`;
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
async function change(
  resource: KubeObject,
  operations: readonly JsonPatchOperation[],
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { api, scheduler, primary } = ports;
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
    memory.doubtful = mayBeDone(error);
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
      throw refused(error, `the finalizer of ${writer}`);
    }
    throw new StaleCache(`${writer} has changed since it was read`, {
      cause: refused(error, `the finalizer of ${writer}`),
    });
  }
}
