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

/** Answers that options gave. They are not asked. */
export interface GivenAnswers {
  /** `--kind` */
  readonly kind?: string;
  /** `--api-version` */
  readonly apiVersion?: string;
  /** `--operator-name` */
  readonly operatorName?: string;
  /** `--phase`, once per phase */
  readonly phases?: readonly NewPhase[];
  /** `--finalizer`, `--finalizer-inputs` and `--finalizer-outputs` */
  readonly finalizer?: NewFinalizer;
}

/** Context of the prompts. */
export interface ProjectOffer {
  /** Folder of the project, as prompts show it. */
  readonly dir: string;
  /** Examples to start from. */
  readonly examples: readonly Choice[];
}

/** The choice that is not an example. */
const OWN_STATE_MACHINE = 'a state machine of your own';

/**
 * Asks for everything that a new project needs and that no option gave.
 *
 * @returns the project, or the name of the example to start from
 * @throws Error if given phases are invalid, or if the user does not confirm
 */
export async function askProject(
  ask: Ask,
  print: Print,
  given: GivenAnswers,
  { dir, examples }: ProjectOffer,
): Promise<NewProject | { readonly example: string }> {
  print('Type ? at a prompt for help. Nothing is written before you confirm.\n');
  if (Object.keys(given).length === 0 && examples.length > 0) {
    const start = await askStart(ask, examples);
    if (start !== OWN_STATE_MACHINE) {
      await confirmWrite(ask, `Write the example ${start} to ${dir}?`);
      return { example: start };
    }
  }
  const identity = await askIdentity(ask, given, dir);
  const draw = drawChanges(print);
  const phases = await askMissingTargets(ask, print, {
    ...identity,
    phases: await phasesOf(given, identity, { ask, print, draw }),
  });
  const finalizer = given.finalizer ?? (await askFinalizer(ask));
  draw(phases);
  const { kind, apiVersion, operatorName } = identity;
  await confirmWrite(ask, `Write ${operatorName} for ${kind} (${apiVersion}) to ${dir}?`);
  return { ...identity, phases, ...(finalizer && { finalizer }) };
}

type Identity = Pick<NewProject, 'kind' | 'apiVersion' | 'operatorName'>;
type Draw = (phases: readonly NewPhase[]) => void;

async function askStart(ask: Ask, examples: readonly Choice[]): Promise<string> {
  const own = {
    value: OWN_STATE_MACHINE,
    description: 'you name the phases and get a worker stub for each',
  };
  return askOne(ask, {
    name: 'start',
    message: 'What do you want to start from?',
    help: helpTexts.start,
    choices: [own, ...examples],
    default: OWN_STATE_MACHINE,
  });
}

async function askIdentity(ask: Ask, given: GivenAnswers, dir: string): Promise<Identity> {
  const kind = given.kind ?? (await askKind(ask, kindFromFolder(dir)));
  const apiVersion =
    given.apiVersion ??
    (await askText(
      ask,
      {
        name: 'apiVersion',
        message: `What is the API group and version of ${kind}?`,
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
        message: 'What is the name of the operator?',
        help: helpTexts.operatorName,
        default: defaultOperatorName(kind),
      },
      operatorNameProblem,
    ));
  return { kind, apiVersion, operatorName };
}

async function askKind(ask: Ask, fromFolder: string | undefined): Promise<string> {
  const question = {
    name: 'kind',
    message: 'What is the kind of the resource? (Pascal case, such as Canary)',
    help: helpTexts.kind,
    ...(fromFolder !== undefined && { default: fromFolder }),
  };
  return askText(ask, question, kindProblem);
}

/** Draws phases, except when the drawing is the same as the one before. */
function drawChanges(print: Print): Draw {
  let last = '';
  return (phases) => {
    const drawing = boxes(phases.map(toGraphPhase));
    if (drawing !== last) {
      print(`\n${drawing}\n`);
    }
    last = drawing;
  };
}

/** Phases from options, or from prompts. @throws Error if phases from options are invalid */
async function phasesOf(
  given: GivenAnswers,
  identity: Identity,
  { ask, print, draw }: { readonly ask: Ask; readonly print: Print; readonly draw: Draw },
): Promise<readonly NewPhase[]> {
  const { phases } = given;
  if (phases === undefined) {
    print('\nNow name the phases. The first one is the initial phase of a new resource.');
    return askPhases(ask, draw, identity.kind);
  }
  const problems = await projectProblems({ ...given, ...identity, phases });
  if (problems.length > 0) {
    throw new Error(problems.map(formatProblem).join('\n'));
  }
  return phases;
}

/** The kind that a folder name suggests: Canary for `my-canary` or `canary-operator`. */
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

async function askPhases(ask: Ask, draw: Draw, kind: string): Promise<readonly NewPhase[]> {
  const asked: NewPhase[] = [];
  for (;;) {
    const name = await askNextName(ask, asked, kind);
    if (name === '') {
      return defaultPhases(kind);
    }
    asked.push(await askListedPhase(ask, name, asked));
    const phases = resolveFollowing(asked);
    draw(phases);
    const another = await askYesNo(ask, {
      name: 'another',
      message: 'Add another phase?',
      help: helpTexts.another,
      default: needsAnotherPhase(phases),
    });
    if (!another) {
      return phases;
    }
  }
}

/** Asks for the name of one more phase. @returns '' for the default phases */
async function askNextName(ask: Ask, asked: readonly NewPhase[], kind: string): Promise<string> {
  const names = asked.map(({ name }) => name);
  const problemOf = (name: string): string | undefined => newPhaseProblem(name, [kind, ...names]);
  const { phase: help } = helpTexts;
  if (asked.length === 0) {
    const message = `What is the first phase? (Enter for ${DEFAULT_PHASE_NAMES.join(', ')})`;
    return askText(ask, { name: 'name', message, help }, (name) =>
      name === '' ? undefined : problemOf(name),
    );
  }
  const missingTarget = asked
    .flatMap(({ next = [] }) => next)
    .find((target) => !names.includes(target));
  const unused = DEFAULT_PHASE_NAMES.slice(asked.length).find(
    (name) => problemOf(name) === undefined,
  );
  const preset = missingTarget ?? unused;
  const question = { name: 'name', message: 'What is the next phase?', help };
  return askText(ask, { ...question, ...(preset !== undefined && { default: preset }) }, problemOf);
}

/** Asks for the fields and next phases of a phase. The first phase is the initial one. */
async function askListedPhase(
  ask: Ask,
  name: string,
  before: readonly NewPhase[],
): Promise<NewPhase> {
  const first = before.length === 0;
  const known = before.map((phase) => phase.name);
  const phase = await askPhase(
    ask,
    { name, ...(first && { initial: true }) },
    { mayBeFinal: !first },
  );
  const next = phase.final ? undefined : await askNewTargets(ask, name, known);
  return { ...phase, ...(next !== undefined && { next }) };
}

/** Whether a next phase does not exist yet, or no phase is final. */
function needsAnotherPhase(phases: readonly NewPhase[]): boolean {
  const names = phases.map(({ name }) => name);
  const targets = phases.flatMap(({ next = [] }) => next);
  return targets.some((name) => !names.includes(name)) || !phases.some(({ final }) => final);
}

async function askFinalizer(ask: Ask): Promise<NewFinalizer | undefined> {
  const wanted = await askYesNo(ask, {
    name: 'finalizer',
    message: 'Add a finalizer? (custom clean-up before a resource is deleted)',
    help: helpTexts.finalizer,
    default: false,
  });
  return wanted ? askInputsAndOutputs(ask, 'the finalizer') : undefined;
}

/** Validates a project. Loads YAML parser and schema late, so that the first prompt is fast. */
async function projectProblems(project: NewProject): Promise<readonly Problem[]> {
  const [{ loadModel }, { projectText }] = await Promise.all([
    import('../model/load.ts'),
    import('../model/project-text.ts'),
  ]);
  const loaded = loadModel(projectText(project), 'autopilot.yaml');
  return 'problems' in loaded ? loaded.problems : [];
}

/** Default names of phases. */
const DEFAULT_PHASE_NAMES = ['Initializing', 'Processing', 'Finished'];

/** Replaces the answer "the next phase I name" by the phase that follows. */
function resolveFollowing(phases: readonly NewPhase[]): readonly NewPhase[] {
  return phases.map((phase, index) => {
    if (phase.final || phase.next !== undefined) {
      return phase;
    }
    const after = phases[index + 1];
    return { ...phase, next: after === undefined ? [] : [after.name] };
  });
}

/** Asks for next phases again until every target exists and every phase can be reached. */
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
    const corrected: NewPhase[] = [];
    for (const phase of phases) {
      corrected.push(await askTargetsAgain(ask, phase, names));
    }
    phases = corrected;
  }
}

async function askTargetsAgain(
  ask: Ask,
  phase: NewPhase,
  names: readonly string[],
): Promise<NewPhase> {
  if (phase.final) {
    return phase;
  }
  const others = names.filter((name) => name !== phase.name);
  if (others.length === 0) {
    return { ...phase, next: [] };
  }
  const next = await askMany(ask, {
    name: 'next',
    message: `Which phases may follow ${phase.name}?`,
    help: helpTexts.next,
    choices: plainChoices(others),
    default: (phase.next ?? []).filter((name) => names.includes(name)),
  });
  return { ...phase, next };
}
