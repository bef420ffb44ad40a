/** Counts the places of a flight, and says what goes wrong at each. */
import type { Fault, Places, Spot } from './fault.ts';
import { fits } from './fault.ts';

type Sort = Spot['sort'];

export class PlaceCounter {
  readonly #faults: readonly Fault[];
  readonly #counts: Record<Sort, number> = { request: 0, event: 0, call: 0, instant: 0 };
  #met: readonly Spot[] = [];
  /** Those since the machine was last at work. */
  #idle: Spot[] = [];

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  /** @param what goes on there */
  next(sort: Sort, what: string, write = false): Fault | undefined {
    const spot: Spot = { sort, nth: ++this.#counts[sort], write, what };
    this.#idle.push(spot);
    return this.#faults.find(({ kind, nth }) => nth === spot.nth && fits(kind, spot));
  }

  /** The machine is at work. */
  mark(): void {
    this.#met = [...this.#met, ...this.#idle];
    this.#idle = [];
  }

  /**
   * The machine rests: but for the next place of each sort, what was met since the mark is all the
   * same, and nothing to put a fault into.
   */
  cut(): void {
    const sorts = new Set<Sort>();
    this.#idle = this.#idle.filter(({ sort }) => !sorts.has(sort) && sorts.add(sort));
    this.mark();
  }

  get met(): Places {
    return [...this.#met, ...this.#idle];
  }
}
