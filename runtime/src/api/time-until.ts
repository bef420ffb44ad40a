/** For workers that act at a pace: how long until it is time. */
import { parseDuration } from './duration.ts';
import type { Duration } from './scheduler.ts';

/**
 * How long it is until `duration` has passed since the last step of this phase, or since the
 * phase
 * began where there was none (in a
 * finalizer: since its first call that went well). Undefined: it has passed. Goes well with
 * `requeueAfter`.
 *
 * @param context what the worker was given.
 * @throws Error when `duration` is none
 */
export function timeUntil(
  {
    now,
    lastStep,
    phaseStartedAt,
  }: { readonly now: Date; readonly lastStep: Date | undefined; readonly phaseStartedAt: Date },
  duration: Duration,
): Duration | undefined {
  const msLeft = (lastStep ?? phaseStartedAt).getTime() + parseDuration(duration) - now.getTime();
  return msLeft > 0 ? `${Math.ceil(msLeft)}ms` : undefined;
}
