/**
 * Phases, their fields and lists of names as words on a command line, and what may be wrong with
 * them.
 */
import { phaseNameProblem } from './validate-project.ts';
import type { PhaseFields } from './edit.ts';
import { didYouMean } from '../util/naming.ts';
import type { NewPhase } from './new-project.ts';

export function newPhaseProblem(name: string, taken: readonly string[]): string | undefined {
  const same = taken.find((other) => other.toLowerCase() === name.toLowerCase());
  if (same === name) {
    return `there is a phase '${name}' already`;
  }
  return (
    phaseNameProblem(name) ?? (same === undefined ? undefined : `'${name}' is taken by '${same}'`)
  );
}

/** `A, B` or `A,B` -> names. */
export function splitNames(list: string | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((name) => name !== '');
}

/**
 * A phase as an option:
 * `Evaluating:inputs=metrics,virtualservices:outputs=virtualservices:next=Promoting,RollBack`, with
 * `:initial`,
 * `:final`, `:ready` and `:not-ready`. @throws Error that names the part
 */
export function parsePhase(option: string): NewPhase {
  const [name = '', ...parts] = option.split(':');
  const problem = phaseNameProblem(name);
  if (problem !== undefined) {
    throw new Error(`--phase '${option}': ${problem}`);
  }
  const phase: { -readonly [Key in keyof NewPhase]: NewPhase[Key] } = { name };
  for (const part of parts) {
    const [key = '', value] = part.split(/=(.*)/s);
    if ((key === 'initial' || key === 'final' || key === 'ready') && value === undefined) {
      phase[key] = true;
    } else if (key === 'not-ready' && value === undefined) {
      phase.ready = false;
    } else if ((key === 'inputs' || key === 'outputs' || key === 'next') && value !== undefined) {
      phase[key] = splitNames(value);
    } else if (key === 'description' && value !== undefined) {
      phase.description = value;
    } else {
      throw new Error(
        `--phase '${option}': '${part}' is not inputs=…, outputs=…, next=…, description=…, initial, final, ready or not-ready${didYouMean(key, PHASE_PARTS)}`,
      );
    }
  }
  return phase;
}

const PHASE_PARTS = [
  'inputs',
  'outputs',
  'next',
  'description',
  'initial',
  'final',
  'ready',
  'not-ready',
];

/** Fields of a phase as options of `autopilot phase`. */
export interface PhaseFieldOptions {
  readonly description?: string | undefined;
  readonly inputs?: string | undefined;
  readonly outputs?: string | undefined;
  readonly next?: string | undefined;
  readonly final?: boolean | undefined;
  readonly notFinal?: boolean | undefined;
  readonly ready?: boolean | undefined;
  readonly notReady?: boolean | undefined;
}

/**
 * @param names of the phases there are: one may be called `any`. @throws Error when an option
 * stands beside its contrary
 */
export function parseFieldOptions(
  options: PhaseFieldOptions,
  names: readonly string[],
): PhaseFields {
  const { description, inputs, outputs, next } = options;
  const either = (
    name: string,
    is: boolean | undefined,
    isNot: boolean | undefined,
  ): boolean | undefined => {
    if (is === true && isNot === true) {
      throw new Error(`--${name} and --not-${name} contradict each other`);
    }
    // yo says false for a flag that was not given.
    return is === true ? true : isNot === true ? false : undefined;
  };
  const final = either('final', options.final, options.notFinal);
  const ready = either('ready', options.ready, options.notReady);
  return {
    ...(description !== undefined && { description }),
    ...(inputs !== undefined && { inputs: splitNames(inputs) }),
    ...(outputs !== undefined && { outputs: splitNames(outputs) }),
    ...(next !== undefined && {
      next: next === 'any' && !names.includes('any') ? 'any' : splitNames(next),
    }),
    ...(final !== undefined && { final }),
    ...(ready !== undefined && { ready }),
  };
}
