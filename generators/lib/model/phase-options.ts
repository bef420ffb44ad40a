/** Phases and their fields as options of the command line. */
import { didYouMean } from '../util/naming.ts';
import { splitNames } from '../util/text.ts';
import type { PhaseFields } from './edit.ts';
import type { NewPhase } from './new-project.ts';
import { phaseNameProblem } from './validate-project.ts';

/**
 * Why a name cannot be the name of another phase. Undefined when it can.
 * @param taken names of the phases that exist
 */
export function newPhaseProblem(name: string, taken: readonly string[]): string | undefined {
  if (taken.includes(name)) {
    return `there is a phase '${name}' already`;
  }
  const similar = taken.find((other) => other.toLowerCase() === name.toLowerCase());
  return (
    phaseNameProblem(name) ??
    (similar === undefined ? undefined : `'${name}' is taken by '${similar}'`)
  );
}

const PHASE_PARTS = [
  'inputs',
  'outputs',
  'next',
  'description',
  'initial',
  'final',
  'resting',
  'ready',
  'not-ready',
  'while-paused',
];

type MutablePhase = { -readonly [Key in keyof NewPhase]: NewPhase[Key] };

/**
 * Reads a phase from one option, for example
 * `Evaluating:inputs=metrics,virtualservices:outputs=virtualservices:next=Promoting,RollBack`. The
 * parts after the name are `inputs=`, `outputs=`, `next=`, `description=`, `while-paused=`,
 * `initial`, `final`, `resting`, `ready` and `not-ready`.
 * @throws Error that names the invalid part
 */
export function parsePhase(option: string): NewPhase {
  const [name = '', ...parts] = option.split(':');
  const problem = phaseNameProblem(name);
  if (problem !== undefined) {
    throw new Error(`--phase '${option}': ${problem}`);
  }
  const phase: MutablePhase = { name };
  for (const part of parts) {
    const [key = '', value] = part.split(/=(.*)/s);
    if (!setPart(phase, key, value)) {
      throw new Error(
        `--phase '${option}': '${part}' is not inputs=…, outputs=…, next=…, description=…, while-paused=…, initial, final, resting, ready or not-ready${didYouMean(key, PHASE_PARTS)}`,
      );
    }
  }
  return phase;
}

/** @returns false when there is no such part, or when it has a value that it must not have */
function setPart(phase: MutablePhase, key: string, value: string | undefined): boolean {
  if (value === undefined) {
    return setFlag(phase, key);
  }
  if (key === 'inputs' || key === 'outputs' || key === 'next') {
    phase[key] = splitNames(value);
    return true;
  }
  if (key === 'description') {
    phase.description = value;
    return true;
  }
  if (key === 'while-paused') {
    phase.whilePaused = parseWhilePaused(value);
    return true;
  }
  return false;
}

function setFlag(phase: MutablePhase, key: string): boolean {
  if (key === 'initial' || key === 'final' || key === 'resting' || key === 'ready') {
    phase[key] = true;
    return true;
  }
  if (key === 'not-ready') {
    phase.ready = false;
    return true;
  }
  return false;
}

/** @throws Error for another value */
function parseWhilePaused(value: string): 'keep' | 'release' {
  if (value !== 'keep' && value !== 'release') {
    throw new Error(`while-paused is '${value}', which is neither keep nor release`);
  }
  return value;
}

/** Fields of a phase as options of `autopilot phase`. An undefined option was not given. */
export interface PhaseFieldOptions {
  readonly description?: string | undefined;
  readonly inputs?: string | undefined;
  readonly outputs?: string | undefined;
  readonly next?: string | undefined;
  readonly final?: boolean | undefined;
  readonly notFinal?: boolean | undefined;
  readonly resting?: boolean | undefined;
  readonly notResting?: boolean | undefined;
  readonly whilePaused?: string | undefined;
  readonly ready?: boolean | undefined;
  readonly notReady?: boolean | undefined;
}

/**
 * Reads the fields that options of `autopilot phase` set.
 * @param names names of the phases that exist. `--next any` removes the list, unless a phase is
 * called `any`.
 * @throws Error when an option and its opposite are both given
 */
export function parseFieldOptions(
  options: PhaseFieldOptions,
  names: readonly string[],
): PhaseFields {
  const { description, inputs, outputs, next, whilePaused } = options;
  const final = parseFlag('final', options.final, options.notFinal);
  const resting = parseFlag('resting', options.resting, options.notResting);
  const ready = parseFlag('ready', options.ready, options.notReady);
  return {
    ...(description !== undefined && { description }),
    ...(inputs !== undefined && { inputs: splitNames(inputs) }),
    ...(outputs !== undefined && { outputs: splitNames(outputs) }),
    ...(next !== undefined && {
      next: next === 'any' && !names.includes('any') ? 'any' : splitNames(next),
    }),
    ...(final !== undefined && { final }),
    ...(resting !== undefined && { resting }),
    ...(whilePaused !== undefined && { whilePaused: parseWhilePaused(whilePaused) }),
    ...(ready !== undefined && { ready }),
  };
}

/** @returns undefined when neither is given. Yeoman passes false for a flag that was not given. */
function parseFlag(
  name: string,
  on: boolean | undefined,
  off: boolean | undefined,
): boolean | undefined {
  if (on === true && off === true) {
    throw new Error(`--${name} and --not-${name} contradict each other`);
  }
  if (on === true) {
    return true;
  }
  return off === true ? false : undefined;
}
