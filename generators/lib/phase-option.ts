/** Phases and lists of names as words on a command line, and what may be wrong with them. */
import { phaseNameProblem } from './check.ts';
import type { NewPhase } from './project-text.ts';
import { suggestion } from './naming.ts';

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
