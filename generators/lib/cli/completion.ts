/** Completion in a shell: small scripts that ask `autopilot __complete WORD…`, and what it answers. */
import { join } from 'node:path';
import { parse } from 'yaml';
import { catalogue, METRICS } from '../catalogue.ts';
import { readText } from '../lock.ts';
import { exampleNames } from '../package-root.ts';
import { findProject, PROJECT_FILE } from '../project-file.ts';
import { commandNamed, commandTable, LIFE_CYCLE, optionsOf, PHASE_VERBS } from './table.ts';
import type { Completes, Option } from './table.ts';

export type Candidate = readonly [word: string, text?: string];

/**
 * @param words those after `autopilot`; the last one is being typed (it may be empty)
 * @param from the folder in which the project's own names are looked for, and above
 */
export function candidates(words: readonly string[], from: string): readonly Candidate[] {
  const typed = split(words);
  const current = typed.at(-1) ?? '';
  return listed(typed.slice(0, -1), current, from).filter(([word]) => word.startsWith(current));
}

/** bash breaks words at `=`: `--inputs = a` is `--inputs a`. */
function split(words: readonly string[]): readonly string[] {
  const parts = words.flatMap((word) =>
    word.startsWith('--') && word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word],
  );
  return words.at(-1) === '=' ? [...parts.filter((word) => word !== '='), ''] : parts.filter((word) => word !== '=');
}

function listed(before: readonly string[], current: string, from: string): readonly Candidate[] {
  const [name, ...rest] = before;
  if (name === undefined)
    return [
      ...Object.entries(commandTable).map(([command, { purpose }]): Candidate => [command, purpose]),
      ...LIFE_CYCLE.map((command): Candidate => [command, `npm run ${command} of the project`]),
      ['help', 'about a command'],
    ];
  if (name === 'help') return Object.entries(commandTable).map(([command, { purpose }]): Candidate => [command, purpose]);
  const command = commandNamed(name);
  if (command === undefined) return [];
  const options = optionsOf(command);
  const last = rest.at(-1) ?? '';
  const open = last.startsWith('--') ? options[last.slice(2)] : undefined;
  if (open?.type === 'string') return open.completes === undefined ? [] : values(open.completes, current, from);
  if (current.startsWith('-')) return [...Object.entries(options).map(([option, { text }]): Candidate => [`--${option}`, text]), ['--help', 'help']];
  const given = arguments_(rest, options);
  if (name === 'completion') return given.length === 0 ? SHELLS.map((shell): Candidate => [shell]) : [];
  if (name !== 'phase') return [];
  if (given.length === 0) return PHASE_VERBS.map((verb): Candidate => [verb]);
  return given.length === 1 && given[0] !== 'add' && (PHASE_VERBS as readonly string[]).includes(given[0] ?? '')
    ? namesOf(from).phases.map((phase): Candidate => [phase])
    : [];
}

/** Words that are neither options nor values of options. */
function arguments_(words: readonly string[], options: Readonly<Record<string, Option>>): readonly string[] {
  return words.filter((word, index) => {
    const before = words[index - 1] ?? '';
    return !word.startsWith('-') && !(before.startsWith('--') && options[before.slice(2)]?.type === 'string');
  });
}

function values(completes: Completes, current: string, from: string): readonly Candidate[] {
  const plain = (names: readonly string[]): readonly Candidate[] => names.map((one): Candidate => [one]);
  switch (completes) {
    case 'examples':
      return plain(exampleNames());
    case 'phases':
      return plain([...namesOf(from).phases, 'none']);
    case 'phase list':
      return plain(next(current, namesOf(from).phases));
    case 'inputs':
      return plain(next(current, [...namesOf(from).parameters, METRICS]));
    case 'outputs':
      return plain(next(current, namesOf(from).parameters));
    default:
      return plain(completes);
  }
}

/** What may follow in `a,b,`: the list so far with each of the names that are not in it. */
function next(current: string, names: readonly string[]): readonly string[] {
  const chosen = current.split(',').slice(0, -1);
  return names.filter((name) => !chosen.includes(name)).map((name) => [...chosen, name].join(','));
}

/** The project's names as far as its file can be read: completion never complains. */
function namesOf(from: string): { readonly phases: readonly string[]; readonly parameters: readonly string[] } {
  try {
    const project = parse(readText(join(findProject(from), PROJECT_FILE)) ?? '') as {
      readonly phases?: readonly { readonly name?: unknown }[];
      readonly customParameters?: readonly { readonly lowerName?: unknown }[];
    };
    const phases = (project.phases ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
    return { phases, parameters: [...catalogue.keys(), ...(project.customParameters ?? []).map(({ lowerName }) => String(lowerName))].sort() };
  } catch {
    return { phases: [], parameters: [...catalogue.keys()].sort() };
  }
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
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
  if (known === undefined) throw new Error(`which shell? autopilot completion ${SHELLS.join('|')}`);
  return SCRIPTS[known];
}
