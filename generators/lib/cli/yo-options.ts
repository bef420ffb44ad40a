/** Options on the command line of yo, which itself takes every option without a word. */
import { didYouMean } from '../util/naming.ts';
import { allOptions } from './command-table.ts';
import type { Command } from './command-table.ts';

/** Options of yo and of every Yeoman generator. */
const YEOMAN_OPTIONS = [
  'ask-answered',
  'color',
  'debug',
  'force',
  'force-install',
  'generators',
  'help',
  'insight',
  'local-only',
  'skip-cache',
  'skip-install',
  'skip-local-cache',
  'version',
];

/** The executable of yo, as a link or as its file. */
const YO = /(^|[/\\])yo([/\\]lib[/\\]cli\.js)?$/;

/**
 * Refuses options that the command does not have.
 *
 * @param command the command of the generator
 * @param argv the command line of the process. One that is not yo's is not checked.
 * @throws Error that names the option and the nearest one
 */
export function refuseUnknownOptions(
  command: Command,
  argv: readonly string[] = process.argv,
): void {
  const [, program = '', ...args] = argv;
  if (!YO.test(program)) {
    return;
  }
  const known = [...Object.keys(allOptions(command)), ...YEOMAN_OPTIONS];
  const unknown = args
    .filter((argument) => argument.startsWith('--') && argument !== '--')
    .map((argument) => argument.slice(2).replace(/=[^]*$/, ''))
    .find((name) => !known.includes(name) && !known.includes(name.replace(/^no-/, '')));
  if (unknown !== undefined) {
    throw new Error(
      `--${unknown} is not an option of 'yo ${command.yo ?? ''}'${didYouMean(
        `--${unknown}`,
        known.map((name) => `--${name}`),
      )}`,
    );
  }
}
