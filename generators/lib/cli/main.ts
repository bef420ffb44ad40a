/** The executable `autopilot`. Each command loads its code when it runs, so that help is fast. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { commandHelp, overviewText } from './help.ts';
import { findCommand, commandTable, LIFECYCLE_COMMANDS, allOptions } from './command-table.ts';
import type { Command, CommandName, CommandOption } from './command-table.ts';
import type { Terminal } from './commands.ts';
import type { Model } from '../model/model.ts';
import { STOPPED_MESSAGE } from '../prompts/ask.ts';
import { didYouMean } from '../util/naming.ts';
import { packageVersion } from '../util/package-root.ts';

type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

type CommandHandler = (options: ParsedOptions, words: readonly string[]) => Promise<void>;

const commandHandlers: Readonly<Record<CommandName, CommandHandler>> = {
  async init(options, [dir = '.']) {
    const { init, install, nextSteps } = await import('./commands.ts');
    await init(dir, options.all(), await openTerminal());
    const skipInstall = options.isSet('skip-install');
    if (!skipInstall) {
      await install(dir);
    }
    nextSteps(dir, !skipInstall).forEach(print);
  },
  async phase(options, words) {
    const { runPhaseCommand } = await import('./phase-command.ts');
    await runPhaseCommand(process.cwd(), words, options.all(), await openTerminal());
  },
  async generate(options) {
    const { generate } = await import('./commands.ts');
    await generate(process.cwd(), options.all(), print);
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
        `--format '${format}': must be one of ${Object.keys(formats).join(', ')}${didYouMean(format, Object.keys(formats))}`,
      );
    }
    process.stdout.write(
      `${(await draw(graphPhases((await loadCurrentProject()).model))).trimEnd()}\n`,
    );
  },
  async crd() {
    const { dir, model } = await loadCurrentProject();
    const [{ buildCrd }, { formatYaml }] = await Promise.all([
      import('../crd/build-crd.ts'),
      import('../util/yaml-text.ts'),
    ]);
    process.stdout.write(formatYaml(buildCrd(model, join(dir, 'src/spec.ts'))));
  },
  async completion(_options, [shell]) {
    const { completionScript } = await import('./completion.ts');
    process.stdout.write(completionScript(shell));
  },
};

/**
 * Runs one command line. Prints errors to stderr.
 *
 * @param args arguments after `autopilot`
 * @returns the exit code: 0, 1 after an error, or that of the project's script
 */
export async function main(args: readonly string[]): Promise<number> {
  // The reader of a pipe may close it early, as in `autopilot crd | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exit();
    }
    throw error;
  });
  try {
    return await runCommandLine(args);
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

async function runCommandLine([name, ...rest]: readonly string[]): Promise<number> {
  switch (name) {
    case undefined:
    case '--help':
    case '-h':
      print(overviewText(packageVersion));
      return 0;
    case 'help': {
      const [topic] = rest;
      print(
        topic === undefined
          ? overviewText(packageVersion)
          : commandHelp(topic, requireCommand(topic)),
      );
      return 0;
    }
    case '--version':
    case '-v':
      print(packageVersion);
      return 0;
    case '__complete':
      await printCompletions(rest);
      return 0;
    default:
      if (LIFECYCLE_COMMANDS.includes(name)) {
        return runLifecycleCommand(name, rest);
      }
      await runCommand(name, rest);
      return 0;
  }
}

/** Message of an error. Yeoman's prompts throw ExitPromptError after Ctrl-C. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.name === 'ExitPromptError' ? STOPPED_MESSAGE : error.message;
}

/** Runs scripts/operator.ts of the project, whose `--help` describes its options. */
async function runLifecycleCommand(name: string, args: readonly string[]): Promise<number> {
  const [{ findProject }, { execa }, { existsSync }] = await Promise.all([
    import('../generate/find-project.ts'),
    import('execa'),
    import('node:fs'),
  ]);
  const script = join(findProject(process.cwd()), 'scripts/operator.ts');
  if (!existsSync(script)) {
    throw new Error(`${script} does not exist: run 'autopilot generate' to create it`);
  }
  // Ctrl-C reaches the script too. The script stops in its own time, so this process waits for it.
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
    if (token.kind === 'option') {
      checkOption(name, token, declared);
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
  const handler = commandHandlers[name as CommandName];
  await handler(new ParsedOptions(values as OptionValues), positionals);
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** @throws Error if the option is unknown, lacks a value, or has one although it is a flag */
function checkOption(
  command: string,
  { name, rawName, value, inlineValue }: OptionToken,
  declared: Readonly<Record<string, CommandOption>>,
): void {
  const option = name === 'help' ? HELP_OPTION : declared[name];
  if (option === undefined) {
    const known = ['help', ...Object.keys(declared)].map((other) => `--${other}`);
    throw new Error(
      `${rawName} is not an option of 'autopilot ${command}'${didYouMean(rawName, known)}`,
    );
  }
  const lacksValue = value === undefined || (!inlineValue && value.startsWith('-'));
  if (option.type === 'string' && lacksValue) {
    throw new Error(`${rawName} needs a value: ${rawName} ${option.value ?? 'VALUE'}`);
  }
  if (option.type === 'boolean' && value !== undefined) {
    throw new Error(`${rawName} takes no value`);
  }
}

const HELP_OPTION: CommandOption = { type: 'boolean', text: 'help' };

/** Options that were given on the command line. */
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

  /** All given options, with names in camel case. The command table limits which can be given. */
  all(): Readonly<Record<string, never>> {
    const given = Object.entries(this.#values).map(([name, value]) => [
      name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]);
    return Object.fromEntries(given) as Readonly<Record<string, never>>;
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

/** Loads Yeoman's prompts only with a terminal, because loading takes long. */
async function openTerminal(): Promise<Terminal> {
  const { createAsk, isInteractive } = await import('./terminal.ts');
  if (!isInteractive()) {
    return { ask: undefined, print };
  }
  const { createEnv } = await import('yeoman-environment');
  return { ask: createAsk(createEnv().adapter, print), print };
}
