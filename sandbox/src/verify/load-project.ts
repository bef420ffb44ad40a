/**
 * What a generated project brings along: its scheduler, its CRD, its settings, the rights of its
 * chart, its samples and its scenarios.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scheduler } from 'autopilot-runtime';
import type { OperatorConfig } from 'autopilot-runtime/ports';
import { loadConfig } from 'autopilot-runtime/ports';
import { parseAllDocuments } from 'yaml';
import type { Scenario, Subject } from '../explore/index.ts';
import { isScenario } from '../explore/index.ts';
import type { FlightObject } from '../kit/fly.ts';
import { lives } from './lives.ts';
import type { ChartRights } from './rights.ts';
import { chartRights } from './rights.ts';
import { sampleScenarios } from './samples.ts';

export interface Project {
  readonly scheduler: Scheduler;
  /**
   * Makes the scheduler from modules of its own for each process; or it is the one of all, when
   * that cannot be.
   */
  readonly anew: Subject['scheduler'];
  /** Why it cannot be. */
  readonly once: string | undefined;
  readonly crd: object;
  readonly scenarios: readonly Scenario[];
  readonly chart: ChartRights;
}

/** @throws Error that names the file that is missing or wrong */
export async function loadProject(dir: string): Promise<Project> {
  const schedulerFile = 'src/generated/scheduler.ts';
  if (!existsSync(join(dir, schedulerFile))) {
    throw new Error(
      `${schedulerFile} is not there: run this in a generated project, after generate`,
    );
  }
  const { scheduler } = (await load(dir, schedulerFile)) as { readonly scheduler: Scheduler };
  const crd = JSON.parse(readFileSync(join(dir, 'src/generated/crd.json'), 'utf8')) as object;
  const config = await loadConfig(join(dir, 'autopilot-operator.yaml'), {});
  const scenarios = [
    ...sampleScenarios(scheduler, readSamples(dir)),
    ...(await readScenarios(dir)),
  ].map((one) => withConfig(one, config));
  const names = scenarios.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new Error(`two scenarios are named '${twice}'`);
  }
  return {
    scheduler,
    ...loadedAnew(dir, schedulerFile, scheduler),
    crd,
    scenarios,
    chart: chartRights(dir, scheduler.operatorName),
  };
}

function loadedAnew(
  dir: string,
  file: string,
  scheduler: Scheduler,
): Pick<Project, 'anew' | 'once'> {
  const anew = lives(dir, file);
  try {
    anew();
    return { anew, once: undefined };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return {
      anew: scheduler,
      once:
        code === 'ERR_REQUIRE_ASYNC_MODULE'
          ? 'a module awaits something while it is loaded'
          : message,
    };
  }
}

export interface Sample {
  readonly file: string;
  readonly objects: readonly FlightObject[];
}

function readSamples(dir: string): readonly Sample[] {
  return globSync('examples/*.{yaml,yml}', { cwd: dir })
    .sort()
    .map((file) => ({ file, objects: parseYaml(file, readFileSync(join(dir, file), 'utf8')) }));
}

function parseYaml(file: string, text: string): readonly FlightObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors ?? [];
    if (error !== undefined) {
      throw new Error(`${file}: ${error.message}`);
    }
    const object = document.toJS() as FlightObject | null;
    return object === null ? [] : [object];
  });
}

async function readScenarios(dir: string): Promise<readonly Scenario[]> {
  const files = globSync('test/scenarios/*.ts', { cwd: dir }).sort();
  const found = await Promise.all(
    files.map(async (file) => {
      const scenarios = Object.values(await load(dir, file)).filter(isScenario);
      if (scenarios.length === 0) {
        throw new Error(
          `${file} exports no scenario: export const life = scenario({ name: 'life', steps: [ … ] })`,
        );
      }
      return scenarios;
    }),
  );
  return found.flat();
}

async function load(dir: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(join(dir, file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new Error(`${file} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}

/** The project's own settings, as far as they matter to workers. */
function withConfig(
  one: Scenario,
  { workIntervalMs, workerTimeoutMs, config }: OperatorConfig,
): Scenario {
  return { ...one, config: { workIntervalMs, workerTimeoutMs, config, ...one.config } };
}
