/** `autopilot phase` and `yo autopilot:phase`: changes autopilot.yaml and generates. */
import { join } from 'node:path';
import { PHASE_VERBS } from './command-table.ts';
import type { PhaseVerb } from './command-table.ts';
import {
  askNewPhase,
  askPosition,
  askPhaseChanges,
  askReplacement,
  askNewName,
  askVerb,
  askPhaseName,
  NONE,
} from '../prompts/change-phase.ts';
import { helpTexts } from '../prompts/help-texts.ts';
import { confirmWrite } from '../prompts/ask.ts';
import type { Ask, Print } from '../prompts/ask.ts';
import { boxes, graphPhases } from '../model/graph.ts';
import { loadModel, requireModel } from '../model/load.ts';
import { readText } from '../util/files.ts';
import type { Model, ModelPhase } from '../model/model.ts';
import type { GenerateOptions } from '../generate/generate-project.ts';
import { retryWhenChanged } from '../generate/project-lock.ts';
import { findRenamedPhaseFiles } from '../generate/renamed-phase-files.ts';
import type { RenamedPhaseFiles } from '../generate/renamed-phase-files.ts';
import { didYouMean } from '../util/naming.ts';
import type { NewPhase } from '../model/new-project.ts';
import { parseFieldOptions, newPhaseProblem } from '../model/phase-options.ts';
import type { PhaseFieldOptions } from '../model/phase-options.ts';
import { findProject, PROJECT_FILE } from '../generate/find-project.ts';
import type { Terminal } from './commands.ts';
import { refuseUnwritable } from '../generate/write-files.ts';

/** Options of `autopilot phase`. The command table describes them. */
export interface PhaseCommandOptions extends PhaseFieldOptions {
  /** add and move: the phase before this one, or `none` for the first position. */
  readonly after?: string | undefined;
  /** remove: the phase that takes over the resources, or `none`. */
  readonly replacement?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** The project before the change, with everything that a change needs. */
interface PhaseContext {
  readonly dir: string;
  /** Text of autopilot.yaml. */
  readonly text: string;
  readonly model: Model;
  /** Names of the phases. */
  readonly names: readonly string[];
  readonly options: PhaseCommandOptions;
  /** Undefined without a terminal and with `--yes`. */
  readonly ask: Ask | undefined;
}

interface PhaseEdit {
  /** New text of autopilot.yaml. */
  readonly projectText: string;
  /** User-owned files that a rename moves. */
  readonly moved?: RenamedPhaseFiles;
  /** Consequences, printed before the user confirms. */
  readonly messages?: readonly string[];
}

/** What to do, as far as the arguments say it. */
interface PhaseCommand {
  readonly verb: PhaseVerb;
  readonly name?: string;
  /** rename: the new name. */
  readonly to?: string;
}

/**
 * Runs `[add] NAME`, `edit NAME`, `rename OLD NEW`, `remove NAME` or `move NAME`. Asks for what is
 * missing, then shows the new state machine and asks for confirmation. Nothing is written if the
 * new autopilot.yaml would be invalid.
 *
 * @param from folder of the project, or a folder below
 * @param words arguments: verb and names
 * @throws Error if an argument or option is invalid, or missing without a terminal
 */
export async function runPhaseCommand(
  from: string,
  words: readonly string[],
  options: PhaseCommandOptions,
  { ask, print }: Terminal,
): Promise<void> {
  const dir = findProject(from);
  refuseUnwritable(dir);
  let wasAsked = false;
  const noted: Ask | undefined =
    ask &&
    ((question) => {
      wasAsked = true;
      return ask(question);
    });
  await retryWhenChanged(
    () => changePhase(dir, words, options, { ask: noted, print }),
    () => !wasAsked,
  );
}

async function changePhase(
  dir: string,
  words: readonly string[],
  options: PhaseCommandOptions,
  { ask, print }: Terminal,
): Promise<void> {
  const text = readText(join(dir, PROJECT_FILE)) ?? '';
  const model = requireModel(text, PROJECT_FILE);
  const prompts = ask === undefined || options.yes ? undefined : drawFirst(ask, print, model);
  const context: PhaseContext = {
    dir,
    text,
    model,
    names: model.phases.map(({ name }) => name),
    options,
    ask: prompts?.ask,
  };
  const command = await completeCommand(words, context);
  for (;;) {
    const edit = await buildPhaseEdit(command, context);
    if (edit.projectText === text && edit.moved === undefined) {
      return print('Nothing to change.');
    }
    // Only a user who was asked can answer again.
    const interactive = prompts?.wasAsked() ? prompts.ask : undefined;
    if (interactive === undefined) {
      requireModel(edit.projectText, PROJECT_FILE);
    }
    const loaded = loadModel(edit.projectText, PROJECT_FILE);
    if (!('problems' in loaded)) {
      return applyEdit(command, context, { edit, model: loaded.model, interactive, print });
    }
    for (const problem of loaded.problems) {
      print(`! ${problem.message}`);
    }
    print('Please answer again:');
  }
}

/** Draws the present state machine before the first prompt. */
function drawFirst(
  ask: Ask,
  print: Print,
  model: Model,
): { readonly ask: Ask; readonly wasAsked: () => boolean } {
  let asked = false;
  return {
    wasAsked: () => asked,
    ask: (question) => {
      if (!asked) {
        print(`\n${boxes(graphPhases(model))}\n`);
      }
      asked = true;
      return ask(question);
    },
  };
}

/** Reads the command from the arguments, or from the options, or asks for the verb. */
async function completeCommand(
  words: readonly string[],
  { options, ask }: PhaseContext,
): Promise<PhaseCommand> {
  if (words.length > 0) {
    return parsePhaseCommand(words);
  }
  if (hasChangeOptions(options)) {
    return { verb: 'add' };
  }
  if (ask === undefined) {
    throwMissing('what to do', 'phase Waiting --next Processing');
  }
  return { verb: await askVerb(ask) };
}

interface CheckedEdit {
  readonly edit: PhaseEdit;
  /** The model of the new autopilot.yaml. */
  readonly model: Model;
  /** Asks for confirmation. Undefined if nothing was asked before. */
  readonly interactive: Ask | undefined;
  readonly print: Print;
}

async function applyEdit(
  { verb }: PhaseCommand,
  { dir, text, options: { force } }: PhaseContext,
  { edit, model, interactive, print }: CheckedEdit,
): Promise<void> {
  const [{ generateProject }, { summarize }] = await Promise.all([
    import('../generate/generate-project.ts'),
    import('../generate/summary.ts'),
  ]);
  const work: GenerateOptions = {
    projectText: edit.projectText,
    basedOn: [{ path: PROJECT_FILE, text }, ...(edit.moved?.read ?? [])],
    ...(edit.moved && { seed: edit.moved.seed, removed: edit.moved.removed }),
    ...(force !== undefined && { force }),
    // The messages of remove say what becomes of resources in the phase.
    ...(verb === 'remove' && { acceptBreaking: ['status.phase'] }),
  };
  edit.messages?.forEach(print);
  if (interactive !== undefined) {
    print(`\n${boxes(graphPhases(model))}\n`);
    const { plan, notices } = await generateProject(dir, { ...work, dryRun: true });
    for (const { action, path } of plan.changes) {
      if (/^(src\/workers|test)\//.test(path)) {
        print(`${action.padStart(9)} ${path}`);
      }
    }
    for (const file of notices.orphanedFiles) {
      print(` orphaned ${file}: it is kept but not used; delete it if you do not need it`);
    }
    await confirmWrite(interactive, `Change ${PROJECT_FILE} and generate?`);
  }
  summarize(await generateProject(dir, work)).forEach(print);
}

/** Whether options say what to change, so that nothing has to be asked. */
function hasChangeOptions(options: PhaseCommandOptions): boolean {
  return (
    Object.keys(parseFieldOptions(options, [])).length > 0 ||
    options.after !== undefined ||
    options.replacement !== undefined
  );
}

function parsePhaseCommand(words: readonly string[]): PhaseCommand {
  const [first = ''] = words;
  const known = PHASE_VERBS.find((verb) => verb === first);
  const verb = known ?? 'add';
  const [name, to, extra] = known === undefined ? words : words.slice(1);
  const surplus = verb === 'rename' ? extra : to;
  if (surplus === undefined) {
    return { verb, ...(name !== undefined && { name }), ...(to !== undefined && { to }) };
  }
  if (known === undefined) {
    throw new Error(
      `'${first}' is not one of ${PHASE_VERBS.join(', ')}${didYouMean(first, PHASE_VERBS)}`,
    );
  }
  const usage = `autopilot phase ${verb} ${verb === 'rename' ? 'OLD NEW' : 'NAME'}`;
  throw new Error(`'${surplus}' is one argument too many: ${usage}`);
}

function throwMissing(what: string, example: string): never {
  throw new Error(
    `missing ${what}: there is no terminal to ask on (for example: autopilot ${example})`,
  );
}

async function buildPhaseEdit(command: PhaseCommand, context: PhaseContext): Promise<PhaseEdit> {
  if (command.verb === 'add') {
    return buildAddedPhase(command, context);
  }
  const phase = await findPhase(command.verb, command.name, context);
  switch (command.verb) {
    case 'edit':
      return buildEditedPhase(phase, context);
    case 'rename':
      return buildRenamedPhase(phase, command.to, context);
    case 'remove':
      return buildRemovedPhase(phase, context);
    case 'move':
      return buildMovedPhase(phase, context);
    default:
      return command.verb satisfies never;
  }
}

const VERB_EXAMPLES = {
  edit: 'Waiting --inputs deployments',
  rename: 'Waiting Pausing',
  remove: 'Waiting --replacement Processing',
  move: 'Waiting --after Processing',
} as const;

/** The phase that the command names, or that the user chooses. */
async function findPhase(
  verb: keyof typeof VERB_EXAMPLES,
  given: string | undefined,
  { model, names, ask }: PhaseContext,
): Promise<ModelPhase> {
  if (given === undefined && ask === undefined) {
    throwMissing("the phase's name", `phase ${verb} ${VERB_EXAMPLES[verb]}`);
  }
  const name = given ?? (ask === undefined ? '' : await askPhaseName(ask, verb, model));
  const phase = model.phases.find((existing) => existing.name === name);
  if (phase === undefined) {
    throw new Error(`'${name}' is not a phase of ${PROJECT_FILE}${didYouMean(name, names)}`);
  }
  return phase;
}

async function buildAddedPhase(
  { name: given }: PhaseCommand,
  { text, model, names, options, ask }: PhaseContext,
): Promise<PhaseEdit> {
  const { addPhase } = await import('../model/edit.ts');
  const taken = [model.kind, ...names];
  if (given === undefined && ask === undefined) {
    throwMissing("the phase's name", 'phase Waiting --next Processing --after Initializing');
  }
  const name =
    given ??
    (ask === undefined
      ? ''
      : await askNewName(ask, 'What is the name of the phase?', helpTexts.phase, taken));
  refuseNewName(name, taken);
  if (ask !== undefined && !hasChangeOptions(options)) {
    const { phase, before } = await askNewPhase(ask, name, model);
    return { projectText: addPhase(text, phase, before.at(-1), before.slice(0, -1)) };
  }
  const { next, ...fields } = parseFieldOptions(options, names);
  const phase: NewPhase = {
    name,
    ...fields,
    ...(next !== undefined && next !== 'any' && { next }),
  };
  return { projectText: addPhase(text, phase, phaseOrNone(options.after, names)) };
}

/** @throws Error if a name cannot be the name of a new phase */
function refuseNewName(name: string, taken: readonly string[]): void {
  const problem = newPhaseProblem(name, taken);
  if (problem !== undefined) {
    throw new Error(problem);
  }
}

/** Undefined for `none`, unless a phase has this name. */
function phaseOrNone(name: string | undefined, names: readonly string[]): string | undefined {
  return name === NONE && !names.includes(NONE) ? undefined : name;
}

async function buildEditedPhase(
  phase: ModelPhase,
  { text, model, names, options, ask }: PhaseContext,
): Promise<PhaseEdit> {
  const { editPhase } = await import('../model/edit.ts');
  if (hasChangeOptions(options)) {
    return { projectText: editPhase(text, phase.name, parseFieldOptions(options, names)) };
  }
  if (ask === undefined) {
    throw new Error(
      'nothing to change: give --description, --inputs, --outputs, --next, --final, --not-final, --resting, --not-resting, --while-paused, --ready or --not-ready',
    );
  }
  const fields = await askPhaseChanges(ask, phase, model);
  return Object.keys(fields).length === 0
    ? { projectText: text }
    : { projectText: editPhase(text, phase.name, fields) };
}

async function buildRenamedPhase(
  { name }: ModelPhase,
  given: string | undefined,
  { dir, text, model, names, ask }: PhaseContext,
): Promise<PhaseEdit> {
  const { renamePhase } = await import('../model/edit.ts');
  const taken = [model.kind, ...names.filter((other) => other !== name)];
  if (given === undefined && ask === undefined) {
    throwMissing('the new name', 'phase rename Waiting Pausing');
  }
  const to =
    given ??
    (ask === undefined
      ? ''
      : await askNewName(ask, `What is the new name of ${name}?`, helpTexts.rename, taken));
  refuseNewName(to, taken);
  return {
    projectText: renamePhase(text, name, to),
    moved: findRenamedPhaseFiles(dir, name.toLowerCase(), to.toLowerCase()),
    messages: [`Resources in ${name} continue in ${to}: ${name} is added to formerly.`],
  };
}

async function buildRemovedPhase(
  { name }: ModelPhase,
  { text, model, names, options, ask }: PhaseContext,
): Promise<PhaseEdit> {
  const { removePhase } = await import('../model/edit.ts');
  if (names.length === 1) {
    throw new Error(`${name} is the only phase: a state machine needs at least one phase`);
  }
  if (options.replacement === undefined && ask === undefined) {
    throw new Error(
      `missing --replacement: resources may be in ${name}. Give --replacement PHASE to continue them in PHASE, or --replacement none to leave them Stalled`,
    );
  }
  const replacement =
    options.replacement ??
    (ask === undefined ? NONE : await askReplacement(ask, name, unguardedPhases(model)));
  if (replacement !== NONE && !names.includes(replacement)) {
    throw new Error(
      `--replacement names '${replacement}', which is not a phase of ${PROJECT_FILE}${didYouMean(replacement, names)}`,
    );
  }
  const projectText = removePhase(text, name, phaseOrNone(replacement, names));
  const consequences =
    replacement === NONE
      ? [`Resources in ${name} become Stalled.`]
      : [
          `Resources in ${name} continue in ${replacement}.`,
          `Phases that could go to ${name} may go to ${replacement}.`,
        ];
  return {
    projectText,
    messages: [...consequences, ...describeAddedTransitions(model, projectText, replacement)],
  };
}

/** Names of the phases that a resource may enter without an approval. */
function unguardedPhases({ phases }: Model): readonly string[] {
  return phases.filter(({ approval }) => !approval).map(({ name }) => name);
}

async function buildMovedPhase(
  { name }: ModelPhase,
  { text, names, options, ask }: PhaseContext,
): Promise<PhaseEdit> {
  const { movePhase } = await import('../model/edit.ts');
  if (options.after === undefined && ask === undefined) {
    throwMissing(
      '--after',
      'phase move Waiting --after Processing; --after none for the first position',
    );
  }
  const after = options.after ?? (ask === undefined ? NONE : await askPosition(ask, name, names));
  if (after === name) {
    throw new Error(`--after ${after}: ${name} cannot come after itself. Name another phase`);
  }
  return { projectText: movePhase(text, name, phaseOrNone(after, names)) };
}

/** Transitions that a removal adds, so that every phase can still be reached. */
function describeAddedTransitions(
  { phases }: Model,
  projectText: string,
  replacement: string,
): readonly string[] {
  const loaded = loadModel(projectText, PROJECT_FILE);
  if ('problems' in loaded) {
    return [];
  }
  return loaded.model.phases.flatMap(({ name, next }) => {
    const before = phases.find((phase) => phase.name === name)?.next ?? [];
    const added = next.filter((target) => target !== replacement && !before.includes(target));
    return added.length === 0 ? [] : [`${name} may now go to ${added.join(', ')}.`];
  });
}
