/** Counts the places of a flight, and says what goes wrong at each. */
import type { Fault, Place, Places } from './fault.ts';
import { FAULTS } from './fault.ts';

type Sort = Exclude<Place, 'write'>;

interface Met {
  readonly nth: number;
  readonly write: boolean;
}

export class PlaceCounter {
  readonly #faults: readonly Fault[];
  readonly #counts: Record<Sort, number> = { request: 0, event: 0, call: 0, instant: 0 };
  readonly #met: Record<Sort, Met[]> = { request: [], event: [], call: [], instant: [] };
  /** How many were met when the machine was last at work. */
  #mark: Record<Sort, number> = { request: 0, event: 0, call: 0, instant: 0 };

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  next(sort: Sort, write = false): Fault | undefined {
    const nth = ++this.#counts[sort];
    this.#met[sort].push({ nth, write });
    return this.#faults.find((fault) => {
      const { at } = FAULTS[fault.kind];
      return fault.nth === nth && (at === sort || (at === 'write' && sort === 'request' && write));
    });
  }

  /** The machine is at work. */
  mark(): void {
    this.#mark = { request: this.#met.request.length, event: this.#met.event.length, call: this.#met.call.length, instant: this.#met.instant.length };
  }

  /** The machine rests: but for the next place of each sort, what was met since the mark is all the same, and nothing to put a fault into. */
  cut(): void {
    for (const sort of ['request', 'event', 'call', 'instant'] as const) this.#met[sort].length = Math.min(this.#met[sort].length, this.#mark[sort] + 1);
  }

  get met(): Places {
    const nths = (sort: Sort): readonly number[] => this.#met[sort].map(({ nth }) => nth);
    return {
      writes: this.#met.request.filter(({ write }) => write).map(({ nth }) => nth),
      requests: nths('request'),
      events: nths('event'),
      calls: nths('call'),
      instants: nths('instant'),
    };
  }
}
