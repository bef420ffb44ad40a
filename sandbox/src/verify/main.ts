/**
 * `npm run verify` of a generated project: explores its scenarios within a budget of time, and
 * reports.
 */
import { systemClock } from 'autopilot-runtime/internal';
import { availableParallelism } from 'node:os';
import type { Scenario } from '../exploration/index.ts';
import { explore, replay, scenarioSlug } from '../exploration/index.ts';
import type { VerifyArguments } from './arguments.ts';
import { parseArguments, USAGE } from './arguments.ts';
import type { ScenarioCost } from './budget.ts';
import { RUNS_PER_SINGLE, minutesForAll, budgetShare } from './budget.ts';
import { WorkerPool } from './worker-pool.ts';
import { createProgressMeter } from './progress.ts';
import type { VerifiedProject } from './load-project.ts';
import { loadProject } from './load-project.ts';
import { formatExploration, formatReplay } from './exploration-report.ts';

/** Each has the project in memory. */
const MAX_THREADS = 8;

/** @returns the exit code: 0 all invariants held, 1 one was not, 2 nothing could be flown */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const given = parseArguments(argv);
    if (given.help) {
      printLine(USAGE);
      return 0;
    }
    const project = await loadProject(process.cwd());
    return given.replay === undefined
      ? await exploreScenarios(project, given)
      : await replayRun(project, given.replay);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return 2;
  }
}

async function exploreScenarios(
  {
    scheduler,
    freshScheduler,
    sharedModulesReason,
    crd,
    scenarios,
    chart: { policyRules, source },
  }: VerifiedProject,
  { budgetMs, seed, scenarios: names }: VerifyArguments,
): Promise<number> {
  const chosen =
    names.length === 0 ? scenarios : names.map((name) => findScenario(scenarios, name));
  if (chosen.length === 0) {
    throw new Error(
      'there is nothing to run: put a sample into examples/, or a scenario into test/scenarios/',
    );
  }
  printLine(`${scheduler.operatorName}, ${source}: ${chosen.map(({ name }) => name).join(', ')}`);
  if (sharedModulesReason !== undefined) {
    printLine(
      `what a worker keeps in memory survives a crash here: its modules cannot be reloaded: ${sharedModulesReason}`,
    );
  }
  const startedAt = systemClock.monotonic();
  const elapsed = (): number => systemClock.monotonic() - startedAt;
  const progress = createProgressMeter(
    (text) => void process.stdout.write(text),
    () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    budgetMs,
  );
  const workerPool = new WorkerPool(process.cwd(), Math.min(availableParallelism(), MAX_THREADS));
  const costs: ScenarioCost[] = [];
  try {
    for (const [index, scenario] of chosen.entries()) {
      // What a scenario leaves over is for those after it, and one with few faults leaves something
      // over.
      const scenariosLeft = chosen.length - index;
      const startedMs = elapsed();
      const deadlineMs = startedMs + budgetShare(budgetMs - startedMs, scenariosLeft);
      let maxRuns = Infinity;
      const found = await explore({ scheduler: freshScheduler, crd, policyRules }, scenario, {
        seed,
        hasBudget: (runs) => elapsed() < deadlineMs && (scenariosLeft === 1 || runs < maxRuns),
        onProgress: (at) => {
          maxRuns = at.singles[1] * RUNS_PER_SINGLE;
          progress.show(at, elapsed());
        },
        launchRun: workerPool.launcherFor(scenario.name, seed),
      });
      progress.clear();
      printLine(formatExploration(found));
      costs.push({
        isComplete: found.findings.length === 0,
        singles: found.singles,
        runs: found.runs,
        ms: elapsed() - startedMs,
      });
    }
  } finally {
    await workerPool.end();
  }
  const minutes = minutesForAll(costs);
  const hint = minutes === undefined ? '' : `; --budget ${minutes}m would run all single faults`;
  printLine(`\nseed ${seed}, ${Math.round(elapsed() / 1000)} s${hint}`);
  return costs.every(({ isComplete }) => isComplete) ? 0 : 1;
}

async function replayRun(
  { freshScheduler, crd, scenarios, chart: { policyRules } }: VerifiedProject,
  token: NonNullable<VerifyArguments['replay']>,
): Promise<number> {
  const result = await replay(
    { scheduler: freshScheduler, crd, policyRules },
    findScenario(scenarios, token.scenario),
    token.faults,
    token.seed,
  );
  printLine(formatReplay(result));
  return result.violations.length === 0 ? 0 : 1;
}

function findScenario(scenarios: readonly Scenario[], name: string): Scenario {
  const found = scenarios.find((one) => one.name === name || scenarioSlug(one.name) === name);
  if (found === undefined) {
    throw new Error(
      `there is no scenario '${name}'; there are ${scenarios.map((one) => `'${one.name}'`).join(', ')}`,
    );
  }
  return found;
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
