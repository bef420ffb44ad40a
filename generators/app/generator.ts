import { resolve } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { yeomanOptions } from '../lib/cli/help.ts';
import { commandTable } from '../lib/cli/command-table.ts';
import type { InitOptions } from '../lib/cli/commands.ts';
import { refuseUnknownOptions } from '../lib/cli/yo-options.ts';
import { templateRoot } from '../lib/util/template.ts';
import { createAsk, inputStreamOf, isInteractive, withPlainErrors } from '../lib/cli/terminal.ts';

type Options = BaseOptions & InitOptions & { dir?: string };

/** `yo autopilot [DIR]` */
export class AppGenerator extends Generator<Record<string, never>, Options> {
  #dir = '.';
  #written = false;

  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(templateRoot);
    this.description = commandTable.init.purpose;
    this.argument('dir', {
      type: String,
      required: false,
      description: 'Folder of the project (default: this one)',
    });
    for (const [name, option] of yeomanOptions(commandTable.init)) {
      this.option(name, option);
    }
  }

  /**
   * Prompts and writes in one step, so that nothing is written before the last prompt is answered.
   */
  async writing(): Promise<void> {
    this.#dir = resolve(this.destinationRoot(), this.options.dir ?? '.');
    const print = (line: string): void => void this.log(line);
    const ask = isInteractive(inputStreamOf(this.env.adapter)) ? createAsk(this, print) : undefined;
    const phase =
      this.options.phase === undefined ? undefined : repeatedValues(process.argv, '--phase');
    const { init } = await import('../lib/cli/commands.ts');
    this.#written = await withPlainErrors(async () => {
      refuseUnknownOptions(commandTable.init);
      return init(this.#dir, { ...this.options, phase }, { ask, print });
    }, print);
  }

  async install(): Promise<void> {
    if (this.options.skipInstall || !this.#written) {
      return;
    }
    const { install } = await import('../lib/cli/commands.ts');
    await withPlainErrors(() => install(this.#dir));
  }

  async end(): Promise<void> {
    if (!this.#written) {
      return;
    }
    const { nextSteps } = await import('../lib/cli/commands.ts');
    for (const line of nextSteps(this.options.dir ?? '.', !this.options.skipInstall)) {
      this.log(line);
    }
  }
}

/**
 * Every value of a repeated option. yo joins the values with commas, which the values contain too,
 * so this function reads the command line itself.
 */
function repeatedValues(args: readonly string[], option: string): readonly string[] {
  return args.flatMap((argument, index) => {
    if (argument.startsWith(`${option}=`)) {
      return [argument.slice(option.length + 1)];
    }
    const next = args[index + 1];
    return argument === option && next !== undefined ? [next] : [];
  });
}
