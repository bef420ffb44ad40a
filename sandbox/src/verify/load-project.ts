/**
 * Loads a generated project: its scheduler, CustomResourceDefinition, settings, RBAC rules, samples
 * and scenarios.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OperatorConfig, Scheduler } from 'autopilot-runtime';
import { loadConfig } from 'autopilot-runtime/internal';
import type { Scenario, OperatorUnderTest } from '../exploration/index.ts';
import { isScenario } from '../exploration/index.ts';
import { readManifests } from '../testing/read-manifests.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import { createModuleReloader } from './module-reload.ts';
import type { ChartPolicyRules } from './chart-rbac.ts';
import { readChartPolicyRules } from './chart-rbac.ts';
import { sampleScenarios } from './sample-scenarios.ts';

/** A project to explore. */
export interface VerifiedProject {
  /** The project's scheduler. */
  readonly scheduler: Scheduler;
  /**
   * Creates the scheduler from reloaded modules for each simulated process. If the modules cannot
   * be reloaded, the project's scheduler, which all processes share.
   */
  readonly freshScheduler: OperatorUnderTest['scheduler'];
  /** Why the modules cannot be reloaded. Undefined: they can. */
  readonly sharedModulesReason: string | undefined;
  /** The CustomResourceDefinition. */
  readonly crd: object;
  /** CustomResourceDefinitions of other kinds, which customParameters name. */
  readonly foreignCrds: readonly object[];
  /** Scenarios from samples, then those of test/scenarios. */
  readonly scenarios: readonly Scenario[];
  /** RBAC rules of the chart. */
  readonly chart: ChartPolicyRules;
}

/**
 * @param dir folder of the project.
 * @throws Error that names the file that is missing or wrong.
 */
export async function loadProject(dir: string): Promise<VerifiedProject> {
  const schedulerFile = 'src/generated/scheduler.ts';
  if (!existsSync(join(dir, schedulerFile))) {
    throw new Error(
      `${schedulerFile} does not exist: run this in a generated project, after autopilot generate`,
    );
  }
  const { scheduler } = (await importModule(dir, schedulerFile)) as {
    readonly scheduler: Scheduler;
  };
  const crd = readJson(join(dir, 'src/generated/crd.json')) as object;
  const foreignFile = join(dir, 'src/generated/foreign-crds.json');
  const foreignCrds = existsSync(foreignFile) ? (readJson(foreignFile) as readonly object[]) : [];
  const config = await loadConfig(join(dir, 'autopilot-operator.yaml'));
  const scenarios = [
    ...sampleScenarios(scheduler, readSamples(dir)),
    ...(await readScenarios(dir)),
  ].map((one) => withConfig(one, config));
  const names = scenarios.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate !== undefined) {
    throw new Error(`two scenarios have the name '${duplicate}'; names must be unique`);
  }
  return {
    scheduler,
    ...createSchedulerLoader(dir, schedulerFile, scheduler),
    crd,
    foreignCrds,
    scenarios,
    chart: readChartPolicyRules(dir, scheduler.operatorName),
  };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function createSchedulerLoader(
  dir: string,
  file: string,
  scheduler: Scheduler,
): Pick<VerifiedProject, 'freshScheduler' | 'sharedModulesReason'> {
  const freshScheduler = createModuleReloader(dir, file);
  try {
    freshScheduler();
    return { freshScheduler, sharedModulesReason: undefined };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return {
      freshScheduler: scheduler,
      sharedModulesReason:
        code === 'ERR_REQUIRE_ASYNC_MODULE' ? 'a module uses top-level await' : message,
    };
  }
}

/** A sample of a project. */
export interface Sample {
  /** Path, relative to the project: `examples/kite.yaml`. */
  readonly file: string;
  /** The objects of the file. */
  readonly objects: readonly ObjectManifest[];
}

function readSamples(dir: string): readonly Sample[] {
  return globSync('examples/*.{yaml,yml}', { cwd: dir })
    .sort()
    .map((file) => ({
      file,
      objects: readManifests(readFileSync(join(dir, file), 'utf8'), file),
    }));
}

async function readScenarios(dir: string): Promise<readonly Scenario[]> {
  const files = globSync('test/scenarios/*.ts', { cwd: dir }).sort();
  const found = await Promise.all(
    files.map(async (file) => {
      const scenarios = Object.values(await importModule(dir, file)).filter(isScenario);
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

async function importModule(dir: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(join(dir, file)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new Error(`${file} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}

/** Adds the project's settings that workers depend on. Settings of the scenario come first. */
function withConfig(
  scenario: Scenario,
  { workInterval, workerTimeout, config }: OperatorConfig,
): Scenario {
  const own: OperatorConfig = {
    ...(workInterval !== undefined && { workInterval }),
    ...(workerTimeout !== undefined && { workerTimeout }),
    ...(config !== undefined && { config }),
  };
  return { ...scenario, config: { ...own, ...scenario.config } };
}
