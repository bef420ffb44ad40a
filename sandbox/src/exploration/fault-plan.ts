/**
 * Which faults the next flight gets. Single faults: each kind once in each situation, then again,
 * until all places had their turn. Pairs:
 * the second fault meets what the operator does right after the first. Schedules: another order of
 * events. Each has its share of the
 * flights from the beginning, so that none waits until the budget is over.
 */
import type { Random } from 'autopilot-runtime/internal';
import type { Fault, FaultKind, FaultSites, FaultSite } from './fault.ts';
import { canOccurAt } from './fault.ts';

export type PlanStage = 'singles' | 'pairs' | 'schedules';

export interface PlannedRun {
  readonly stage: PlanStage;
  readonly faults: readonly Fault[];
}

interface PairCandidate {
  /** Least first. */
  readonly rank: number;
  readonly faults: readonly Fault[];
}

const STAGE_TURNS: readonly PlanStage[] = ['singles', 'pairs', 'singles', 'schedules'];
/** So many places after a fault are what the operator does right after it. */
const SITES_AFTER_FAULT = 4;
/**
 * Two faults at the next place after one another are nearer than those of two kinds, or at a place
 * that comes without the first as well.
 */
const OTHER_KIND_PENALTY = 3;
const KNOWN_SITE_PENALTY = 2;
/** The same two faults in the same situation. */
const REPEATED_PAIR_PENALTY = 4;
/** One of so many pairs stands anywhere. */
const RANDOM_PAIR_EVERY = 4;
const SCHEDULE_FAULTS: readonly FaultKind[] = [
  'event-late',
  'events-merged',
  'watch-broken',
  'slow',
  'event-late',
  'slow',
  'response-lost',
  'crash',
  'restart',
];

export class FaultPlan {
  /** All there are. */
  readonly singles: number;
  readonly runs: Record<PlanStage, number> = { singles: 0, pairs: 0, schedules: 0 };
  readonly #baselineSites: FaultSites;
  readonly #sitesByKey: ReadonlyMap<string, FaultSite>;
  readonly #kinds: readonly FaultKind[];
  readonly #random: Random;
  readonly #remainingSingles: Fault[];
  readonly #pairs: PairCandidate[] = [];
  /** Pairs in one situation, by what they are. */
  readonly #pairCounts = new Map<string, number>();
  #turn = 0;
  #pairsDrawn = 0;

  /** @param baseline places of the flight without faults */
  constructor(baseline: FaultSites, kinds: readonly FaultKind[], random: Random) {
    this.#baselineSites = baseline;
    this.#sitesByKey = new Map(baseline.map((site) => [siteKey(site), site]));
    this.#kinds = kinds;
    this.#random = random;
    this.#remainingSingles = orderSingles(baseline, kinds, random);
    this.singles = this.#remainingSingles.length;
  }

  /** @param onlySingles single faults; then undefined comes when all are flown */
  next(onlySingles: boolean): PlannedRun | undefined {
    const turnStage = onlySingles
      ? 'singles'
      : (STAGE_TURNS[this.#turn++ % STAGE_TURNS.length] ?? 'singles');
    const single = turnStage === 'singles' ? this.#remainingSingles.shift() : undefined;
    if (single === undefined && onlySingles) {
      return undefined;
    }
    // When no single fault is left, its turns are pairs.
    const stage = turnStage === 'singles' && single === undefined ? 'pairs' : turnStage;
    return {
      stage,
      faults:
        single !== undefined
          ? [single]
          : stage === 'pairs'
            ? this.#nextPair()
            : this.#nextSchedule(),
    };
  }

  /** One was flown. If it had one fault: what did the operator do right after it? */
  recordRun({ stage, faults: [first, other] }: PlannedRun, visited: FaultSites): void {
    this.runs[stage]++;
    const index =
      first === undefined || other !== undefined
        ? -1
        : visited.findIndex((site) => site.nth === first.nth && canOccurAt(first.kind, site));
    const firstSite = visited[index];
    if (first === undefined || firstSite === undefined) {
      return;
    }
    for (const [distance, site] of visited
      .slice(index + 1, index + 1 + SITES_AFTER_FAULT)
      .entries()) {
      const rank =
        distance +
        (this.#sitesByKey.get(siteKey(site))?.situation === site.situation
          ? KNOWN_SITE_PENALTY
          : 0);
      for (const kind of this.#kinds) {
        const key = `${first.kind} ${firstSite.situation}, ${kind} ${site.situation}`;
        if (!canOccurAt(kind, site)) {
          continue;
        }
        const count = this.#pairCounts.get(key) ?? 0;
        this.#pairCounts.set(key, count + 1);
        const penalty =
          count * REPEATED_PAIR_PENALTY + (kind === first.kind ? 0 : OTHER_KIND_PENALTY);
        this.#pairs.push({
          rank: rank + penalty + this.#random(),
          faults: [first, { kind, nth: site.nth }],
        });
      }
    }
  }

  #nextPair(): readonly Fault[] {
    if (this.#pairs.length === 0 || this.#pairsDrawn++ % RANDOM_PAIR_EVERY === 0) {
      return this.#randomFaults(2, this.#kinds);
    }
    const best = this.#pairs.reduce(
      (least, one, index) => (one.rank < (this.#pairs[least]?.rank ?? Infinity) ? index : least),
      0,
    );
    return this.#pairs.splice(best, 1)[0]?.faults ?? [];
  }

  /** Delays of requests and events, and now and then something worse. */
  #nextSchedule(): readonly Fault[] {
    return this.#randomFaults(
      3 + Math.floor(this.#random() * 8),
      SCHEDULE_FAULTS.filter((kind) => this.#kinds.includes(kind)),
    );
  }

  /** Faults anywhere. */
  #randomFaults(count: number, kinds: readonly FaultKind[]): readonly Fault[] {
    return Array.from({ length: count }).flatMap(() => {
      const kind = pickRandom(kinds, this.#random);
      const site = kind && pickRandom(sitesFor(kind, this.#baselineSites), this.#random);
      return kind === undefined || site === undefined ? [] : [{ kind, nth: site.nth }];
    });
  }
}

/**
 * Every fault at every place. No kind comes again in a situation before each had its turn in each:
 * what comes first is spread over the flight.
 */
function orderSingles(
  faultSites: FaultSites,
  kinds: readonly FaultKind[],
  random: Random,
): Fault[] {
  const all = kinds.flatMap((kind) => sitesFor(kind, faultSites).map((site) => ({ kind, site })));
  const turns = new Map<string, number>();
  return shuffle(all, random)
    .map(({ kind, site: { nth, situation } }) => {
      const turn = turns.get(`${kind} ${situation}`) ?? 0;
      turns.set(`${kind} ${situation}`, turn + 1);
      return { turn, fault: { kind, nth } };
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({ fault }) => fault);
}

function sitesFor(kind: FaultKind, faultSites: FaultSites): readonly FaultSite[] {
  return faultSites.filter((site) => canOccurAt(kind, site));
}

function siteKey({ type, nth }: FaultSite): string {
  return `${type} ${nth}`;
}

function pickRandom<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)];
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other] as T, all[last] as T];
  }
  return all;
}
