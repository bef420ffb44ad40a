import { wrapText } from '../util/text.ts';
import { commandTable, allOptions } from './command-table.ts';
import type { Command, CommandOption } from './command-table.ts';

/** Width of help in columns, for a terminal of 80 columns. */
const HELP_WIDTH = 78;
const OPTION_COLUMN = 28;

/** Text of `autopilot --help`. */
export function overviewText(version: string): string {
  const rows = commandEntries().flatMap(([name, { purpose }]) => helpRow(name, purpose, 13));
  return [
    `Autopilot ${version}: Kubernetes operators as typed state machines.`,
    '',
    ...rows,
    '',
    '  dev, build, deploy, undeploy, logs: run the script of the same name of the',
    '  project, as npm run dev does',
    '',
    '  autopilot COMMAND --help   description, options and examples',
    '',
    'init, phase and generate do the same as yo autopilot, yo autopilot:phase and',
    'yo autopilot:generate. They also run as root, which yo does not.',
    '',
    'Start here:  autopilot init my-canary',
  ].join('\n');
}

/** Text of `autopilot COMMAND --help`. */
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

/** Text that `yo autopilot… --help` shows after its list of options: the USAGE file. */
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

/** Text of docs/reference/cli.md. */
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

\`autopilot\` is the executable of the package generator-autopilot. \`init\`, \`phase\` and \`generate\` are also Yeoman
generators with the same options. \`yo\` changes to another user when it runs as root; \`autopilot\` does not.

Every prompt has an option, so all commands run without a terminal. An error names the options
that are missing.

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

/** Splits a long command line into several lines, one per option. */
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

/** Options that a Yeoman generator declares: those that Yeoman does not have itself. */
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
