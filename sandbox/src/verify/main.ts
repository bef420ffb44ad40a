/**
 * `npm run verify` of a generated project: explores its scenarios within a budget of time, and
 * reports.
 */
import { systemClock } from 'autopilot-runtime/ports';
import { availableParallelism } from 'node:os';
import type { Scenario } from '../explore/index.ts';
import { explore, replay, slug } from '../explore/index.ts';
import type { Arguments } from './arguments.ts';
import { argumentsOf, USAGE } from './arguments.ts';
import type { Spent } from './budget.ts';
import { ENOUGH, minutesForAll, shareOf } from './budget.ts';
import { Crew } from './crew.ts';
import { meter } from './progress.ts';
import type { Project } from './project.ts';
import { loadProject } from './project.ts';
import { explorationText, replayText } from './report.ts';

/** Each has the project in memory. */
const MOST_THREADS = 8;

/** @returns the exit code: 0 every promise was kept, 1 one was not, 2 nothing could be flown */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const given = argumentsOf(argv);
    if (given.help) {
      say(USAGE);
      return 0;
    }
    const project = await loadProject(process.cwd());
    return given.replay === undefined
      ? await verify(project, given)
      : await again(project, given.replay);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return 2;
  }
}

async function verify(
  { scheduler, anew, once, crd, scenarios, chart: { rights, source } }: Project,
  { budgetMs, seed, scenarios: names }: Arguments,
): Promise<number> {
  const chosen = names.length === 0 ? scenarios : names.map((name) => named(scenarios, name));
  if (chosen.length === 0) {
    throw new Error(
      'there is nothing to fly: put a sample into examples/, or a scenario into test/scenarios/',
    );
  }
  say(`${scheduler.operatorName}, ${source}: ${chosen.map(({ name }) => name).join(', ')}`);
  if (once !== undefined) {
    say(
      `what a worker keeps in memory survives a crash here: its modules cannot be loaded anew: ${once}`,
    );
  }
  const begun = systemClock.monotonic();
  const elapsed = (): number => systemClock.monotonic() - begun;
  const progress = meter(
    (text) => void process.stdout.write(text),
    () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    budgetMs,
  );
  const crew = new Crew(process.cwd(), Math.min(availableParallelism(), MOST_THREADS));
  const spent: Spent[] = [];
  try {
    for (const [index, scenario] of chosen.entries()) {
      // What a scenario leaves over is for those after it, and one with few faults leaves something
      // over.
      const left = chosen.length - index;
      const from = elapsed();
      const until = from + shareOf(budgetMs - from, left);
      let enough = Infinity;
      const found = await explore({ scheduler: anew, crd, rights }, scenario, {
        seed,
        more: (flown) => elapsed() < until && (left === 1 || flown < enough),
        onProgress: (at) => {
          enough = at.singles[1] * ENOUGH;
          progress.show(at, elapsed());
        },
        launch: crew.launch(scenario.name, seed),
      });
      progress.clear();
      say(explorationText(found));
      spent.push({
        whole: found.findings.length === 0,
        singles: found.singles,
        flown: found.flown,
        ms: elapsed() - from,
      });
    }
  } finally {
    await crew.end();
  }
  const minutes = minutesForAll(spent);
  const more = minutes === undefined ? '' : `; --budget ${minutes}m would fly all single faults`;
  say(`\nseed ${seed}, ${Math.round(elapsed() / 1000)} s${more}`);
  return spent.every(({ whole }) => whole) ? 0 : 1;
}

async function again(
  { anew, crd, scenarios, chart: { rights } }: Project,
  token: NonNullable<Arguments['replay']>,
): Promise<number> {
  const flown = await replay(
    { scheduler: anew, crd, rights },
    named(scenarios, token.scenario),
    token.faults,
    token.seed,
  );
  say(replayText(flown));
  return flown.violations.length === 0 ? 0 : 1;
}

function named(scenarios: readonly Scenario[], name: string): Scenario {
  const found = scenarios.find((one) => one.name === name || slug(one.name) === name);
  if (found === undefined) {
    throw new Error(
      `there is no scenario '${name}'; there are ${scenarios.map((one) => `'${one.name}'`).join(', ')}`,
    );
  }
  return found;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
