/**
 * The questions of `yo autopilot` and `yo autopilot:phase`. They are asked through a function that is passed in, so that yo, the bin and
 * tests share them. Every question has an option twin; what an option has answered is not asked.
 */
import { apiVersionProblem, kindProblem, operatorNameProblem, parameterNames, phaseNameProblem } from './check.ts';
import { defaultPhases, projectText } from './edit.ts';
import type { NewPhase, NewProject } from './edit.ts';
import { boxes } from './graph.ts';
import type { Drawn } from './graph.ts';
import { loadModel } from './load.ts';
import { suggestion } from './naming.ts';
import { DEFAULT_API_VERSION, defaultOperatorName } from './scaffold.ts';

export interface Question {
  readonly type: 'input' | 'confirm' | 'checkbox' | 'select';
  readonly name: string;
  readonly message: string;
  readonly default?: string | boolean | readonly string[];
  readonly choices?: readonly string[];
  readonly validate?: (answer: never) => true | string;
}

/** Asks one question. */
export type Ask = (question: Question) => Promise<unknown>;
export type Say = (line: string) => void;

export interface GivenProject {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly operatorName?: string;
}

export async function askProject(ask: Ask, say: Say, given: GivenProject): Promise<NewProject> {
  const kind = given.kind ?? (await text(ask, 'kind', 'Kind of the resource (Pascal case, such as Canary)', kindProblem));
  const apiVersion = given.apiVersion ?? (await text(ask, 'apiVersion', 'API group and version', apiVersionProblem, DEFAULT_API_VERSION));
  const operatorName = given.operatorName ?? (await text(ask, 'operatorName', 'Name of the operator', operatorNameProblem, defaultOperatorName(kind)));
  say('Now the phases, one after the other, beginning with the one a new resource starts in.');
  const asked = { kind, apiVersion, operatorName, phases: await askPhases(ask, say, kind) };
  const project = { ...asked, phases: await settleTargets(ask, say, asked) };
  say(`\n${boxes(project.phases.map(drawnPhase))}\n`);
  const write = await ask({ type: 'confirm', name: 'write', message: `Write ${operatorName} for ${kind} (${apiVersion})?`, default: true });
  if (write !== true) throw new Error('Stopped; nothing was written.');
  return project;
}

function drawnPhase({ next = [], ...phase }: NewPhase): Drawn {
  return { ...phase, next };
}

async function askPhases(ask: Ask, say: Say, kind: string): Promise<NewPhase[]> {
  const phases: NewPhase[] = [];
  for (;;) {
    const first = phases.length === 0;
    const names = phases.map(({ name }) => name);
    const legal = (name: string): string | undefined => (first && name === '' ? undefined : newPhaseProblem(name, [kind, ...names]));
    const message = first ? 'First phase (Enter alone: Initializing, Processing, Finished)' : 'Next phase';
    const name = await text(ask, 'name', message, legal);
    if (name === '') return defaultPhases(kind);
    phases.push({ ...(await askPhase(ask, name, first, names)), ...(first && { initial: true }) });
    say(boxes(phases.map(drawnPhase)));
    if (!(await ask({ type: 'confirm', name: 'another', message: 'Another phase?', default: !phases.at(-1)?.final }))) return phases;
  }
}

/** Everything of a phase but its name. `next` may name phases that are still to come. */
export async function askPhase(ask: Ask, name: string, first: boolean, names: readonly string[], custom: readonly string[] = []): Promise<NewPhase> {
  const description = String(await ask({ type: 'input', name: 'description', message: `What happens in ${name}?` })).trim();
  const phase = { name, ...(description !== '' && { description }) };
  if (!first && (await ask({ type: 'confirm', name: 'final', message: `Is ${name} final (the resource is done, nothing is watched)?`, default: false })))
    return { ...phase, final: true };
  const inputs = [...parameterNames({}), ...custom].sort();
  const outputs = [...parameterNames({}, true), ...custom].sort();
  const read = (await ask({ type: 'checkbox', name: 'inputs', message: `What does ${name} read?`, choices: inputs })) as string[];
  const written = (await ask({ type: 'checkbox', name: 'outputs', message: `What does ${name} write?`, choices: outputs })) as string[];
  const known = names.length > 0 ? ` so far: ${names.join(', ')};` : '';
  const next = await text(ask, 'next', `Where may it go from ${name} (separated by commas;${known} others may come)`, (answer) =>
    splitNames(answer)
      .map(phaseNameProblem)
      .find((problem) => problem !== undefined),
  );
  return { ...phase, inputs: read, outputs: written, next: splitNames(next) };
}

/** Asks again where phases may go until every target exists and every phase can be reached. */
async function settleTargets(ask: Ask, say: Say, project: NewProject): Promise<readonly NewPhase[]> {
  let { phases } = project;
  for (;;) {
    const loaded = loadModel(projectText({ ...project, phases }), 'autopilot.yaml');
    if ('model' in loaded) return phases;
    for (const problem of loaded.problems) say(`! ${problem.message}`);
    const names = phases.map(({ name }) => name);
    const again: NewPhase[] = [];
    for (const phase of phases) {
      const others = names.filter((name) => name !== phase.name);
      if (phase.final) again.push(phase);
      else if (others.length === 0) again.push({ ...phase, next: [] });
      else {
        const next = (await ask({
          type: 'checkbox',
          name: 'next',
          message: `Where may it go from ${phase.name}?`,
          choices: others,
          default: (phase.next ?? []).filter((name) => names.includes(name)),
        })) as string[];
        again.push({ ...phase, next });
      }
    }
    phases = again;
  }
}

export function newPhaseProblem(name: string, taken: readonly string[]): string | undefined {
  const same = taken.find((other) => other.toLowerCase() === name.toLowerCase());
  return phaseNameProblem(name) ?? (same === undefined ? undefined : `'${name}' is taken by '${same}'`);
}

/** `A, B` or `A,B` -> names. */
export function splitNames(list: string | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((name) => name !== '');
}

/**
 * A phase as an option: `Evaluating:inputs=metrics,virtualservices:outputs=virtualservices:next=Promoting,RollBack`, with `:initial`,
 * `:final` and `:ready`. @throws Error that names the part
 */
export function parsePhase(option: string): NewPhase {
  const [name = '', ...parts] = option.split(':');
  const problem = phaseNameProblem(name);
  if (problem !== undefined) throw new Error(`--phase '${option}': ${problem}`);
  const phase: { -readonly [Key in keyof NewPhase]: NewPhase[Key] } = { name };
  for (const part of parts) {
    const [key = '', value] = part.split(/=(.*)/s);
    if ((key === 'initial' || key === 'final' || key === 'ready') && value === undefined) phase[key] = true;
    else if ((key === 'inputs' || key === 'outputs' || key === 'next') && value !== undefined) phase[key] = splitNames(value);
    else if (key === 'description' && value !== undefined) phase.description = value;
    else
      throw new Error(
        `--phase '${option}': '${part}' is not inputs=…, outputs=…, next=…, description=…, initial, final or ready${suggestion(key, PHASE_PARTS)}`,
      );
  }
  return phase;
}

const PHASE_PARTS = ['inputs', 'outputs', 'next', 'description', 'initial', 'final', 'ready'];

/** One sentence when a name of `list` is unknown, for options that take several. */
export function unknownName(option: string, list: readonly string[], known: readonly string[]): string | undefined {
  const wrong = list.find((name) => !known.includes(name));
  return wrong === undefined ? undefined : `${option} names '${wrong}', which is not known${suggestion(wrong, known)}`;
}

async function text(ask: Ask, name: string, message: string, problemOf: (answer: string) => string | undefined, preset?: string): Promise<string> {
  const validate = (answer: string): true | string => problemOf(answer.trim()) ?? true;
  const given = await ask({ type: 'input', name, message, validate, ...(preset !== undefined && { default: preset }) });
  const answer = typeof given === 'string' ? given.trim() : '';
  const problem = problemOf(answer);
  if (problem !== undefined) throw new Error(`${name}: ${problem}`);
  return answer;
}
