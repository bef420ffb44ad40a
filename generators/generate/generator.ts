import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { yeomanOptions } from '../lib/cli/help.ts';
import { commandTable } from '../lib/cli/command-table.ts';
import type { GenerateCommandOptions } from '../lib/cli/commands.ts';
import { refuseUnknownOptions } from '../lib/cli/yo-options.ts';
import { templateRoot } from '../lib/util/template.ts';
import { withPlainErrors } from '../lib/cli/terminal.ts';

type Options = BaseOptions & GenerateCommandOptions;

/** `yo autopilot:generate` */
export class GenerateGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(templateRoot);
    this.description = commandTable.generate.purpose;
    for (const [name, option] of yeomanOptions(commandTable.generate)) {
      this.option(name, option);
    }
  }

  async writing(): Promise<void> {
    const { generate } = await import('../lib/cli/commands.ts');
    await withPlainErrors(async () => {
      refuseUnknownOptions(commandTable.generate);
      return generate(this.destinationRoot(), this.options, (line) => this.log(line));
    });
  }
}
