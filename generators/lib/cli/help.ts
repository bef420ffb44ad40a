/**
 * Help in a terminal, the USAGE files of the generators of yo, and docs/reference/cli.md: all from
 * the table of commands.
 */
import { wrapText } from '../util/text.ts';
import { commandTable, allOptions } from './command-table.ts';
import type { Command, CommandOption } from './command-table.ts';

/** A terminal of eighty columns. */
const HELP_WIDTH = 78;
const OPTION_COLUMN = 28;

/** `autopilot --help` */
export function overviewText(version: string): string {
  const rows = commandEntries().flatMap(([name, { purpose }]) => helpRow(name, purpose, 13));
  return [
    `Autopilot ${version}: Kubernetes operators as typed state machines.`,
    '',
    ...rows,
    '',
    '  dev, build, deploy, undeploy, logs: the life of the operator, as npm run dev',
    '  and so on in a project',
    '',
    '  autopilot COMMAND --help   what it does, its options, examples',
    '',
    'init, phase and generate are the same as yo autopilot, yo autopilot:phase and',
    'yo autopilot:generate, and work as root, where yo drops to another user.',
    '',
    'Start here:  autopilot init my-canary',
  ].join('\n');
}

/** `autopilot COMMAND --help` */
export function commandHelp(name: string, command: Command): string {
  const groups = Object.entries(command.groups).flatMap(([title, options]) => [
    '',
    title,
    ...Object.entries(options).flatMap(([option, data]) =>
      helpRow(formatOption(option, data), data.text, OPTION_COLUMN),
    ),
  ]);
  return [
    `autopilot ${name}${command.usage === '' ? '' : ` ${command.usage}`}`,
    ...command.about.flatMap((paragraph) => ['', ...wrapText(paragraph, HELP_WIDTH)]),
    ...groups,
    '',
    'Examples',
    ...command.examples.flatMap(([line, text]) => [
      ...shellLines(commandLine(`autopilot ${name}`, line)).map((part) => `  ${part}`),
      `      ${text}`,
    ]),
  ].join('\n');
}

/** What `yo autopilot… --help` shows below its list of options. */
export function usageText(command: Command): string {
  const examples = command.examples.flatMap(([line, text]) => [
    ...shellLines(commandLine(`yo ${command.yo ?? ''}`, line)).map((part) => `  ${part}`),
    `      ${text}`,
  ]);
  return [
    ...command.about.flatMap((paragraph) => [...wrapText(paragraph, HELP_WIDTH), '']),
    'Examples:',
    ...examples,
    '',
  ].join('\n');
}

/** docs/reference/cli.md */
export function cliPage(): string {
  const sections = commandEntries().map(([name, command]) => {
    const options = Object.entries(command.groups).map(
      ([title, group]) =>
        `| ${title} | |\n|---|---|\n${Object.entries(group)
          .map(
            ([option, data]) =>
              `| \`${formatOption(option, data).replaceAll('|', '\\|')}\` | ${data.text.replaceAll('|', '\\|')} |\n`,
          )
          .join('')}`,
    );
    const examples = command.examples.map(
      ([line, text]) =>
        `# ${text}\n${shellLines(commandLine(`autopilot ${name}`, line)).join('\n')}\n`,
    );
    return [
      `## autopilot ${name}`,
      ...(command.usage === ''
        ? []
        : [
            `\`autopilot ${name} ${command.usage}\`${command.yo === undefined ? '' : `, or \`yo ${command.yo}\``}`,
          ]),
      ...command.about,
      ...options,
      `\`\`\`sh\n${examples.join('\n')}\`\`\``,
    ].join('\n\n');
  });
  return `# The commands

<!-- Made by scripts/reference.ts from generators/lib/cli/command-table.ts. Do not edit. -->

\`autopilot\` is the bin of the package generator-autopilot. \`init\`, \`phase\` and \`generate\` are also generators of yo, with the same
options; yo drops to another user when it runs as root, \`autopilot\` does not. Every question has an option, so all of it runs without a
terminal; what is missing then is one error that names the option.

${sections.join('\n\n')}
`.replaceAll('\n\n\n', '\n\n');
}

function commandEntries(): readonly (readonly [string, Command])[] {
  return Object.entries(commandTable);
}

function formatOption(name: string, { short, value }: CommandOption): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function commandLine(program: string, line: string): string {
  return `${program} ${line}`.trim();
}

/** A long command line over several, as one types them. */
function shellLines(line: string): readonly string[] {
  if (line.length <= HELP_WIDTH - 2) {
    return [line];
  }
  const parts = line.split(/ (?=--)/);
  return parts.map(
    (part, index) =>
      `${index === 0 ? '' : '    '}${part}${index === parts.length - 1 ? '' : ' \\'}`,
  );
}

function helpRow(left: string, text: string, column: number): readonly string[] {
  const lines = wrapText(text, HELP_WIDTH - column - 3);
  const head = left.length > column ? [`  ${left}`] : [];
  return [
    ...head,
    ...lines.map(
      (line, index) => `  ${(index === 0 && head.length === 0 ? left : '').padEnd(column)} ${line}`,
    ),
  ];
}

/**
 * What the generators of yo declare: the options of the command but those that Yeoman has already.
 */
export function yeomanOptions(
  command: Command,
): readonly (readonly [
  string,
  { type: typeof String | typeof Boolean; description: string; alias?: string; default: undefined },
])[] {
  return Object.entries(allOptions(command))
    .filter(([name]) => name !== 'skip-install')
    .map(([name, { type, short, text, value }]) => [
      name,
      {
        type: type === 'boolean' ? Boolean : String,
        description: `${value === undefined ? '' : `${value}: `}${text}`,
        ...(short !== undefined && { alias: short }),
        default: undefined,
      },
    ]);
}
