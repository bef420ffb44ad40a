/** The operator's own kind, as the machine reads it, and the status it writes. */
import { parseDuration } from '../api/duration.ts';
import { retryAnnotation } from '../client/well-known-names.ts';
import type { KubeObject } from '../client/object.ts';
import type { PhaseDefinition, Scheduler } from '../api/scheduler.ts';

export interface StatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** Ours; every other field of status belongs to the user's StatusInfo. */
export const RUNTIME_STATUS_FIELDS = [
  'phase',
  'observedGeneration',
  'conditions',
  'autopilot',
] as const;

export interface ResourceStatus {
  readonly phase?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly StatusCondition[];
  readonly autopilot?: AutopilotStatus;
}

/** What the machine keeps in status for itself. */
export interface AutopilotStatus {
  readonly phaseStartedAt?: string;
  readonly lastStep?: string;
  /** When a call of the user's finalizer first went well: what its `phaseStartedAt` is. */
  readonly finalizerStartedAt?: string;
  readonly history?: readonly HistoryEntry[];
  /** Since when the resource is paused: until it goes on, the two times above stand still. */
  readonly pausedAt?: string;
  /** The transition that a person is to approve. */
  readonly pendingApproval?: PendingApproval;
  /** The last value of the approve annotation that was acted on: it never counts again. */
  readonly approved?: string;
}

export interface PendingApproval {
  readonly phase: string;
  readonly token: string;
  /** Of the spec that the person sees. */
  readonly generation: number;
}

/** The last transitions, newest first, at most ten. */
export interface HistoryEntry {
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly reason: string;
}

export function statusOf(resource: KubeObject): ResourceStatus {
  return (resource.status ?? {}) as ResourceStatus;
}

export function initialPhase(scheduler: Scheduler): PhaseDefinition {
  const phase = scheduler.phases.find((candidate) => candidate.initial);
  if (phase === undefined) {
    throw new Error('the scheduler has no initial phase');
  }
  return phase;
}

/**
 * The phase a resource is in, through `formerly`; undefined when status names one that does not
 * exist.
 */
export function phaseOf(scheduler: Scheduler, resource: KubeObject): PhaseDefinition | undefined {
  const name = statusOf(resource).phase;
  if (name === undefined || name === '') {
    return initialPhase(scheduler);
  }
  return (
    scheduler.phases.find((phase) => phase.name === name) ??
    scheduler.phases.find((phase) => phase.formerly?.includes(name))
  );
}

/** The phase of this name; the initial one when there is none. */
export function phaseNamed(scheduler: Scheduler, name: string): PhaseDefinition {
  return scheduler.phases.find((phase) => phase.name === name) ?? initialPhase(scheduler);
}

/**
 * Where the resource is to go because its spec is another one than the machine has acted on;
 * undefined: nowhere.
 */
export function phaseAfterSpecChange(
  scheduler: Scheduler,
  resource: KubeObject,
  phase: PhaseDefinition,
): PhaseDefinition | undefined {
  const { observedGeneration = -1 } = statusOf(resource);
  if (observedGeneration < 0 || observedGeneration === resource.metadata.generation) {
    return undefined;
  }
  const target =
    phase.onSpecChange ?? (phase.final === true ? initialPhase(scheduler).name : 'ignore');
  return target === 'ignore' || target === phase.name ? undefined : phaseNamed(scheduler, target);
}

/**
 * The times that a phase goes by, in milliseconds since 1970: later by the time for which the
 * resource has been paused.
 */
export function phaseTimes(
  status: ResourceStatus,
  now: number,
): { readonly phaseStartedAt: number | undefined; readonly lastStep: number | undefined } {
  const { phaseStartedAt, lastStep, pausedAt } = status.autopilot ?? {};
  const paused = pausedAt === undefined ? 0 : Math.max(0, now - Date.parse(pausedAt));
  const later = (time: string | undefined): number | undefined =>
    time === undefined ? undefined : Date.parse(time) + paused;
  return { phaseStartedAt: later(phaseStartedAt), lastStep: later(lastStep) };
}

/**
 * Milliseconds until the phase's timeout; undefined when there is none. It runs on in whatever
 * state the resource is, but paused.
 */
export function msUntilTimeout(
  resource: KubeObject,
  phase: PhaseDefinition,
  now: number,
): number | undefined {
  if (phase.timeout === undefined || phase.onTimeout === undefined) {
    return undefined;
  }
  const { phaseStartedAt = now } = phaseTimes(statusOf(resource), now);
  return Math.max(0, phaseStartedAt + parseDuration(phase.timeout) - now);
}

/**
 * What clears a permanent error, as text: the spec, the phase, deletion, or the retry annotation.
 * Saying that it is Stalled does not change it.
 */
export function stallFingerprintOf(resource: KubeObject, scheduler: Scheduler): string {
  const { uid, generation, deletionTimestamp = '', annotations } = resource.metadata;
  const phase = phaseOf(scheduler, resource)?.name ?? statusOf(resource).phase;
  return `${uid} ${generation} ${deletionTimestamp} ${phase} ${annotations?.[retryAnnotation(scheduler.resource.group)] ?? ''}`;
}

export function isReadyPhase(phase: PhaseDefinition): boolean {
  return phase.ready ?? phase.final ?? false;
}
