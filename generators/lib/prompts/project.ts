/**
 * The questions of `yo autopilot`. Every question has an option twin; what an option has answered
 * is not asked.
 */
import { apiVersionProblem, kindProblem, operatorNameProblem } from '../model/validate-project.ts';
import { boxes } from '../model/graph.ts';
import type { GraphPhase } from '../model/graph.ts';
import { DEFAULT_API_VERSION, defaultOperatorName, defaultPhases } from '../model/new-project.ts';
import type { NewFinalizer, NewPhase, NewProject } from '../model/new-project.ts';
import { newPhaseProblem } from '../model/phase-options.ts';
import { formatProblem } from '../util/problems.ts';
import type { Problem } from '../util/problems.ts';
import { helpTexts } from './help-texts.ts';
import { askPhase, askNewTargets, askInputsAndOutputs } from './phase.ts';
import { askOne, askMany, askText, confirmWrite, askYesNo, plainChoices } from './ask.ts';
import type { Ask, Choice, Print } from './ask.ts';

export interface GivenAnswers {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly operatorName?: string;
  readonly phases?: readonly NewPhase[];
  readonly finalizer?: NewFinalizer;
}

/** What the dialogue offers. */
export interface ProjectOffer {
  /** Where the project will be, as it is shown. */
  readonly dir: string;
  /** Examples to start from. */
  readonly examples: readonly Choice[];
}

/**
 * @returns the project, or the name of the example to start from. @throws Error when the last look
 * is answered with no
 */
export async function askProject(
  ask: Ask,
  print: Print,
  given: GivenAnswers,
  { dir, examples }: ProjectOffer,
): Promise<NewProject | { readonly example: string }> {
  print('? explains a question. Nothing is written before the last answer.\n');
  if (Object.keys(given).length === 0 && examples.length > 0) {
    const choices = [
      {
        value: OWN_STATE_MACHINE,
        description: 'you name the phases, and get a stub for each worker',
      },
      ...examples,
    ];
    const start = await askOne(ask, {
      name: 'start',
      message: 'Start from',
      help: helpTexts.start,
      choices,
      default: OWN_STATE_MACHINE,
    });
    if (start !== OWN_STATE_MACHINE) {
      await confirmWrite(ask, `Write the example ${start} to ${dir}?`);
      return { example: start };
    }
  }
  const named = kindFromFolder(dir);
  const kind =
    given.kind ??
    (await askText(
      ask,
      {
        name: 'kind',
        message: 'Kind of the resource (Pascal case, such as Canary)',
        help: helpTexts.kind,
        ...(named !== undefined && { default: named }),
      },
      kindProblem,
    ));
  const apiVersion =
    given.apiVersion ??
    (await askText(
      ask,
      {
        name: 'apiVersion',
        message: 'Its API group and version',
        help: helpTexts.apiVersion,
        default: DEFAULT_API_VERSION,
      },
      apiVersionProblem,
    ));
  const operatorName =
    given.operatorName ??
    (await askText(
      ask,
      {
        name: 'operatorName',
        message: 'Name of the operator',
        help: helpTexts.operatorName,
        default: defaultOperatorName(kind),
      },
      operatorNameProblem,
    ));
  // The same picture twice in a row would only push the questions away.
  let shown = '';
  const draw = (phases: readonly NewPhase[]): void => {
    const picture = boxes(phases.map(toGraphPhase));
    if (picture !== shown) {
      print(`\n${picture}\n`);
    }
    shown = picture;
  };
  if (given.phases === undefined) {
    print('\nNow the phases, beginning with the one a new resource starts in.');
  }
  const identity = { kind, apiVersion, operatorName };
  const wrong =
    given.phases === undefined
      ? []
      : await projectProblems({ ...given, ...identity, phases: given.phases });
  if (wrong.length > 0) {
    throw new Error(wrong.map(formatProblem).join('\n'));
  }
  const phases = await askMissingTargets(ask, print, {
    ...identity,
    phases: given.phases ?? (await askPhases(ask, draw, kind)),
  });
  const finalizer = given.finalizer ?? (await askFinalizer(ask));
  const project = { ...identity, phases, ...(finalizer && { finalizer }) };
  draw(project.phases);
  await confirmWrite(ask, `Write ${operatorName} for ${kind} (${apiVersion}) to ${dir}?`);
  return project;
}

const OWN_STATE_MACHINE = 'a machine of your own';

/** `my-canary` or `canary-operator` -> Canary, when that can be a kind. */
export function kindFromFolder(dir: string): string | undefined {
  const words = (dir.split(/[\\/]/).at(-1) ?? '')
    .replace(/^my[-_]/i, '')
    .replace(/[-_]operator$/i, '');
  const kind = words.replaceAll(/(?:^|[-_ .]+)([A-Za-z0-9])/g, (_, letter: string) =>
    letter.toUpperCase(),
  );
  return kindProblem(kind) === undefined ? kind : undefined;
}

function toGraphPhase({ next = [], ...phase }: NewPhase): GraphPhase {
  return { ...phase, next };
}

async function askPhases(
  ask: Ask,
  draw: (phases: readonly NewPhase[]) => void,
  kind: string,
): Promise<readonly NewPhase[]> {
  const asked: NewPhase[] = [];
  for (;;) {
    const first = asked.length === 0;
    const names = asked.map(({ name }) => name);
    const expected = asked.flatMap(({ next = [] }) => next).find((name) => !names.includes(name));
    const preset =
      expected ??
      DEFAULT_PHASE_NAMES.slice(asked.length).find(
        (name) => newPhaseProblem(name, [kind, ...names]) === undefined,
      );
    const message = first
      ? 'First phase (Enter alone: Initializing, Processing, Finished)'
      : 'Next phase';
    const legal = (name: string): string | undefined =>
      first && name === '' ? undefined : newPhaseProblem(name, [kind, ...names]);
    const name = await askText(
      ask,
      {
        name: 'name',
        message,
        help: helpTexts.phase,
        ...(!first && preset !== undefined && { default: preset }),
      },
      legal,
    );
    if (name === '') {
      return defaultPhases(kind);
    }
    const phase = await askPhase(
      ask,
      { name, ...(first && { initial: true }) },
      { mayBeFinal: !first },
    );
    const next = phase.final ? undefined : await askNewTargets(ask, name, names);
    asked.push({ ...phase, ...(next !== undefined && { next }) });
    const phases = resolveFollowing(asked);
    draw(phases);
    const open = phases.some((one) =>
      one.next?.some((target) => !phases.some((other) => other.name === target)),
    );
    const more = open || !phases.some((one) => one.final);
    if (
      !(await askYesNo(ask, {
        name: 'another',
        message: 'Another phase?',
        help: helpTexts.another,
        default: more,
      }))
    ) {
      return phases;
    }
  }
}

async function askFinalizer(ask: Ask): Promise<NewFinalizer | undefined> {
  const message = 'Before a resource may go, is there work to do beyond deleting what it made?';
  return (await askYesNo(ask, {
    name: 'finalizer',
    message,
    help: helpTexts.finalizer,
    default: false,
  }))
    ? askInputsAndOutputs(ask, 'the finalizer')
    : undefined;
}

/**
 * Reading YAML and holding it against the schema is only loaded when there is something to check:
 * the first question need not wait for it.
 */
async function projectProblems(project: NewProject): Promise<readonly Problem[]> {
  const [{ loadModel }, { projectText }] = await Promise.all([
    import('../model/load.ts'),
    import('../model/project-text.ts'),
  ]);
  const loaded = loadModel(projectText(project), 'autopilot.yaml');
  return 'problems' in loaded ? loaded.problems : [];
}

/** Names for phases when nothing better is known. */
const DEFAULT_PHASE_NAMES = ['Initializing', 'Processing', 'Finished'];

/** Phases that go "to the next one" go to the one after them. */
function resolveFollowing(phases: readonly NewPhase[]): readonly NewPhase[] {
  return phases.map((phase, index) => {
    if (phase.final || phase.next !== undefined) {
      return phase;
    }
    const after = phases[index + 1];
    return { ...phase, next: after === undefined ? [] : [after.name] };
  });
}

/** Asks again where phases may go until every target exists and every phase can be reached. */
async function askMissingTargets(
  ask: Ask,
  print: Print,
  project: NewProject,
): Promise<readonly NewPhase[]> {
  let { phases } = project;
  for (;;) {
    const problems = await projectProblems({ ...project, phases });
    if (problems.length === 0) {
      return phases;
    }
    for (const problem of problems) {
      print(`! ${problem.message}`);
    }
    const names = phases.map(({ name }) => name);
    const again: NewPhase[] = [];
    for (const phase of phases) {
      const others = names.filter((name) => name !== phase.name);
      if (phase.final) {
        again.push(phase);
      } else if (others.length === 0) {
        again.push({ ...phase, next: [] });
      } else {
        const known = (phase.next ?? []).filter((name) => names.includes(name));
        const next = await askMany(ask, {
          name: 'next',
          message: `Where may it go from ${phase.name}?`,
          help: helpTexts.next,
          choices: plainChoices(others),
          default: known,
        });
        again.push({ ...phase, next });
      }
    }
    phases = again;
  }
}
