/** The `autopilot` bin: the generators without yo, also as root. What a command needs is loaded when it runs. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { helpOf, overview } from './cli/help.ts';
import { commandNamed, commandTable, LIFE_CYCLE, optionsOf } from './cli/table.ts';
import type { Command, CommandName } from './cli/table.ts';
import type { Terminal } from './commands.ts';
import type { Model } from './model.ts';
import { suggestion } from './naming.ts';
import { packageVersion } from './package-root.ts';

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const runs: Readonly<Record<CommandName, (options: Options, words: readonly string[]) => Promise<void>>> = {
  async init(options, [dir = '.']) {
    const { init, install, nextSteps } = await import('./commands.ts');
    await init(
      dir,
      options.of('kind', 'apiVersion', 'operatorName', 'example', 'runtime', 'phase', 'finalizer', 'finalizerInputs', 'finalizerOutputs', 'yes', 'force'),
      await terminal(),
    );
    if (!options.on('skip-install')) await install(dir);
    nextSteps(dir, !options.on('skip-install')).forEach(say);
  },
  async phase(options, words) {
    const { changePhases } = await import('./phases.ts');
    const fields = ['description', 'inputs', 'outputs', 'next', 'final', 'notFinal', 'ready', 'notReady'];
    await changePhases(process.cwd(), words, options.of(...fields, 'after', 'heir', 'yes', 'force'), await terminal());
  },
  async generate(options) {
    const { generate } = await import('./commands.ts');
    await generate(process.cwd(), options.of('check', 'dryRun', 'bail', 'acceptBreaking', 'refresh', 'force', 'runtime'), say);
  },
  async check() {
    const { generate } = await import('./commands.ts');
    await generate(process.cwd(), { check: true }, say);
  },
  async graph(options) {
    const { boxes, dot, drawn, mermaid, svg } = await import('./graph.ts');
    const formats = { boxes, mermaid, dot, svg };
    const format = options.word('format') ?? 'boxes';
    const draw = Object.hasOwn(formats, format) ? formats[format as keyof typeof formats] : undefined;
    if (draw === undefined) throw new Error(`--format '${format}' is not known${suggestion(format, Object.keys(formats))}`);
    process.stdout.write(`${(await draw(drawn((await projectHere()).model))).trimEnd()}\n`);
  },
  async crd() {
    const { dir, model } = await projectHere();
    const [{ crdOf }, { stringify }] = await Promise.all([import('./crd/index.ts'), import('yaml')]);
    process.stdout.write(stringify(crdOf(model, join(dir, 'src/spec.ts')), { lineWidth: 0, aliasDuplicateObjects: false }));
  },
  async completion(_options, [shell]) {
    const { completionScript } = await import('./cli/completion.ts');
    process.stdout.write(completionScript(shell));
  },
};

/** Runs one command line. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that has seen enough, as in `autopilot crd | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === '--help' || name === '-h') say(overview(packageVersion));
    else if (name === 'help') say(rest[0] === undefined ? overview(packageVersion) : helpOf(rest[0], known(rest[0])));
    else if (name === '--version' || name === '-v') say(packageVersion);
    else if (name === '__complete') await complete(rest);
    else if (LIFE_CYCLE.includes(name)) return await lifeCycle(name, rest);
    else await runCommand(name, rest);
    return 0;
  } catch (error) {
    const stopped = error instanceof Error && error.name === 'ExitPromptError';
    process.stderr.write(`${stopped ? 'Stopped; nothing was written.' : error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

/** The project's own script does these; its `--help` says what each takes. */
async function lifeCycle(name: string, args: readonly string[]): Promise<number> {
  const [{ findProject }, { execa }, { existsSync }] = await Promise.all([import('./project-file.ts'), import('execa'), import('node:fs')]);
  const script = join(findProject(process.cwd()), 'scripts/operator.ts');
  if (!existsSync(script)) throw new Error(`${script} is not there: run 'autopilot generate'`);
  // Ctrl-C reaches the script as well, which ends in its own way.
  process.on('SIGINT', () => undefined);
  const { exitCode } = await execa(process.execPath, [script, name, ...args], { stdio: 'inherit', reject: false });
  return exitCode ?? 1;
}

function known(name: string): Command {
  const command = commandNamed(name);
  if (command === undefined) throw new Error(`'${name}' is not a command${suggestion(name, [...Object.keys(commandTable), ...LIFE_CYCLE])}`);
  return command;
}

async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const command = known(name);
  const declared = optionsOf(command);
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } };
  for (const [option, { type, short, multiple }] of Object.entries(declared))
    options[option] = { type, ...(short !== undefined && { short }), ...(multiple && { multiple }) };
  const { values, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (option === undefined)
      throw new Error(
        `${token.rawName} is not an option of 'autopilot ${name}'${suggestion(
          token.rawName,
          Object.keys(options).map((other) => `--${other}`),
        )}`,
      );
    if (option.type === 'string' && (token.value === undefined || (!token.inlineValue && token.value.startsWith('-'))))
      throw new Error(`${token.rawName} needs a value: ${token.rawName} ${declared[token.name]?.value ?? 'VALUE'}`);
    if (option.type === 'boolean' && token.value !== undefined) throw new Error(`${token.rawName} takes no value`);
  }
  if (values['help']) return say(helpOf(name, command));
  if (positionals.length > command.most)
    throw new Error(`'${positionals[command.most]}' is one argument too many: autopilot ${`${name} ${command.usage}`.trim()}`);
  await runs[name as CommandName](new Options(values as Values), positionals);
}

/** What was given on the command line. */
class Options {
  readonly #values: Values;
  constructor(values: Values) {
    this.#values = values;
  }

  on(name: string): boolean {
    return this.#values[name] === true;
  }

  word(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Those of the names (in camel case) that were given. */
  of(...names: readonly string[]): Readonly<Record<string, never>> {
    const given = names.map((name) => [name, this.#values[name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)]] as const);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Readonly<Record<string, never>>;
  }
}

async function projectHere(): Promise<{ readonly dir: string; readonly model: Model }> {
  const [{ findProject, PROJECT_FILE }, { requireModel }, { readText }] = await Promise.all([
    import('./project-file.ts'),
    import('./load.ts'),
    import('./lock.ts'),
  ]);
  const dir = findProject(process.cwd());
  return { dir, model: requireModel(readText(join(dir, PROJECT_FILE)) ?? '', PROJECT_FILE) };
}

async function complete(words: readonly string[]): Promise<void> {
  const { candidates } = await import('./cli/completion.ts');
  for (const [word, text] of candidates(words, process.cwd())) say(text === undefined ? word : `${word}\t${text}`);
}

/** Yeoman's terminal is only loaded when there is somebody to ask. */
async function terminal(): Promise<Terminal> {
  const { asker, interactive } = await import('./terminal.ts');
  if (!interactive()) return { ask: undefined, say };
  const { createEnv } = await import('yeoman-environment');
  return { ask: asker(createEnv().adapter, say), say };
}
