/**
 * One flight of a scenario with the faults that were put into it. The same scenario, seed and
 * faults make the same flight.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/internal';
import { seededRandom, VirtualClock } from '../virtual-clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import { permissiveCrd } from '../testing/sandbox.ts';
import type { QueryMetrics } from '../simulators/simulator.ts';
import { EventLoop } from './event-loop.ts';
import type { Fault, FaultSites } from './fault.ts';
import { FAULTS, needsElection } from './fault.ts';
import type { OperatorUnderTest } from './replicas.ts';
import { Replicas } from './replicas.ts';
import type { RunContext } from './run-context.ts';
import { createSnapshot } from './cluster-snapshot.ts';
import type { Violation } from './invariants.ts';
import { InvariantChecker } from './invariants.ts';
import { createDeterminismGuard } from './determinism-guard.ts';
import { FaultSiteCounter } from './fault-sites.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { QuiescentState } from './quiescence.ts';
import { Quiescence } from './quiescence.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';
import { StepExecutor } from './step-executor.ts';
import { isIgnoredKind } from './ignored-kinds.ts';
import type { TraceEntry } from './run-trace.ts';
import { RunTrace } from './run-trace.ts';
import { User } from './user.ts';
import { findExcessWrites, minStepIntervalsOf } from './run-checks.ts';

export interface RunResult {
  readonly faults: readonly Fault[];
  readonly faultSites: FaultSites;
  readonly quiescentStates: readonly QuiescentState[];
  readonly violations: readonly Violation[];
  readonly trace: readonly TraceEntry[];
  readonly writes: number;
  /** The closest that two steps of each phase came, in milliseconds. */
  readonly shortestStepIntervals: ReadonlyMap<string, number>;
  /** The resources at the end. */
  readonly resources: readonly KubeObject[];
}

/** What a flight is held to: the one without faults. */
export type BaselineResult = Pick<
  RunResult,
  'quiescentStates' | 'writes' | 'shortestStepIntervals'
>;

export class ScenarioRun implements RunContext {
  readonly clock = new VirtualClock();
  readonly cluster = new Cluster({ clock: this.clock });
  readonly trace = new RunTrace(this.clock);
  readonly invariantChecker: InvariantChecker;
  readonly scheduler: Scheduler;
  readonly policyRules: PolicyRules | undefined;
  readonly eventLoop: EventLoop;
  readonly #scenario: Scenario;
  readonly #faults: readonly Fault[];
  readonly #baseline: BaselineResult | undefined;
  readonly #snapshot: ClusterSnapshot;
  readonly #replicas: Replicas;
  readonly #user: User;
  readonly #faultSites: FaultSiteCounter;
  readonly #quiescence: Quiescence;
  readonly #stepExecutor: StepExecutor;
  readonly #hasElection: boolean;
  /** Of the resources, by uid. */
  readonly #phases = new Map<string, string>();
  #queryMetrics: QueryMetrics = answerNoData;

  private constructor(
    subject: OperatorUnderTest,
    scenario: Scenario,
    seed: number,
    faults: readonly Fault[],
    baseline: BaselineResult | undefined,
  ) {
    const { clock, cluster, trace } = this;
    this.#scenario = scenario;
    this.policyRules = subject.policyRules;
    this.#faults = faults;
    this.#baseline = baseline;
    const faultSites = (this.#faultSites = new FaultSiteCounter(faults));
    const election = (this.#hasElection = needsElection(faults));
    const scheduler = (this.scheduler =
      typeof subject.scheduler === 'function' ? subject.scheduler() : subject.scheduler);
    const snapshot = (this.#snapshot = createSnapshot(cluster, scheduler));
    const invariantChecker = (this.invariantChecker = new InvariantChecker({
      scheduler,
      scenario,
      cluster,
      clock,
      snapshot,
      hasElection: election,
      minStepIntervals: minStepIntervalsOf(scenario, baseline?.shortestStepIntervals, faults),
    }));
    const onViolation = (sentence: string): void =>
      invariantChecker.report('workers depend on nothing but their context', sentence);
    this.#replicas = new Replicas(
      {
        subject,
        scenario,
        seed,
        queryMetrics: () => this.#queryMetrics,
        hasElection: election,
        guard: createDeterminismGuard(clock, seededRandom(seed + 1), onViolation),
      },
      this,
    );
    const user = (this.#user = new User(cluster, scheduler, trace));
    const eventLoop = (this.eventLoop = new EventLoop({
      clock,
      onInstant: () => this.#injectInstantFault(),
      onAbort: (...broken) => this.#abort(...broken),
    }));
    const quiescence = (this.#quiescence = new Quiescence({
      eventLoop,
      faultSites,
      cluster,
      snapshot,
      scheduler,
      scenario,
      faults,
      expected: baseline?.quiescentStates,
    }));
    const isViolated = (): boolean => invariantChecker.violations.length > 0;
    this.#stepExecutor = new StepExecutor({
      scenario,
      eventLoop,
      quiescence,
      user,
      snapshot,
      isBaseline: baseline === undefined,
      isViolated,
    });
  }

  /**
   * @param baseline the flight without faults. Absent: this is that one, and its places of rest are
   * waited for with patience.
   */
  static async run(
    subject: OperatorUnderTest,
    scenario: Scenario,
    seed: number,
    faults: readonly Fault[],
    baseline?: BaselineResult,
  ): Promise<RunResult> {
    return new ScenarioRun(subject, scenario, seed, faults, baseline).#run(subject);
  }

  async #run({ crd = permissiveCrd(this.scheduler) }: OperatorUnderTest): Promise<RunResult> {
    const { cluster, eventLoop } = this;
    const { objects = [], simulators = [] } = this.#scenario;
    await this.#user.create(crd as ObjectManifest);
    for (const object of objects) {
      await this.#user.create(object);
    }
    cluster.onChange((before, after) => this.#recordChange(before, after));
    const runningSimulators = simulators.map((simulator) =>
      simulator({ cluster, scheduler: this.scheduler }),
    );
    this.#queryMetrics =
      this.#scenario.queryMetrics ??
      runningSimulators.find(({ queryMetrics }) => queryMetrics !== undefined)?.queryMetrics ??
      answerNoData;
    this.#replicas.startProcess(false);
    await eventLoop.settle();
    if (this.#hasElection) {
      this.#replicas.startProcess(true);
    }
    await eventLoop.runInstant();
    await this.#stepExecutor.run();
    for (const [invariant, detail] of findExcessWrites(
      this.invariantChecker,
      this.#faults.length,
      this.#baseline?.writes,
    )) {
      this.invariantChecker.report(invariant, detail);
    }
    this.#replicas.killAll();
    for (const simulator of runningSimulators) {
      simulator.stop?.();
    }
    return {
      faults: this.#faults,
      faultSites: this.#faultSites.visited,
      quiescentStates: this.#quiescence.states,
      violations: this.invariantChecker.violations,
      trace: this.trace.entries,
      writes: this.invariantChecker.writes,
      shortestStepIntervals: this.invariantChecker.stepIntervals.shortest,
      resources: this.#snapshot.list(this.scheduler.resource.kind),
    };
  }

  visitSite(type: 'request' | 'event' | 'call', action: string, write = false): Fault | undefined {
    this.eventLoop.recordActivity();
    const fault = this.#faultSites.visit(type, `${this.#situation} ${action}`, write);
    if (fault !== undefined) {
      this.eventLoop.lastFaultAt = this.clock.monotonic();
    }
    return fault;
  }

  killProcess(process: OperatorProcess): void {
    this.#replicas.kill(process);
  }

  delayOtherWatches(process: OperatorProcess, ms: number): void {
    this.#replicas.delayOtherWatches(process, ms);
  }

  /** A quiet instant is a place too. */
  #injectInstantFault(): boolean {
    const fault = this.#faultSites.visit('instant', `${this.#situation} all is quiet`);
    if (fault === undefined) {
      return false;
    }
    this.trace.add('', 'all is quiet', FAULTS[fault.kind].description);
    this.#replicas.injectFault(fault.kind);
    return true;
  }

  #abort(invariant?: string, detail = ''): void {
    if (invariant !== undefined) {
      this.invariantChecker.report(invariant, detail);
    }
    this.#replicas.killAll();
  }

  /** How much people have done, and which phases the resources are in. */
  get #situation(): string {
    return `${this.#stepExecutor.changesMade} ${[...this.#phases.values()].join(' ')}`;
  }

  #recordChange(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined || isIgnoredKind(object)) {
      return;
    }
    this.eventLoop.recordChange();
    if (object.kind === this.scheduler.resource.kind) {
      const { phase = 'none' } = (after?.status ?? {}) as { readonly phase?: string };
      this.#phases.set(object.metadata.uid ?? '', after === undefined ? 'gone' : phase);
    }
    this.invariantChecker.checkChange(before, after);
  }
}

const answerNoData: QueryMetrics = async () => ({ type: 'noData' });
