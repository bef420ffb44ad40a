/**
 * What a worker must not touch: the process's own clock and chance. While flights are flown they
 * answer virtual time and seeded
 * chance, so that a flight can be repeated, and say so.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Random } from 'autopilot-runtime/internal';

export interface DeterminismGuard {
  /** Runs a worker; whatever it touches is told. */
  run<T>(phase: string, run: () => T): T;
}

interface GuardScope {
  readonly clock: Clock;
  readonly random: Random;
  readonly onViolation: (what: string) => void;
}

const scopes = new AsyncLocalStorage<GuardScope>();

/** @param onViolation gets sentences: `Working reads the clock by itself (Date.now); …`. */
export function createDeterminismGuard(
  clock: Clock,
  random: Random,
  onViolation: (sentence: string) => void,
): DeterminismGuard {
  installGuard();
  return {
    run: (phase, run) => {
      const report = (what: string): void =>
        onViolation(
          `${phase} ${what}; context.now, phaseStartedAt and lastStep are the time of a reconcile, and random values must be derived from the resource`,
        );
      return scopes.run({ clock, random, onViolation: report }, run);
    },
  };
}

let isInstalled = false;

/** Outside of workers nothing changes for anybody. */
function installGuard(): void {
  if (isInstalled) {
    return;
  }
  isInstalled = true;
  const RealDate = globalThis.Date;
  const realRandom = Math.random;
  const time = (what: string): number | undefined => {
    const scope = scopes.getStore();
    scope?.onViolation(`reads the clock by itself (${what})`);
    return scope?.clock.now();
  };
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given: unknown[], self) => {
      const now = given.length === 0 ? time('new Date()') : undefined;
      return Reflect.construct(target, now === undefined ? given : [now], self) as object;
    },
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return name === 'now' ? () => time('Date.now()') ?? target.now() : value;
    },
  });
  Math.random = () => {
    const scope = scopes.getStore();
    scope?.onViolation('calls Math.random by itself');
    return scope?.random() ?? realRandom();
  };
}
