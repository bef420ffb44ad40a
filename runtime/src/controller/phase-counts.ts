/** Counts of resources by phase, for metrics. No metric label names a single resource. */
import type { KubeObject } from '../client/object.ts';
import type { Scheduler } from '../api/scheduler.ts';
import { phaseOf, phaseTimes } from '../reconciler/phase.ts';
import { statusOf } from '../reconciler/resource-status.ts';

/** The resources in one phase. */
export interface PhaseCounts {
  readonly resources: number;
  /** Resources with the condition Stalled=True. */
  readonly stalled: number;
  /**
   * Milliseconds for which the oldest resource has been in the phase, without pauses. Default: 0.
   */
  readonly oldestMs: number;
}

/**
 * Counts the resources in each phase.
 *
 * @param now wall time in milliseconds
 * @returns an entry for every phase, and `unknown` when a resource is in an unknown phase
 */
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
