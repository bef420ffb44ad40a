/** How a sync ends: what is said about it in status, in one PATCH, and when the next one is due. */
import { inspect } from 'node:util';
import { parseDuration } from '../duration.ts';
import { hasCode } from '../kube/errors.ts';
import { statusFieldManager } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import type { Outcome } from '../queue/queue.ts';
import type { PhaseDefinition } from '../scheduler.ts';
import type { RetryLater } from '../worker.ts';
import { PermanentError } from '../worker.ts';
import type { Situation } from './conditions.ts';
import { askedToWait, isPermanent, lasting, mayBeDone, Stuck } from './errors.ts';
import { mergePatch } from './json.ts';
import type { Memory } from './memory.ts';
import { conflicted, loops, moved, stayed } from './memory.ts';
import type { SyncPorts } from './ports.ts';
import { initialPhase, isReady, onChangedSpec, phaseOf, statusOf } from './resource.ts';
import type { StatusChange } from './status.ts';
import { nextStatus } from './status.ts';

/** The cache has the fresh copy by then. */
const CONFLICT_MS = 50;
/** Less would leave nothing for the other resources. */
const LEAST_WAIT_MS = 100;
/**
 * A phase that counts as ready stays so while its outputs are refused this many times in a row; and
 * so often is nothing said in status of
 * writes that are to wait.
 */
const PATIENCE = 3;

/** What a sync leaves behind for the machine. */
export interface SyncEnd {
  readonly outcome: Outcome;
  /** What went wrong, as a sentence. */
  readonly error?: string;
  /**
   * The worker said that no retry can help: no further sync until `stallMark` changes or an input
   * that was read.
   */
  readonly stalled?: true;
  /** A worker ran to its end, or there is none: what was read now replaces what was read before. */
  readonly complete?: true;
  /** The worker did not settle after its grace: no further sync of this resource until it has. */
  readonly stuck?: Promise<unknown>;
}

const NOTHING_MORE: SyncEnd = { outcome: { kind: 'done' } };
const CONFLICT: SyncEnd = { outcome: { kind: 'after', ms: CONFLICT_MS } };

/**
 * Until the next sync of a worker or finalizer that said when; `workInterval` when it did not. At
 * least 100 ms.
 */
export function waitMs(
  said: string | undefined,
  { settings }: Pick<SyncPorts, 'settings'>,
): number {
  return Math.max(
    LEAST_WAIT_MS,
    said === undefined ? settings().workIntervalMs : parseDuration(said),
  );
}

/**
 * The one status PATCH. A conflict means that the cache was behind: again from the fresh copy.
 * @throws PermanentError when the API server refuses the user's own fields.
 */
export async function finish(
  resource: KubeObject,
  change: StatusChange,
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
  outcome: Outcome,
): Promise<SyncEnd> {
  const { scheduler, clock, observer } = ports;
  const from = statusOf(resource).phase ?? '';
  const to = change.phase.name;
  const moves = (from || initialPhase(scheduler).name) !== to;
  const looping =
    moves &&
    change.phase.final !== true &&
    loops(memory, clock.monotonic(), scheduler.phases.length);
  const told = looping ? { ...change, situation: LOOPING } : change;
  const written = await writeStatus(resource, told, ports, memory, signal);
  if (written !== undefined) {
    return written;
  }
  if (moves) {
    moved(memory, clock.monotonic());
  } else if (change.situation.kind !== 'failing') {
    stayed(memory);
  }
  if (from !== to) {
    observer.event({ type: 'transition', resource: keyOf(resource), from, to });
    const since = statusOf(resource).autopilot?.phaseStartedAt;
    if (from !== '' && since !== undefined) {
      observer.phaseLeft(from, Math.max(0, clock.now() - Date.parse(since)) / 1000);
    }
    ports.record(resource, 'Normal', 'Transition', `${from === '' ? 'new' : from} -> ${to}`);
  }
  if (!looping) {
    return { outcome };
  }
  if (!memory.looping) {
    memory.looping = true;
    observer.event({ type: 'looping', resource: keyOf(resource), phase: to });
    ports.record(resource, 'Warning', LOOPING.reason, LOOPING.message);
  }
  return {
    outcome: failedBy(
      change.phase.timeout === undefined ? undefined : parseDuration(change.phase.timeout),
    ),
  };
}

const LOOPING = {
  kind: 'failing',
  reason: 'Looping',
  message:
    'the phases change faster than twice around in 10 s; each further change waits longer, until a worker stays in its phase',
} as const satisfies Situation;

/** Undefined: written, or nothing to write. */
async function writeStatus(
  resource: KubeObject,
  change: StatusChange,
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
): Promise<SyncEnd | undefined> {
  const { scheduler, api, clock, primary, log } = ports;
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
      return NOTHING_MORE;
    }
    if (hasCode(error, 409)) {
      await refresh(resource, ports, signal);
      if (conflicted(memory)) {
        return CONFLICT;
      }
    }
    memory.doubtful = mayBeDone(error);
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
    return { outcome: failedBy(undefined, askedToWait(error)) };
  }
}

/**
 * Reads the resource once: a stale cache that no event would mend soon must not make a hot loop.
 */
async function refresh(resource: KubeObject, ports: SyncPorts, signal: AbortSignal): Promise<void> {
  const key = keyOf(resource);
  const fresh = await ports.api.get(ports.scheduler.resource, key, signal).catch(() => undefined);
  if (fresh !== undefined) {
    ports.primary.put(fresh, keyString(key));
  }
}

/** @param left until the phase's timeout, which also ends a backoff. */
export async function fail(
  resource: KubeObject,
  phase: PhaseDefinition,
  error: unknown,
  ports: SyncPorts,
  memory: Memory,
  signal: AbortSignal,
  left: number | undefined,
): Promise<SyncEnd> {
  if (signal.aborted) {
    return NOTHING_MORE;
  }
  const thrown =
    error instanceof Error ? error : new Error(`${inspect(error)} was thrown, which is no Error`);
  const stale = thrown.name === 'StaleCache';
  if (stale && conflicted(memory)) {
    return CONFLICT;
  }
  if (!stale) {
    memory.conflicts = 0;
  }
  const failure = stale ? lasting(thrown) : thrown;
  const { message, name, stack } = failure;
  // A stuck worker may have been stuck for long, and its condition is not written again. A late
  // request of a dead process may have moved
  // the resource meanwhile: its phase stays then.
  const current =
    error instanceof Stuck ? (ports.primary.get(keyOf(resource)) ?? resource) : resource;
  const where = current === resource ? phase : (phaseOf(ports.scheduler, current) ?? phase);
  // A move that is still to be made must not be forgotten because this is written first.
  const acted = onChangedSpec(ports.scheduler, current, where) === undefined;
  const end = (situation: Situation, outcome: Outcome): Promise<SyncEnd> =>
    finish(
      current,
      { phase: where, situation, observed: acted && situation.kind !== 'waiting' },
      ports,
      memory,
      signal,
      outcome,
    );
  const delay = name === 'RetryLater' ? delayOf(error as RetryLater) : undefined;
  if (delay !== undefined) {
    return end(
      { kind: 'waiting', reason: 'Waiting', message },
      { kind: 'after', ms: Math.min(delay, left ?? Infinity) },
    );
  }
  const about = { resource: keyString(keyOf(resource)), phase: phase.name };
  ports.log.warn('sync failed', {
    ...about,
    error: message,
    reason: name,
    ...(name === 'Error' && { stack }),
  });
  ports.observer.event({
    type: 'syncFailed',
    resource: keyOf(resource),
    phase: phase.name,
    message,
  });
  if (isPermanent(error)) {
    const reason = (error as PermanentError).reason || 'PermanentError';
    ports.record(resource, 'Warning', reason, message);
    const outcome: Outcome = left === undefined ? { kind: 'done' } : { kind: 'after', ms: left };
    const ended = await end({ kind: 'stalled', reason, message }, outcome);
    return { ...ended, error: message, ...(ended.outcome === outcome && { stalled: true }) };
  }
  const reason = REASONS[name] ?? 'WorkerError';
  ports.record(resource, 'Warning', reason, message);
  memory.refusals = reason === 'OutputRefused' ? memory.refusals + 1 : 0;
  const waitFor = askedToWait(failure);
  const outcome = failedBy(left, waitFor);
  memory.throttled = waitFor > 0 ? memory.throttled + 1 : 0;
  // Status would be another write before the time that the server has named. What does not pass is
  // to be seen all the same.
  if (memory.throttled > 0 && memory.throttled <= PATIENCE) {
    return { outcome, error: message };
  }
  const stillReady = isReady(phase) && memory.refusals > 0 && memory.refusals <= PATIENCE;
  const ended = {
    ...(await end({ kind: 'failing', reason, message, stillReady }, outcome)),
    error: message,
  };
  // Also when status could not be written.
  if (memory.throttled > 0) {
    return { ...ended, outcome };
  }
  return error instanceof Stuck
    ? { ...ended, outcome: { kind: 'done' }, stuck: error.running }
    : ended;
}

/** Undefined when it is no duration: such an error is one of the worker. */
function delayOf({ delay }: RetryLater): number | undefined {
  try {
    return Math.max(LEAST_WAIT_MS, parseDuration(delay));
  } catch {
    return undefined;
  }
}

/** By the name of the error. */
const REASONS: Readonly<Record<string, string>> = {
  OutputConflict: 'OutputConflict',
  OutputRefused: 'OutputRefused',
  ApiError: 'ApiError',
  ConnectionError: 'ApiError',
  Stuck: 'Quarantined',
};

/**
 * Backoff, but not beyond the phase's timeout, and not before the server wants to hear of it again.
 */
export function failedBy(left: number | undefined, atLeastMs = 0): Outcome {
  return {
    kind: 'failed',
    ...(left !== undefined && { atMostMs: left }),
    ...(atLeastMs > 0 && { atLeastMs }),
  };
}
