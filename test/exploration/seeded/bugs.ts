/** All seeded bugs, with the scenario that each is looked for in. */
import type {
  Exploration,
  ExploreOptions,
  Scenario,
  OperatorUnderTest,
} from '../../../sandbox/src/exploration/index.ts';
import { explore } from '../../../sandbox/src/exploration/index.ts';
import { life, createScheduler, taken, touched } from './lift.ts';
import { approved, createReleaseScheduler, refused } from './release.ts';
import { wrongReleaseRuntimes, wrongRuntimes } from './wrong-runtimes.ts';
import { wrongReleases, wrongWorkers } from './wrong-workers.ts';

/** One seeded bug. */
export interface Bug {
  readonly where: 'worker' | 'runtime';
  /** What is wrong: `steps whenever it is called`. */
  readonly name: string;
  readonly scenario: Scenario;
  readonly subject: () => OperatorUnderTest;
  /** Default: all kinds of faults. */
  readonly faultKinds?: ExploreOptions['faultKinds'];
  /** Default: MAX_RUNS. */
  readonly maxRuns?: number;
}

/** A bug that only two faults of one kind show: among pairs of all kinds it is found too late. */
const NEEDS_TWO_SERVER_ERRORS = 'sets observedGeneration after a reconcile that failed';

export const correct: OperatorUnderTest = { scheduler: () => createScheduler() };
export const correctRelease: OperatorUnderTest = { scheduler: () => createReleaseScheduler() };

/** A scenario of a correct operator, and the number of its runs. */
export interface CorrectScenario {
  readonly subject: OperatorUnderTest;
  readonly scenario: Scenario;
  /** More than twice the number of its single faults. */
  readonly maxRuns: number;
}

export const correctScenarios: readonly CorrectScenario[] = [
  { subject: correct, scenario: life, maxRuns: 1_650 },
  { subject: correct, scenario: touched, maxRuns: 1_650 },
  { subject: correct, scenario: taken, maxRuns: 600 },
  { subject: correctRelease, scenario: approved, maxRuns: 800 },
  { subject: correctRelease, scenario: refused, maxRuns: 600 },
];

export const bugs: readonly Bug[] = [
  ...Object.entries(wrongWorkers).map(([name, make]): Bug => ({
    where: 'worker',
    name,
    scenario: life,
    subject: () => ({ scheduler: () => createScheduler(make()) }),
  })),
  ...Object.entries(wrongReleases).map(([name, make]): Bug => ({
    where: 'worker',
    name,
    scenario: name.includes('silence') ? refused : approved,
    subject: () => ({ scheduler: () => createReleaseScheduler(make()) }),
  })),
  ...Object.entries(wrongRuntimes).map(([name, make]): Bug => {
    const scenario = name.includes('over existing objects') ? taken : touched;
    const subject = (): OperatorUnderTest => ({ ...correct, start: make() });
    return name === NEEDS_TWO_SERVER_ERRORS
      ? { where: 'runtime', name, scenario, subject, faultKinds: ['server-error'], maxRuns: 3_000 }
      : { where: 'runtime', name, scenario, subject };
  }),
  ...Object.entries(wrongReleaseRuntimes).map(([name, make]): Bug => ({
    where: 'runtime',
    name,
    scenario: name.includes('first value') ? refused : approved,
    subject: () => ({ ...correctRelease, start: make() }),
  })),
];

/** Runs after which a bug counts as not found. */
export const MAX_RUNS = 1_500;

/** Explores a seeded bug until it is found. */
export function hunt(
  { scenario, subject, faultKinds, maxRuns = MAX_RUNS }: Bug,
  options: ExploreOptions = {},
): Promise<Exploration> {
  return explore(subject(), scenario, {
    maxFindings: 1,
    hasBudget: (runs) => runs < maxRuns,
    ...(faultKinds && { faultKinds }),
    ...options,
  });
}
