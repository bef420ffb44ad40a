import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { generate } from '../lib/commands.ts';
import type { GenerateCommandOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { plainly } from '../lib/terminal.ts';

type Options = BaseOptions & GenerateCommandOptions;

/** `yo autopilot:generate` */
export class GenerateGenerator extends Generator<Record<string, never>, Options> {
  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/generate/templates'));
    this.description = 'Bring a project up to date with its autopilot.yaml and src/spec.ts.';
    this.option('dry-run', { type: Boolean, description: 'Write nothing; show what would change, as a diff' });
    this.option('bail', { type: Boolean, description: 'Write nothing when a merge would leave conflicts' });
    this.option('check', { type: Boolean, description: 'Write nothing; exit 1 when anything would change' });
    this.option('runtime', { type: String, description: 'vendor or registry (default: as the project has it)' });
  }

  async writing(): Promise<void> {
    await plainly(() => generate(this.destinationRoot(), this.options, (line) => this.log(line)));
  }
}
