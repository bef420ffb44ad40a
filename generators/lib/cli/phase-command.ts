/**
 * `autopilot phase` and `yo autopilot:phase`: a change of autopilot.yaml and everything that
 * follows from it, given options and a way to ask.
 */
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
import type { Ask } from '../prompts/ask.ts';
import { boxes, graphPhases } from '../model/graph.ts';
import { loadModel, requireModel } from '../model/load.ts';
import { readText } from '../util/files.ts';
import type { Model } from '../model/model.ts';
import { findRenamedPhaseFiles } from '../generate/renamed-phase-files.ts';
import type { RenamedPhaseFiles } from '../generate/renamed-phase-files.ts';
import { didYouMean } from '../util/naming.ts';
import type { NewPhase } from '../model/new-project.ts';
import { parseFieldOptions, newPhaseProblem } from '../model/phase-options.ts';
import type { PhaseFieldOptions } from '../model/phase-options.ts';
import { findProject, PROJECT_FILE } from '../generate/find-project.ts';
import type { Terminal } from './commands.ts';
import { refuseUnwritable } from '../generate/write-files.ts';

export interface PhaseCommandOptions extends PhaseFieldOptions {
  /** Of add and move: the phase before it, or `none`. */
  readonly after?: string | undefined;
  /** Of remove: the phase that takes over, or `none`. */
  readonly replacement?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
}

interface OpenProject {
  readonly dir: string;
  readonly text: string;
  readonly model: Model;
  readonly names: readonly string[];
}

interface PhaseEdit {
  readonly projectText: string;
  /** The user's files that move along. */
  readonly moved?: RenamedPhaseFiles;
  /** What a person should know before it is done. */
  readonly messages?: readonly string[];
}

/** What is to be done, as far as it is said. */
interface PhaseCommand {
  readonly verb: PhaseVerb;
  readonly name?: string;
  /** Of rename: the new name. */
  readonly to?: string;
}

/**
 * `[add] NAME`, `edit NAME`, `rename OLD NEW`, `remove NAME`, `move NAME`: changes autopilot.yaml
 * and generates. What is not said is asked,
 * and then shown before it is done. Nothing is written when the machine would not be one
 * afterwards.
 */
export async function runPhaseCommand(
  from: string,
  words: readonly string[],
  options: PhaseCommandOptions,
  { ask, print }: Terminal,
): Promise<void> {
  const dir = findProject(from);
  refuseUnwritable(dir);
  const text = readText(join(dir, PROJECT_FILE)) ?? '';
  const model = requireModel(text, PROJECT_FILE);
  const project: OpenProject = { dir, text, model, names: model.phases.map(({ name }) => name) };
  let asked = false;
  const asking: Ask | undefined =
    ask === undefined || options.yes
      ? undefined
      : (question) => {
          if (!asked) {
            print(`\n${boxes(graphPhases(model))}\n`);
          }
          asked = true;
          return ask(question);
        };
  const command =
    words.length > 0
      ? parsePhaseCommand(words)
      : ({
          verb: hasChangeOptions(options)
            ? 'add'
            : await (asking === undefined
                ? throwMissing('what to do', 'phase Waiting --next Processing')
                : askVerb(asking)),
        } as const);
  const [{ generateProject }, { summarize }] = await Promise.all([
    import('../generate/generate-project.ts'),
    import('../generate/summary.ts'),
  ]);
  for (;;) {
    const change = await buildPhaseEdit(project, command, options, asking);
    if (change.projectText === text && change.moved === undefined) {
      return print('Nothing to change.');
    }
    const loaded = loadModel(change.projectText, PROJECT_FILE);
    if (asking === undefined || !asked) {
      requireModel(change.projectText, PROJECT_FILE);
    }
    if ('problems' in loaded) {
      for (const problem of loaded.problems) {
        print(`! ${problem.message}`);
      }
      print('Once more:');
      continue;
    }
    const work = {
      projectText: change.projectText,
      ...change.moved,
      ...(options.force !== undefined && { force: options.force }),
      // Whoever removes a phase has been told what becomes of resources that stand there.
      ...(command.verb === 'remove' && { acceptBreaking: ['status.phase'] }),
    };
    for (const line of change.messages ?? []) {
      print(line);
    }
    if (asking !== undefined && asked) {
      print(`\n${boxes(graphPhases(loaded.model))}\n`);
      const { plan, notices } = await generateProject(dir, { ...work, dryRun: true });
      for (const { action, path } of plan.changes) {
        if (/^(src\/workers|test)\//.test(path)) {
          print(`${action.padStart(9)} ${path}`);
        }
      }
      for (const file of notices.orphanedFiles) {
        print(` orphaned ${file}: it stays, and belongs to no phase any more`);
      }
      await confirmWrite(asking, `Change ${PROJECT_FILE} and generate?`);
    }
    for (const line of summarize(await generateProject(dir, work))) {
      print(line);
    }
    return;
  }
}

/** Whether options say what is to change, so that nothing has to be asked. */
function hasChangeOptions(options: PhaseCommandOptions): boolean {
  return (
    Object.keys(parseFieldOptions(options, [])).length > 0 ||
    options.after !== undefined ||
    options.replacement !== undefined
  );
}

function parsePhaseCommand(words: readonly string[]): PhaseCommand {
  const [first] = words;
  const verb = PHASE_VERBS.find((known) => known === first) ?? 'add';
  const [name, to, extra] = verb === first ? words.slice(1) : words;
  const surplus = verb === 'rename' ? extra : to;
  if (surplus !== undefined && verb !== first) {
    throw new Error(
      `'${first}' is not one of ${PHASE_VERBS.join(', ')}${didYouMean(first ?? '', PHASE_VERBS)}`,
    );
  }
  if (surplus !== undefined) {
    throw new Error(
      `'${surplus}' is one argument too many: autopilot phase ${verb} ${verb === 'rename' ? 'OLD NEW' : 'NAME'}`,
    );
  }
  return { verb, ...(name !== undefined && { name }), ...(to !== undefined && { to }) };
}

function throwMissing(what: string, example: string): never {
  throw new Error(
    `missing ${what}: there is no terminal to ask on (for example: autopilot ${example})`,
  );
}

async function buildPhaseEdit(
  project: OpenProject,
  command: PhaseCommand,
  options: PhaseCommandOptions,
  ask: Ask | undefined,
): Promise<PhaseEdit> {
  const { text, model, names } = project;
  const { editPhase, movePhase, removePhase, renamePhase } = await import('../model/edit.ts');
  if (command.verb === 'add') {
    return buildAddedPhase(project, command.name, options, ask);
  }
  const { verb } = command;
  const name =
    command.name ??
    (ask === undefined
      ? throwMissing("the phase's name", `phase ${verb} ${VERB_EXAMPLES[verb]}`)
      : await askPhaseName(ask, verb, model));
  const phase = model.phases.find((existing) => existing.name === name);
  if (phase === undefined) {
    throw new Error(`'${name}' is not a phase of ${PROJECT_FILE}${didYouMean(name, names)}`);
  }
  switch (verb) {
    case 'edit': {
      if (hasChangeOptions(options)) {
        return { projectText: editPhase(text, name, parseFieldOptions(options, names)) };
      }
      if (ask === undefined) {
        throw new Error(
          'nothing to change: give --description, --inputs, --outputs, --next, --final, --not-final, --ready or --not-ready',
        );
      }
      const fields = await askPhaseChanges(ask, phase, model);
      return Object.keys(fields).length === 0
        ? { projectText: text }
        : { projectText: editPhase(text, name, fields) };
    }
    case 'rename': {
      const taken = [model.kind, ...names.filter((other) => other !== name)];
      const to =
        command.to ??
        (ask === undefined
          ? throwMissing('the new name', 'phase rename Waiting Pausing')
          : await askNewName(ask, `New name of ${name}`, helpTexts.rename, taken));
      const problem = newPhaseProblem(to, taken);
      if (problem !== undefined) {
        throw new Error(problem);
      }
      return {
        projectText: renamePhase(text, name, to),
        moved: findRenamedPhaseFiles(project.dir, name.toLowerCase(), to.toLowerCase()),
        messages: [
          `Resources standing in ${name} continue in ${to}: the old name goes into formerly.`,
        ],
      };
    }
    case 'remove': {
      if (names.length === 1) {
        throw new Error(`${name} is the only phase: a machine needs one`);
      }
      const replacement =
        options.replacement ??
        (ask === undefined
          ? throwMissingReplacement(name)
          : await askReplacement(ask, name, names));
      if (replacement !== NONE && !names.includes(replacement)) {
        throw new Error(
          `--replacement names '${replacement}', which is not a phase of ${PROJECT_FILE}${didYouMean(replacement, names)}`,
        );
      }
      const projectText = removePhase(
        text,
        name,
        replacement === NONE && !names.includes(NONE) ? undefined : replacement,
      );
      return {
        projectText,
        messages: [
          replacement === NONE
            ? `Resources standing in ${name} will be Stalled.`
            : `Resources standing in ${name} are in ${replacement} then, and what could go to ${name} may go to ${replacement}.`,
          ...describeAddedTransitions(model, projectText, replacement),
        ],
      };
    }
    case 'move': {
      const after =
        options.after ??
        (ask === undefined
          ? throwMissing(
              '--after',
              'phase move Waiting --after Processing; --after none: to the front',
            )
          : await askPosition(ask, name, names));
      if (after === name) {
        throw new Error(`${name} cannot stand behind itself: name another phase with --after`);
      }
      return {
        projectText: movePhase(
          text,
          name,
          after === NONE && !names.includes(NONE) ? undefined : after,
        ),
      };
    }
    default:
      return verb satisfies never;
  }
}

/** What else may go where it could not, so that everything can still be reached. */
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
    const more = next.filter((target) => target !== replacement && !before.includes(target));
    return more.length === 0 ? [] : [`${name} may go to ${more.join(', ')} then.`];
  });
}

const VERB_EXAMPLES = {
  edit: 'Waiting --inputs deployments',
  rename: 'Waiting Pausing',
  remove: 'Waiting --replacement Processing',
  move: 'Waiting --after Processing',
} as const;

function throwMissingReplacement(name: string): never {
  throw new Error(
    `resources may stand in ${name}: say with --replacement PHASE where they are then, or --replacement none (they will be Stalled)`,
  );
}

async function buildAddedPhase(
  { text, model, names }: OpenProject,
  given: string | undefined,
  options: PhaseCommandOptions,
  ask: Ask | undefined,
): Promise<PhaseEdit> {
  const { addPhase } = await import('../model/edit.ts');
  const taken = [model.kind, ...names];
  const name =
    given ??
    (ask === undefined
      ? throwMissing("the phase's name", 'phase Waiting --next Processing --after Initializing')
      : await askNewName(ask, 'Name of the phase', helpTexts.phase, taken));
  const problem = newPhaseProblem(name, taken);
  if (problem !== undefined) {
    throw new Error(problem);
  }
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
  return {
    projectText: addPhase(
      text,
      phase,
      options.after === NONE && !names.includes(NONE) ? undefined : options.after,
    ),
  };
}
