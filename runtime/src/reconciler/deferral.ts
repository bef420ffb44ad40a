/**
 * A resource whose worker blocked the event loop, so that the last process was ended: its worker is
 * called after everything else.
 */
import type { KubeObject } from '../client/object.ts';
import type { Situation } from './conditions.ts';
import type { ResourceState } from './resource-state.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { stallFingerprintOf } from './phase.ts';

/** What a process leaves about the sync that blocked it says nothing any more when it is older. */
export const DEFERRAL_MAX_AGE_MS = 3_600_000;

export interface ActiveDeferral {
  /** Said until the worker was called again. */
  readonly situation: Situation;
  /** Until then, in milliseconds. */
  readonly ms: number;
}

/**
 * Undefined: the worker may be called. A condition that cannot be written does not keep it from
 * being called after its time.
 */
export function activeDeferral(
  resource: KubeObject,
  { scheduler, clock }: ReconcileDeps,
  state: ResourceState,
): ActiveDeferral | undefined {
  const { deferral } = state;
  if (deferral === undefined) {
    return undefined;
  }
  const ms = deferral.until - clock.monotonic();
  if (ms > 0 && deferral.stallFingerprint === stallFingerprintOf(resource, scheduler)) {
    return {
      situation: { type: 'failing', reason: 'WorkerBlocked', message: deferral.message },
      ms,
    };
  }
  state.deferral = undefined;
  return undefined;
}
