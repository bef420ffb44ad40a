/**
 * Exploration: runs a scenario without faults, then with single faults, with pairs of faults and
 * with other orders of events. A run that violates an invariant is shrunk and can be replayed.
 */
import type { Scheduler } from 'autopilot-runtime';
import { seededRandom } from '../virtual-clock.ts';
import type { Fault, FaultKind } from './fault.ts';
import { FAULT_KINDS, formatToken } from './fault.ts';
import type { FaultSites } from './fault-sites.ts';
import type { Violation } from './invariants.ts';
import type { PlannedRun, PlanStage } from './fault-plan.ts';
import { FaultPlan } from './fault-plan.ts';
import type { Scenario } from './scenario.ts';
import { shrinkFaults } from './shrink.ts';
import type { TraceEntry } from './run-trace.ts';
import type { OperatorUnderTest } from './replicas.ts';
import type { RunResult } from './scenario-run.ts';
import { ScenarioRun } from './scenario-run.ts';

/** Settings of {@link explore}. */
export interface ExploreOptions {
  /** Seed of jitter and of the order of single faults, pairs and schedules. Default: 1. */
  readonly seed?: number;
  /**
   * Called before each run with the number of runs so far. Exploration ends when it returns false.
   * Default: all single faults are run, and nothing else.
   */
  readonly hasBudget?: (runs: number) => boolean;
  /** Kinds of faults to inject. Default: all. */
  readonly faultKinds?: readonly FaultKind[];
  /** Number of violated invariants after which exploration ends. Default: 3. */
  readonly maxFindings?: number;
  /** Called before each run. */
  readonly onProgress?: (progress: ExplorationProgress) => void;
  /** Starts the runs with faults. Default: in this thread, one run after the other. */
  readonly launchRun?: LaunchRun;
}

/**
 * Starts or queues a run. The same faults make the same run in every thread.
 *
 * @returns a function that waits for the result.
 */
export type LaunchRun = (faults: readonly Fault[]) => () => Promise<RunResult>;

/**
 * Runs that are planned before the first of them has ended, so that other threads can run them at
 * the same time. The number is fixed, so that the plan is the same for any number of threads.
 */
const RUNS_AHEAD = 16;

/** How far an exploration is. */
export interface ExplorationProgress {
  /** Name of the scenario. */
  readonly scenario: string;
  /** What the next run is for. */
  readonly stage: PlanStage | 'shrinking';
  /** Number of runs so far. */
  readonly runs: number;
  /** Number of single faults that were run, and of all single faults. */
  readonly singles: readonly [runs: number, all: number];
  /** Number of violated invariants. */
  readonly findings: number;
}

/** A violated invariant, with the shortest run known to violate it. */
export interface Finding {
  /** The violation in the shortest run. */
  readonly violation: Violation;
  /** Faults of the shortest run. */
  readonly faults: readonly Fault[];
  /** Number of the run that violated the invariant first, from 1. */
  readonly foundInRun: number;
  /** Number of runs that violated the same invariant. Runs for shrinking do not count. */
  readonly occurrences: number;
  /** Trace of the shortest run. */
  readonly trace: readonly TraceEntry[];
  /** Token of the shortest run, for `npm run verify -- --replay`. */
  readonly token: string;
}

/** Result of an exploration. */
export interface Exploration {
  /** Name of the scenario. */
  readonly scenario: string;
  /** Seed of the exploration. */
  readonly seed: number;
  /** Number of all runs: baseline runs, runs for shrinking, single faults, pairs and schedules. */
  readonly runs: number;
  /** Number of single faults that were run, and of all single faults. */
  readonly singles: readonly [runs: number, all: number];
  /** Number of runs with two faults. */
  readonly pairs: number;
  /** Number of runs with another order of events. */
  readonly schedules: number;
  /** Phases that a resource was in, in any run, and phases that none was in. */
  readonly phases: { readonly entered: readonly string[]; readonly never: readonly string[] };
  /** Fault sites of the baseline run. */
  readonly faultSites: FaultSites;
  /** The baseline run. */
  readonly baseline: RunResult;
  /** The violated invariants. Empty: all invariants held in every run. */
  readonly findings: readonly Finding[];
}

/**
 * Explores a scenario.
 *
 * @param subject the operator, or only its scheduler.
 * @param scenario what happens around the operator.
 * @param options budget, seed and more.
 * @throws Error when a step of the scenario is not possible without faults.
 *
 * @example
 * const { findings } = await explore({ scheduler, crd }, life);
 * expect(findings).to.deep.equal([]);
 */
export async function explore(
  subject: OperatorUnderTest | Scheduler,
  scenario: Scenario,
  options: ExploreOptions = {},
): Promise<Exploration> {
  return new Explorer(toOperatorUnderTest(subject), scenario, options).explore();
}

/** Settings of {@link runScenario}. */
export interface RunScenarioOptions {
  /** Seed of all random sources. Default: 1. */
  readonly seed?: number;
  /** Faults to inject. Default: none. */
  readonly faults?: readonly Fault[];
  /** The baseline run, with which this run is compared. Default: this is the baseline run. */
  readonly baseline?: RunResult;
}

/**
 * Runs a scenario once.
 *
 * @throws Error when a step of the scenario is not possible in the baseline run.
 */
export async function runScenario(
  subject: OperatorUnderTest,
  scenario: Scenario,
  { seed = 1, faults = [], baseline }: RunScenarioOptions,
): Promise<RunResult> {
  return ScenarioRun.run({ subject, scenario, seed, faults, baseline });
}

/**
 * Repeats a run of an exploration, after a baseline run.
 *
 * @param subject the operator, or only its scheduler.
 * @param scenario the scenario of the exploration.
 * @param faults faults of the run, from {@link parseToken} or a {@link Finding}.
 * @param seed seed of the exploration. Default: 1.
 * @throws Error when a step of the scenario is not possible without faults.
 */
export async function replay(
  subject: OperatorUnderTest | Scheduler,
  scenario: Scenario,
  faults: readonly Fault[],
  seed = 1,
): Promise<RunResult> {
  const operator = toOperatorUnderTest(subject);
  const baseline = await runScenario(operator, scenario, { seed });
  return runScenario(operator, scenario, { seed, faults, baseline });
}

function toOperatorUnderTest(subject: OperatorUnderTest | Scheduler): OperatorUnderTest {
  return 'phases' in subject ? { scheduler: subject } : subject;
}

/** A planned run that was launched. */
interface LaunchedRun extends PlannedRun {
  readonly waitForResult: () => Promise<RunResult>;
}

class Explorer {
  readonly #subject: OperatorUnderTest;
  readonly #scenario: Scenario;
  readonly #options: ExploreOptions;
  readonly #seed: number;
  /** Findings by their invariant. */
  readonly #findings = new Map<string, Finding>();
  /** Phases that a resource was in, in any run. */
  readonly #phases = new Set<string>();
  #baseline: RunResult | undefined;
  #runs = 0;
  #plan: FaultPlan | undefined;

  constructor(subject: OperatorUnderTest, scenario: Scenario, options: ExploreOptions) {
    this.#subject = subject;
    this.#scenario = scenario;
    this.#options = options;
    this.#seed = options.seed ?? 1;
  }

  async explore(): Promise<Exploration> {
    const { faultKinds = FAULT_KINDS } = this.#options;
    const random = seededRandom(this.#seed);
    const baseline = await this.#runBaseline();
    const plan = new FaultPlan(
      baseline.faultSites,
      faultKinds,
      random,
      this.#scenario.ignoredFaults,
    );
    this.#plan = plan;
    if (this.#findings.size === 0) {
      await this.#checkDeterminism(baseline);
      await this.#runPlan(plan);
    }
    return {
      scenario: this.#scenario.name,
      seed: this.#seed,
      runs: this.#runs,
      singles: [plan.runs.singles, plan.singles],
      pairs: plan.runs.pairs,
      schedules: plan.runs.schedules,
      phases: this.#listPhases(),
      faultSites: baseline.faultSites,
      baseline,
      findings: [...this.#findings.values()],
    };
  }

  #listPhases(): Exploration['phases'] {
    const { scheduler } = this.#subject;
    const { phases } = typeof scheduler === 'function' ? scheduler() : scheduler;
    const names = phases.map(({ name }) => name);
    return {
      entered: names.filter((name) => this.#phases.has(name)),
      never: names.filter((name) => !this.#phases.has(name)),
    };
  }

  /**
   * Runs the baseline twice. The second time it waits for quiescence only as long as runs with
   * faults do, so that its fault sites are those of a run with faults up to the first fault.
   */
  async #runBaseline(): Promise<RunResult> {
    const patientRun = await this.#run([]);
    await this.#recordResult(patientRun);
    this.#baseline = patientRun;
    const baseline = patientRun.violations.length === 0 ? await this.#run([]) : patientRun;
    await this.#recordResult(baseline);
    return baseline;
  }

  /** Runs the plan until the budget or the plan ends, or enough invariants are violated. */
  async #runPlan(plan: FaultPlan): Promise<void> {
    const { maxFindings = 3 } = this.#options;
    const ahead: LaunchedRun[] = [];
    while (this.#findings.size < maxFindings) {
      this.#launchAhead(plan, ahead);
      const first = ahead.shift();
      if (first === undefined) {
        return;
      }
      this.#reportProgress(first.stage);
      this.#runs++;
      const result = await first.waitForResult();
      plan.recordRun(first, result.faultSites);
      await this.#recordResult(result);
    }
  }

  /** Launches runs until {@link RUNS_AHEAD} of them have not been recorded. */
  #launchAhead(plan: FaultPlan, ahead: LaunchedRun[]): void {
    const { hasBudget, launchRun = (faults) => () => this.#runHere(faults) } = this.#options;
    while (ahead.length < RUNS_AHEAD && (hasBudget?.(this.#runs + ahead.length) ?? true)) {
      const next = plan.next(hasBudget === undefined);
      if (next === undefined) {
        return;
      }
      ahead.push({ ...next, waitForResult: launchRun(next.faults) });
    }
  }

  /** Repeats the baseline run. A worker that depends only on the cluster gives the same trace. */
  async #checkDeterminism(baseline: RunResult): Promise<void> {
    const second = await this.#run([]);
    const firstDifference = baseline.trace.findIndex(
      (entry, index) => JSON.stringify(entry) !== JSON.stringify(second.trace[index]),
    );
    if (firstDifference < 0 && baseline.trace.length === second.trace.length) {
      return;
    }
    const at = firstDifference < 0 ? baseline.trace.length : firstDifference;
    const [first, other] = [baseline.trace[at], second.trace[at]];
    const invariant = 'the same run gives the same trace again';
    const detail = `at first: ${first?.what ?? 'the end'}; then: ${other?.what ?? 'the end'}. A worker keeps something in memory, or uses random values of its own`;
    await this.#recordResult({
      ...second,
      violations: [...second.violations, { invariant, detail, at: other?.at ?? 0 }],
    });
  }

  #reportProgress(stage: ExplorationProgress['stage']): void {
    this.#options.onProgress?.({
      scenario: this.#scenario.name,
      stage,
      runs: this.#runs,
      singles: [this.#plan?.runs.singles ?? 0, this.#plan?.singles ?? 0],
      findings: this.#findings.size,
    });
  }

  #run(faults: readonly Fault[]): Promise<RunResult> {
    this.#runs++;
    return this.#runHere(faults);
  }

  #runHere(faults: readonly Fault[]): Promise<RunResult> {
    const baseline = this.#baseline;
    return runScenario(this.#subject, this.#scenario, {
      seed: this.#seed,
      faults,
      ...(baseline !== undefined && { baseline }),
    });
  }

  /** Records the first violation of a run. The others may be its consequences. */
  async #recordResult(result: RunResult): Promise<void> {
    for (const phase of result.phases) {
      this.#phases.add(phase);
    }
    const [violation] = result.violations;
    if (violation === undefined) {
      return;
    }
    const { invariant } = violation;
    const known = this.#findings.get(invariant);
    if (known !== undefined) {
      this.#findings.set(invariant, { ...known, occurrences: known.occurrences + 1 });
      return;
    }
    const foundInRun = this.#runs;
    this.#reportProgress('shrinking');
    const shortest =
      result.faults.length > 1
        ? await shrinkFaults(result, invariant, (faults) => this.#run(faults))
        : result;
    const { faults, trace, violations } = shortest;
    this.#findings.set(invariant, {
      violation: violations.find((one) => one.invariant === invariant) ?? violation,
      faults,
      foundInRun,
      occurrences: 1,
      trace,
      token: formatToken({ scenario: this.#scenario.name, seed: this.#seed, faults }),
    });
  }
}
