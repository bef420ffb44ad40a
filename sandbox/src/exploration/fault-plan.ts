/**
 * Chooses the faults of each run.
 *
 * - Single faults: each kind once in each situation, then again, until every site had its turn.
 * - Pairs: the second fault is injected into what the operator does right after the first.
 * - Schedules: several delays, which change the order of events.
 *
 * Each stage gets its share of the runs from the beginning, so that a budget that ends early covers
 * all three.
 */
import type { Random } from 'autopilot-runtime/internal';
import type { Fault, FaultKind, IgnoredFault } from './fault.ts';
import type { FaultSite, FaultSites } from './fault-sites.ts';
import { canOccurAt, isIgnoredAt } from './fault-sites.ts';

/** Part of the plan that a run belongs to. */
export type PlanStage = 'singles' | 'pairs' | 'schedules';

/** A run of the plan. */
export interface PlannedRun {
  /** Part of the plan. */
  readonly stage: PlanStage;
  /** Faults to inject. */
  readonly faults: readonly Fault[];
}

interface PairCandidate {
  /** Candidates with a low rank run first. */
  readonly rank: number;
  readonly faults: readonly Fault[];
}

const STAGE_TURNS: readonly PlanStage[] = ['singles', 'pairs', 'singles', 'schedules'];
/** Sites after a fault at which the second fault of a pair may be injected. */
const SITES_AFTER_FAULT = 4;
/** Added to the rank of a pair whose faults are of two kinds. */
const OTHER_KIND_PENALTY = 3;
/** Added to the rank of a pair whose second site is the same in the baseline run. */
const KNOWN_SITE_PENALTY = 2;
/** Added to the rank for each pair of the same kinds in the same situations. */
const REPEATED_PAIR_PENALTY = 4;
/** One of this many pairs is drawn from all sites. */
const RANDOM_PAIR_EVERY = 4;
/** Kinds of faults in a schedule. A kind that is listed twice is drawn twice as often. */
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

/** The runs of an exploration, one after the other. */
export class FaultPlan {
  /** Number of all single faults. */
  readonly singles: number;
  /** Number of recorded runs by stage. */
  readonly runs: Record<PlanStage, number> = { singles: 0, pairs: 0, schedules: 0 };
  readonly #baselineSites: FaultSites;
  readonly #sitesByKey: ReadonlyMap<string, FaultSite>;
  /** Sites of the baseline run at which a fault of each kind can be injected. */
  readonly #sitesByKind = new Map<FaultKind, readonly FaultSite[]>();
  readonly #kinds: readonly FaultKind[];
  readonly #ignored: readonly IgnoredFault[];
  readonly #random: Random;
  readonly #remainingSingles: Fault[];
  readonly #pairs: PairCandidate[] = [];
  /** Number of pair candidates by kinds and situations. */
  readonly #pairCounts = new Map<string, number>();
  #turn = 0;
  #pairsDrawn = 0;

  /**
   * @param baseline fault sites of the baseline run.
   * @param kinds kinds of faults to inject.
   * @param random draws the order of single faults, pairs and schedules.
   * @param ignored faults that make no sense in the scenario.
   */
  constructor(
    baseline: FaultSites,
    kinds: readonly FaultKind[],
    random: Random,
    ignored: readonly IgnoredFault[] = [],
  ) {
    this.#baselineSites = baseline;
    this.#sitesByKey = new Map(baseline.map((site) => [siteKey(site), site]));
    this.#kinds = kinds;
    this.#ignored = ignored;
    this.#random = random;
    this.#remainingSingles = orderSingles(
      kinds.flatMap((kind) => this.#sitesFor(kind).map((site) => ({ kind, site }))),
      random,
    );
    this.singles = this.#remainingSingles.length;
  }

  /**
   * @param onlySingles true: plan single faults only.
   * @returns the next run, or undefined after the last single fault if `onlySingles` is set.
   */
  next(onlySingles: boolean): PlannedRun | undefined {
    const stage = onlySingles
      ? 'singles'
      : (STAGE_TURNS[this.#turn++ % STAGE_TURNS.length] ?? 'singles');
    if (stage === 'schedules') {
      return { stage, faults: this.#nextSchedule() };
    }
    const single = stage === 'singles' ? this.#remainingSingles.shift() : undefined;
    if (single !== undefined) {
      return { stage, faults: [single] };
    }
    // Pairs take the turns of single faults when none are left.
    return onlySingles ? undefined : { stage: 'pairs', faults: this.#nextPair() };
  }

  /**
   * Counts a run. After a single fault, the sites that follow it become candidates for pairs.
   *
   * @param visited fault sites of the run.
   */
  recordRun({ stage, faults: [first, other] }: PlannedRun, visited: FaultSites): void {
    this.runs[stage]++;
    if (first === undefined || other !== undefined) {
      return;
    }
    const index = visited.findIndex(
      (site) => site.nth === first.nth && canOccurAt(first.kind, site),
    );
    const firstSite = visited[index];
    if (firstSite === undefined) {
      return;
    }
    const following = visited.slice(index + 1, index + 1 + SITES_AFTER_FAULT);
    for (const [distance, site] of following.entries()) {
      const isKnown = this.#sitesByKey.get(siteKey(site))?.situation === site.situation;
      const rank = distance + (isKnown ? KNOWN_SITE_PENALTY : 0);
      this.#addPairs({ fault: first, site: firstSite }, site, rank);
    }
  }

  /** Adds the pairs of a fault and every possible fault at a later site. */
  #addPairs(
    first: { readonly fault: Fault; readonly site: FaultSite },
    site: FaultSite,
    rank: number,
  ): void {
    for (const kind of this.#kinds) {
      if (!this.#canInject(kind, site)) {
        continue;
      }
      const key = `${first.fault.kind} ${first.site.situation}, ${kind} ${site.situation}`;
      const count = this.#pairCounts.get(key) ?? 0;
      this.#pairCounts.set(key, count + 1);
      const kindPenalty = kind === first.fault.kind ? 0 : OTHER_KIND_PENALTY;
      this.#pairs.push({
        rank: rank + (count * REPEATED_PAIR_PENALTY + kindPenalty) + this.#random(),
        faults: [first.fault, { kind, nth: site.nth }],
      });
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

  /** Three to ten faults, most of them delays of requests and events. */
  #nextSchedule(): readonly Fault[] {
    return this.#randomFaults(
      3 + Math.floor(this.#random() * 8),
      SCHEDULE_FAULTS.filter((kind) => this.#kinds.includes(kind)),
    );
  }

  #canInject(kind: FaultKind, site: FaultSite): boolean {
    return canOccurAt(kind, site) && !isIgnoredAt(this.#ignored, kind, site);
  }

  #sitesFor(kind: FaultKind): readonly FaultSite[] {
    const known = this.#sitesByKind.get(kind);
    const sites = known ?? this.#baselineSites.filter((site) => this.#canInject(kind, site));
    this.#sitesByKind.set(kind, sites);
    return sites;
  }

  /** Faults at any sites of the baseline run. */
  #randomFaults(count: number, kinds: readonly FaultKind[]): readonly Fault[] {
    const possible = kinds.filter((kind) => this.#sitesFor(kind).length > 0);
    return Array.from({ length: count }).flatMap(() => {
      const kind = pickRandom(possible, this.#random);
      const site = kind && pickRandom(this.#sitesFor(kind), this.#random);
      return kind === undefined || site === undefined ? [] : [{ kind, nth: site.nth }];
    });
  }
}

/**
 * Every fault at every site where it can occur. The order is random, except that no kind is
 * repeated in a situation before each kind had its turn in each situation. The first faults are
 * therefore spread over the run.
 */
function orderSingles(
  all: readonly { readonly kind: FaultKind; readonly site: FaultSite }[],
  random: Random,
): Fault[] {
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
