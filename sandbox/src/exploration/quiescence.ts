/**
 * Quiescence: nothing is due any more, and the cluster is in the state of the baseline run at the
 * same step.
 */
import type { Scheduler } from 'autopilot-runtime';
import { parseDuration } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { EventLoop } from './event-loop.ts';
import type { ComparableState } from './comparable-state.ts';
import { compareStates, comparableStateOf } from './comparable-state.ts';
import type { Fault } from './fault.ts';
import { hasClockJump } from './fault.ts';
import type { FaultSiteCounter } from './fault-sites.ts';
import type { People } from './people.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';

/** The cluster at a moment of quiescence. */
export interface QuiescentState {
  /** The objects in their comparable form. */
  readonly state: ComparableState;
  /** The longest time between two changes before it, in milliseconds. */
  readonly longestGapMs: number;
}

/** Time without a change before the state of a run with faults is compared: at least 30 s. */
const MIN_QUIET_MS = 30_000;
/** Time without a change after which a wrong state is final. A dead watch is noticed by then. */
const MAX_QUIET_MS = 1_200_000;
/** Differences between two states that a finding shows. */
const MAX_DIFFERENCES = 6;

/** The invariant that a run violates which ends in another state than the baseline run. */
export const FINAL_STATE = 'the final state is that of the baseline run';

const REPEATED_RUN =
  'this was the same run once more: a worker keeps something in memory, such as a variable outside its function';

/** What {@link Quiescence} reads. */
export interface QuiescenceOptions {
  /** Moves virtual time. */
  readonly eventLoop: EventLoop;
  /** Counts fault sites, of which idle ones are dropped. */
  readonly faultSites: FaultSiteCounter;
  /** The cluster. */
  readonly cluster: Cluster;
  /** Passed to the scenario's `accepts`. */
  readonly snapshot: ClusterSnapshot;
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /** The scenario. */
  readonly scenario: Scenario;
  /** Acts of people. A resource that a person has deleted is in another state than expected. */
  readonly people: People;
  /** Checks what must hold at quiescence. */
  readonly checkInvariants: () => Promise<void>;
  /** Faults of the run. */
  readonly faults: readonly Fault[];
  /** States of the baseline run, in their order. Undefined: this is the baseline run. */
  readonly expected: readonly QuiescentState[] | undefined;
}

/** Waits for quiescence and checks the state of the cluster. */
export class Quiescence {
  /** The quiescent states so far. */
  readonly states: QuiescentState[] = [];
  readonly #options: QuiescenceOptions;

  constructor(options: QuiescenceOptions) {
    this.#options = options;
  }

  /** Time without a change after which nothing more is expected to happen, in milliseconds. */
  get quietPeriodMs(): number {
    const { expected, scenario } = this.#options;
    return expected === undefined ? parseDuration(scenario.quietPeriod ?? '10m') : MAX_QUIET_MS;
  }

  /** Runs until nothing changes any more. A state that is not the expected one ends the run. */
  async waitForQuiescence(): Promise<void> {
    const { eventLoop, faultSites } = this.#options;
    const startedAt = eventLoop.now();
    const expected = this.#options.expected?.[this.states.length];
    const requiredQuietMs = this.#requiredQuietMs(expected);
    let last = (eventLoop.lastChangeAt = startedAt);
    let longestGapMs = 0;
    faultSites.markActivity();
    while (!eventLoop.isOver) {
      const quietMs = eventLoop.now() - Math.max(eventLoop.lastChangeAt, eventLoop.lastFaultAt);
      if (
        quietMs >= requiredQuietMs &&
        !eventLoop.hasActiveFault &&
        this.#isExpectedState(expected, quietMs >= this.quietPeriodMs)
      ) {
        faultSites.dropIdleSites();
        await this.#options.checkInvariants();
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

  /** The baseline run waits for the whole quiet period, so that it does not miss a late change. */
  #requiredQuietMs(expected: QuiescentState | undefined): number {
    return expected === undefined
      ? this.quietPeriodMs
      : Math.max(MIN_QUIET_MS, expected.longestGapMs * 1.25 + 10_000);
  }

  /** @returns true if a state other than that of the baseline run is right too. */
  isAcceptedDeviation(): boolean {
    const { snapshot, scheduler, faults, people } = this.#options;
    return (
      this.#isAccepted() ||
      people.hasDeletedResource ||
      (hasClockJump(faults) && hasTimedOut(snapshot, scheduler))
    );
  }

  /** @param isFinal true: no more time is left, so a wrong state is a finding. */
  #isExpectedState(expected: QuiescentState | undefined, isFinal: boolean): boolean {
    if (expected === undefined) {
      this.#abortIfStalled();
      return true;
    }
    const differences = compareStates(expected.state, this.#comparableState());
    if (differences.length === 0 || this.isAcceptedDeviation()) {
      return true;
    }
    if (isFinal) {
      this.#abortWithDifferences(differences);
    }
    return false;
  }

  /** A resource that stalls without faults is a mistake, unless the scenario accepts its state. */
  #abortIfStalled(): void {
    const { eventLoop, snapshot, scheduler } = this.#options;
    const reason = findStalledResource(snapshot, scheduler);
    if (reason !== undefined && !this.#isAccepted()) {
      eventLoop.abort('nothing stalls without a fault', reason);
    }
  }

  #abortWithDifferences(differences: readonly string[]): void {
    const { eventLoop, faults } = this.#options;
    const lines = [
      ...differences.slice(0, MAX_DIFFERENCES),
      ...(faults.length === 0 ? [REPEATED_RUN] : []),
    ];
    eventLoop.abort(FINAL_STATE, lines.join('; '));
  }

  #isAccepted(): boolean {
    const { scenario, snapshot, faults } = this.#options;
    const kinds = faults.map(({ kind }) => kind);
    return scenario.accepts?.(snapshot, kinds) === true;
  }

  #comparableState(): ComparableState {
    const { cluster, scheduler, scenario } = this.#options;
    return comparableStateOf(cluster.objects(), scheduler, scenario.ignoredFields);
  }
}

interface ResourceStatus {
  readonly phase?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly autopilot?: { readonly history?: readonly { readonly reason: string }[] };
}

function listStatuses(
  snapshot: ClusterSnapshot,
  { resource }: Scheduler,
): readonly ResourceStatus[] {
  return snapshot.list(resource.kind).map(({ status }) => (status ?? {}) as ResourceStatus);
}

/**
 * Finds a resource that is Stalled, or in a phase whose worker throws. A final phase that is not
 * ready does not count, and neither does a worker that is not implemented yet.
 *
 * @returns the phase and the message of the condition.
 */
function findStalledResource(snapshot: ClusterSnapshot, scheduler: Scheduler): string | undefined {
  for (const { phase, conditions = [] } of listStatuses(snapshot, scheduler)) {
    const stalled = conditions.find(
      ({ type, reason }) => type === 'Stalled' && reason !== phase && reason !== 'NotImplemented',
    );
    if (stalled !== undefined) {
      return `${phase ?? ''}: ${stalled.message}`;
    }
    const failing = conditions.find(
      ({ type, reason }) => type === 'Ready' && reason === 'WorkerError',
    );
    if (failing !== undefined) {
      return `${phase ?? ''} fails whenever it is called: ${failing.message}`;
    }
  }
  return undefined;
}

/**
 * @returns true if a phase of a resource has timed out. After a jump of the wall clock a timeout
 * may come early or late, so the state that follows from it is right.
 */
function hasTimedOut(snapshot: ClusterSnapshot, scheduler: Scheduler): boolean {
  return listStatuses(snapshot, scheduler).some(
    ({ autopilot }) => autopilot?.history?.some(({ reason }) => reason === 'Timeout') === true,
  );
}
