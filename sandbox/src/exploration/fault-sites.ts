/**
 * Fault sites: the requests, watch events, worker calls and instants of a run, where faults are
 * injected.
 */
import type { Fault, FaultKind, FaultSiteType, IgnoredFault } from './fault.ts';
import { FAULTS } from './fault.ts';

/** A place in a run where a fault can be injected. Writes are numbered as requests. */
export interface FaultSite {
  /** Type of the site. */
  readonly type: Exclude<FaultSiteType, 'write'>;
  /** Number among the sites of this type, from 1, in the order of the run. */
  readonly nth: number;
  /** True for a request that changes an object. */
  readonly isWrite: boolean;
  /**
   * What happens at the site, without object names: `3 Working patch Drone (status)` after three
   * changes by users. Faults at two sites of one situation have similar effects.
   */
  readonly situation: string;
  /** Kind of the object at the site: `VirtualService`. Absent: the site has no object. */
  readonly objectKind?: string;
}

/** The fault sites of a run, in its order. */
export type FaultSites = readonly FaultSite[];

/** @returns true if a fault of this kind can be injected at the site. */
export function canOccurAt(kind: FaultKind, { type, isWrite }: FaultSite): boolean {
  const { at } = FAULTS[kind];
  return at === type || (at === 'write' && isWrite);
}

/** @returns true if a scenario ignores this kind of fault at the site. */
export function isIgnoredAt(
  ignored: readonly IgnoredFault[],
  kind: FaultKind,
  { objectKind }: FaultSite,
): boolean {
  return ignored.some((one) => one === kind || one === `${kind} ${objectKind}`);
}

/** The types of fault sites. Writes are numbered as requests. */
export type SiteType = FaultSite['type'];

/** Sites of one situation that are kept between two changes in the cluster. */
const MAX_REPEATED_SITES = 3;

/** Numbers the fault sites of a run and selects the fault of each. */
export class FaultSiteCounter {
  readonly #faults: readonly Fault[];
  readonly #ignored: readonly IgnoredFault[];
  readonly #counts = new Map<SiteType, number>();
  /** Situations of the sites that are visited once. */
  readonly #situations = new Set<string>();
  #visited: readonly FaultSite[] = [];
  /** Sites since the operator last changed something. */
  #sinceActivity: FaultSite[] = [];
  /** Sites of each situation since the last change in the cluster. */
  readonly #sinceChange = new Map<string, FaultSite[]>();

  /**
   * @param faults the faults of the run.
   * @param ignored faults that make no sense in the scenario. A site may have another number than
   * in the baseline run, so they are checked in each run.
   */
  constructor(faults: readonly Fault[], ignored: readonly IgnoredFault[] = []) {
    this.#faults = faults;
    this.#ignored = ignored;
  }

  /** @returns the fault to inject at this site, if there is one. */
  visit(type: SiteType, situation: string, isWrite = false): Fault | undefined {
    return this.#count({ type, nth: this.#nextNumber(type), isWrite, situation });
  }

  /**
   * Counts a site unless a site of this type was counted in the same situation.
   *
   * @param objectKind kind of the object at the site; part of the situation.
   * @returns the fault to inject at this site, if there is one.
   */
  visitOnce(type: SiteType, situation: string, objectKind: string): Fault | undefined {
    const whole = `${situation} ${type} ${objectKind}`;
    if (this.#situations.has(whole)) {
      return undefined;
    }
    this.#situations.add(whole);
    const nth = this.#nextNumber(type);
    return this.#count({ type, nth, isWrite: false, situation: whole, objectKind });
  }

  #nextNumber(type: SiteType): number {
    const nth = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, nth);
    return nth;
  }

  #count(site: FaultSite): Fault | undefined {
    this.#keep(site);
    return this.#faults.find(
      ({ kind, nth }) =>
        nth === site.nth && canOccurAt(kind, site) && !isIgnoredAt(this.#ignored, kind, site),
    );
  }

  /**
   * Keeps the first sites of a situation between two changes in the cluster, and the last one. An
   * operator that polls visits the same sites again and again, and faults at them have the same
   * effects.
   */
  #keep(site: FaultSite): void {
    const key = `${site.type} ${site.situation}`;
    const repeated = this.#sinceChange.get(key) ?? [];
    this.#sinceChange.set(key, repeated);
    repeated.push(site);
    this.#sinceActivity.push(site);
    const surplus = repeated.length > MAX_REPEATED_SITES ? repeated.at(-2) : undefined;
    if (surplus !== undefined) {
      repeated.splice(-2, 1);
      this.#sinceActivity = this.#sinceActivity.filter((one) => one !== surplus);
    }
  }

  /** The cluster has changed: what follows is not a repetition of what was before. */
  recordChange(): void {
    this.#sinceChange.clear();
  }

  /** Keeps all sites so far: the operator was active up to now. */
  markActivity(): void {
    this.#sinceChange.clear();
    this.#visited = [...this.#visited, ...this.#sinceActivity];
    this.#sinceActivity = [];
  }

  /**
   * Keeps only the first site of each type since the last activity. While the operator is quiescent
   * its sites repeat, so that faults at the others would show nothing new.
   */
  dropIdleSites(): void {
    const firstOfType = new Map<SiteType, FaultSite>();
    for (const site of this.#sinceActivity) {
      if (!firstOfType.has(site.type)) {
        firstOfType.set(site.type, site);
      }
    }
    this.#sinceActivity = this.#sinceActivity.filter(
      (site) => site.objectKind !== undefined || firstOfType.get(site.type) === site,
    );
    this.markActivity();
  }

  /** All sites that were kept, in the order of the run. */
  get visited(): FaultSites {
    return [...this.#visited, ...this.#sinceActivity];
  }
}
