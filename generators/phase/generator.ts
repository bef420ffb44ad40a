import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { yeomanOptions } from '../lib/cli/help.ts';
import { commandTable } from '../lib/cli/command-table.ts';
import { refuseUnknownOptions } from '../lib/cli/yo-options.ts';
import { templateRoot } from '../lib/util/template.ts';
import type { PhaseCommandOptions } from '../lib/cli/phase-command.ts';
import { createAsk, inputStreamOf, isInteractive, withPlainErrors } from '../lib/cli/terminal.ts';

type Options = BaseOptions & PhaseCommandOptions & { verb?: string; name?: string; to?: string };

/** `yo autopilot:phase [add|edit|rename|remove|move] [NAME…]` */
export class PhaseGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(templateRoot);
    this.description = commandTable.phase.purpose;
    this.argument('verb', {
      type: String,
      required: false,
      description: 'add (default), edit, rename, remove or move',
    });
    this.argument('name', {
      type: String,
      required: false,
      description: 'Name of the phase, such as Waiting',
    });
    this.argument('to', { type: String, required: false, description: 'rename: the new name' });
    for (const [name, option] of yeomanOptions(commandTable.phase)) {
      this.option(name, option);
    }
  }

  async writing(): Promise<void> {
    const print = (line: string): void => void this.log(line);
    const ask = isInteractive(inputStreamOf(this.env.adapter)) ? createAsk(this, print) : undefined;
    const words = [this.options.verb, this.options.name, this.options.to].filter(
      (word) => word !== undefined,
    );
    const { runPhaseCommand } = await import('../lib/cli/phase-command.ts');
    await withPlainErrors(async () => {
      refuseUnknownOptions(commandTable.phase);
      return runPhaseCommand(this.destinationRoot(), words, this.options, { ask, print });
    }, print);
  }
}
