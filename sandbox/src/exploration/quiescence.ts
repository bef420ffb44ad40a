/**
 * Moments of rest: nothing changes any more, and the cluster has to be as it was in the flight
 * without faults.
 */
import type { Scheduler } from 'autopilot-runtime/ports';
import { parseDuration } from 'autopilot-runtime/ports';
import type { Cluster } from '../cluster/cluster.ts';
import type { Course } from './course.ts';
import type { End } from './end.ts';
import { differences, endOf } from './end.ts';
import type { Fault } from './fault.ts';
import type { PlaceCounter } from './places.ts';
import type { Look, Scenario } from './scenario.ts';
import { stalled, timedOut } from './verdict.ts';

/** What was there, and how long it took to come to it. */
export interface Rest {
  readonly end: End;
  /** The longest time without a change on the way there, in milliseconds. */
  readonly gap: number;
}

/** After its faults a flight is given this long without a change before it is looked at. */
const CALM_MS = 30_000;
/** One that does not look as it should is given this long: a watch that died is noticed by then. */
const PATIENCE_MS = 1_200_000;

export interface RestsOptions {
  readonly course: Course;
  readonly places: PlaceCounter;
  readonly cluster: Cluster;
  readonly look: Look;
  readonly scheduler: Scheduler;
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
  /** Of the flight without faults. Absent: this is that one. */
  readonly expected: readonly Rest[] | undefined;
}

export class Rests {
  readonly all: Rest[] = [];
  readonly #options: RestsOptions;

  constructor(options: RestsOptions) {
    this.#options = options;
  }

  /**
   * How long nothing may happen before somebody who waits for something gives up, in milliseconds.
   */
  get patience(): number {
    const { expected, scenario } = this.#options;
    return expected === undefined ? parseDuration(scenario.patience ?? '10m') : PATIENCE_MS;
  }

  /** Until nothing changes any more. */
  async come(): Promise<void> {
    const { course, places } = this.#options;
    const begun = course.now();
    const expected = this.#options.expected?.[this.all.length];
    const { patience } = this;
    const calm =
      expected === undefined ? patience : Math.max(CALM_MS, expected.gap * 1.25 + 10_000);
    let last = (course.lastChange = begun);
    let gap = 0;
    places.mark();
    while (!course.over) {
      const quietFor = course.now() - Math.max(course.lastChange, course.lastFault);
      if (quietFor >= calm && !course.passing && this.#isGood(expected, quietFor >= patience)) {
        places.cut();
        this.all.push({ end: expected?.end ?? this.#end(), gap });
        return;
      }
      await course.tick(Math.max(1, calm - quietFor));
      if (course.lastChange > last) {
        gap = Math.max(gap, course.lastChange - last);
        last = course.lastChange;
        places.mark();
      }
      course.checkEndless(begun);
    }
  }

  /** Another end than that of the flight without faults is a good one too. */
  isExcused(): boolean {
    const { look, scheduler, faults } = this.#options;
    return this.#isAccepted() || timedOut(look, scheduler, faults);
  }

  /** Is what is there now an end? When patience is over, one that is not is a finding. */
  #isGood(expected: Rest | undefined, patienceIsOver: boolean): boolean {
    const { course, look, scheduler, faults } = this.#options;
    if (expected === undefined) {
      // Without any fault a machine that is stuck is a mistake, unless the scenario is about that.
      const why = stalled(look, scheduler);
      if (why !== undefined && !this.#isAccepted()) {
        course.giveUp('nothing stalls without a fault', why);
      }
      return true;
    }
    const lines = differences(expected.end, this.#end());
    if (lines.length === 0 || this.isExcused()) {
      return true;
    }
    const again =
      faults.length > 0
        ? []
        : [
            'this was the same flight once more: a worker keeps something in memory, such as a variable outside its function',
          ];
    if (patienceIsOver) {
      course.giveUp(
        'the end is that of the flight without faults',
        [...lines.slice(0, 6), ...again].join('; '),
      );
    }
    return false;
  }

  #isAccepted(): boolean {
    const { scenario, look } = this.#options;
    return scenario.accepts?.(look) === true;
  }

  #end(): End {
    const { cluster, scheduler, scenario } = this.#options;
    return endOf(cluster.objects(), scheduler, scenario.ignore);
  }
}
