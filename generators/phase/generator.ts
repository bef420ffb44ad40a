import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { phase } from '../lib/commands.ts';
import type { PhaseOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { asker, inputOf, interactive, plainly } from '../lib/terminal.ts';

type Options = BaseOptions & PhaseOptions & { name?: string };

/** `yo autopilot:phase [NAME]` */
export class PhaseGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/phase/templates'));
    this.description = 'Add a phase to autopilot.yaml and generate.';
    this.argument('name', { type: String, required: false, description: 'Name of the phase, such as Waiting' });
    this.option('description', { type: String, description: 'What happens in it' });
    this.option('inputs', { type: String, description: 'What it reads: deployments,metrics' });
    this.option('outputs', { type: String, description: 'What it writes: virtualservices' });
    this.option('next', { type: String, description: 'Where it may go: Waiting,Promoting (default: anywhere)' });
    this.option('final', { type: Boolean, description: 'The resource is done there', default: undefined });
    this.option('after', { type: String, description: 'Put it after this phase, which then may go to it' });
  }

  async writing(): Promise<void> {
    const ask = interactive(inputOf(this.env.adapter)) ? asker(this) : undefined;
    await plainly(() => phase(this.destinationRoot(), this.options.name, this.options, { ask, say: (line) => this.log(line) }));
  }
}
