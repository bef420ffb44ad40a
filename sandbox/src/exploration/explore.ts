/**
 * Flies a scenario without faults, then with single faults, pairs of faults and other orders of
 * events in turns, as long as there is
 * budget; without one, with each single fault at each place it can stand. What is found is shrunk
 * and can be replayed.
 */
import type { Scheduler } from 'autopilot-runtime';
import { seededRandom } from '../virtual-clock.ts';
import type { Fault, FaultKind, FaultSites } from './fault.ts';
import { FAULT_KINDS, formatToken } from './fault.ts';
import type { Violation } from './invariants.ts';
import type { PlannedRun, PlanStage } from './fault-plan.ts';
import { FaultPlan } from './fault-plan.ts';
import type { Scenario } from './scenario.ts';
import { shrinkFaults } from './shrink.ts';
import type { TraceEntry } from './run-trace.ts';
import type { OperatorUnderTest } from './replicas.ts';
import type { RunResult } from './scenario-run.ts';
import { ScenarioRun } from './scenario-run.ts';

export interface ExploreOptions {
  /** Of chance: jitter, the order of single faults, pairs and schedules. Default 1. */
  readonly seed?: number;
  /**
   * Asked before each flight with the number of flights so far: is there budget for one more?
   * Absent: all single faults, no more.
   */
  readonly hasBudget?: (runs: number) => boolean;
  /** Default: all. */
  readonly faultKinds?: readonly FaultKind[];
  /** Promises that are found broken before exploration ends. Default 3. */
  readonly maxFindings?: number;
  readonly onProgress?: (progress: ExplorationProgress) => void;
  /**
   * Who flies what is not the flight without faults. Default: this thread, one flight after the
   * other.
   */
  readonly launchRun?: LaunchRun;
}

/**
 * Begins a flight, or notes it; what it returns waits for its end. The same faults make the same
 * flight, wherever it is flown.
 */
export type LaunchRun = (faults: readonly Fault[]) => () => Promise<RunResult>;

/**
 * Flights that are planned before the first of them is looked at: so many can be under way
 * elsewhere. The plan is always the same.
 */
const RUNS_AHEAD = 16;

export interface ExplorationProgress {
  readonly scenario: string;
  readonly stage: PlanStage | 'shrinking';
  readonly runs: number;
  /** Single faults flown, of how many. */
  readonly singles: readonly [runs: number, all: number];
  readonly findings: number;
}

/** A promise that some flight broke, with the shortest flight known to break it. */
export interface Finding {
  readonly violation: Violation;
  readonly faults: readonly Fault[];
  /** Of the flight that broke it first. */
  readonly foundInRun: number;
  /** Flights that broke the same promise. */
  readonly occurrences: number;
  readonly trace: readonly TraceEntry[];
  /** For `--replay`. */
  readonly token: string;
}

export interface Exploration {
  readonly scenario: string;
  readonly seed: number;
  /** Flights: those without faults, those that shrank a finding, and the following. */
  readonly runs: number;
  readonly singles: readonly [runs: number, all: number];
  readonly pairs: number;
  /** Flights with other orders of events. */
  readonly schedules: number;
  readonly faultSites: FaultSites;
  /** The flight without faults. */
  readonly baseline: RunResult;
  /** Empty: every promise was kept in every flight. */
  readonly findings: readonly Finding[];
}

/** @throws Error when the scenario itself cannot be flown */
export async function explore(
  subject: OperatorUnderTest | Scheduler,
  scenario: Scenario,
  options: ExploreOptions = {},
): Promise<Exploration> {
  return new Explorer(
    'phases' in subject ? { scheduler: subject } : subject,
    scenario,
    options,
  ).explore();
}

export interface RunScenarioOptions {
  readonly seed?: number;
  readonly faults?: readonly Fault[];
  /** The flight without faults, which others are held to. Absent: this is that one. */
  readonly baseline?: RunResult;
}

/** One flight of an exploration. */
export async function runScenario(
  subject: OperatorUnderTest,
  scenario: Scenario,
  { seed = 1, faults = [], baseline }: RunScenarioOptions,
): Promise<RunResult> {
  return ScenarioRun.run(subject, scenario, seed, faults, baseline);
}

/**
 * One flight, as a token says. Its violations are those that exploration found, or none when they
 * are mended.
 */
export async function replay(
  subject: OperatorUnderTest | Scheduler,
  scenario: Scenario,
  faults: readonly Fault[],
  seed = 1,
): Promise<RunResult> {
  const given: OperatorUnderTest = 'phases' in subject ? { scheduler: subject } : subject;
  return runScenario(given, scenario, {
    seed,
    faults,
    baseline: await runScenario(given, scenario, { seed }),
  });
}

class Explorer {
  readonly #subject: OperatorUnderTest;
  readonly #scenario: Scenario;
  readonly #options: ExploreOptions;
  readonly #seed: number;
  readonly #findings = new Map<string, Finding>();
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
    const patientRun = await this.#run([]);
    await this.#recordResult(patientRun);
    // Again, with as little patience as flights with faults get: their places are the same until
    // the first fault.
    this.#baseline = patientRun;
    const baseline = patientRun.violations.length === 0 ? await this.#run([]) : patientRun;
    await this.#recordResult(baseline);
    const plan = (this.#plan = new FaultPlan(baseline.faultSites, faultKinds, random));
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
      faultSites: baseline.faultSites,
      baseline,
      findings: [...this.#findings.values()],
    };
  }

  /** Until there is no budget any more, nothing to fly, or enough was found. */
  async #runPlan(plan: FaultPlan): Promise<void> {
    const {
      maxFindings = 3,
      hasBudget,
      launchRun = (faults) => () => this.#runHere(faults),
    } = this.#options;
    const ahead: (PlannedRun & { readonly waitForResult: () => Promise<RunResult> })[] = [];
    while (this.#findings.size < maxFindings) {
      while (ahead.length < RUNS_AHEAD && (hasBudget?.(this.#runs + ahead.length) ?? true)) {
        const next = plan.next(hasBudget === undefined);
        if (next === undefined) {
          break;
        }
        ahead.push({ ...next, waitForResult: launchRun(next.faults) });
      }
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

  /** The same flight twice: whoever goes another way depends on something else than the cluster. */
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
    const singles = [this.#plan?.runs.singles ?? 0, this.#plan?.singles ?? 0] as const;
    this.#options.onProgress?.({
      scenario: this.#scenario.name,
      stage,
      runs: this.#runs,
      singles,
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

  /** Takes what a flight broke, as its first violation: others may follow from it. */
  async #recordResult(result: RunResult): Promise<void> {
    const [violation] = result.violations;
    if (violation === undefined) {
      return;
    }
    const known = this.#findings.get(violation.invariant);
    if (known !== undefined) {
      this.#findings.set(violation.invariant, { ...known, occurrences: known.occurrences + 1 });
      return;
    }
    const foundInRun = this.#runs;
    this.#reportProgress('shrinking');
    const shortest =
      result.faults.length > 1
        ? await shrinkFaults(result, violation.invariant, (faults) => this.#run(faults))
        : result;
    const { faults, trace, violations } = shortest;
    this.#findings.set(violation.invariant, {
      violation: violations.find(({ invariant }) => invariant === violation.invariant) ?? violation,
      faults,
      foundInRun,
      occurrences: 1,
      trace,
      token: formatToken({ scenario: this.#scenario.name, seed: this.#seed, faults }),
    });
  }
}
