/** The command line of `npm run verify`. */
import { parseArgs } from 'node:util';
import { parseDuration } from 'autopilot-runtime/internal';
import type { ReplayToken } from '../exploration/index.ts';
import { parseToken } from '../exploration/index.ts';

export interface VerifyArguments {
  readonly help: boolean;
  /** For all scenarios together, in milliseconds. */
  readonly budgetMs: number;
  readonly seed: number;
  /** Names of scenarios; empty: all. */
  readonly scenarios: readonly string[];
  readonly replay: ReplayToken | undefined;
}

export const USAGE = `npm run verify -- [options]

Runs the operator in an in-memory cluster with the RBAC rules of its chart: without faults, then in turns with single faults at each
fault site, with pairs of faults and with other orders of events. Scenarios are the samples in examples/ and what
test/scenarios/*.ts export.

  --budget 10m       how long, for all scenarios together (default 1m)
  --scenario NAME    only this one; may be given more than once
  --seed 7           another order of faults, other pairs (default 1)
  --replay TOKEN     one run again, with its whole trace
  --help

Exit code: 0 all invariants held, 1 an invariant was violated, 2 nothing could be run.`;

/** @throws Error with a sentence about what is wrong */
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
    throw new Error(`--seed is a whole number, not '${values.seed}'`);
  }
  return {
    help: values.help,
    budgetMs: parseDuration(values.budget),
    seed: Number(values.seed),
    scenarios: values.scenario,
    replay: values.replay === undefined ? undefined : parseToken(values.replay),
  };
}
