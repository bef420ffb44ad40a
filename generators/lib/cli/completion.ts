/** Shell completion: scripts for the shells, and `autopilot __complete WORD…`, which they call. */
import { join } from 'node:path';
import { parse } from 'yaml';
import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { readText } from '../util/files.ts';
import { exampleNames } from '../util/package-root.ts';
import { findProject, PROJECT_FILE } from '../generate/find-project.ts';
import {
  findCommand,
  commandTable,
  LIFECYCLE_COMMANDS,
  allOptions,
  PHASE_VERBS,
} from './command-table.ts';
import type { CompletionSource, CommandOption } from './command-table.ts';

/** A word that completes the command line, and its description. */
export type Completion = readonly [word: string, text?: string];

/**
 * Words that complete a command line.
 *
 * @param words words after `autopilot`. The last one is incomplete and may be empty
 * @param from folder of the project, or a folder below. Its phases and kinds are offered
 */
export function completionsFor(words: readonly string[], from: string): readonly Completion[] {
  const typed = splitAtEquals(words);
  const current = typed.at(-1) ?? '';
  return listCompletions(typed.slice(0, -1), current, from).filter(([word]) =>
    word.startsWith(current),
  );
}

/** Splits words at `=`. bash already does: it passes `--inputs = a` for `--inputs=a`. */
function splitAtEquals(words: readonly string[]): readonly string[] {
  const parts = words.flatMap((word) =>
    word.startsWith('--') && word.includes('=')
      ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
      : [word],
  );
  return words.at(-1) === '='
    ? [...parts.filter((word) => word !== '='), '']
    : parts.filter((word) => word !== '=');
}

function listCompletions(
  before: readonly string[],
  current: string,
  from: string,
): readonly Completion[] {
  const [name, ...rest] = before;
  if (name === undefined) {
    return completeCommand();
  }
  if (name === 'help') {
    return tableCommands();
  }
  const command = findCommand(name);
  if (command === undefined) {
    return [];
  }
  const options = allOptions(command);
  const last = rest.at(-1) ?? '';
  const open = last.startsWith('--') ? options[last.slice(2)] : undefined;
  if (open?.type === 'string') {
    return open.completes === undefined ? [] : completeValue(open.completes, current, from);
  }
  if (current.startsWith('-')) {
    return [
      ...Object.entries(options).map(([option, { text }]): Completion => [`--${option}`, text]),
      ['--help', 'description, options and examples'],
    ];
  }
  return completeArgument(name, positionalArguments(rest, options), from);
}

function tableCommands(): readonly Completion[] {
  return Object.entries(commandTable).map(([command, { purpose }]) => [command, purpose]);
}

function completeCommand(): readonly Completion[] {
  return [
    ...tableCommands(),
    ...LIFECYCLE_COMMANDS.map((command): Completion => [
      command,
      `npm run ${command} of the project`,
    ]),
    ['help', 'help about a command'],
  ];
}

/** @param given arguments before the current word */
function completeArgument(
  command: string,
  given: readonly string[],
  from: string,
): readonly Completion[] {
  if (command === 'completion') {
    return given.length === 0 ? SHELLS.map((shell): Completion => [shell]) : [];
  }
  if (command !== 'phase') {
    return [];
  }
  if (given.length === 0) {
    return PHASE_VERBS.map((verb): Completion => [verb]);
  }
  const [verb = ''] = given;
  const takesExistingPhase = verb !== 'add' && (PHASE_VERBS as readonly string[]).includes(verb);
  return given.length === 1 && takesExistingPhase
    ? readProjectNames(from).phases.map((phase): Completion => [phase])
    : [];
}

/** Words that are neither an option nor the value of an option. */
function positionalArguments(
  words: readonly string[],
  options: Readonly<Record<string, CommandOption>>,
): readonly string[] {
  return words.filter((word, index) => {
    const before = words[index - 1] ?? '';
    return (
      !word.startsWith('-') &&
      !(before.startsWith('--') && options[before.slice(2)]?.type === 'string')
    );
  });
}

function completeValue(
  completes: CompletionSource,
  current: string,
  from: string,
): readonly Completion[] {
  const plain = (names: readonly string[]): readonly Completion[] =>
    names.map((one): Completion => [one]);
  switch (completes) {
    case 'examples':
      return plain(exampleNames());
    case 'phases':
      return plain([...readProjectNames(from).phases, 'none']);
    case 'phase list':
      return plain(completeListItem(current, readProjectNames(from).phases));
    case 'inputs':
      return plain(completeListItem(current, [...readProjectNames(from).kinds, METRICS_INPUT]));
    case 'outputs':
      return plain(completeListItem(current, readProjectNames(from).kinds));
    default:
      return plain(completes);
  }
}

/** Completes a list such as `a,b,`: the list with each name that it does not contain yet. */
function completeListItem(current: string, names: readonly string[]): readonly string[] {
  const chosen = current.split(',').slice(0, -1);
  return names.filter((name) => !chosen.includes(name)).map((name) => [...chosen, name].join(','));
}

/** Phases and kinds of the project. An unreadable project has built-in kinds only: no error. */
function readProjectNames(from: string): {
  readonly phases: readonly string[];
  readonly kinds: readonly string[];
} {
  try {
    const project = parse(readText(join(findProject(from), PROJECT_FILE)) ?? '') as {
      readonly phases?: readonly { readonly name?: unknown }[];
      readonly customParameters?: readonly { readonly lowerName?: unknown }[];
    };
    const phases = (project.phases ?? []).flatMap(({ name }) =>
      typeof name === 'string' ? [name] : [],
    );
    return {
      phases,
      kinds: [
        ...builtInKinds.keys(),
        ...(project.customParameters ?? []).map(({ lowerName }) => String(lowerName)),
      ].sort(),
    };
  } catch {
    return { phases: [], kinds: [...builtInKinds.keys()].sort() };
  }
}

/** Shells with completion. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const COMPLETION_SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# Completion of autopilot for bash. In ~/.bashrc:  eval "$(autopilot completion bash)"
_autopilot() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _autopilot autopilot
`,
  zsh: `#compdef autopilot
# Completion of autopilot for zsh. In ~/.zshrc, after compinit:  eval "$(autopilot completion zsh)"
_autopilot() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} )); then
    found=("\${(@)found//$'\\t'/:}")
    _describe 'autopilot' found
  else
    _files
  fi
}
compdef _autopilot autopilot
`,
  fish: `# Completion of autopilot for fish. Run once:
#   autopilot completion fish > ~/.config/fish/completions/autopilot.fish
function __autopilot_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c autopilot -a '(__autopilot_complete)'
`,
};

/**
 * The completion script of a shell.
 *
 * @throws Error if the shell is unknown or missing
 */
export function completionScript(shell: string | undefined): string {
  const known = SHELLS.find((one) => one === shell);
  if (known === undefined) {
    throw new Error(
      `${shell === undefined ? 'missing shell' : `unknown shell '${shell}'`}: autopilot completion ${SHELLS.join('|')}`,
    );
  }
  return COMPLETION_SCRIPTS[known];
}
