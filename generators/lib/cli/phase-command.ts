/** `autopilot phase` and `yo autopilot:phase`: a change of autopilot.yaml and everything that follows from it, given options and a way to ask. */
import { join } from 'node:path';
import { PHASE_VERBS } from './cli/table.ts';
import type { PhaseVerb } from './cli/table.ts';
import { askAdded, askAfter, askEdited, askHeir, askNewName, askVerb, askWhich, NONE } from './dialogue/change.ts';
import { explain } from './dialogue/explain.ts';
import { askToWrite } from './dialogue/question.ts';
import type { Ask } from './dialogue/question.ts';
import { boxes, drawn } from './graph.ts';
import { loadModel, requireModel } from './load.ts';
import { readText } from './lock.ts';
import type { Model } from './model.ts';
import { movedFiles } from './moved.ts';
import type { Moved } from './moved.ts';
import { suggestion } from './naming.ts';
import type { NewPhase } from './new-project.ts';
import { fieldsOf, newPhaseProblem } from './phase-option.ts';
import type { FieldOptions } from './phase-option.ts';
import { findProject, PROJECT_FILE } from './project-file.ts';
import type { Terminal } from './commands.ts';
import { refuseUnwritable } from './write.ts';

export interface ChangeOptions extends FieldOptions {
  /** Of add and move: the phase before it, or `none`. */
  readonly after?: string | undefined;
  /** Of remove: the phase that takes over, or `none`. */
  readonly heir?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
}

interface Project {
  readonly dir: string;
  readonly text: string;
  readonly model: Model;
  readonly names: readonly string[];
}

interface Change {
  readonly projectText: string;
  /** The user's files that move along. */
  readonly moved?: Moved;
  /** What a person should know before it is done. */
  readonly says?: readonly string[];
}

/** What is to be done, as far as it is said. */
interface Order {
  readonly verb: PhaseVerb;
  readonly name?: string;
  /** Of rename: the new name. */
  readonly to?: string;
}

/**
 * `[add] NAME`, `edit NAME`, `rename OLD NEW`, `remove NAME`, `move NAME`: changes autopilot.yaml and generates. What is not said is asked,
 * and then shown before it is done. Nothing is written when the machine would not be one afterwards.
 */
export async function changePhases(from: string, words: readonly string[], options: ChangeOptions, { ask, say }: Terminal): Promise<void> {
  const dir = findProject(from);
  refuseUnwritable(dir);
  const text = readText(join(dir, PROJECT_FILE)) ?? '';
  const model = requireModel(text, PROJECT_FILE);
  const project: Project = { dir, text, model, names: model.phases.map(({ name }) => name) };
  let asked = false;
  const asking: Ask | undefined =
    ask === undefined || options.yes
      ? undefined
      : (question) => {
          if (!asked) say(`\n${boxes(drawn(model))}\n`);
          asked = true;
          return ask(question);
        };
  const order =
    words.length > 0
      ? orderOf(words)
      : ({
          verb: spoken(options) ? 'add' : await (asking === undefined ? missing('what to do', 'phase Waiting --next Processing') : askVerb(asking)),
        } as const);
  const [{ generateProject }, { summary }] = await Promise.all([import('./project.ts'), import('./report.ts')]);
  for (;;) {
    const change = await changeOf(project, order, options, asking);
    if (change.projectText === text && change.moved === undefined) return say('Nothing to change.');
    const loaded = loadModel(change.projectText, PROJECT_FILE);
    if (asking === undefined || !asked) requireModel(change.projectText, PROJECT_FILE);
    if ('problems' in loaded) {
      for (const problem of loaded.problems) say(`! ${problem.message}`);
      say('Once more:');
      continue;
    }
    const work = {
      projectText: change.projectText,
      ...change.moved,
      ...(options.force !== undefined && { force: options.force }),
      // Whoever removes a phase has been told what becomes of resources that stand there.
      ...(order.verb === 'remove' && { acceptBreaking: ['status.phase'] }),
    };
    for (const line of change.says ?? []) say(line);
    if (asking !== undefined && asked) {
      say(`\n${boxes(drawn(loaded.model))}\n`);
      const { plan, attention } = await generateProject(dir, { ...work, dryRun: true });
      for (const { action, path } of plan.changes) if (/^(src\/workers|test)\//.test(path)) say(`${action.padStart(9)} ${path}`);
      for (const file of attention.orphaned) say(` orphaned ${file}: it stays, and belongs to no phase any more`);
      await askToWrite(asking, `Change ${PROJECT_FILE} and generate?`);
    }
    for (const line of summary(await generateProject(dir, work))) say(line);
    return;
  }
}

/** Whether options say what is to change, so that nothing has to be asked. */
function spoken(options: ChangeOptions): boolean {
  return Object.keys(fieldsOf(options, [])).length > 0 || options.after !== undefined || options.heir !== undefined;
}

function orderOf(words: readonly string[]): Order {
  const [first] = words;
  const verb = PHASE_VERBS.find((known) => known === first) ?? 'add';
  const [name, to, extra] = verb === first ? words.slice(1) : words;
  const surplus = verb === 'rename' ? extra : to;
  if (surplus !== undefined && verb !== first) throw new Error(`'${first}' is not one of ${PHASE_VERBS.join(', ')}${suggestion(first ?? '', PHASE_VERBS)}`);
  if (surplus !== undefined) throw new Error(`'${surplus}' is one argument too many: autopilot phase ${verb} ${verb === 'rename' ? 'OLD NEW' : 'NAME'}`);
  return { verb, ...(name !== undefined && { name }), ...(to !== undefined && { to }) };
}

function missing(what: string, example: string): never {
  throw new Error(`missing ${what}: there is no terminal to ask on (for example: autopilot ${example})`);
}

async function changeOf(project: Project, order: Order, options: ChangeOptions, ask: Ask | undefined): Promise<Change> {
  const { text, model, names } = project;
  const { editPhase, movePhase, removePhase, renamePhase } = await import('./edit.ts');
  if (order.verb === 'add') return added(project, order.name, options, ask);
  const { verb } = order;
  const name = order.name ?? (ask === undefined ? missing("the phase's name", `phase ${verb} ${EXAMPLES[verb]}`) : await askWhich(ask, verb, model));
  const phase = model.phases.find((existing) => existing.name === name);
  if (phase === undefined) throw new Error(`'${name}' is not a phase of ${PROJECT_FILE}${suggestion(name, names)}`);
  switch (verb) {
    case 'edit': {
      if (spoken(options)) return { projectText: editPhase(text, name, fieldsOf(options, names)) };
      if (ask === undefined)
        throw new Error('nothing to change: give --description, --inputs, --outputs, --next, --final, --not-final, --ready or --not-ready');
      const fields = await askEdited(ask, phase, model);
      return Object.keys(fields).length === 0 ? { projectText: text } : { projectText: editPhase(text, name, fields) };
    }
    case 'rename': {
      const taken = [model.kind, ...names.filter((other) => other !== name)];
      const to =
        order.to ??
        (ask === undefined ? missing('the new name', 'phase rename Waiting Pausing') : await askNewName(ask, `New name of ${name}`, explain.rename, taken));
      const problem = newPhaseProblem(to, taken);
      if (problem !== undefined) throw new Error(problem);
      return {
        projectText: renamePhase(text, name, to),
        moved: movedFiles(project.dir, name.toLowerCase(), to.toLowerCase()),
        says: [`Resources standing in ${name} fly on in ${to}: the old name goes into formerly.`],
      };
    }
    case 'remove': {
      if (names.length === 1) throw new Error(`${name} is the only phase: a machine needs one`);
      const heir = options.heir ?? (ask === undefined ? noHeir(name) : await askHeir(ask, name, names));
      if (heir !== NONE && !names.includes(heir)) throw new Error(`--heir names '${heir}', which is not a phase of ${PROJECT_FILE}${suggestion(heir, names)}`);
      const projectText = removePhase(text, name, heir === NONE && !names.includes(NONE) ? undefined : heir);
      return {
        projectText,
        says: [
          heir === NONE
            ? `Resources standing in ${name} will be Stalled.`
            : `Resources standing in ${name} are in ${heir} then, and what could go to ${name} may go to ${heir}.`,
          ...bridges(model, projectText, heir),
        ],
      };
    }
    case 'move': {
      const after =
        options.after ??
        (ask === undefined ? missing('--after', 'phase move Waiting --after Processing; --after none: to the front') : await askAfter(ask, name, names));
      if (after === name) throw new Error(`${name} cannot stand behind itself: name another phase with --after`);
      return { projectText: movePhase(text, name, after === NONE && !names.includes(NONE) ? undefined : after) };
    }
    default:
      return verb satisfies never;
  }
}

/** What else may go where it could not, so that everything can still be reached. */
function bridges({ phases }: Model, projectText: string, heir: string): readonly string[] {
  const loaded = loadModel(projectText, PROJECT_FILE);
  if ('problems' in loaded) return [];
  return loaded.model.phases.flatMap(({ name, next }) => {
    const before = phases.find((phase) => phase.name === name)?.next ?? [];
    const more = next.filter((target) => target !== heir && !before.includes(target));
    return more.length === 0 ? [] : [`${name} may go to ${more.join(', ')} then.`];
  });
}

const EXAMPLES = {
  edit: 'Waiting --inputs deployments',
  rename: 'Waiting Pausing',
  remove: 'Waiting --heir Processing',
  move: 'Waiting --after Processing',
} as const;

function noHeir(name: string): never {
  throw new Error(`resources may stand in ${name}: say with --heir PHASE where they are then, or --heir none (they will be Stalled)`);
}

async function added({ text, model, names }: Project, given: string | undefined, options: ChangeOptions, ask: Ask | undefined): Promise<Change> {
  const { addPhase } = await import('./edit.ts');
  const taken = [model.kind, ...names];
  const name =
    given ??
    (ask === undefined
      ? missing("the phase's name", 'phase Waiting --next Processing --after Initializing')
      : await askNewName(ask, 'Name of the phase', explain.phase, taken));
  const problem = newPhaseProblem(name, taken);
  if (problem !== undefined) throw new Error(problem);
  if (ask !== undefined && !spoken(options)) {
    const { phase, before } = await askAdded(ask, name, model);
    return { projectText: addPhase(text, phase, before.at(-1), before.slice(0, -1)) };
  }
  const { next, ...fields } = fieldsOf(options, names);
  const phase: NewPhase = { name, ...fields, ...(next !== undefined && next !== 'any' && { next }) };
  return { projectText: addPhase(text, phase, options.after === NONE && !names.includes(NONE) ? undefined : options.after) };
}
