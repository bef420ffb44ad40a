/** init, generate and install: what yo and the bin both do, given options and a way to ask. All errors are plain sentences. */
import { basename, resolve } from 'node:path';
import { askProject } from './dialogue/project.ts';
import type { Ask, Say } from './dialogue/question.ts';
import type { NewPhase } from './project-text.ts';
import { exampleNames, exampleTitle } from './package-root.ts';
import { parsePhase } from './phase-option.ts';
import { generateProject, refuseEdited, upToDate } from './project.ts';
import type { Generated, RuntimeChoice } from './project.ts';
import { findProject, PROJECT_FILE } from './project-file.ts';
import { differences, summary } from './report.ts';
import { DEFAULT_API_VERSION, refuseExisting, scaffold } from './scaffold.ts';
import type { ScaffoldOptions } from './scaffold.ts';

export interface Terminal {
  /** Undefined without a terminal. */
  readonly ask: Ask | undefined;
  readonly say: Say;
}

export interface InitOptions {
  readonly kind?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly operatorName?: string | undefined;
  readonly example?: string | undefined;
  readonly runtime?: string | undefined;
  /** Each as `parsePhase` reads it; the first is initial when none says so. */
  readonly phase?: string | readonly string[] | undefined;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** Asks for what is missing, then writes the project. Until everything is answered nothing is written. */
export async function init(dir: string, options: InitOptions, { ask, say }: Terminal): Promise<Generated> {
  refuseExisting(resolve(dir), options.force ?? false);
  const given: ScaffoldOptions = defined({
    dir,
    kind: options.kind,
    apiVersion: options.apiVersion,
    operatorName: options.operatorName,
    runtime: runtimeOf(options.runtime),
    force: options.force,
    phases: phasesOf(options.phase),
  });
  if (options.example !== undefined) return done(await scaffold({ ...given, example: options.example }), say);
  const complete = options.kind !== undefined && options.apiVersion !== undefined && given.phases !== undefined;
  if (ask === undefined || options.yes || complete) {
    const missing = [...(options.kind === undefined ? ['--kind'] : []), ...(options.apiVersion === undefined && !options.yes ? ['--api-version'] : [])];
    if (missing.length > 0)
      throw new Error(
        `missing ${missing.join(' and ')}${ask === undefined ? ': there is no terminal to ask on' : ': --yes takes the default for everything else'} (for example --kind Canary --api-version ${DEFAULT_API_VERSION})`,
      );
    return done(await scaffold(given), say);
  }
  const examples = exampleNames().map((value) => ({ value, name: `the example ${value}`, description: exampleTitle(value) }));
  const { kind, apiVersion, operatorName, phases } = given;
  const answers = await askProject(ask, say, defined({ kind, apiVersion, operatorName, phases }), { dir: basename(resolve(dir)), examples });
  return done(await scaffold({ ...given, ...answers }), say);
}

function phasesOf(options: string | readonly string[] | undefined): readonly NewPhase[] | undefined {
  if (options === undefined || options.length === 0) return undefined;
  const phases = [options].flat().map(parsePhase);
  return phases.some(({ initial }) => initial) ? phases : phases.map((one, index) => (index === 0 ? { ...one, initial: true } : one));
}

export interface GenerateCommandOptions {
  readonly bail?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly runtime?: string | undefined;
  readonly acceptBreaking?: boolean | undefined;
}

/** @throws Error with `check` when anything would change */
export async function generate(from: string, options: GenerateCommandOptions, say: Say): Promise<Generated> {
  const dir = findProject(from);
  const dryRun = (options.check ?? false) || (options.dryRun ?? false);
  const { force, bail, acceptBreaking } = options;
  const generated = await generateProject(dir, defined({ force, bail, acceptBreaking, dryRun, runtime: runtimeOf(options.runtime) }));
  if (options.dryRun) for (const line of differences(dir, generated.plan.changes).trimEnd().split('\n')) say(line);
  for (const line of summary(generated, !dryRun)) say(line);
  if (dryRun) {
    refuseEdited(generated.plan);
    if (generated.breaks.length > 0) (await import('./crd/breaking.ts')).refuseBreaks(generated.breaks);
  }
  if (options.check && !upToDate(generated.plan))
    throw new Error(`the project is not up to date with ${PROJECT_FILE} and src/spec.ts: run 'yo autopilot:generate' or 'autopilot generate'`);
  return generated;
}

/** npm install in the project, shown as it goes. @throws Error a sentence */
export async function install(dir: string): Promise<void> {
  const { execa } = await import('execa');
  const result = await execa('npm', ['install', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit', reject: false });
  if (result.failed) throw new Error(`npm install failed in ${resolve(dir)}: the project is written; run npm install there when the cause is gone`);
}

export function nextSteps(dir: string, installed: boolean): string[] {
  return [
    '',
    'Next:',
    `  cd ${dir}${installed ? '' : ' && npm install'} && npm test`,
    '  Say in src/spec.ts what users may want, and in src/workers/ what each phase does.',
  ];
}

function done(generated: Generated, say: Say): Generated {
  for (const line of summary(generated)) say(line);
  return generated;
}

function runtimeOf(choice: string | undefined): RuntimeChoice | undefined {
  if (choice === undefined || choice === 'vendor' || choice === 'registry') return choice;
  throw new Error(`--runtime must be 'vendor' or 'registry', not '${choice}'`);
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
