import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { yeomanOptions } from '../lib/cli/help.ts';
import { commandTable } from '../lib/cli/table.ts';
import type { GenerateCommandOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { plainly } from '../lib/terminal.ts';

type Options = BaseOptions & GenerateCommandOptions;

/** `yo autopilot:generate` */
export class GenerateGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/generate/templates'));
    this.description = commandTable.generate.purpose;
    for (const [name, option] of yeomanOptions(commandTable.generate)) this.option(name, option);
  }

  async writing(): Promise<void> {
    const { generate } = await import('../lib/commands.ts');
    await plainly(() => generate(this.destinationRoot(), this.options, (line) => this.log(line)));
  }
}
