import { join, resolve } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { yeomanOptions } from '../lib/cli/help.ts';
import { commandTable } from '../lib/cli/table.ts';
import type { InitOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { asker, inputOf, interactive, plainly } from '../lib/terminal.ts';

type Options = BaseOptions & InitOptions & { dir?: string };

/** `yo autopilot [DIR]` */
export class AppGenerator extends Generator<Record<string, never>, Options> {
  #dir = '.';
  #written = false;

  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/app/templates'));
    this.description = commandTable.init.purpose;
    this.argument('dir', { type: String, required: false, description: 'Folder of the project (default: this one)' });
    for (const [name, option] of yeomanOptions(commandTable.init)) this.option(name, option);
  }

  /** Questions and writing are one step: nothing is written before the last answer. */
  async writing(): Promise<void> {
    this.#dir = resolve(this.destinationRoot(), this.options.dir ?? '.');
    const say = (line: string): void => void this.log(line);
    const ask = interactive(inputOf(this.env.adapter)) ? asker(this, say) : undefined;
    const phase = this.options.phase === undefined ? undefined : repeated(process.argv, '--phase');
    const { init } = await import('../lib/commands.ts');
    this.#written = await plainly(() => init(this.#dir, { ...this.options, phase }, { ask, say }), say);
  }

  async install(): Promise<void> {
    if (this.options.skipInstall || !this.#written) return;
    const { install } = await import('../lib/commands.ts');
    await plainly(() => install(this.#dir));
  }

  async end(): Promise<void> {
    if (!this.#written) return;
    const { nextSteps } = await import('../lib/commands.ts');
    for (const line of nextSteps(this.options.dir ?? '.', !this.options.skipInstall)) this.log(line);
  }
}

/** Every value of an option on a command line: yo joins those of a repeated one with commas, which also stand in the values. */
function repeated(args: readonly string[], option: string): readonly string[] {
  return args.flatMap((argument, index) => {
    const value = argument === option ? args[index + 1] : argument.startsWith(`${option}=`) ? argument.slice(option.length + 1) : undefined;
    return value === undefined ? [] : [value];
  });
}
