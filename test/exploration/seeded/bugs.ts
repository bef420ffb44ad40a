/** All seeded bugs, with the scenario that each is looked for in. */
import type {
  Exploration,
  ExploreOptions,
  Scenario,
  OperatorUnderTest,
} from '../../../sandbox/src/exploration/index.ts';
import { explore } from '../../../sandbox/src/exploration/index.ts';
import { life, createScheduler, taken, touched } from './lift.ts';
import { wrongRuntimes } from './wrong-runtimes.ts';
import { wrongWorkers } from './wrong-workers.ts';

/** One seeded bug. */
export interface Bug {
  readonly where: 'worker' | 'runtime';
  /** What is wrong: `steps whenever it is called`. */
  readonly name: string;
  readonly scenario: Scenario;
  readonly subject: () => OperatorUnderTest;
}

export const correct: OperatorUnderTest = { scheduler: () => createScheduler() };
export const scenarios: readonly Scenario[] = [life, touched, taken];

export const bugs: readonly Bug[] = [
  ...Object.entries(wrongWorkers).map(([name, make]): Bug => ({
    where: 'worker',
    name,
    scenario: life,
    subject: () => ({ scheduler: () => createScheduler(make()) }),
  })),
  ...Object.entries(wrongRuntimes).map(([name, make]): Bug => {
    const scenario = name.includes('over existing objects') ? taken : touched;
    return { where: 'runtime', name, scenario, subject: () => ({ ...correct, start: make() }) };
  }),
];

/** Runs after which a bug counts as not found. */
export const MAX_RUNS = 1_500;

/** Explores a seeded bug until it is found. */
export function hunt(
  { scenario, subject }: Bug,
  options: ExploreOptions = {},
): Promise<Exploration> {
  return explore(subject(), scenario, {
    maxFindings: 1,
    hasBudget: (runs) => runs < MAX_RUNS,
    ...options,
  });
}
