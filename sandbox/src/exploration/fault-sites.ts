/** Counts the places of a flight, and says what goes wrong at each. */
import type { Fault, FaultSites, FaultSite } from './fault.ts';
import { canOccurAt } from './fault.ts';

type SiteType = FaultSite['type'];

export class FaultSiteCounter {
  readonly #faults: readonly Fault[];
  readonly #counts: Record<SiteType, number> = { request: 0, event: 0, call: 0, instant: 0 };
  #visited: readonly FaultSite[] = [];
  /** Those since the machine was last at work. */
  #sinceActivity: FaultSite[] = [];

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  /** @param situation goes on there */
  visit(type: SiteType, situation: string, isWrite = false): Fault | undefined {
    const site: FaultSite = { type, nth: ++this.#counts[type], isWrite, situation };
    this.#sinceActivity.push(site);
    return this.#faults.find(({ kind, nth }) => nth === site.nth && canOccurAt(kind, site));
  }

  /** The machine is at work. */
  markActivity(): void {
    this.#visited = [...this.#visited, ...this.#sinceActivity];
    this.#sinceActivity = [];
  }

  /**
   * The machine rests: but for the next place of each sort, what was met since the mark is all the
   * same, and nothing to put a fault into.
   */
  dropIdleSites(): void {
    const types = new Set<SiteType>();
    this.#sinceActivity = this.#sinceActivity.filter(
      ({ type }) => !types.has(type) && types.add(type),
    );
    this.markActivity();
  }

  get visited(): FaultSites {
    return [...this.#visited, ...this.#sinceActivity];
  }
}
