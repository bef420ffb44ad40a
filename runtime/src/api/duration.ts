/** Durations, which are strings wherever users write them, and the time that is left of one. */
import type { Duration } from './spec-types.ts';

const MS_BY_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The longest duration that Kubernetes can store, in milliseconds: about 292 years. */
const MAX_DURATION_MS = 2 ** 63 / 1e6;

/**
 * Reads a duration.
 *
 * @param text for example `1m30s`.
 * @returns the length in milliseconds.
 * @throws Error when `text` is not a duration, or is longer than 292 years.
 */
export function parseDuration(text: Duration): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new Error(`'${text}' is not a duration; write it like 500ms, 10s, 1m30s or 2h`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (MS_BY_UNIT[unit ?? ''] ?? 0);
  }
  if (total > MAX_DURATION_MS) {
    throw new Error(`'${text}' is longer than 292 years, the longest duration of Kubernetes`);
  }
  // 1.005 s is 1005 ms, and not 1004.9999999999999 ms.
  return Math.round(total * 1e6) / 1e6;
}

/** The times in a worker's context that `timeUntil` compares. */
export interface StepTimes {
  /** Time of this reconcile. */
  readonly now: Date;
  /** Time at which a worker of this phase last returned `step: true`. */
  readonly lastStep: Date | undefined;
  /** Time at which the resource entered this phase. */
  readonly phaseStartedAt: Date;
}

/**
 * Time left until `duration` has passed since the last step of this phase, for workers that act at
 * most once per interval. Before the first step, the time counts from the start of the phase; in a
 * finalizer, from its first successful call.
 *
 * @param context the worker's context, or its three times.
 * @param duration the interval, such as `1m`.
 * @returns the time left, which `requeueAfter` accepts; undefined when the duration has passed.
 * @throws Error when `duration` is not a duration.
 * @example
 * ```ts
 * export async function sync(context: Context): Promise<Result> {
 *   const left = timeUntil(context, '1m');
 *   if (left !== undefined) {
 *     return { next: 'Shifting', requeueAfter: left };
 *   }
 *   return { next: 'Shifting', step: true, outputs: { virtualservices: [nextRoute(context)] } };
 * }
 * ```
 */
export function timeUntil(context: StepTimes, duration: Duration): Duration | undefined {
  const { now, lastStep, phaseStartedAt } = context;
  const startedAt = (lastStep ?? phaseStartedAt).getTime();
  const msLeft = startedAt + parseDuration(duration) - now.getTime();
  return msLeft > 0 ? `${Math.ceil(msLeft)}ms` : undefined;
}
