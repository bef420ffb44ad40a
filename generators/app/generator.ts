import { join, resolve } from 'node:path';
import Generator from 'yeoman-generator';
import type { BaseOptions } from 'yeoman-generator';
import { init, install, nextSteps } from '../lib/commands.ts';
import type { InitOptions } from '../lib/commands.ts';
import { packageRoot } from '../lib/package-root.ts';
import { asker, inputOf, interactive, plainly } from '../lib/terminal.ts';

type Options = BaseOptions & InitOptions & { dir?: string };

/** `yo autopilot [DIR]` */
export class AppGenerator extends Generator<Record<string, never>, Options> {
  #dir = '.';

  constructor(args: string[], options: Options) {
    super(args, options, { customInstallTask: true } as never);
    this.sourceRoot(join(packageRoot, 'generators/app/templates'));
    this.description = 'Start an operator: a state machine for one kind of resource.';
    this.argument('dir', { type: String, required: false, description: 'Folder of the project (default: this one)' });
    this.option('kind', { type: String, description: 'Kind of the resource, such as Canary' });
    this.option('api-version', { type: String, description: 'API group and version, such as examples.io/v1' });
    this.option('operator-name', { type: String, description: 'Name of the operator (default: <kind>-operator)' });
    this.option('example', { type: String, description: 'Start from an example: autoroute' });
    this.option('phase', {
      type: String,
      description: "A phase (repeatable): 'Evaluating:inputs=metrics:outputs=virtualservices:next=Promoting,RollBack'; also :initial :final :ready",
    });
    this.option('runtime', { type: String, description: 'vendor: carry the runtime along (default); registry: from npm' });
    this.option('yes', { type: Boolean, alias: 'y', description: 'Take the default for everything that is not given' });
  }

  /** Questions and writing are one step: nothing is written before the last answer. */
  async writing(): Promise<void> {
    this.#dir = resolve(this.destinationRoot(), this.options.dir ?? '.');
    const ask = interactive(inputOf(this.env.adapter)) ? asker(this) : undefined;
    const phase = this.options.phase === undefined ? undefined : repeated(process.argv, '--phase');
    await plainly(() => init(this.#dir, { ...this.options, phase }, { ask, say: (line) => this.log(line) }));
  }

  async install(): Promise<void> {
    if (!this.options.skipInstall) await plainly(() => install(this.#dir));
  }

  end(): void {
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
