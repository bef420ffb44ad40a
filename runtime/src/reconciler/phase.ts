/** The phase of a resource, and the fields of status that the runtime writes. */
import { parseDuration } from '../api/duration.ts';
import type { PhaseDefinition, Scheduler } from '../api/scheduler.ts';
import type { KubeObject } from '../client/object.ts';
import { retryAnnotation } from '../client/well-known-names.ts';

/** A condition, as in metav1.Condition. */
export interface StatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** Fields of status that the runtime writes. All other fields belong to the user's StatusInfo. */
export const RUNTIME_STATUS_FIELDS = [
  'phase',
  'observedGeneration',
  'conditions',
  'autopilot',
] as const;

/** The runtime's part of status. */
export interface ResourceStatus {
  readonly phase?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly StatusCondition[];
  readonly autopilot?: AutopilotStatus;
}

/** `status.autopilot`: what the runtime needs at the next reconcile. Times are RFC 3339. */
export interface AutopilotStatus {
  /** When the resource entered its phase, later by the time for which it was paused. */
  readonly phaseStartedAt?: string;
  /** When a worker of this phase last returned `step: true`, later by the paused time. */
  readonly lastStep?: string;
  /**
   * When the user's finalizer function first returned. It becomes `phaseStartedAt` of its context.
   */
  readonly finalizerStartedAt?: string;
  readonly history?: readonly HistoryEntry[];
  /** When the resource was paused. The times of the phase stop until it is resumed. */
  readonly pausedAt?: string;
  /** The transition that awaits an approval. */
  readonly pendingApproval?: PendingApproval;
  /** The last value of the approve annotation that was used. It is not used a second time. */
  readonly approved?: string;
}

/** A transition that awaits an approval. */
export interface PendingApproval {
  /** The phase to enter. */
  readonly phase: string;
  readonly token: string;
  /** Generation of the spec that the approval is for. */
  readonly generation: number;
}

/** One transition. `status.autopilot.history` has the last ten, newest first. */
export interface HistoryEntry {
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly reason: string;
}

/** The runtime's part of status; empty for a resource without status. */
export function statusOf(resource: KubeObject): ResourceStatus {
  return (resource.status ?? {}) as ResourceStatus;
}

/** @throws Error when the scheduler has no initial phase, which `defineScheduler` prevents */
export function initialPhase(scheduler: Scheduler): PhaseDefinition {
  const phase = scheduler.phases.find((candidate) => candidate.initial);
  if (phase === undefined) {
    throw new Error('the scheduler has no initial phase');
  }
  return phase;
}

/**
 * The phase of a resource. A former name (`formerly`) counts as the phase itself, an empty status
 * as the initial phase.
 *
 * @returns undefined when `status.phase` is unknown
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

/** The phase of this name. Default: the initial phase. */
export function phaseNamed(scheduler: Scheduler, name: string): PhaseDefinition {
  return scheduler.phases.find((phase) => phase.name === name) ?? initialPhase(scheduler);
}

/**
 * The times of a phase in milliseconds since 1970, moved by the time for which the resource has
 * been paused.
 *
 * @param now wall time in milliseconds
 */
export function phaseTimes(
  status: ResourceStatus,
  now: number,
): { readonly phaseStartedAt: number | undefined; readonly lastStep: number | undefined } {
  const { phaseStartedAt, lastStep, pausedAt } = status.autopilot ?? {};
  const pausedMs = pausedAt === undefined ? 0 : Math.max(0, now - Date.parse(pausedAt));
  const moved = (time: string | undefined): number | undefined =>
    time === undefined ? undefined : Date.parse(time) + pausedMs;
  return { phaseStartedAt: moved(phaseStartedAt), lastStep: moved(lastStep) };
}

/**
 * Milliseconds until the timeout of the phase. The timeout also runs while the resource fails or is
 * stalled; it stops while the resource is paused.
 *
 * @param now wall time in milliseconds
 * @returns undefined when the phase has no timeout
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
 * Everything that ends a stall, as one string: the spec, the phase, the deletion, and the retry
 * annotation. Writing the Stalled condition does not change it.
 */
export function stallFingerprintOf(resource: KubeObject, scheduler: Scheduler): string {
  const { uid, generation, deletionTimestamp = '', annotations } = resource.metadata;
  const phase = phaseOf(scheduler, resource)?.name ?? statusOf(resource).phase;
  const retry = annotations?.[retryAnnotation(scheduler.resource.group)] ?? '';
  return `${uid} ${generation} ${deletionTimestamp} ${phase} ${retry}`;
}

/** Is a resource in this phase Ready? Default: true for final phases. */
export function isReadyPhase(phase: PhaseDefinition): boolean {
  return phase.ready ?? phase.final ?? false;
}
