/** The command line of `npm run verify`. */
import { parseArgs } from 'node:util';
import { parseDuration } from 'autopilot-runtime';
import type { ReplayToken } from '../exploration/index.ts';
import { parseToken } from '../exploration/index.ts';

/** Parsed arguments. */
export interface VerifyArguments {
  /** True: print the usage. */
  readonly help: boolean;
  /** Time for all scenarios together, in milliseconds. */
  readonly budgetMs: number;
  /** Seed of the exploration. */
  readonly seed: number;
  /** Names of the scenarios to run. Empty: all. */
  readonly scenarios: readonly string[];
  /** The run to repeat. Undefined: explore. */
  readonly replay: ReplayToken | undefined;
}

/** The text of `--help`. */
export const USAGE = `npm run verify -- [options]

Runs the operator in an in-memory cluster with the RBAC rules of its chart. Each
scenario runs once without faults, then repeatedly with one injected fault, with
pairs of faults, and with reordered events. Scenarios are made from the samples
in examples/ and read from test/scenarios/*.ts.

  --budget DURATION  time for all scenarios together (default 1m)
  --scenario NAME    run only this scenario; may be repeated
  --seed NUMBER      whole number that selects the order of faults and the pairs
                     (default 1)
  --replay TOKEN     repeat one run and print its whole trace
  --help             print this text

Exit code: 0 all invariants held, 1 an invariant was violated, 2 nothing was
checked.`;

/**
 * @param argv the arguments after the name of the program.
 * @throws Error that names the argument that is wrong.
 */
export function parseArguments(argv: readonly string[]): VerifyArguments {
  const [command, ...rest] = argv;
  if (command !== 'verify' && command !== '--help') {
    throw new Error(`the command is 'verify', not '${command ?? ''}'\n\n${USAGE}`);
  }
  const { values } = parseArgs({
    args: command === 'verify' ? rest : ['--help'],
    options: {
      help: { type: 'boolean', default: false },
      budget: { type: 'string', default: '1m' },
      seed: { type: 'string', default: '1' },
      scenario: { type: 'string', multiple: true, default: [] },
      replay: { type: 'string' },
    },
  });
  if (!/^\d{1,9}$/.test(values.seed)) {
    throw new Error(`--seed: '${values.seed}' is not a whole number from 0 to 999999999`);
  }
  return {
    help: values.help,
    budgetMs: parseDuration(values.budget),
    seed: Number(values.seed),
    scenarios: values.scenario,
    replay: values.replay === undefined ? undefined : parseToken(values.replay),
  };
}
