/**
 * Fault sites: the requests, watch events, worker calls and instants of a run, where faults are
 * injected.
 */
import type { Fault, FaultKind, FaultSiteType } from './fault.ts';
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
}

/** The fault sites of a run, in its order. */
export type FaultSites = readonly FaultSite[];

/** @returns true if a fault of this kind can be injected at the site. */
export function canOccurAt(kind: FaultKind, { type, isWrite }: FaultSite): boolean {
  const { at } = FAULTS[kind];
  return at === type || (at === 'write' && isWrite);
}

type SiteType = FaultSite['type'];

/** Numbers the fault sites of a run and selects the fault of each. */
export class FaultSiteCounter {
  readonly #faults: readonly Fault[];
  readonly #counts: Record<SiteType, number> = { request: 0, event: 0, call: 0, instant: 0 };
  #visited: readonly FaultSite[] = [];
  /** Sites since the operator last changed something. */
  #sinceActivity: FaultSite[] = [];

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  /** @returns the fault to inject at this site, if there is one. */
  visit(type: SiteType, situation: string, isWrite = false): Fault | undefined {
    const site: FaultSite = { type, nth: ++this.#counts[type], isWrite, situation };
    this.#sinceActivity.push(site);
    return this.#faults.find(({ kind, nth }) => nth === site.nth && canOccurAt(kind, site));
  }

  /** Keeps all sites so far: the operator was active up to now. */
  markActivity(): void {
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
    this.#sinceActivity = [...firstOfType.values()];
    this.markActivity();
  }

  /** All sites that were kept, in the order of the run. */
  get visited(): FaultSites {
    return [...this.#visited, ...this.#sinceActivity];
  }
}
