/**
 * Reports workers that use the process's own clock or random source. In exploration both return
 * virtual time and seeded values inside a worker, so that a run can be repeated.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Random } from 'autopilot-runtime/internal';

/** Guards the calls of workers in one run. */
export interface DeterminismGuard {
  /** Calls a worker. Its uses of `Date` and `Math.random` are reported. */
  run<T>(phase: string, run: () => T): T;
}

interface GuardScope {
  readonly clock: Clock;
  readonly random: Random;
  readonly onViolation: (what: string) => void;
}

const ADVICE =
  'context.now, phaseStartedAt and lastStep are the time of a reconcile, and random values must be derived from the resource';

const scopes = new AsyncLocalStorage<GuardScope>();

/**
 * @param clock returned by `Date` inside workers.
 * @param random returned by `Math.random` inside workers.
 * @param onViolation receives sentences: `Working reads the clock by itself (Date.now()); …`.
 */
export function createDeterminismGuard(
  clock: Clock,
  random: Random,
  onViolation: (sentence: string) => void,
): DeterminismGuard {
  installGuard();
  return {
    run: (phase, run) => {
      const report = (what: string): void => onViolation(`${phase} ${what}; ${ADVICE}`);
      return scopes.run({ clock, random, onViolation: report }, run);
    },
  };
}

let isInstalled = false;

/** Replaces the global `Date` and `Math.random`, once. Outside of workers both are as before. */
function installGuard(): void {
  if (isInstalled) {
    return;
  }
  isInstalled = true;
  const RealDate = globalThis.Date;
  const realRandom = Math.random;
  const reportClock = (what: string): number | undefined => {
    const scope = scopes.getStore();
    scope?.onViolation(`reads the clock by itself (${what})`);
    return scope?.clock.now();
  };
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given: unknown[], self) => {
      const now = given.length === 0 ? reportClock('new Date()') : undefined;
      return Reflect.construct(target, now === undefined ? given : [now], self) as object;
    },
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return name === 'now' ? () => reportClock('Date.now()') ?? target.now() : value;
    },
  });
  Math.random = () => {
    const scope = scopes.getStore();
    scope?.onViolation('calls Math.random by itself');
    return scope?.random() ?? realRandom();
  };
}
