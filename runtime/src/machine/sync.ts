/**
 * One sync of one resource, in the order of docs/design.md. Decides, writes, and says when to come again; never throws.
 */
import type { Informer } from '../cache/informer.ts';
import { deepFreeze } from '../cache/store.ts';
import type { Clock } from '../clock.ts';
import { parseDuration } from '../duration.ts';
import type { KubeApi } from '../kube/api.ts';
import { hasCode } from '../kube/errors.ts';
import { pausedAnnotation, retryAnnotation, statusFieldManager } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import { withFields } from '../observe/log.ts';
import type { Observer } from '../observe/observer.ts';
import type { Outcome } from '../queue/queue.ts';
import type { InputDefinition, PhaseDefinition, Scheduler } from '../scheduler.ts';
import type { AnyResult, AnyWorker, Log } from '../worker.ts';
import type { PermanentError, RetryLater } from '../worker.ts';
import type { Metrics } from '../queries/types.ts';
import type { Dependencies } from './inputs.ts';
import { inputView, readsOf } from './inputs.ts';
import type { Outputs } from './outputs.ts';
import { isPermanent } from './outputs.ts';
import { initialPhase, phaseOf, statusOf } from './resource.ts';
import type { Situation, StatusChange } from './status.ts';
import { mergePatch, nextStatus } from './status.ts';

/** After its signal is aborted, a worker has this long before its slot is taken away. */
const GRACE_MS = 5_000;

export interface SyncSettings {
  readonly workIntervalMs: number;
  readonly workerTimeoutMs: number;
  readonly paused: boolean;
  readonly config: unknown;
}

export interface SyncPorts {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly outputs: Outputs;
  readonly primary: Informer;
  informerOf(input: InputDefinition): Informer;
  settings(): SyncSettings;
  metricsFor(resource: KubeObject, signal: AbortSignal): Metrics;
  /** A Kubernetes Event about the resource: dropped under load, never awaited. */
  record(resource: KubeObject, type: 'Normal' | 'Warning', reason: string, note: string): void;
}

/** What a sync leaves behind for the machine. */
export interface SyncEnd {
  readonly outcome: Outcome;
  readonly situation: Situation['kind'] | 'none';
  /** The worker said that no retry can help: no further sync until `stallMark` changes or an input that was read. */
  readonly stalled?: true;
  /** A worker ran to its end: what it read replaces what was read before. */
  readonly complete?: true;
  /** The worker did not settle after its grace: no further sync of this resource until it has. */
  readonly stuck?: Promise<unknown>;
}

/** @param dependencies takes what the worker reads, while it reads. */
export async function sync(resource: KubeObject, ports: SyncPorts, dependencies: Dependencies, signal: AbortSignal): Promise<SyncEnd> {
  const { scheduler } = ports;
  const settings = ports.settings();
  if (resource.metadata.deletionTimestamp !== undefined) return { outcome: { kind: 'done' }, situation: 'none' };

  const initial = initialPhase(scheduler);
  const phase = phaseOf(scheduler, resource);
  if (phase === undefined) {
    const message = `status.phase is '${statusOf(resource).phase}', which is not a phase of this operator (${scheduler.phases.map(({ name }) => name).join(', ')})`;
    const kept = { ...initial, name: statusOf(resource).phase ?? initial.name };
    return finish(resource, { phase: kept, situation: { kind: 'stalled', reason: 'UnknownPhase', message }, observed: true }, ports, signal, { kind: 'done' });
  }
  if (settings.paused || resource.metadata.annotations?.[pausedAnnotation(scheduler.resource.group)] === 'true') {
    const message = settings.paused ? 'the operator is paused in its configuration' : `paused by the annotation ${pausedAnnotation(scheduler.resource.group)}`;
    return finish(resource, { phase, situation: { kind: 'waiting', reason: 'Paused', message }, observed: false }, ports, signal, { kind: 'done' });
  }
  const move = moveOf(resource, phase, scheduler, ports.clock);
  if (move !== undefined)
    return finish(resource, { phase: move.to, reason: move.reason, situation: { kind: 'ok' }, observed: true }, ports, signal, { kind: 'again' });
  if (phase.final === true || phase.worker === undefined)
    return finish(resource, { phase, situation: { kind: 'ok' }, observed: true }, ports, signal, { kind: 'done' });

  for (const input of phase.inputs) {
    const unavailable = input.optional === true ? undefined : ports.informerOf(input).unavailable;
    if (unavailable === undefined) continue;
    const message = `input ${input.name} cannot be read: ${unavailable}`;
    return finish(
      resource,
      { phase, situation: { kind: 'waiting', reason: 'InputUnavailable', message }, observed: false },
      ports,
      signal,
      failedBy(timeLeft(resource, phase, ports.clock)),
    );
  }
  return runWorker(resource, phase, phase.worker, ports, settings, dependencies, signal);
}

/** A move that needs no worker: the spec changed, or the phase's time is up. */
function moveOf(resource: KubeObject, phase: PhaseDefinition, scheduler: Scheduler, clock: Clock): { to: PhaseDefinition; reason: string } | undefined {
  const { observedGeneration } = statusOf(resource);
  const named = (name: string): PhaseDefinition => scheduler.phases.find((candidate) => candidate.name === name) ?? initialPhase(scheduler);
  const seen = observedGeneration !== undefined && observedGeneration >= 0;
  if (seen && observedGeneration !== resource.metadata.generation) {
    const target = phase.onSpecChange ?? (phase.final === true ? initialPhase(scheduler).name : 'ignore');
    if (target !== 'ignore' && target !== phase.name) return { to: named(target), reason: 'SpecChange' };
  }
  if (phase.final !== true && timeLeft(resource, phase, clock) === 0 && phase.onTimeout !== undefined) return { to: named(phase.onTimeout), reason: 'Timeout' };
  return undefined;
}

/** Milliseconds until the phase's timeout; undefined when there is none. It runs on in whatever state the resource is. */
export function timeLeft(resource: KubeObject, phase: PhaseDefinition, clock: Clock): number | undefined {
  if (phase.timeout === undefined || phase.onTimeout === undefined) return undefined;
  const started = statusOf(resource).autopilot?.phaseStartedAt;
  const now = clock.now();
  return Math.max(0, (started === undefined ? now : Date.parse(started)) + parseDuration(phase.timeout) - now);
}

async function runWorker(
  resource: KubeObject,
  phase: PhaseDefinition,
  worker: AnyWorker,
  ports: SyncPorts,
  settings: SyncSettings,
  dependencies: Dependencies,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const timeout = new AbortController();
  const limit = AbortSignal.any([signal, timeout.signal]);
  const now = new Date(ports.clock.now());
  const old = statusOf(resource);
  const inputs = Object.fromEntries(
    phase.inputs.map((input) => {
      const informer = ports.informerOf(input);
      return [input.name, inputView(phase, input, informer, resource, readsOf(dependencies, informer))];
    }),
  );
  const context = {
    resource,
    inputs,
    ...(phase.metrics === true ? { metrics: ports.metricsFor(resource, limit) } : {}),
    config: deepFreeze(settings.config),
    log: withFields(ports.log, { resource: keyString(keyOf(resource)), phase: phase.name }),
    signal: limit,
    now,
    phaseStartedAt: new Date(old.autopilot?.phaseStartedAt ?? now),
    lastStep: old.autopilot?.lastStep === undefined ? undefined : new Date(old.autopilot.lastStep),
  };
  let stuck: Promise<unknown> | undefined;
  try {
    const running = (async () => worker(context))();
    const result = await within(running, settings.workerTimeoutMs, ports.clock, timeout, (late) => (stuck = late), signal);
    const written = deepFreeze(structuredClone(result));
    await ports.outputs.apply(phase, written, resource, signal);
    return { ...(await succeed(resource, phase, written, ports, settings, signal)), complete: true };
  } catch (error) {
    return { ...(await fail(resource, phase, error, ports, signal)), ...(stuck === undefined ? {} : { stuck }) };
  }
}

/** The worker's result, or an error when it takes too long; `late` gets the promise that is still running then. */
function within(
  running: Promise<AnyResult>,
  ms: number,
  clock: Clock,
  timeout: AbortController,
  late: (running: Promise<unknown>) => void,
  signal: AbortSignal,
): Promise<AnyResult> {
  return new Promise((resolve, reject) => {
    const giveUp = (message: string): void => {
      const grace = clock.after(GRACE_MS, () => {
        late(running.catch(() => undefined));
        reject(new Error(message));
      });
      running.catch(() => undefined).finally(() => grace.cancel());
    };
    const timer = clock.after(ms, () => {
      timeout.abort(new Error(`the worker took longer than ${ms / 1000} s`));
      giveUp(`the worker took longer than ${ms / 1000} s and did not end when it was told to`);
    });
    const stopped = (): void => giveUp('the worker did not end at shutdown');
    signal.addEventListener('abort', stopped, { once: true });
    running.then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', stopped);
    });
  });
}

async function succeed(
  resource: KubeObject,
  phase: PhaseDefinition,
  result: AnyResult,
  ports: SyncPorts,
  settings: SyncSettings,
  signal: AbortSignal,
): Promise<SyncEnd> {
  const target = ports.scheduler.phases.find(({ name }) => name === result.next) ?? phase;
  const situation: Situation = { kind: 'ok', ...(result.message === undefined ? {} : { message: result.message }) };
  const stay = Math.min(
    result.requeueAfter === undefined
      ? phase.interval === undefined
        ? settings.workIntervalMs
        : parseDuration(phase.interval)
      : parseDuration(result.requeueAfter),
    timeLeft(resource, phase, ports.clock) ?? Infinity,
  );
  const outcome: Outcome = target.name !== phase.name ? { kind: 'again' } : { kind: 'after', ms: stay };
  return finish(resource, { phase: target, situation, statusInfo: result.statusInfo, step: result.step, observed: true }, ports, signal, outcome);
}

async function fail(resource: KubeObject, phase: PhaseDefinition, error: unknown, ports: SyncPorts, signal: AbortSignal): Promise<SyncEnd> {
  const left = timeLeft(resource, phase, ports.clock);
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : 'Error';
  if (signal.aborted) return { outcome: { kind: 'done' }, situation: 'none' };
  if (name === 'StaleCache') return { outcome: { kind: 'after', ms: 50 }, situation: 'none' };
  if (name === 'RetryLater') {
    const { delay } = error as RetryLater;
    return finish(resource, { phase, situation: { kind: 'waiting', reason: 'Waiting', message }, observed: false }, ports, signal, {
      kind: 'after',
      ms: Math.min(parseDuration(delay), left ?? Infinity),
    });
  }
  ports.log.warn('sync failed', {
    resource: keyString(keyOf(resource)),
    phase: phase.name,
    error: message,
    reason: name,
    ...(name === 'Error' && error instanceof Error ? { stack: error.stack } : {}),
  });
  ports.observer.event({ type: 'syncFailed', resource: keyOf(resource), phase: phase.name, message });
  if (isPermanent(error)) {
    const { reason } = error as PermanentError;
    ports.record(resource, 'Warning', reason, message);
    return {
      ...(await finish(
        resource,
        { phase, situation: { kind: 'stalled', reason, message }, observed: true },
        ports,
        signal,
        left === undefined ? { kind: 'done' } : { kind: 'after', ms: left },
      )),
      stalled: true,
    };
  }
  const reason = name === 'OutputConflict' || name === 'OutputRefused' ? name : name === 'ApiError' || name === 'ConnectionError' ? 'ApiError' : 'WorkerError';
  ports.record(resource, 'Warning', reason, message);
  return finish(resource, { phase, situation: { kind: 'failing', reason, message }, observed: true }, ports, signal, failedBy(left));
}

function failedBy(left: number | undefined): Outcome {
  return left === undefined ? { kind: 'failed' } : { kind: 'failed', atMostMs: left };
}

/** The one status PATCH. A conflict means that the cache was behind: again from the fresh copy. */
async function finish(resource: KubeObject, change: StatusChange, ports: SyncPorts, signal: AbortSignal, outcome: Outcome): Promise<SyncEnd> {
  const { scheduler, api, clock } = ports;
  const next = nextStatus(resource, change, new Date(clock.now()));
  const difference = mergePatch(resource.status ?? {}, next);
  const end: SyncEnd = { outcome, situation: change.situation.kind };
  if (difference === undefined) return end;
  const body = { metadata: { resourceVersion: resource.metadata.resourceVersion }, status: difference };
  try {
    const key = keyOf(resource);
    const options = { subresource: 'status', fieldManager: statusFieldManager(scheduler.operatorName) } as const;
    await ports.primary.write(key, keyString(key), () => api.patch(scheduler.resource, key, { type: 'merge', body }, options, signal));
  } catch (error) {
    if (signal.aborted || hasCode(error, 404)) return { outcome: { kind: 'done' }, situation: 'none' };
    if (!hasCode(error, 409)) ports.log.warn('status could not be written', { resource: keyString(keyOf(resource)), error: (error as Error).message });
    else await refresh(resource, ports, signal);
    return { outcome: hasCode(error, 409) ? { kind: 'after', ms: 50 } : { kind: 'failed' }, situation: 'none' };
  }
  const from = statusOf(resource).phase ?? '';
  if (from !== change.phase.name) {
    ports.observer.event({ type: 'transition', resource: keyOf(resource), from, to: change.phase.name });
    ports.record(resource, 'Normal', 'Transition', `${from === '' ? 'new' : from} -> ${change.phase.name}`);
  }
  return end;
}

async function refresh(resource: KubeObject, ports: SyncPorts, signal: AbortSignal): Promise<void> {
  const fresh = await ports.api.get(ports.scheduler.resource, keyOf(resource), signal).catch(() => undefined);
  if (fresh !== undefined) ports.primary.put(fresh, keyString(keyOf(resource)));
}

/** What clears a permanent error, as text: the spec, the phase, or the retry annotation. */
export function stallMark(resource: KubeObject, group: string): string {
  return `${resource.metadata.uid} ${resource.metadata.generation} ${statusOf(resource).phase} ${resource.metadata.annotations?.[retryAnnotation(group)] ?? ''}`;
}
