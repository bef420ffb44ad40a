/**
 * Completion in a shell: small scripts that ask `autopilot __complete WORD…`, and what it answers.
 */
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

export type Completion = readonly [word: string, text?: string];

/**
 * @param words those after `autopilot`; the last one is being typed (it may be empty)
 * @param from the folder in which the project's own names are looked for, and above
 */
export function completionsFor(words: readonly string[], from: string): readonly Completion[] {
  const typed = splitAtEquals(words);
  const current = typed.at(-1) ?? '';
  return listCompletions(typed.slice(0, -1), current, from).filter(([word]) =>
    word.startsWith(current),
  );
}

/** bash breaks words at `=`: `--inputs = a` is `--inputs a`. */
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
    return [
      ...Object.entries(commandTable).map(([command, { purpose }]): Completion => [
        command,
        purpose,
      ]),
      ...LIFECYCLE_COMMANDS.map((command): Completion => [
        command,
        `npm run ${command} of the project`,
      ]),
      ['help', 'about a command'],
    ];
  }
  if (name === 'help') {
    return Object.entries(commandTable).map(([command, { purpose }]): Completion => [
      command,
      purpose,
    ]);
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
      ['--help', 'help'],
    ];
  }
  const given = positionalArguments(rest, options);
  if (name === 'completion') {
    return given.length === 0 ? SHELLS.map((shell): Completion => [shell]) : [];
  }
  if (name !== 'phase') {
    return [];
  }
  if (given.length === 0) {
    return PHASE_VERBS.map((verb): Completion => [verb]);
  }
  return given.length === 1 &&
    given[0] !== 'add' &&
    (PHASE_VERBS as readonly string[]).includes(given[0] ?? '')
    ? readProjectNames(from).phases.map((phase): Completion => [phase])
    : [];
}

/** Words that are neither options nor values of options. */
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

/** What may follow in `a,b,`: the list so far with each of the names that are not in it. */
function completeListItem(current: string, names: readonly string[]): readonly string[] {
  const chosen = current.split(',').slice(0, -1);
  return names.filter((name) => !chosen.includes(name)).map((name) => [...chosen, name].join(','));
}

/** The project's names as far as its file can be read: completion never complains. */
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
  fish: `# Completion of autopilot for fish:  autopilot completion fish > ~/.config/fish/completions/autopilot.fish
function __autopilot_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c autopilot -a '(__autopilot_complete)'
`,
};

/** @throws Error when the shell is not known */
export function completionScript(shell: string | undefined): string {
  const known = SHELLS.find((one) => one === shell);
  if (known === undefined) {
    throw new Error(`which shell? autopilot completion ${SHELLS.join('|')}`);
  }
  return COMPLETION_SCRIPTS[known];
}
