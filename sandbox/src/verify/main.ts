/**
 * `npm run verify` of a generated project: explores its scenarios within a budget of time and
 * prints a report.
 */
import { systemClock } from 'autopilot-runtime/internal';
import { availableParallelism } from 'node:os';
import type { Exploration, OperatorUnderTest, Scenario } from '../exploration/index.ts';
import { explore, replay, runScenario, scenarioSlug } from '../exploration/index.ts';
import type { VerifyArguments } from './arguments.ts';
import { parseArguments, USAGE } from './arguments.ts';
import type { ScenarioCost } from './budget.ts';
import { RUNS_PER_SINGLE, minutesForAll, budgetShare } from './budget.ts';
import { WorkerPool } from './worker-pool.ts';
import type { ProgressMeter } from './progress.ts';
import { createProgressMeter } from './progress.ts';
import type { VerifiedProject } from './load-project.ts';
import { loadProject } from './load-project.ts';
import { formatExploration, formatReplay, isUnfinished, isVacuous } from './exploration-report.ts';

/** Maximum of worker threads: each of them loads the project. */
const MAX_THREADS = 8;

/**
 * @param argv the arguments after the name of the program.
 * @returns the exit code: 0 all invariants held, 1 one was violated, 2 nothing was checked.
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const given = parseArguments(argv);
    if (given.help) {
      printLine(USAGE);
      return 0;
    }
    const project = await loadProject(process.cwd());
    return given.replay === undefined
      ? await exploreProject(project, given)
      : await replayRun(project, given.replay);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return 2;
  }
}

async function exploreProject(
  project: VerifiedProject,
  { budgetMs, seed, scenarios: names }: VerifyArguments,
): Promise<number> {
  const { scenarios } = project;
  const chosen =
    names.length === 0 ? scenarios : names.map((name) => findScenario(scenarios, name));
  if (chosen.length === 0) {
    throw new Error(
      'the project has no scenario: add a sample to examples/ or a scenario to test/scenarios/',
    );
  }
  printHeader(project, chosen);
  const verification = new Verification(project, budgetMs, seed);
  const costs = await verification.explore(chosen);
  const minutes = minutesForAll(costs);
  const hint = minutes === undefined ? '' : `; --budget ${minutes}m would run all single faults`;
  printLine(`\nseed ${seed}, ${Math.round(verification.elapsedMs() / 1000)} s${hint}`);
  if (verification.vacuous === chosen.length) {
    printLine('nothing was checked: no resource leaves its first phase');
    return 2;
  }
  return costs.every(({ isComplete }) => isComplete) ? 0 : 1;
}

function printHeader(
  { scheduler, chart, sharedModulesReason }: VerifiedProject,
  scenarios: readonly Scenario[],
): void {
  const names = scenarios.map(({ name }) => name).join(', ');
  printLine(`${scheduler.operatorName}, ${chart.source}: ${names}`);
  if (sharedModulesReason !== undefined) {
    printLine(
      `warning: modules cannot be reloaded (${sharedModulesReason}); state in module variables survives simulated crashes`,
    );
  }
}

/** Explores scenarios one after the other and divides the budget among them. */
class Verification {
  readonly #subject: OperatorUnderTest;
  readonly #budgetMs: number;
  readonly #seed: number;
  readonly #startedAt = systemClock.monotonic();
  readonly #progress: ProgressMeter;
  /** Number of scenarios that checked nothing, although every worker is implemented. */
  vacuous = 0;

  constructor(project: VerifiedProject, budgetMs: number, seed: number) {
    this.#subject = operatorOf(project);
    this.#budgetMs = budgetMs;
    this.#seed = seed;
    this.#progress = createProgressMeter(
      (text) => void process.stdout.write(text),
      () => (process.stdout.isTTY ? process.stdout.columns : undefined),
      budgetMs,
    );
  }

  /** @returns real time since the verification began, in milliseconds. */
  elapsedMs(): number {
    return systemClock.monotonic() - this.#startedAt;
  }

  /** Explores the scenarios and prints a report for each. */
  async explore(scenarios: readonly Scenario[]): Promise<readonly ScenarioCost[]> {
    const pool = new WorkerPool(process.cwd(), Math.min(availableParallelism(), MAX_THREADS));
    const costs: ScenarioCost[] = [];
    try {
      const weights = await this.#weigh(scenarios);
      for (const [index, scenario] of scenarios.entries()) {
        const startedMs = this.elapsedMs();
        const found = await this.#exploreOne(scenario, pool, weights.slice(index));
        this.#progress.clear();
        printLine(formatExploration(found, process.stdout.columns));
        this.vacuous += isVacuous(found) && !isUnfinished(found) ? 1 : 0;
        costs.push({
          isComplete: found.findings.length === 0,
          singles: found.singles,
          runs: found.runs,
          ms: this.elapsedMs() - startedMs,
          weight: weights[index] ?? 0,
        });
      }
    } finally {
      await pool.end();
    }
    return costs;
  }

  /**
   * Runs each scenario once without faults. A scenario with more fault sites, or with slower runs,
   * gets more of the budget.
   */
  async #weigh(scenarios: readonly Scenario[]): Promise<readonly number[]> {
    const weights: number[] = [];
    for (const scenario of scenarios) {
      const startedMs = this.elapsedMs();
      const sites = await runScenario(this.#subject, scenario, { seed: this.#seed }).then(
        ({ faultSites }) => faultSites.length,
        // Exploration reports why the scenario cannot be run.
        () => 1,
      );
      weights.push(Math.max(1, sites * (this.elapsedMs() - startedMs)));
    }
    return weights;
  }

  /**
   * Explores a scenario with its share of the remaining budget. A scenario with few faults ends
   * early, so that its remaining time is for the scenarios after it.
   *
   * @param weights of the scenarios that are left. The first one is that of this scenario.
   */
  #exploreOne(
    scenario: Scenario,
    pool: WorkerPool,
    weights: readonly number[],
  ): Promise<Exploration> {
    const startedMs = this.elapsedMs();
    const deadlineMs = startedMs + budgetShare(this.#budgetMs - startedMs, weights);
    let maxRuns = Infinity;
    return explore(this.#subject, scenario, {
      seed: this.#seed,
      hasBudget: (runs) =>
        this.elapsedMs() < deadlineMs && (weights.length === 1 || runs < maxRuns),
      onProgress: (progress) => {
        maxRuns = progress.singles[1] * RUNS_PER_SINGLE;
        this.#progress.show(progress, this.elapsedMs());
      },
      launchRun: pool.launcherFor(scenario.name, this.#seed),
    });
  }
}

async function replayRun(
  project: VerifiedProject,
  token: NonNullable<VerifyArguments['replay']>,
): Promise<number> {
  const result = await replay(
    operatorOf(project),
    findScenario(project.scenarios, token.scenario),
    token.faults,
    token.seed,
  );
  printLine(formatReplay(result));
  return result.violations.length === 0 ? 0 : 1;
}

function operatorOf({
  freshScheduler,
  crd,
  foreignCrds,
  chart,
}: VerifiedProject): OperatorUnderTest {
  return { scheduler: freshScheduler, crd, foreignCrds, policyRules: chart.policyRules };
}

function findScenario(scenarios: readonly Scenario[], name: string): Scenario {
  const found = scenarios.find((one) => one.name === name || scenarioSlug(one.name) === name);
  if (found === undefined) {
    const known = scenarios.map((one) => `'${one.name}'`).join(', ');
    throw new Error(`there is no scenario '${name}'; scenarios are ${known}`);
  }
  return found;
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
