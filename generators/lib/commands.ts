/** init, phase, generate: what yo and the bin both do, given options and a way to ask. All errors are plain sentences. */
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { askPhase, askProject, newPhaseProblem, parsePhase, splitNames } from './dialogue.ts';
import type { Ask, Say } from './dialogue.ts';
import { addPhase, editPhase, movePhase, removePhase, renamePhase } from './edit.ts';
import type { NewPhase } from './edit.ts';
import { readText } from './lock.ts';
import { requireModel } from './load.ts';
import { findProject, generateProject, PROJECT_FILE, refuseEdited, upToDate } from './project.ts';
import { suggestion } from './naming.ts';
import type { Generated, GenerateOptions, RuntimeChoice } from './project.ts';
import { differences, summary } from './report.ts';
import { DEFAULT_API_VERSION, refuseExisting, scaffold } from './scaffold.ts';
import type { ScaffoldOptions } from './scaffold.ts';
import { parseYaml } from './problems.ts';

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
  if (ask === undefined || options.yes || (given.phases !== undefined && options.kind !== undefined && options.apiVersion !== undefined)) {
    const missing = [...(options.kind === undefined ? ['--kind'] : []), ...(options.apiVersion === undefined && !options.yes ? ['--api-version'] : [])];
    if (missing.length > 0)
      throw new Error(
        `missing ${missing.join(' and ')}${ask === undefined ? ': there is no terminal to ask on' : ': --yes takes the default for everything else'} (for example --kind Canary --api-version ${DEFAULT_API_VERSION})`,
      );
    return done(await scaffold(given), say);
  }
  return done(await scaffold({ ...given, ...(await askProject(ask, say, given)) }), say);
}

function phasesOf(options: string | readonly string[] | undefined): readonly NewPhase[] | undefined {
  if (options === undefined || options.length === 0) return undefined;
  const phases = [options].flat().map(parsePhase);
  return phases.some(({ initial }) => initial) ? phases : phases.map((one, index) => (index === 0 ? { ...one, initial: true } : one));
}

export interface PhaseOptions {
  readonly description?: string | undefined;
  readonly inputs?: string | undefined;
  readonly outputs?: string | undefined;
  readonly next?: string | undefined;
  readonly final?: boolean | undefined;
  readonly after?: string | undefined;
  readonly force?: boolean | undefined;
}

/** Adds a phase to the project in `from` or above, and generates. A name without a terminal is enough; the rest has options. */
export async function phase(from: string, name: string | undefined, options: PhaseOptions, { ask, say }: Terminal): Promise<Generated> {
  const dir = findProject(from);
  const text = readText(join(dir, PROJECT_FILE)) ?? '';
  const model = requireModel(text, PROJECT_FILE);
  const names = model.phases.map((existing) => existing.name);
  if (name === undefined && ask === undefined)
    throw new Error("missing the phase's name: there is no terminal to ask on (for example: autopilot phase Waiting --next Processing --after Initializing)");
  const problemOf = (answer: string): string | undefined => newPhaseProblem(answer, [model.kind, ...names]);
  const chosen =
    name ??
    String(await ask?.({ type: 'input', name: 'name', message: 'Name of the phase', validate: (answer: string) => problemOf(answer.trim()) ?? true })).trim();
  const problem = problemOf(chosen);
  if (problem !== undefined) throw new Error(problem);
  const spoken = ['description', 'inputs', 'outputs', 'next', 'final', 'after'].some((key) => options[key as keyof PhaseOptions] !== undefined);
  const custom =
    (parseYaml(text, PROJECT_FILE).value as { customParameters?: { lowerName: string }[] }).customParameters?.map(({ lowerName }) => lowerName) ?? [];
  if (ask === undefined || spoken) return finish(phaseOf(chosen, options), options.after);
  const asked = await askPhase(ask, chosen, false, names, custom);
  const sources = model.phases.filter((existing) => !existing.final).map((existing) => existing.name);
  const before = (await ask({ type: 'checkbox', name: 'before', message: `Which phases may go to ${chosen}?`, choices: sources })) as string[];
  return finish(asked, before.at(-1), before.slice(0, -1));

  async function finish(added: NewPhase, after: string | undefined, others: readonly string[] = []): Promise<Generated> {
    const projectText = addPhase(text, added, after, others);
    requireModel(projectText, PROJECT_FILE);
    return done(await generateProject(dir, { projectText, ...(options.force !== undefined && { force: options.force }) }), say);
  }
}

function phaseOf(name: string, options: PhaseOptions): NewPhase {
  return {
    name,
    ...(options.description !== undefined && { description: options.description }),
    ...(options.final && { final: true }),
    inputs: splitNames(options.inputs),
    outputs: splitNames(options.outputs),
    ...(options.next !== undefined && { next: splitNames(options.next) }),
  };
}

export interface ChangeOptions extends PhaseOptions {
  /** Of remove: the phase that takes over, or `none`. */
  readonly heir?: string | undefined;
}

/** What `autopilot phase` does to phases that exist. */
export const PHASE_VERBS = ['add', 'edit', 'rename', 'remove', 'move'] as const;
export type PhaseVerb = (typeof PHASE_VERBS)[number];

/**
 * `[add] NAME`, `edit NAME`, `rename OLD NEW`, `remove NAME`, `move NAME`: changes autopilot.yaml and generates. Nothing is written when
 * the machine would not be one afterwards.
 */
export async function changePhases(from: string, words: readonly string[], options: ChangeOptions, terminal: Terminal): Promise<Generated> {
  const [first, ...rest] = words;
  const verb = PHASE_VERBS.find((known) => known === first) ?? 'add';
  const [name, second, extra] = verb === first ? rest : words;
  const most = verb === 'rename' ? 2 : 1;
  const surplus = most === 2 ? extra : second;
  if (surplus !== undefined) throw new Error(`'${surplus}' is one argument too many: autopilot phase ${verb} ${verb === 'rename' ? 'OLD NEW' : 'NAME'}`);
  if (verb === 'add') return phase(from, name, options, terminal);
  if (name === undefined || (verb === 'rename' && second === undefined))
    throw new Error(`missing the name: autopilot phase ${verb} ${verb === 'rename' ? 'OLD NEW' : 'NAME'}`);

  const dir = findProject(from);
  const text = readText(join(dir, PROJECT_FILE)) ?? '';
  const model = requireModel(text, PROJECT_FILE);
  const names = model.phases.map((existing) => existing.name);
  if (!names.includes(name)) throw new Error(`'${name}' is not a phase of autopilot.yaml${suggestion(name, names)}`);
  const write = async (projectText: string, more: Pick<GenerateOptions, 'seed' | 'removed'> = {}): Promise<Generated> => {
    requireModel(projectText, PROJECT_FILE);
    return done(await generateProject(dir, { projectText, ...more, ...(options.force !== undefined && { force: options.force }) }), terminal.say);
  };
  switch (verb) {
    case 'edit':
      return write(editPhase(text, name, fieldsOf(options)));
    case 'rename': {
      const to = second ?? '';
      const problem = newPhaseProblem(to, [model.kind, ...names.filter((other) => other !== name)]);
      if (problem !== undefined) throw new Error(problem);
      return write(renamePhase(text, name, to), movedFiles(dir, name.toLowerCase(), to.toLowerCase()));
    }
    case 'remove':
      return write(removePhase(text, name, await heirOf(name, names, options, terminal)));
    case 'move':
      return write(movePhase(text, name, options.after));
    default:
      return verb satisfies never;
  }
}

function fieldsOf(options: ChangeOptions): Parameters<typeof editPhase>[2] {
  const { description, inputs, outputs, next, final } = options;
  const fields = {
    ...(description !== undefined && { description }),
    ...(inputs !== undefined && { inputs: splitNames(inputs) }),
    ...(outputs !== undefined && { outputs: splitNames(outputs) }),
    ...(next !== undefined && { next: splitNames(next) }),
    ...(final !== undefined && { final }),
  };
  if (Object.keys(fields).length === 0) throw new Error('nothing to change: give --description, --inputs, --outputs, --next or --final');
  return fields;
}

/** Who takes over from a phase that goes. Resources may stand in it, so this is asked, or said by an option. */
async function heirOf(name: string, names: readonly string[], options: ChangeOptions, { ask }: Terminal): Promise<string | undefined> {
  if (options.heir === 'none') return undefined;
  if (options.heir !== undefined) return options.heir;
  if (ask === undefined) throw new Error(`resources may stand in ${name}: say with --heir PHASE where they are then, or --heir none (they will be Stalled)`);
  const choices = [...names.filter((other) => other !== name), 'none'];
  const answer = await ask({
    type: 'select',
    name: 'heir',
    message: `Resources may stand in ${name}. Which phase are they in then? (none: they will be Stalled)`,
    choices,
  });
  return answer === 'none' ? undefined : String(answer);
}

/** The worker's file and its test move with the phase; only their imports of what moves change. */
function movedFiles(dir: string, from: string, to: string): Pick<GenerateOptions, 'seed' | 'removed'> {
  if (from === to) return {};
  const moves = [
    [`src/workers/${from}.ts`, `src/workers/${to}.ts`],
    [`test/${from}.test.ts`, `test/${to}.test.ts`],
  ] as const;
  const found = moves.flatMap(([old, path]) => {
    const text = readText(join(dir, old));
    if (text === undefined || readText(join(dir, path)) !== undefined) return [];
    const content = text.replaceAll(new RegExp(`(/(?:generated|workers))/${from}\\.ts(['"])`, 'g'), `$1/${to}.ts$2`);
    return [{ old, file: { path, content, ownership: 'yours' as const } }];
  });
  return { seed: found.map(({ file }) => file), removed: found.map(({ old }) => old) };
}

export interface GenerateCommandOptions {
  readonly bail?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly runtime?: string | undefined;
}

/** @throws Error with `check` when anything would change */
export async function generate(from: string, options: GenerateCommandOptions, say: Say): Promise<Generated> {
  const dir = findProject(from);
  const dryRun = (options.check ?? false) || (options.dryRun ?? false);
  const generated = await generateProject(dir, defined({ force: options.force, bail: options.bail, dryRun, runtime: runtimeOf(options.runtime) }));
  if (options.dryRun) for (const line of differences(dir, generated.plan.changes).trimEnd().split('\n')) say(line);
  for (const line of summary(generated, !dryRun)) say(line);
  if (dryRun) refuseEdited(generated.plan);
  if (options.check && !upToDate(generated.plan))
    throw new Error(`the project is not up to date with ${PROJECT_FILE} and src/spec.ts: run 'yo autopilot:generate' or 'autopilot generate'`);
  return generated;
}

/** npm install in the project, shown as it goes. @throws Error a sentence */
export async function install(dir: string): Promise<void> {
  const result = await execa('npm', ['install', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit', reject: false });
  if (result.failed) throw new Error(`npm install failed in ${dir}: run it there again when the cause is gone`);
}

export function nextSteps(dir: string, installed: boolean): string[] {
  return [
    `Next: cd ${dir}${installed ? '' : ' && npm install'} && npm test, then say in src/spec.ts what users may want and in src/workers/ what each phase does.`,
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
