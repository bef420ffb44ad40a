/**
 * One run of a scenario with the faults that are injected into it. The same scenario, seed and
 * faults make the same run.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import { seededRandom, VirtualClock } from '../virtual-clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import { definitionsFor } from '../testing/definitions.ts';
import type { DeploymentObject } from '../simulators/deployments.ts';
import type { QueryMetrics, RunningSimulator } from '../simulators/simulator.ts';
import { ChangeLog } from './change-log.ts';
import { createSnapshot, isIgnoredKind } from './cluster-snapshot.ts';
import { createDeterminismGuard } from './determinism-guard.ts';
import { EventLoop, QUIESCENCE } from './event-loop.ts';
import { FaultyQueries } from './faulty-queries.ts';
import { FaultyRollouts } from './faulty-rollouts.ts';
import type { Fault } from './fault.ts';
import { FAULTS, needsElection } from './fault.ts';
import type { FaultSites, SiteType } from './fault-sites.ts';
import { FaultSiteCounter } from './fault-sites.ts';
import { FirstPhase } from './first-phase.ts';
import { ForeignObjects } from './foreign-objects.ts';
import type { Violation } from './invariants.ts';
import { findExcessWrites, InvariantChecker } from './invariants.ts';
import { KindOutages } from './kind-outages.ts';
import { changedFields, formatChanges } from './object-changes.ts';
import type { OperatorProcess } from './operator-process.ts';
import { OwnersManifests } from './owners.ts';
import { People } from './people.ts';
import type { QuiescentState } from './quiescence.ts';
import { Quiescence } from './quiescence.ts';
import { Readiness } from './readiness.ts';
import type { OperatorUnderTest } from './replicas.ts';
import { Replicas } from './replicas.ts';
import type { RunContext } from './run-context.ts';
import type { TraceEntry } from './run-trace.ts';
import { objectName, RunTrace } from './run-trace.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';
import { minStepIntervalsOf } from './step-intervals.ts';
import { StepExecutor, User } from './user.ts';

/** What happened in one run. */
export interface RunResult {
  /** The faults that were to be injected. */
  readonly faults: readonly Fault[];
  /** The fault sites, in the order of the run. */
  readonly faultSites: FaultSites;
  /** The cluster at each quiescence, in the order of the run. */
  readonly quiescentStates: readonly QuiescentState[];
  /** The violations of invariants, in the order of the run. Empty: all invariants held. */
  readonly violations: readonly Violation[];
  /** What happened, in order. */
  readonly trace: readonly TraceEntry[];
  /** Number of changes that the operator's requests made. */
  readonly writes: number;
  /** The shortest interval between two steps of each phase, in milliseconds. */
  readonly shortestStepIntervals: ReadonlyMap<string, number>;
  /** The phases that a resource was in, in the order of the run. */
  readonly phases: readonly string[];
  /**
   * Why no resource has left the first phase, in sentences. Empty: one has, or the operator has one
   * phase only.
   */
  readonly heldInFirstPhase: readonly string[];
  /** The resources at the end. */
  readonly resources: readonly KubeObject[];
}

/** The part of the baseline run that other runs are compared with. */
export type BaselineResult = Pick<
  RunResult,
  'quiescentStates' | 'writes' | 'shortestStepIntervals'
>;

/** What determines a run. */
export interface RunOptions {
  /** The operator. */
  readonly subject: OperatorUnderTest;
  /** The scenario. */
  readonly scenario: Scenario;
  /** Seed of all random sources. */
  readonly seed: number;
  /** Faults to inject. */
  readonly faults: readonly Fault[];
  /** The baseline run. Undefined: this is the baseline run. */
  readonly baseline: BaselineResult | undefined;
}

const returnNoData: QueryMetrics = async () => ({ type: 'noData' });

/** Runs a scenario once. */
export class ScenarioRun implements RunContext {
  readonly clock = new VirtualClock();
  readonly cluster = new Cluster({ clock: this.clock });
  readonly trace = new RunTrace(this.clock);
  readonly scheduler: Scheduler;
  readonly policyRules: PolicyRules | undefined;
  readonly eventLoop: EventLoop;
  readonly invariantChecker: InvariantChecker;
  readonly people: People;
  readonly kindOutages: KindOutages;
  readonly #options: RunOptions;
  readonly #snapshot: ClusterSnapshot;
  readonly #faultSites: FaultSiteCounter;
  readonly #replicas: Replicas;
  readonly #user: User;
  readonly #quiescence: Quiescence;
  readonly #stepExecutor: StepExecutor;
  /** Phases of the resources, by uid. */
  readonly #phases = new Map<string, string>();
  readonly #owners = new OwnersManifests();
  readonly #foreignObjects: ForeignObjects;
  readonly #readiness: Readiness;
  readonly #queries: FaultyQueries;
  #simulators: readonly RunningSimulator[] = [];
  readonly #phasesEntered = new Set<string>();
  readonly #changeLog: ChangeLog;
  readonly #firstPhase: FirstPhase;
  #queryMetrics: QueryMetrics = returnNoData;

  /**
   * Each part is created after the parts that it reads. The parts refer to each other in a circle,
   * so the callbacks read `this` when they are called, which is after the constructor.
   */
  private constructor(options: RunOptions) {
    const { subject, scenario, faults, baseline } = options;
    const { clock, cluster } = this;
    const scheduler =
      typeof subject.scheduler === 'function' ? subject.scheduler() : subject.scheduler;
    const snapshot = createSnapshot(cluster, scheduler);
    this.#options = options;
    this.scheduler = scheduler;
    this.policyRules = subject.policyRules;
    this.#snapshot = snapshot;
    this.#faultSites = new FaultSiteCounter(faults, scenario.ignoredFaults);
    this.#firstPhase = new FirstPhase(scheduler);
    this.#changeLog = new ChangeLog(scenario.ignoredFields ?? []);
    this.invariantChecker = new InvariantChecker({
      scheduler,
      scenario,
      cluster,
      clock,
      snapshot,
      hasElection: needsElection(faults),
      minStepIntervals: minStepIntervalsOf(scenario, baseline?.shortestStepIntervals, faults),
    });
    this.eventLoop = new EventLoop({
      clock,
      onInstant: () => this.#injectInstantFault(),
      onAbort: (invariant, detail) => this.#abort(invariant, detail),
    });
    const { eventLoop, trace, invariantChecker } = this;
    const owners = this.#owners;
    this.people = new People({ cluster, scheduler, owners, eventLoop, trace, invariantChecker });
    this.kindOutages = new KindOutages({ cluster, owners, eventLoop, invariantChecker });
    this.#foreignObjects = new ForeignObjects({ cluster, scheduler, owners, invariantChecker });
    this.#readiness = new Readiness({
      cluster,
      scheduler,
      simulators: () => this.#simulators,
      invariantChecker,
      isBaseline: faults.length === 0,
    });
    this.#queries = new FaultyQueries(this);
    this.#user = new User(cluster, scheduler, trace, owners);
    this.#quiescence = new Quiescence({
      eventLoop: this.eventLoop,
      faultSites: this.#faultSites,
      cluster,
      snapshot,
      scheduler,
      scenario,
      people: this.people,
      checkInvariants: () => this.#checkQuiescence(),
      faults,
      expected: baseline?.quiescentStates,
    });
    this.#stepExecutor = this.#createStepExecutor();
    this.#replicas = this.#createReplicas();
  }

  #createStepExecutor(): StepExecutor {
    return new StepExecutor({
      scenario: this.#options.scenario,
      eventLoop: this.eventLoop,
      quiescence: this.#quiescence,
      user: this.#user,
      snapshot: this.#snapshot,
      isBaseline: this.#options.baseline === undefined,
      isViolated: () => this.invariantChecker.violations.length > 0,
    });
  }

  #createReplicas(): Replicas {
    const { subject, scenario, seed, faults } = this.#options;
    const onViolation = (sentence: string): void =>
      this.invariantChecker.report('workers depend on nothing but their context', sentence);
    return new Replicas(
      {
        subject,
        scenario,
        seed,
        queryMetrics: (process) =>
          this.#queries.wrap(process, (promql, signal) => this.#queryMetrics(promql, signal)),
        hasElection: needsElection(faults),
        guard: createDeterminismGuard(this.clock, seededRandom(seed + 1), onViolation),
      },
      this,
    );
  }

  /**
   * Runs a scenario once.
   *
   * @throws Error when a step of the scenario is not possible in the baseline run.
   */
  static async run(options: RunOptions): Promise<RunResult> {
    return new ScenarioRun(options).#run();
  }

  async #run(): Promise<RunResult> {
    await this.#createObjects();
    this.cluster.onChange((before, after) => this.#recordChange(before, after));
    this.#startSimulators();
    await this.#startOperator();
    await this.#stepExecutor.run();
    this.#reportExcessWrites();
    this.invariantChecker.checkEnd();
    this.#replicas.killAll();
    for (const simulator of this.#simulators) {
      simulator.stop?.();
    }
    return this.#result();
  }

  async #createObjects(): Promise<void> {
    const { subject, scenario } = this.#options;
    const { objects = [] } = scenario;
    const provided = { ...subject, objects };
    for (const definition of definitionsFor(this.cluster, this.scheduler, provided)) {
      await this.#user.create(definition as ObjectManifest);
    }
    for (const object of objects) {
      await this.#user.create(object);
    }
  }

  #startSimulators(): void {
    const { simulators = [], queryMetrics } = this.#options.scenario;
    const rollouts = new FaultyRollouts(this, () => this.#refreshSimulators());
    this.#simulators = simulators.map((simulator) =>
      simulator({
        cluster: this.cluster,
        scheduler: this.scheduler,
        rolloutOf: (deployment) => rollouts.stateOf(deployment as DeploymentObject),
      }),
    );
    const answering = this.#simulators.find((simulator) => simulator.queryMetrics !== undefined);
    this.#queryMetrics = queryMetrics ?? answering?.queryMetrics ?? returnNoData;
  }

  #refreshSimulators(): void {
    for (const simulator of this.#simulators) {
      simulator.refresh?.();
    }
  }

  async #startOperator(): Promise<void> {
    this.#replicas.startProcess(false);
    await this.eventLoop.settle();
    if (needsElection(this.#options.faults)) {
      this.#replicas.startProcess(true);
    }
    await this.eventLoop.runInstant();
  }

  #reportExcessWrites(): void {
    const { faults, baseline } = this.#options;
    for (const { invariant, detail } of findExcessWrites(
      this.invariantChecker,
      faults.length,
      baseline?.writes,
    )) {
      this.invariantChecker.report(invariant, detail);
    }
  }

  #result(): RunResult {
    return {
      faults: this.#options.faults,
      faultSites: this.#faultSites.visited,
      quiescentStates: this.#quiescence.states,
      violations: this.invariantChecker.violations,
      trace: this.trace.entries,
      writes: this.invariantChecker.writes,
      shortestStepIntervals: this.invariantChecker.stepIntervals.shortest,
      phases: [...this.#phasesEntered],
      heldInFirstPhase: this.#firstPhase.describe(this.#phasesEntered, this.cluster),
      resources: this.#snapshot.list(this.scheduler.resource.kind),
    };
  }

  visitSite(
    type: 'request' | 'event' | 'call',
    action: string,
    isWrite = false,
  ): Fault | undefined {
    this.eventLoop.recordActivity();
    const fault = this.#faultSites.visit(type, `${this.#situation} ${action}`, isWrite);
    if (fault !== undefined) {
      this.eventLoop.lastFaultAt = this.clock.monotonic();
    }
    return fault;
  }

  visitOnce(type: SiteType, action: string, objectKind: string): Fault | undefined {
    const fault = this.#faultSites.visitOnce(type, `${this.#situation} ${action}`, objectKind);
    if (fault !== undefined) {
      this.eventLoop.recordActivity();
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

  /** @returns true if a fault was injected. */
  #injectInstantFault(): boolean {
    const hasActed = this.#actForPeople();
    const fault = this.#faultSites.visit('instant', `${this.#situation} nothing is due`);
    if (fault === undefined) {
      return hasActed;
    }
    this.trace.add('', 'nothing is due', FAULTS[fault.kind].description);
    this.#replicas.injectFault(fault.kind);
    return true;
  }

  async #checkQuiescence(): Promise<void> {
    this.#readiness.check();
    await this.#foreignObjects.check();
  }

  /** @returns true if a person acts at this instant. */
  #actForPeople(): boolean {
    let hasActed = false;
    for (const site of this.people.sites()) {
      const fault = this.visitOnce(site.type, '', site.object.kind);
      if (fault !== undefined) {
        hasActed = true;
        this.people.act(fault, site);
      }
    }
    return hasActed;
  }

  #abort(invariant?: string, detail = ''): void {
    if (invariant !== undefined) {
      const cause = invariant === QUIESCENCE ? this.#changeLog.describeRepetition() : '';
      this.invariantChecker.report(invariant, `${detail}${cause}`);
    }
    this.#replicas.killAll();
  }

  /** The number of changes by users, and the phases of the resources. */
  get #situation(): string {
    return `${this.#stepExecutor.changesMade} ${[...this.#phases.values()].join(' ')}`;
  }

  #recordChange(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined || isIgnoredKind(object)) {
      return;
    }
    const changes = before && after && changedFields(before, after);
    if (changes === undefined || !this.#changeLog.isIgnored(object, changes)) {
      this.eventLoop.recordChange();
      this.#faultSites.recordChange();
    }
    if (changes !== undefined && changes.length > 0) {
      this.#changeLog.record(object, changes);
      this.trace.add('', `  ${objectName(object)}: ${formatChanges(changes)}`);
    }
    if (object.kind === this.scheduler.resource.kind) {
      const { phase = 'none' } = (after?.status ?? {}) as { readonly phase?: string };
      this.#phases.set(object.metadata.uid ?? '', after === undefined ? 'gone' : phase);
      if (phase !== 'none') {
        this.#phasesEntered.add(phase);
      }
      this.#firstPhase.observe(after);
    }
    this.people.observe(before, after);
    this.#foreignObjects.observe(before, after);
    this.#readiness.observe(before, after);
    this.invariantChecker.checkChange(before, after);
  }
}
