/** The phase of a resource, and its times. */
import { parseDuration } from '../api/duration.ts';
import type { PhaseDefinition, Scheduler } from '../api/scheduler.ts';
import type { KubeObject } from '../client/object.ts';
import { retryAnnotation } from '../client/well-known-names.ts';
import type { ResourceStatus } from './resource-status.ts';
import { parseTime, statusOf } from './resource-status.ts';

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
  const pausedMs = Math.max(0, now - (parseTime(pausedAt) ?? now));
  const moved = (time: string | undefined): number | undefined => {
    const ms = parseTime(time);
    return ms === undefined ? undefined : ms + pausedMs;
  };
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

/** Is the phase an end, where only a changed spec begins something new? */
export function isEnd({ final = false, resting = false }: PhaseDefinition): boolean {
  return final || resting;
}

/** Is a resource in this phase Ready? Default: true for final and resting phases. */
export function isReadyPhase(phase: PhaseDefinition): boolean {
  return phase.ready ?? isEnd(phase);
}
