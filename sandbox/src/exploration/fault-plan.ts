/**
 * Which faults the next flight gets. Single faults: each kind once in each situation, then again,
 * until all places had their turn. Pairs:
 * the second fault meets what the operator does right after the first. Schedules: another order of
 * events. Each has its share of the
 * flights from the beginning, so that none waits until the budget is over.
 */
import type { Random } from 'autopilot-runtime/ports';
import type { Fault, FaultKind, Places, Spot } from './fault.ts';
import { fits } from './fault.ts';

export type Stage = 'singles' | 'pairs' | 'schedules';

export interface Planned {
  readonly stage: Stage;
  readonly faults: readonly Fault[];
}

interface Candidate {
  /** Least first. */
  readonly rank: number;
  readonly faults: readonly Fault[];
}

const SHARES: readonly Stage[] = ['singles', 'pairs', 'singles', 'schedules'];
/** So many places after a fault are what the operator does right after it. */
const AFTERMATH = 4;
/**
 * Two faults at the next place after one another are nearer than those of two kinds, or at a place
 * that comes without the first as well.
 */
const OTHER_KIND = 3;
const NOTHING_NEW = 2;
/** The same two faults in the same situation. */
const ALIKE = 4;
/** One of so many pairs stands anywhere. */
const ANYWHERE = 4;
const SCHEDULE: readonly FaultKind[] = [
  'event-late',
  'events-merged',
  'watch-broken',
  'slow',
  'event-late',
  'slow',
  'answer-lost',
  'crash',
  'restart',
];

export class Plan {
  /** All there are. */
  readonly singles: number;
  readonly flown: Record<Stage, number> = { singles: 0, pairs: 0, schedules: 0 };
  readonly #quiet: Places;
  readonly #spots: ReadonlyMap<string, Spot>;
  readonly #kinds: readonly FaultKind[];
  readonly #random: Random;
  readonly #left: Fault[];
  readonly #pairs: Candidate[] = [];
  /** Pairs in one situation, by what they are. */
  readonly #times = new Map<string, number>();
  #turn = 0;
  #drawn = 0;

  /** @param quiet places of the flight without faults */
  constructor(quiet: Places, kinds: readonly FaultKind[], random: Random) {
    this.#quiet = quiet;
    this.#spots = new Map(quiet.map((spot) => [spotKey(spot), spot]));
    this.#kinds = kinds;
    this.#random = random;
    this.#left = inTurns(quiet, kinds, random);
    this.singles = this.#left.length;
  }

  /** @param only single faults; then undefined comes when all are flown */
  next(only: boolean): Planned | undefined {
    const share = only ? 'singles' : (SHARES[this.#turn++ % SHARES.length] ?? 'singles');
    const single = share === 'singles' ? this.#left.shift() : undefined;
    if (single === undefined && only) {
      return undefined;
    }
    // When no single fault is left, its turns are pairs.
    const stage = share === 'singles' && single === undefined ? 'pairs' : share;
    return {
      stage,
      faults: single !== undefined ? [single] : stage === 'pairs' ? this.#pair() : this.#schedule(),
    };
  }

  /** One was flown. If it had one fault: what did the operator do right after it? */
  learn({ stage, faults: [first, other] }: Planned, met: Places): void {
    this.flown[stage]++;
    const at =
      first === undefined || other !== undefined
        ? -1
        : met.findIndex((spot) => spot.nth === first.nth && fits(first.kind, spot));
    const where = met[at];
    if (first === undefined || where === undefined) {
      return;
    }
    for (const [distance, spot] of met.slice(at + 1, at + 1 + AFTERMATH).entries()) {
      const rank =
        distance + (this.#spots.get(spotKey(spot))?.what === spot.what ? NOTHING_NEW : 0);
      for (const kind of this.#kinds) {
        const key = `${first.kind} ${where.what}, ${kind} ${spot.what}`;
        if (!fits(kind, spot)) {
          continue;
        }
        const times = this.#times.get(key) ?? 0;
        this.#times.set(key, times + 1);
        const alike = times * ALIKE + (kind === first.kind ? 0 : OTHER_KIND);
        this.#pairs.push({
          rank: rank + alike + this.#random(),
          faults: [first, { kind, nth: spot.nth }],
        });
      }
    }
  }

  #pair(): readonly Fault[] {
    if (this.#pairs.length === 0 || this.#drawn++ % ANYWHERE === 0) {
      return this.#draw(2, this.#kinds);
    }
    const best = this.#pairs.reduce(
      (least, one, index) => (one.rank < (this.#pairs[least]?.rank ?? Infinity) ? index : least),
      0,
    );
    return this.#pairs.splice(best, 1)[0]?.faults ?? [];
  }

  /** Delays of requests and events, and now and then something worse. */
  #schedule(): readonly Fault[] {
    return this.#draw(
      3 + Math.floor(this.#random() * 8),
      SCHEDULE.filter((kind) => this.#kinds.includes(kind)),
    );
  }

  /** Faults anywhere. */
  #draw(count: number, kinds: readonly FaultKind[]): readonly Fault[] {
    return Array.from({ length: count }).flatMap(() => {
      const kind = pick(kinds, this.#random);
      const spot = kind && pick(placesOf(kind, this.#quiet), this.#random);
      return kind === undefined || spot === undefined ? [] : [{ kind, nth: spot.nth }];
    });
  }
}

/**
 * Every fault at every place. No kind comes again in a situation before each had its turn in each:
 * what comes first is spread over the flight.
 */
function inTurns(places: Places, kinds: readonly FaultKind[], random: Random): Fault[] {
  const all = kinds.flatMap((kind) => placesOf(kind, places).map((spot) => ({ kind, spot })));
  const turns = new Map<string, number>();
  return shuffled(all, random)
    .map(({ kind, spot: { nth, what } }) => {
      const turn = turns.get(`${kind} ${what}`) ?? 0;
      turns.set(`${kind} ${what}`, turn + 1);
      return { turn, fault: { kind, nth } };
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({ fault }) => fault);
}

function placesOf(kind: FaultKind, places: Places): readonly Spot[] {
  return places.filter((spot) => fits(kind, spot));
}

function spotKey({ sort, nth }: Spot): string {
  return `${sort} ${nth}`;
}

function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)];
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other] as T, all[last] as T];
  }
  return all;
}
