import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { changePhases } from '../lib/commands.ts';
import type { ChangeOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { asker, inputOf, interactive, plainly } from '../lib/terminal.ts';

type Options = BaseOptions & ChangeOptions & { verb?: string; name?: string; to?: string };

/** `yo autopilot:phase [add|edit|rename|remove|move] [NAME…]` */
export class PhaseGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/phase/templates'));
    this.description = 'Add, change, rename, remove or move a phase of autopilot.yaml, and generate.';
    this.argument('verb', { type: String, required: false, description: 'add (default), edit, rename, remove or move' });
    this.argument('name', { type: String, required: false, description: 'Name of the phase, such as Waiting' });
    this.argument('to', { type: String, required: false, description: 'rename: the new name' });
    this.option('description', { type: String, description: 'What happens in it' });
    this.option('inputs', { type: String, description: 'What it reads: deployments,metrics' });
    this.option('outputs', { type: String, description: 'What it writes: virtualservices' });
    this.option('next', { type: String, description: 'Where it may go: Waiting,Promoting (default: anywhere)' });
    this.option('final', { type: Boolean, description: 'The resource is done there', default: undefined });
    this.option('after', { type: String, description: 'Put it after this phase (an added one it then may go to)' });
    this.option('heir', { type: String, description: 'remove: the phase that resources standing there are in then, or none' });
  }

  async writing(): Promise<void> {
    const ask = interactive(inputOf(this.env.adapter)) ? asker(this) : undefined;
    const words = [this.options.verb, this.options.name, this.options.to].filter((word) => word !== undefined);
    await plainly(() => changePhases(this.destinationRoot(), words, this.options, { ask, say: (line) => this.log(line) }));
  }
}
