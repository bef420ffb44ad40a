import type { NewPhase } from '../model/new-project.ts';
import type { Model, ModelPhase } from '../model/model.ts';
import { newPhaseProblem } from '../model/phase-options.ts';
import { helpTexts } from './help-texts.ts';
import { askPhase } from './phase.ts';
import { askOne, askMany, askText, plainChoices } from './ask.ts';
import type { Ask } from './ask.ts';
import { PHASE_VERBS } from '../cli/command-table.ts';
import type { PhaseVerb } from '../cli/command-table.ts';

/** Answer for no phase: no replacement, or the first position. */
export const NONE = 'none';

const VERB_DESCRIPTIONS: Readonly<Record<PhaseVerb, string>> = {
  add: 'a new phase',
  edit: 'description, inputs, outputs and next phases',
  rename: 'the phase, its worker and its test',
  remove: 'a phase; its resources continue in a replacement',
  move: 'the order in autopilot.yaml',
};

/** Asks what to do: add, edit, rename, remove or move. */
export async function askVerb(ask: Ask): Promise<PhaseVerb> {
  const choices = PHASE_VERBS.map((value) => ({
    value,
    name: `${value.padEnd(6)}  ${VERB_DESCRIPTIONS[value]}`,
  }));
  const verb = await askOne(ask, {
    name: 'verb',
    message: 'What do you want to do?',
    help: helpTexts.verb,
    choices,
    default: 'add',
  });
  return PHASE_VERBS.find((known) => known === verb) ?? 'add';
}

/** Asks for one of the existing phases. */
export async function askPhaseName(ask: Ask, verb: PhaseVerb, { phases }: Model): Promise<string> {
  const choices = phases.map(({ name, description }) => ({
    value: name,
    ...(description !== undefined && { description: description.trim() }),
  }));
  return askOne(ask, {
    name: 'phase',
    message: `Which phase do you want to ${verb}?`,
    help: helpTexts.phase,
    choices,
  });
}

/**
 * Asks for the name of a new phase, or for a new name of a phase.
 *
 * @param taken names that are in use
 */
export async function askNewName(
  ask: Ask,
  message: string,
  help: readonly string[],
  taken: readonly string[],
): Promise<string> {
  return askText(ask, { name: 'name', message, help }, (name) => newPhaseProblem(name, taken));
}

/**
 * Asks for a new phase: its fields and next phases.
 *
 * @returns the phase, and `before`: the phases that may go to it
 */
export async function askNewPhase(
  ask: Ask,
  name: string,
  model: Model,
): Promise<{ readonly phase: NewPhase; readonly before: readonly string[] }> {
  const asked = await askPhase(ask, { name }, { custom: model.customParameters });
  const names = model.phases.map((phase) => phase.name);
  const next = asked.final ? undefined : await askNextPhases(ask, name, names, []);
  const sources = model.phases.filter(({ final }) => !final);
  const last = sources.at(-1)?.name;
  const anywhere = sources.length > 0 && sources.every(({ nextDeclared }) => !nextDeclared);
  const before =
    anywhere || sources.length === 0
      ? []
      : await askMany(ask, {
          name: 'before',
          message: `Which phases may go to ${name}?`,
          help: helpTexts.before,
          choices: plainChoices(sources.map((phase) => phase.name)),
          default: last === undefined ? [] : [last],
        });
  return { phase: { ...asked, ...(next !== undefined && { next }) }, before };
}

/** Asks for the fields of an existing phase. Returns only those that the answers change. */
export async function askPhaseChanges(
  ask: Ask,
  phase: ModelPhase,
  model: Model,
): Promise<Partial<NewPhase>> {
  const now = currentFields(phase);
  const asked = await askPhase(ask, now, {
    mayBeFinal: !phase.initial,
    custom: model.customParameters,
  });
  const before = { description: '', ready: false, final: false, resting: false, ...now };
  if (asked.final) {
    return changedFields(before, { description: '', ready: true, resting: false, ...asked });
  }
  const others = model.phases.map(({ name }) => name).filter((name) => name !== phase.name);
  const next = others.length === 0 ? [] : await askNextPhases(ask, phase.name, others, phase.next);
  const all = !phase.nextDeclared && next.length === others.length;
  return changedFields(before, {
    description: '',
    ready: asked.resting === true,
    final: false,
    resting: false,
    ...asked,
    ...(!all && { next }),
  });
}

function currentFields(phase: ModelPhase): NewPhase {
  return {
    name: phase.name,
    ...(phase.description !== undefined && { description: phase.description.trim() }),
    ...(phase.initial && { initial: true }),
    final: phase.final,
    resting: phase.resting === true,
    ready: phase.ready,
    inputs: [...(phase.metrics ? ['metrics'] : []), ...phase.inputs.map(({ kind }) => kind.name)],
    outputs: phase.outputs.map(({ kind }) => kind.name),
    ...(phase.nextDeclared && { next: phase.next.filter((name) => name !== phase.name) }),
  };
}

/** Compares lists as sets, because no prompt asks for an order. */
function changedFields(before: Partial<NewPhase>, after: Partial<NewPhase>): Partial<NewPhase> {
  const text = (value: unknown): string =>
    JSON.stringify(Array.isArray(value) ? value.map(String).sort() : value);
  const { name: _, ...fields } = after;
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([key, value]) => text(value) !== text(before[key as keyof NewPhase]),
    ),
  );
}

async function askNextPhases(
  ask: Ask,
  name: string,
  names: readonly string[],
  now: readonly string[],
): Promise<readonly string[]> {
  const choices = plainChoices(names);
  return askMany(ask, {
    name: 'next',
    message: `Which phases may follow ${name}?`,
    help: helpTexts.next,
    choices,
    default: now.filter((one) => one !== name),
  });
}

/**
 * Asks for the replacement of a removed phase.
 *
 * @returns the replacement, or NONE
 */
export async function askReplacement(
  ask: Ask,
  name: string,
  names: readonly string[],
): Promise<string> {
  const choices = [
    ...plainChoices(names.filter((other) => other !== name)),
    { value: NONE, description: `resources in ${name} become Stalled` },
  ];
  return askOne(ask, {
    name: 'replacement',
    message: `In which phase do resources in ${name} continue?`,
    help: helpTexts.replacement,
    choices,
  });
}

/**
 * Asks for a new position of a phase.
 *
 * @returns the phase before it, or NONE for the first position
 */
export async function askPosition(
  ask: Ask,
  name: string,
  names: readonly string[],
): Promise<string> {
  const choices = [
    { value: NONE, name: 'none: first position' },
    ...plainChoices(names.filter((other) => other !== name)),
  ];
  return askOne(ask, {
    name: 'after',
    message: `Place ${name} after which phase?`,
    help: helpTexts.after,
    choices,
  });
}
