/**
 * How the resources stand, phase by phase: what metrics show of them. No label of a metric names a
 * single resource.
 */
import type { KubeObject } from '../client/object.ts';
import type { Scheduler } from '../api/scheduler.ts';
import { phaseOf, phaseTimes, statusOf } from '../reconciler/phase.ts';

export interface PhaseCounts {
  readonly resources: number;
  /** Those with the condition Stalled. */
  readonly stalled: number;
  /**
   * How long the one that came first has been there, by the phase's own clock; 0 when nobody is.
   */
  readonly oldestMs: number;
}

/** @param now wall time @returns every phase, and `unknown` when a resource is in none of them */
export function countPhases(
  scheduler: Scheduler,
  resources: Iterable<KubeObject>,
  now: number,
): ReadonlyMap<string, PhaseCounts> {
  const counts = new Map<string, PhaseCounts>(
    scheduler.phases.map(({ name }) => [name, NO_RESOURCES]),
  );
  for (const resource of resources) {
    const name = phaseOf(scheduler, resource)?.name ?? 'unknown';
    const { resources: before, stalled, oldestMs } = counts.get(name) ?? NO_RESOURCES;
    const status = statusOf(resource);
    const { phaseStartedAt = now } = phaseTimes(status, now);
    const isStalled =
      status.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True') ??
      false;
    counts.set(name, {
      resources: before + 1,
      stalled: stalled + (isStalled ? 1 : 0),
      oldestMs: Math.max(oldestMs, now - phaseStartedAt),
    });
  }
  return counts;
}

const NO_RESOURCES: PhaseCounts = { resources: 0, stalled: 0, oldestMs: 0 };
