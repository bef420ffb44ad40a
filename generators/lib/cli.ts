/** The `autopilot` bin: the generators without yo, also as root. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { changePhases, generate, init, install, nextSteps } from './commands.ts';
import type { Terminal } from './commands.ts';
import { requireModel } from './load.ts';
import { readText } from './lock.ts';
import { suggestion } from './naming.ts';
import { exampleNames, packageVersion } from './package-root.ts';
import { findProject, PROJECT_FILE } from './project.ts';
import { asker, interactive } from './terminal.ts';

interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly value?: string;
  readonly multiple?: true;
  readonly text: string;
}

interface Command {
  readonly usage: string;
  readonly text: string;
  readonly options: Readonly<Record<string, Option>>;
  run(values: Values, argument: string | undefined, words: readonly string[]): Promise<void>;
}

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const force: Option = { type: 'boolean', text: 'rewrite generated files although they were edited; yours stay' };
const runtime: Option = { type: 'string', value: 'vendor|registry', text: 'carry the runtime along (default), or take it from npm' };
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const commands: Readonly<Record<string, Command>> = {
  init: {
    usage: 'init [DIR]',
    text: 'start a project: asks for what is not given',
    options: {
      kind: { type: 'string', value: 'KIND', text: 'kind of the resource, such as Canary' },
      'api-version': { type: 'string', value: 'GROUP/VERSION', text: 'such as examples.io/v1' },
      'operator-name': { type: 'string', value: 'NAME', text: 'default: <kind>-operator' },
      example: { type: 'string', value: 'NAME', text: `start from an example: ${exampleNames().join(', ') || 'autoroute'}` },
      phase: { type: 'string', multiple: true, value: "'NAME:inputs=A,B:outputs=C:next=X'", text: 'a phase (repeatable); also :initial :final :ready' },
      runtime,
      yes: { type: 'boolean', short: 'y', text: 'take the default for everything that is not given' },
      'skip-install': { type: 'boolean', text: 'do not run npm install' },
      force: { type: 'boolean', text: 'replace an existing autopilot.yaml; your workers stay' },
    },
    async run(values, dir = '.') {
      const options = {
        kind: word(values['kind']),
        apiVersion: word(values['api-version']),
        operatorName: word(values['operator-name']),
        example: word(values['example']),
        runtime: word(values['runtime']),
        phase: values['phase'] as readonly string[] | undefined,
      };
      await init(dir, { ...options, yes: values['yes'] === true, force: values['force'] === true }, await terminal());
      if (!values['skip-install']) await install(dir);
      nextSteps(dir, !values['skip-install']).forEach(say);
    },
  },
  phase: {
    usage: 'phase [add|edit|rename|remove|move] [NAME…]',
    text: 'add, change, rename, remove or move a phase, and generate',
    options: {
      description: { type: 'string', value: 'TEXT', text: 'what happens in it' },
      inputs: { type: 'string', value: 'A,B', text: 'what it reads: deployments,metrics' },
      outputs: { type: 'string', value: 'A,B', text: 'what it writes: virtualservices' },
      next: { type: 'string', value: 'X,Y', text: 'where it may go (default: anywhere)' },
      final: { type: 'boolean', text: 'the resource is done there' },
      after: { type: 'string', value: 'OTHER', text: 'add, move: put it after this phase (an added one it then may go to)' },
      heir: { type: 'string', value: 'OTHER', text: 'remove: the phase that resources standing there are in then, or none' },
      force,
    },
    async run(values, _name, words) {
      const options = {
        description: word(values['description']),
        inputs: word(values['inputs']),
        outputs: word(values['outputs']),
        next: word(values['next']),
        after: word(values['after']),
        heir: word(values['heir']),
      };
      await changePhases(
        process.cwd(),
        words,
        { ...options, final: values['final'] === true ? true : undefined, force: values['force'] === true },
        await terminal(),
      );
    },
  },
  generate: {
    usage: 'generate',
    text: 'bring the project up to date with autopilot.yaml and src/spec.ts',
    options: {
      check: { type: 'boolean', text: 'write nothing; exit 1 when anything would change' },
      'dry-run': { type: 'boolean', text: 'write nothing; show what would change, as a diff' },
      bail: { type: 'boolean', text: 'write nothing when a merge would leave conflicts' },
      runtime,
      force,
    },
    async run(values) {
      await generate(
        process.cwd(),
        {
          check: values['check'] === true,
          dryRun: values['dry-run'] === true,
          bail: values['bail'] === true,
          force: values['force'] === true,
          runtime: word(values['runtime']),
        },
        say,
      );
    },
  },
  check: {
    usage: 'check',
    text: 'write nothing; exit 1 when generating would change anything: for CI',
    options: {},
    async run() {
      await generate(process.cwd(), { check: true }, say);
    },
  },
  graph: {
    usage: 'graph',
    text: 'draw the machine',
    options: { format: { type: 'string', value: 'boxes|mermaid|dot|svg', text: 'default: boxes, for a terminal' } },
    async run(values) {
      const { boxes, dot, drawn, mermaid, svg } = await import('./graph.ts');
      const formats = { boxes, mermaid, dot, svg };
      const format = word(values['format']) ?? 'boxes';
      const draw = Object.hasOwn(formats, format) ? formats[format as keyof typeof formats] : undefined;
      if (draw === undefined) throw new Error(`--format '${format}' is not known${suggestion(format, Object.keys(formats))}`);
      const model = requireModel(readText(join(findProject(process.cwd()), PROJECT_FILE)) ?? '', PROJECT_FILE);
      process.stdout.write(`${(await draw(drawn(model))).trimEnd()}\n`);
    },
  },
  crd: {
    usage: 'crd',
    text: 'print the CustomResourceDefinition as YAML',
    options: {},
    async run() {
      const dir = findProject(process.cwd());
      const model = requireModel(readText(join(dir, PROJECT_FILE)) ?? '', PROJECT_FILE);
      const [{ crdOf }, { stringify }] = await Promise.all([import('./crd/index.ts'), import('yaml')]);
      process.stdout.write(stringify(await crdOf(model, join(dir, 'src/spec.ts')), { lineWidth: 0, aliasDuplicateObjects: false }));
    },
  },
};

/** Runs one command line. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') say(overview());
    else if (name === '--version' || name === '-v') say(packageVersion);
    else await runCommand(name, rest);
    return 0;
  } catch (error) {
    const stopped = error instanceof Error && error.name === 'ExitPromptError';
    process.stderr.write(`${stopped ? 'Stopped; nothing was written.' : error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Error(`'${name}' is not a command${suggestion(name, Object.keys(commands))}`);
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } };
  for (const [option, { type, short, multiple }] of Object.entries(command.options))
    options[option] = { type, ...(short !== undefined && { short }), ...(multiple && { multiple }) };
  const { values, positionals, tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const known = options[token.name];
    if (known === undefined)
      throw new Error(
        `${token.rawName} is not an option of 'autopilot ${name}'${suggestion(
          token.rawName,
          Object.keys(options).map((option) => `--${option}`),
        )}`,
      );
    if (known.type === 'string' && (token.value === undefined || (!token.inlineValue && token.value.startsWith('-'))))
      throw new Error(`${token.rawName} needs a value: ${token.rawName} ${command.options[token.name]?.value ?? 'VALUE'}`);
    if (known.type === 'boolean' && token.value !== undefined) throw new Error(`${token.rawName} takes no value`);
  }
  if (values['help']) return say(helpOf(command));
  const most = command.usage.includes('…') ? 3 : command.usage.includes('[') ? 1 : 0;
  if (positionals.length > most) throw new Error(`'${positionals[most]}' is one argument too many: autopilot ${command.usage}`);
  await command.run(values as Values, positionals[0], positionals);
}

function overview(): string {
  const rows = Object.values(commands).map(({ usage, text }) => `  autopilot ${usage.padEnd(48)} ${text}`);
  return `Autopilot ${packageVersion}: Kubernetes operators as typed state machines.

${rows.join('\n')}

  autopilot COMMAND --help   the options of a command

The same as the generators of yo: yo autopilot, yo autopilot:phase, yo autopilot:generate.
Start here:  autopilot init my-canary --kind Canary --api-version examples.io/v1 --yes`;
}

function helpOf({ usage, text, options }: Command): string {
  const rows = Object.entries(options).map(
    ([name, option]) =>
      `  ${`${option.short === undefined ? '' : `-${option.short}, `}--${name}${option.value === undefined ? '' : ` ${option.value}`}`.padEnd(30)} ${option.text}`,
  );
  return `autopilot ${usage}: ${text}\n${rows.length > 0 ? `\n${rows.join('\n')}\n` : ''}`.trimEnd();
}

/** Yeoman's terminal is only loaded when there is somebody to ask. */
async function terminal(): Promise<Terminal> {
  if (!interactive()) return { ask: undefined, say };
  const { createEnv } = await import('yeoman-environment');
  return { ask: asker(createEnv().adapter), say };
}

function word(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
