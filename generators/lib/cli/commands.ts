/**
 * init, generate and install, as `autopilot` and the Yeoman generators run them. Code that writes
 * files is loaded late, so that the first prompt is fast.
 */
import { basename, resolve } from 'node:path';
import { askProject } from '../prompts/project.ts';
import type { Ask, Print } from '../prompts/ask.ts';
import { DEFAULT_API_VERSION } from '../model/new-project.ts';
import type { NewFinalizer, NewPhase } from '../model/new-project.ts';
import { exampleNames, exampleTitle } from '../util/package-root.ts';
import { parsePhase } from '../model/phase-options.ts';
import { splitNames } from '../util/text.ts';
import type { GenerateResult, RuntimeChoice } from '../generate/generate-project.ts';
import { findProject, PROJECT_FILE, refuseExisting } from '../generate/find-project.ts';
import { retryWhenChanged } from '../generate/project-lock.ts';
import type { ScaffoldOptions } from '../generate/scaffold.ts';
import { refuseUnwritable } from '../generate/write-files.ts';

/** Access to the user. */
export interface Terminal {
  /** Asks a question. Undefined without a terminal. */
  readonly ask: Ask | undefined;
  /** Prints a line. */
  readonly print: Print;
}

/** Options of `autopilot init`. The command table describes them. */
export interface InitOptions {
  readonly kind?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly operatorName?: string | undefined;
  readonly example?: string | undefined;
  readonly runtime?: string | undefined;
  /** Phases in the format of `parsePhase`. The first one is initial if no phase is. */
  readonly phase?: string | readonly string[] | undefined;
  readonly finalizer?: boolean | undefined;
  /** Implies `finalizer`. */
  readonly finalizerInputs?: string | undefined;
  /** Implies `finalizer`. */
  readonly finalizerOutputs?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly skipInstall?: boolean | undefined;
}

/**
 * Creates a project. Asks for missing options first; nothing is written before the user confirms.
 *
 * @param dir folder of the project; created if it does not exist
 * @throws Error if `dir` has a project, an option is invalid, or an option is missing and there is
 * no terminal
 */
export async function init(
  dir: string,
  options: InitOptions,
  { ask, print }: Terminal,
): Promise<GenerateResult> {
  refuseExisting(resolve(dir), options.force ?? false);
  refuseUnwritable(dir);
  if (options.runtime === 'registry' && options.skipInstall !== true) {
    await (await import('../generate/vendor.ts')).requirePublishedPackages();
  }
  const given: ScaffoldOptions = omitUndefined({
    dir,
    kind: options.kind,
    apiVersion: options.apiVersion,
    operatorName: options.operatorName,
    runtime: parseRuntimeChoice(options.runtime),
    force: options.force,
    phases: parsePhaseOptions(options.phase),
    finalizer: parseFinalizerOptions(options),
  });
  if (options.example !== undefined) {
    return writeProject({ ...given, example: options.example }, print);
  }
  const complete =
    options.kind !== undefined && options.apiVersion !== undefined && given.phases !== undefined;
  if (ask === undefined || options.yes || complete) {
    refuseMissingOptions(options, ask !== undefined);
    return writeProject(given, print);
  }
  const examples = exampleNames().map((value) => ({
    value,
    name: `the example ${value}`,
    description: exampleTitle(value),
  }));
  const { kind, apiVersion, operatorName, phases, finalizer } = given;
  const answers = await askProject(
    ask,
    print,
    omitUndefined({ kind, apiVersion, operatorName, phases, finalizer }),
    { dir: basename(resolve(dir)), examples },
  );
  return writeProject({ ...given, ...answers }, print);
}

/** @throws Error if an option without default is missing */
function refuseMissingOptions({ kind, apiVersion, yes }: InitOptions, hasTerminal: boolean): void {
  const missing = [
    ...(kind === undefined ? ['--kind'] : []),
    ...(apiVersion === undefined && !yes ? ['--api-version'] : []),
  ];
  if (missing.length === 0) {
    return;
  }
  const reason = hasTerminal
    ? '--yes skips the prompts, and this option has no default'
    : 'there is no terminal to ask on';
  throw new Error(
    `missing ${missing.join(' and ')}: ${reason} (for example --kind Canary --api-version ${DEFAULT_API_VERSION})`,
  );
}

async function writeProject(options: ScaffoldOptions, print: Print): Promise<GenerateResult> {
  const [{ scaffold }, { summarize }] = await Promise.all([
    import('../generate/scaffold.ts'),
    import('../generate/summary.ts'),
  ]);
  const generated = await scaffold(options);
  for (const line of summarize(generated)) {
    print(line);
  }
  return generated;
}

function parsePhaseOptions(
  options: string | readonly string[] | undefined,
): readonly NewPhase[] | undefined {
  if (options === undefined || options.length === 0) {
    return undefined;
  }
  const phases = [options].flat().map(parsePhase);
  return phases.some(({ initial }) => initial)
    ? phases
    : phases.map((one, index) => (index === 0 ? { ...one, initial: true } : one));
}

/** Yeoman sets a flag to false if it was not given. */
function parseFinalizerOptions({
  finalizer,
  finalizerInputs,
  finalizerOutputs,
}: InitOptions): NewFinalizer | undefined {
  if (finalizer !== true && finalizerInputs === undefined && finalizerOutputs === undefined) {
    return undefined;
  }
  return { inputs: splitNames(finalizerInputs), outputs: splitNames(finalizerOutputs) };
}

/** Options of `autopilot generate`. The command table describes them. */
export interface GenerateCommandOptions {
  readonly bail?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly runtime?: string | undefined;
  readonly acceptBreaking?: boolean | undefined;
  readonly refresh?: boolean | undefined;
}

/**
 * Generates the project again and prints a summary.
 *
 * @param from folder of the project, or a folder below
 * @throws Error with `check`, if anything would change
 */
export async function generate(
  from: string,
  options: GenerateCommandOptions,
  print: Print,
): Promise<GenerateResult> {
  const dir = findProject(from);
  const [{ generateProject, refuseEdited, upToDate }, { unifiedDiff, summarize }] =
    await Promise.all([
      import('../generate/generate-project.ts'),
      import('../generate/summary.ts'),
    ]);
  const dryRun = (options.check ?? false) || (options.dryRun ?? false);
  const { force, bail, acceptBreaking, refresh } = options;
  const work = omitUndefined({
    force,
    bail,
    acceptBreaking,
    refresh,
    dryRun,
    runtime: parseRuntimeChoice(options.runtime),
  });
  const generated = await retryWhenChanged(() => generateProject(dir, work));
  if (options.dryRun) {
    for (const line of unifiedDiff(dir, generated.plan.changes).trimEnd().split('\n')) {
      print(line);
    }
  }
  for (const line of summarize(generated, !dryRun)) {
    print(line);
  }
  if (dryRun) {
    refuseEdited(generated.plan);
    if (generated.breakingChanges.length > 0) {
      (await import('../crd/compatibility.ts')).refuseBreakingChanges(generated.breakingChanges);
    }
  }
  if (options.check && !upToDate(generated.plan)) {
    throw new Error(
      `the project is not up to date with ${PROJECT_FILE} and src/spec.ts: run 'yo autopilot:generate' or 'autopilot generate'`,
    );
  }
  return generated;
}

/**
 * Runs `npm install` in the project and shows its output.
 *
 * @throws Error if npm fails
 */
export async function install(dir: string): Promise<void> {
  const { execa } = await import('execa');
  const result = await execa('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: dir,
    stdio: 'inherit',
    reject: false,
  });
  if (result.failed) {
    throw new Error(
      `npm install failed in ${resolve(dir)}: the project is written. Fix the cause that npm printed, then run npm install there`,
    );
  }
}

/** Lines that tell the user what to do after `autopilot init`. */
export function nextSteps(dir: string, installed: boolean): string[] {
  const quoted = /^[\w./-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", "'\\''")}'`;
  const commands = [
    ...(resolve(dir) === process.cwd() ? [] : [`cd ${quoted}`]),
    ...(installed ? [] : ['npm install']),
    'npm test',
  ];
  return [
    '',
    'Next:',
    `  ${commands.join(' && ')}`,
    '  Then declare the fields of the resource in src/spec.ts and write the workers in src/workers/.',
  ];
}

function parseRuntimeChoice(choice: string | undefined): RuntimeChoice | undefined {
  if (choice === undefined || choice === 'vendor' || choice === 'registry') {
    return choice;
  }
  throw new Error(`--runtime '${choice}': must be 'vendor' or 'registry'`);
}

type WithoutUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function omitUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as WithoutUndefined<T>;
}
