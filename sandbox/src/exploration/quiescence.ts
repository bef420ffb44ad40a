/**
 * Moments of rest: nothing changes any more, and the cluster has to be as it was in the flight
 * without faults.
 */
import type { Scheduler } from 'autopilot-runtime/internal';
import { parseDuration } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { EventLoop } from './event-loop.ts';
import type { ComparableState } from './comparable-state.ts';
import { compareStates, comparableStateOf } from './comparable-state.ts';
import type { Fault } from './fault.ts';
import type { FaultSiteCounter } from './fault-sites.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';
import { findStalledResource, isClockJumpTimeout } from './run-checks.ts';

/** What was there, and how long it took to come to it. */
export interface QuiescentState {
  readonly state: ComparableState;
  /** The longest time without a change on the way there, in milliseconds. */
  readonly longestGapMs: number;
}

/** After its faults a flight is given this long without a change before it is looked at. */
const MIN_QUIET_MS = 30_000;
/** One that does not look as it should is given this long: a watch that died is noticed by then. */
const MAX_QUIET_MS = 1_200_000;

export interface QuiescenceOptions {
  readonly eventLoop: EventLoop;
  readonly faultSites: FaultSiteCounter;
  readonly cluster: Cluster;
  readonly snapshot: ClusterSnapshot;
  readonly scheduler: Scheduler;
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
  /** Of the flight without faults. Absent: this is that one. */
  readonly expected: readonly QuiescentState[] | undefined;
}

export class Quiescence {
  readonly states: QuiescentState[] = [];
  readonly #options: QuiescenceOptions;

  constructor(options: QuiescenceOptions) {
    this.#options = options;
  }

  /**
   * How long nothing may happen before somebody who waits for something gives up, in milliseconds.
   */
  get quietPeriodMs(): number {
    const { expected, scenario } = this.#options;
    return expected === undefined ? parseDuration(scenario.quietPeriod ?? '10m') : MAX_QUIET_MS;
  }

  /** Until nothing changes any more. */
  async waitForQuiescence(): Promise<void> {
    const { eventLoop, faultSites } = this.#options;
    const startedAt = eventLoop.now();
    const expected = this.#options.expected?.[this.states.length];
    const { quietPeriodMs } = this;
    const requiredQuietMs =
      expected === undefined
        ? quietPeriodMs
        : Math.max(MIN_QUIET_MS, expected.longestGapMs * 1.25 + 10_000);
    let last = (eventLoop.lastChangeAt = startedAt);
    let longestGapMs = 0;
    faultSites.markActivity();
    while (!eventLoop.isOver) {
      const quietMs = eventLoop.now() - Math.max(eventLoop.lastChangeAt, eventLoop.lastFaultAt);
      if (
        quietMs >= requiredQuietMs &&
        !eventLoop.hasActiveFault &&
        this.#isExpectedState(expected, quietMs >= quietPeriodMs)
      ) {
        faultSites.dropIdleSites();
        this.states.push({ state: expected?.state ?? this.#comparableState(), longestGapMs });
        return;
      }
      await eventLoop.advance(Math.max(1, requiredQuietMs - quietMs));
      if (eventLoop.lastChangeAt > last) {
        longestGapMs = Math.max(longestGapMs, eventLoop.lastChangeAt - last);
        last = eventLoop.lastChangeAt;
        faultSites.markActivity();
      }
      eventLoop.abortIfEndless(startedAt);
    }
  }

  /** Another end than that of the flight without faults is a good one too. */
  isAcceptedDeviation(): boolean {
    const { snapshot, scheduler, faults } = this.#options;
    return this.#isAccepted() || isClockJumpTimeout(snapshot, scheduler, faults);
  }

  /** Is what is there now an end? When patience is over, one that is not is a finding. */
  #isExpectedState(expected: QuiescentState | undefined, isLast: boolean): boolean {
    const { eventLoop, snapshot, scheduler, faults } = this.#options;
    if (expected === undefined) {
      // Without any fault a machine that is stuck is a mistake, unless the scenario is about that.
      const reason = findStalledResource(snapshot, scheduler);
      if (reason !== undefined && !this.#isAccepted()) {
        eventLoop.abort('nothing stalls without a fault', reason);
      }
      return true;
    }
    const lines = compareStates(expected.state, this.#comparableState());
    if (lines.length === 0 || this.isAcceptedDeviation()) {
      return true;
    }
    const again =
      faults.length > 0
        ? []
        : [
            'this was the same run once more: a worker keeps something in memory, such as a variable outside its function',
          ];
    if (isLast) {
      eventLoop.abort(
        'the final state is that of the baseline run',
        [...lines.slice(0, 6), ...again].join('; '),
      );
    }
    return false;
  }

  #isAccepted(): boolean {
    const { scenario, snapshot } = this.#options;
    return scenario.accepts?.(snapshot) === true;
  }

  #comparableState(): ComparableState {
    const { cluster, scheduler, scenario } = this.#options;
    return comparableStateOf(cluster.objects(), scheduler, scenario.ignoredFields);
  }
}
