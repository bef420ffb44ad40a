/**
 * What a worker must not touch: the process's own clock and chance. While flights are flown they
 * answer virtual time and seeded
 * chance, so that a flight can be repeated, and say so.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Random } from 'autopilot-runtime/ports';

export interface Outside {
  /** Runs a worker; whatever it touches is told. */
  watch<T>(phase: string, run: () => T): T;
}

interface Scope {
  readonly clock: Clock;
  readonly random: Random;
  readonly told: (what: string) => void;
}

const scopes = new AsyncLocalStorage<Scope>();

/** @param told gets sentences: `Working reads the clock by itself (Date.now); …`. */
export function outside(clock: Clock, random: Random, told: (sentence: string) => void): Outside {
  install();
  return {
    watch: (phase, run) => {
      const say = (what: string): void =>
        told(
          `${phase} ${what}; context.now, phaseStartedAt and lastStep are the time of a sync, and what a worker draws must come from its resource`,
        );
      return scopes.run({ clock, random, told: say }, run);
    },
  };
}

let installed = false;

/** Outside of workers nothing changes for anybody. */
function install(): void {
  if (installed) {
    return;
  }
  installed = true;
  const RealDate = globalThis.Date;
  const realRandom = Math.random;
  const time = (what: string): number | undefined => {
    const scope = scopes.getStore();
    scope?.told(`reads the clock by itself (${what})`);
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
    scope?.told('draws by itself (Math.random)');
    return scope?.random() ?? realRandom();
  };
}
