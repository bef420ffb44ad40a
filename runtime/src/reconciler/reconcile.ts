/**
 * One sync of one resource, in the order of docs/design.md. Decides, writes, and says when to come
 * again; never throws.
 */
import { hasCode } from '../kube/errors.ts';
import { pausedAnnotation } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import type { Outcome } from '../queue/queue.ts';
import type { PhaseDefinition, Scheduler } from '../scheduler.ts';
import { usesOf } from '../scheduler.ts';
import type { AnyResult, AnyWorker } from '../worker.ts';
import { approvalFor } from './approval.ts';
import { heldBack } from './blocked.ts';
import { call } from './call.ts';
import type { Situation } from './conditions.ts';
import { finalize, withRightFinalizer } from './finalizer.ts';
import type { SyncEnd } from './finish.ts';
import { fail, failedBy, finish, waitMs } from './finish.ts';
import type { Reading } from './inputs.ts';
import { unreadableInput } from './inputs.ts';
import { checkResult } from './intent.ts';
import type { Memory } from './memory.ts';
import type { SyncPorts } from './ports.ts';
import {
  initialPhase,
  onChangedSpec,
  phaseNamed,
  phaseOf,
  phaseTimes,
  statusOf,
  timeLeft,
} from './resource.ts';

/** @param reading takes what the worker reads, while it reads. */
export async function sync(
  cached: KubeObject,
  ports: SyncPorts,
  memory: Memory,
  reading: Reading,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const { scheduler, clock } = ports;
  let resource = cached;
  try {
    const found = memory.doubtful ? await fresh(cached, ports, memory, signal) : cached;
    if (found === undefined) {
      return { outcome: { kind: 'done' } };
    }
    resource = found;
    if (resource.metadata.deletionTimestamp !== undefined) {
      return await finalize(resource, ports, memory, reading, signal);
    }
    resource = await withRightFinalizer(resource, ports, memory, signal);
  } catch (error) {
    return fail(
      resource,
      phaseOf(scheduler, resource) ?? initialPhase(scheduler),
      error,
      ports,
      memory,
      signal,
      undefined,
    );
  }

  const end = (
    phase: PhaseDefinition,
    situation: Situation,
    outcome: Outcome,
    reason?: string,
  ): Promise<SyncEnd> => {
    const observed = situation.kind !== 'waiting' && situation.kind !== 'paused';
    return finish(
      resource,
      { phase, situation, observed, ...(reason !== undefined && { reason }) },
      ports,
      memory,
      signal,
      outcome,
    );
  };
  const phase = phaseOf(scheduler, resource);
  const paused = pauseOf(resource, ports);
  if (phase === undefined) {
    const { phase: found = '' } = statusOf(resource);
    const message = `status.phase is '${found}', which is not a phase of this operator (${scheduler.phases.map(({ name }) => name).join(', ')})`;
    return end(
      { ...initialPhase(scheduler), name: found },
      { kind: 'stalled', reason: 'UnknownPhase', message },
      { kind: 'done' },
    );
  }
  if (paused !== undefined) {
    return end(phase, { kind: 'paused', message: paused }, { kind: 'done' });
  }
  const move = moveOf(resource, phase, scheduler, clock.now());
  if (move !== undefined) {
    return end(move.to, { kind: 'ok', entered: true }, { kind: 'again' }, move.reason);
  }
  // Complete: nothing is read here, and what an earlier phase has read wakes nobody any more.
  if (phase.final === true || phase.worker === undefined) {
    return { ...(await end(phase, { kind: 'ok' }, { kind: 'done' })), complete: true };
  }
  const blocked = heldBack(resource, ports, memory);
  if (blocked !== undefined) {
    const ms = Math.min(blocked.ms, timeLeft(resource, phase, clock.now()) ?? Infinity);
    return end(phase, blocked.situation, { kind: 'after', ms });
  }
  const unavailable = unreadableInput(phase, ports.informers);
  if (unavailable !== undefined) {
    return end(
      phase,
      { kind: 'waiting', reason: 'InputUnavailable', message: unavailable },
      failedBy(timeLeft(resource, phase, clock.now())),
    );
  }
  return work(resource, phase, phase.worker, ports, memory, reading, signal);
}

/**
 * The resource as it is, after a write of ours that nobody knows the end of; undefined: it is gone,
 * and the cache will hear of it.
 */
async function fresh(
  cached: KubeObject,
  { api, scheduler, primary }: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const key = keyOf(cached);
  try {
    const found = await api.get(scheduler.resource, key, signal);
    primary.put(found, keyString(key));
  } catch (error) {
    if (!hasCode(error, 404)) {
      throw error;
    }
    memory.released = cached.metadata.uid;
  }
  memory.doubtful = false;
  return memory.released === cached.metadata.uid ? undefined : primary.get(key);
}

/**
 * Why nothing is to be done for it now, not even said to be Stalled; undefined: it is not paused.
 */
export function pauseOf(
  resource: KubeObject,
  { scheduler, settings }: Pick<SyncPorts, 'scheduler' | 'settings'>,
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
function moveOf(
  resource: KubeObject,
  phase: PhaseDefinition,
  scheduler: Scheduler,
  now: number,
): { to: PhaseDefinition; reason: string } | undefined {
  const changed = onChangedSpec(scheduler, resource, phase);
  if (changed !== undefined) {
    return { to: changed, reason: 'SpecChange' };
  }
  if (
    phase.final !== true &&
    timeLeft(resource, phase, now) === 0 &&
    phase.onTimeout !== undefined
  ) {
    return { to: phaseNamed(scheduler, phase.onTimeout), reason: 'Timeout' };
  }
  return undefined;
}

async function work(
  resource: KubeObject,
  phase: PhaseDefinition,
  worker: AnyWorker,
  ports: SyncPorts,
  memory: Memory,
  reading: Reading,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const { scheduler, clock } = ports;
  const uses = usesOf(phase);
  const times = phaseTimes(statusOf(resource), clock.now());
  const timeoutMs = ports.settings().workerTimeoutMs;
  try {
    const result = await call(
      { uses, phase: phase.name, resource, ...times, timeoutMs, run: worker },
      ports,
      reading,
      signal,
    );
    checkResult(scheduler, phase, result);
    await ports.outputs.apply(uses, result.outputs ?? {}, resource, reading, signal);
    return { ...(await succeed(resource, phase, result, ports, memory, signal)), complete: true };
  } catch (error) {
    return fail(
      resource,
      phase,
      error,
      ports,
      memory,
      signal,
      timeLeft(resource, phase, clock.now()),
    );
  }
}

async function succeed(
  resource: KubeObject,
  phase: PhaseDefinition,
  result: AnyResult,
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const { scheduler, clock, random } = ports;
  const target = scheduler.phases.find(({ name }) => name === result.next) ?? phase;
  const { requeueAfter, message, statusInfo, step } = result;
  const stay: Outcome = {
    kind: 'after',
    ms: Math.min(
      waitMs(requeueAfter ?? phase.interval, ports),
      timeLeft(resource, phase, clock.now()) ?? Infinity,
    ),
  };
  const common = { statusInfo, step, observed: true };
  const approval = approvalFor(target, phase, resource, scheduler.resource, random);
  if (approval.kind === 'awaited') {
    return finish(
      resource,
      {
        ...common,
        phase,
        situation: { kind: 'held', message: approval.message },
        hold: approval.hold,
      },
      ports,
      memory,
      signal,
      stay,
    );
  }
  return finish(
    resource,
    {
      ...common,
      phase: target,
      situation: {
        kind: 'ok',
        entered: target !== phase,
        ...(message !== undefined && { message }),
      },
      hold: null,
      ...(approval.kind === 'given' && { approved: approval.value }),
    },
    ports,
    memory,
    signal,
    target === phase ? stay : { kind: 'again' },
  );
}
