/**
 * The `autopilot` bin: the generators without yo, also as root. What a command needs is loaded when
 * it runs.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { commandHelp, overviewText } from './help.ts';
import { findCommand, commandTable, LIFECYCLE_COMMANDS, allOptions } from './command-table.ts';
import type { Command, CommandName } from './command-table.ts';
import type { Terminal } from './commands.ts';
import type { Model } from '../model/model.ts';
import { didYouMean } from '../util/naming.ts';
import { packageVersion } from '../util/package-root.ts';

type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const commandHandlers: Readonly<
  Record<CommandName, (options: ParsedOptions, words: readonly string[]) => Promise<void>>
> = {
  async init(options, [dir = '.']) {
    const { init, install, nextSteps } = await import('./commands.ts');
    await init(
      dir,
      options.pick(
        'kind',
        'apiVersion',
        'operatorName',
        'example',
        'runtime',
        'phase',
        'finalizer',
        'finalizerInputs',
        'finalizerOutputs',
        'yes',
        'force',
      ),
      await openTerminal(),
    );
    if (!options.isSet('skip-install')) {
      await install(dir);
    }
    nextSteps(dir, !options.isSet('skip-install')).forEach(print);
  },
  async phase(options, words) {
    const { runPhaseCommand } = await import('./phase-command.ts');
    const fields = [
      'description',
      'inputs',
      'outputs',
      'next',
      'final',
      'notFinal',
      'ready',
      'notReady',
    ];
    await runPhaseCommand(
      process.cwd(),
      words,
      options.pick(...fields, 'after', 'replacement', 'yes', 'force'),
      await openTerminal(),
    );
  },
  async generate(options) {
    const { generate } = await import('./commands.ts');
    await generate(
      process.cwd(),
      options.pick('check', 'dryRun', 'bail', 'acceptBreaking', 'refresh', 'force', 'runtime'),
      print,
    );
  },
  async check() {
    const { generate } = await import('./commands.ts');
    await generate(process.cwd(), { check: true }, print);
  },
  async graph(options) {
    const { boxes, dot, graphPhases, mermaid, svg } = await import('../model/graph.ts');
    const formats = { boxes, mermaid, dot, svg };
    const format = options.getString('format') ?? 'boxes';
    const draw = Object.hasOwn(formats, format)
      ? formats[format as keyof typeof formats]
      : undefined;
    if (draw === undefined) {
      throw new Error(
        `--format '${format}' is not known${didYouMean(format, Object.keys(formats))}`,
      );
    }
    process.stdout.write(
      `${(await draw(graphPhases((await loadCurrentProject()).model))).trimEnd()}\n`,
    );
  },
  async crd() {
    const { dir, model } = await loadCurrentProject();
    const [{ buildCrd }, { stringify }] = await Promise.all([
      import('../crd/build-crd.ts'),
      import('yaml'),
    ]);
    process.stdout.write(
      stringify(buildCrd(model, join(dir, 'src/spec.ts')), {
        lineWidth: 0,
        aliasDuplicateObjects: false,
      }),
    );
  },
  async completion(_options, [shell]) {
    const { completionScript } = await import('./completion.ts');
    process.stdout.write(completionScript(shell));
  },
};

/** Runs one command line. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that has seen enough, as in `autopilot crd | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exit();
    }
    throw error;
  });
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === '--help' || name === '-h') {
      print(overviewText(packageVersion));
    } else if (name === 'help') {
      print(
        rest[0] === undefined
          ? overviewText(packageVersion)
          : commandHelp(rest[0], requireCommand(rest[0])),
      );
    } else if (name === '--version' || name === '-v') {
      print(packageVersion);
    } else if (name === '__complete') {
      await printCompletions(rest);
    } else if (LIFECYCLE_COMMANDS.includes(name)) {
      return await runLifecycleCommand(name, rest);
    } else {
      await runCommand(name, rest);
    }
    return 0;
  } catch (error) {
    const stopped = error instanceof Error && error.name === 'ExitPromptError';
    process.stderr.write(
      `${stopped ? 'Stopped; nothing was written.' : error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
}

/** The project's own script does these; its `--help` says what each takes. */
async function runLifecycleCommand(name: string, args: readonly string[]): Promise<number> {
  const [{ findProject }, { execa }, { existsSync }] = await Promise.all([
    import('../generate/find-project.ts'),
    import('execa'),
    import('node:fs'),
  ]);
  const script = join(findProject(process.cwd()), 'scripts/operator.ts');
  if (!existsSync(script)) {
    throw new Error(`${script} is not there: run 'autopilot generate'`);
  }
  // Ctrl-C reaches the script as well, which ends in its own way.
  process.on('SIGINT', () => undefined);
  const { exitCode } = await execa(process.execPath, [script, name, ...args], {
    stdio: 'inherit',
    reject: false,
  });
  return exitCode ?? 1;
}

function requireCommand(name: string): Command {
  const command = findCommand(name);
  if (command === undefined) {
    throw new Error(
      `'${name}' is not a command${didYouMean(name, [...Object.keys(commandTable), ...LIFECYCLE_COMMANDS])}`,
    );
  }
  return command;
}

async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const command = requireCommand(name);
  const declared = allOptions(command);
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } };
  for (const [option, { type, short, multiple }] of Object.entries(declared)) {
    options[option] = {
      type,
      ...(short !== undefined && { short }),
      ...(multiple && { multiple }),
    };
  }
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') {
      continue;
    }
    const option = options[token.name];
    if (option === undefined) {
      throw new Error(
        `${token.rawName} is not an option of 'autopilot ${name}'${didYouMean(
          token.rawName,
          Object.keys(options).map((other) => `--${other}`),
        )}`,
      );
    }
    if (
      option.type === 'string' &&
      (token.value === undefined || (!token.inlineValue && token.value.startsWith('-')))
    ) {
      throw new Error(
        `${token.rawName} needs a value: ${token.rawName} ${declared[token.name]?.value ?? 'VALUE'}`,
      );
    }
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new Error(`${token.rawName} takes no value`);
    }
  }
  if (values['help']) {
    return print(commandHelp(name, command));
  }
  if (positionals.length > command.most) {
    throw new Error(
      `'${positionals[command.most]}' is one argument too many: autopilot ${`${name} ${command.usage}`.trim()}`,
    );
  }
  await commandHandlers[name as CommandName](
    new ParsedOptions(values as OptionValues),
    positionals,
  );
}

/** What was given on the command line. */
class ParsedOptions {
  readonly #values: OptionValues;
  constructor(values: OptionValues) {
    this.#values = values;
  }

  isSet(name: string): boolean {
    return this.#values[name] === true;
  }

  getString(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Those of the names (in camel case) that were given. */
  pick(...names: readonly string[]): Readonly<Record<string, never>> {
    const given = names.map(
      (name) =>
        [
          name,
          this.#values[name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)],
        ] as const,
    );
    return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Readonly<
      Record<string, never>
    >;
  }
}

async function loadCurrentProject(): Promise<{ readonly dir: string; readonly model: Model }> {
  const [{ findProject, PROJECT_FILE }, { requireModel }, { readText }] = await Promise.all([
    import('../generate/find-project.ts'),
    import('../model/load.ts'),
    import('../util/files.ts'),
  ]);
  const dir = findProject(process.cwd());
  return { dir, model: requireModel(readText(join(dir, PROJECT_FILE)) ?? '', PROJECT_FILE) };
}

async function printCompletions(words: readonly string[]): Promise<void> {
  const { completionsFor } = await import('./completion.ts');
  for (const [word, text] of completionsFor(words, process.cwd())) {
    print(text === undefined ? word : `${word}\t${text}`);
  }
}

/** Yeoman's terminal is only loaded when there is somebody to ask. */
async function openTerminal(): Promise<Terminal> {
  const { createAsk, isInteractive } = await import('./terminal.ts');
  if (!isInteractive()) {
    return { ask: undefined, print };
  }
  const { createEnv } = await import('yeoman-environment');
  return { ask: createAsk(createEnv().adapter, print), print };
}
