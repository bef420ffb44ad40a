/**
 * Deferred resources: the worker blocked the event loop, so that the watchdog ended the previous
 * process. The new process calls that worker with a delay, after all other resources.
 */
import type { KubeObject } from '../client/object.ts';
import type { Situation } from './conditions.ts';
import { stallFingerprintOf } from './phase.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import type { ResourceState } from './resource-state.ts';

/** Milliseconds after which the record of a blocked event loop is ignored: one hour. */
export const DEFERRAL_MAX_AGE_MS = 3_600_000;

/** A deferral that still delays the worker. */
export interface ActiveDeferral {
  /** The situation for status until the worker has been called again. */
  readonly situation: Situation;
  /** Milliseconds until the worker may be called. */
  readonly ms: number;
}

/**
 * The deferral of a resource. Ends when its time is over or when the resource has changed. A
 * condition that cannot be written does not extend it.
 *
 * @returns undefined: the worker may be called
 */
export function activeDeferral(
  resource: KubeObject,
  { scheduler, clock }: Pick<ReconcileDeps, 'scheduler' | 'clock'>,
  state: ResourceState,
): ActiveDeferral | undefined {
  const { deferral } = state;
  if (deferral === undefined) {
    return undefined;
  }
  const ms = deferral.until - clock.monotonic();
  if (ms <= 0 || deferral.stallFingerprint !== stallFingerprintOf(resource, scheduler)) {
    state.deferral = undefined;
    return undefined;
  }
  const { message } = deferral;
  return { situation: { type: 'failing', reason: 'WorkerBlocked', message }, ms };
}
