/**
 * All commands as data: purpose, options, examples. The parser, `--help`, shell completion, the
 * options and USAGE files of the Yeoman generators, and docs/reference/cli.md are made from this
 * table. To add an option, add it here and to the options interface of the command.
 */

/** Source of the values that completion offers, or the values themselves. */
export type CompletionSource =
  | 'phases'
  | 'phase list'
  | 'inputs'
  | 'outputs'
  | 'examples'
  | readonly string[];

/** One option of a command. */
export interface CommandOption {
  readonly type: 'string' | 'boolean';
  /** One-letter form, without dash. */
  readonly short?: string;
  /** Placeholder of the value in help, such as `NAME`. */
  readonly value?: string;
  /** Whether the option may be repeated. */
  readonly multiple?: true;
  /** Help text: effect, and default where there is one. */
  readonly text: string;
  /** Values that completion offers. Default: none. */
  readonly completes?: CompletionSource;
}

/** One command of `autopilot`. */
export interface Command {
  /** Arguments as help shows them. Empty: no arguments. */
  readonly usage: string;
  /** Maximum number of arguments. */
  readonly most: number;
  /** One line for the overview. */
  readonly purpose: string;
  /** Paragraphs of help. */
  readonly about: readonly string[];
  /** Options by the title of their group. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, CommandOption>>>>;
  /** Command lines without program and command name, each with its effect. */
  readonly examples: readonly (readonly [line: string, text: string])[];
  /** Yeoman generator that does the same. Default: none. */
  readonly yo?: string;
}

const force: CommandOption = {
  type: 'boolean',
  text: 'overwrite generated files that were edited by hand; user-owned files are kept',
};
const yes: CommandOption = {
  type: 'boolean',
  short: 'y',
  text: 'skip all prompts and use the defaults',
};
const runtime: CommandOption = {
  type: 'string',
  value: 'vendor|registry',
  text: 'vendor: copy the runtime into the project; registry: install it from npm. Default: vendor',
  completes: ['vendor', 'registry'],
};

/**
 * Commands that the project's own scripts/operator.ts implements. Their options are not declared
 * here, because each project has its own version of the script.
 */
export const LIFECYCLE_COMMANDS: readonly string[] = ['dev', 'build', 'deploy', 'undeploy', 'logs'];

/** The commands of the bin, with their arguments, options and examples. */
export const commandTable = {
  init: {
    usage: '[DIR]',
    most: 1,
    purpose: 'create a project: a kind, its phases, worker stubs, tests and a Helm chart',
    about: [
      'Prompts for every option that is missing, draws the state machine, and writes the project after you confirm: autopilot.yaml, types and a stub for each worker, tests and a Helm chart. Type ? at a prompt for help. Nothing is written before you confirm, so Ctrl-C is safe.',
      'A folder may have files. What npm init wrote to package.json follows the project, all other values and files stay, and each difference is named. CommonJS modules are refused.',
      'Without a terminal there are no prompts: give --kind and --api-version.',
    ],
    groups: {
      'State machine': {
        kind: {
          type: 'string',
          value: 'KIND',
          text: 'kind of the resource, singular and in Pascal case, such as Canary',
        },
        'api-version': {
          type: 'string',
          value: 'GROUP/VERSION',
          text: 'API group and version of the kind, such as examples.io/v1',
        },
        'operator-name': {
          type: 'string',
          value: 'NAME',
          text: 'name of the operator and its chart. Default: <kind>-operator',
        },
        phase: {
          type: 'string',
          multiple: true,
          value: 'NAME:…',
          text: "one phase; repeat the option for more: 'Waiting:inputs=pods:next=Done'. Parts: inputs=, outputs=, next=, description=, while-paused=, initial, final, resting, ready, not-ready",
        },
        finalizer: {
          type: 'boolean',
          text: 'add a finalizer: src/finalizer.ts runs before a resource is deleted',
        },
        'finalizer-inputs': {
          type: 'string',
          value: 'A,B',
          text: 'kinds that the finalizer reads',
          completes: 'inputs',
        },
        'finalizer-outputs': {
          type: 'string',
          value: 'A,B',
          text: 'kinds that the finalizer writes',
          completes: 'outputs',
        },
        example: {
          type: 'string',
          value: 'NAME',
          text: 'copy a complete example, such as autoroute',
          completes: 'examples',
        },
      },
      Project: {
        runtime,
        'skip-install': { type: 'boolean', text: 'do not run npm install' },
        yes,
        force: { type: 'boolean', text: 'replace an existing autopilot.yaml; workers are kept' },
      },
    },
    examples: [
      ['my-canary', 'prompts for kind, version and phases'],
      [
        'my-canary --kind Canary --api-version examples.io/v1 --yes',
        'no prompts; the phases are Initializing, Processing and Finished',
      ],
      ['my-routes --example autoroute', 'starts from a complete operator'],
      [
        "my-canary --kind Canary --api-version examples.io/v1 --phase 'Waiting:inputs=deployments:next=Promoting' --phase 'Promoting:outputs=virtualservices:next=Done' --phase 'Done:final'",
        'phases as options; the first one is initial',
      ],
    ],
    yo: 'autopilot',
  },
  phase: {
    usage: '[add|edit|rename|remove|move] [NAME…]',
    most: 3,
    purpose: 'add, edit, rename, remove or move a phase, then generate',
    about: [
      'Changes autopilot.yaml and generates. Comments, order and layout of the rest of the file are kept. Without a verb and a name, prompts for what to do. Draws the new state machine before anything is written; Ctrl-C changes nothing.',
      'Commands that run at the same time wait for one another. When autopilot.yaml is saved in an editor during the prompts, the edit stays and the command says that it has written nothing.',
      'rename OLD NEW: renames the phase everywhere in autopilot.yaml and moves its worker and test. Resources in OLD continue in NEW.',
      'remove NAME --replacement PHASE: resources in NAME continue in PHASE. Phases that could go to NAME may go to PHASE. If PHASE could go to NAME, it inherits the next phases of NAME. A phase that would become unreachable is added to the next phases of PHASE, or, if PHASE is final, of the phases that could go to NAME. PHASE cannot be a phase that requires an approval.',
      'There are no prompts without a terminal, or when an option says what to change.',
    ],
    groups: {
      'Add and edit': {
        description: {
          type: 'string',
          value: 'TEXT',
          text: "one line about the phase; '' removes the description",
        },
        inputs: {
          type: 'string',
          value: 'A,B',
          text: "kinds that the worker reads, such as deployments,metrics; '' for none",
          completes: 'inputs',
        },
        outputs: {
          type: 'string',
          value: 'A,B',
          text: "kinds that the worker writes, such as virtualservices; '' for none",
          completes: 'outputs',
        },
        next: {
          type: 'string',
          value: 'X,Y|any',
          text: "phases that the worker may go to; any: all phases; '' for none. Default of a new phase: any",
          completes: 'phase list',
        },
        final: {
          type: 'boolean',
          text: 'final phase: it has no worker, and nothing is watched',
        },
        'not-final': {
          type: 'boolean',
          text: 'edit: the phase is no longer final and gets a worker',
        },
        resting: {
          type: 'boolean',
          text: 'resting phase: an end with a worker, which keeps outputs and field claims as they are',
        },
        'not-resting': {
          type: 'boolean',
          text: 'edit: the phase is no longer an end',
        },
        'while-paused': {
          type: 'string',
          value: 'keep|release',
          text: 'release: a pause gives field claims back and deletes outputs with prune. Default: keep',
        },
        ready: {
          type: 'boolean',
          text: 'resources in the phase have Ready=True while the worker keeps running',
        },
        'not-ready': {
          type: 'boolean',
          text: 'resources in the phase have Ready=False; in a final phase: a failed end',
        },
      },
      'Other verbs': {
        after: {
          type: 'string',
          value: 'PHASE|none',
          text: 'add, move: place the phase after PHASE; none: first. add: PHASE may also go to the new phase',
          completes: 'phases',
        },
        replacement: {
          type: 'string',
          value: 'PHASE|none',
          text: 'remove: phase that takes over the resources; none: such resources become Stalled',
          completes: 'phases',
        },
      },
      Writing: { yes, force },
    },
    examples: [
      ['', 'prompts for what to do'],
      ['Waiting --next Processing --after Initializing', 'adds a phase between two'],
      ['edit Waiting --inputs deployments,metrics', 'replaces the inputs of a phase'],
      ['Failed --final --not-ready --after Processing', 'adds a final phase that means failure'],
      ['rename Waiting Pausing', 'renames a phase, its worker and its test'],
      ['remove Waiting --replacement Processing', 'resources in Waiting continue in Processing'],
      ['move Waiting --after Processing', 'changes only the order in autopilot.yaml'],
    ],
    yo: 'autopilot:phase',
  },
  generate: {
    usage: '',
    most: 0,
    purpose: 'update the project from autopilot.yaml and src/spec.ts',
    about: [
      'Run it in the folder of autopilot.yaml or in any folder below. User-owned files are never changed. package.json, tsconfig.json and the chart are merged, so that your edits are kept.',
      'Two problems stop generate before anything is written: a generated file that was edited by hand (--force overwrites it), and a change of the CRD that stored resources may violate, such as a removed field or a tighter limit (--accept-breaking accepts it). A difference of format alone is no edit.',
      'The summary lists what changed, and the workers to review because their inputs, outputs or next phases changed. If generate is interrupted, the next run completes it.',
    ],
    groups: {
      'Read only': {
        check: {
          type: 'boolean',
          text: 'write nothing; exit with 1 if anything would change. For CI',
        },
        'dry-run': { type: 'boolean', text: 'write nothing; print the changes as a diff' },
      },
      Writing: {
        bail: { type: 'boolean', text: 'write nothing if a merge has conflicts' },
        'accept-breaking': {
          type: 'boolean',
          text: 'write even if stored resources may violate the new CRD',
        },
        refresh: {
          type: 'boolean',
          text: "read the CRDs of customParameters with 'crd: cluster' from the cluster again",
        },
        force,
        runtime,
      },
    },
    examples: [
      ['', 'after a change of autopilot.yaml or src/spec.ts'],
      ['--dry-run', 'shows what would change'],
      ['--check', 'in CI: fails if the committed files are out of date'],
    ],
    yo: 'autopilot:generate',
  },
  check: {
    usage: '',
    most: 0,
    purpose: 'exit with 1 if generate would change anything. For CI',
    about: ['Same as generate --check: writes nothing and lists what would change.'],
    groups: {},
    examples: [
      ['', 'in the project folder or any folder below'],
      ['&& npm test', 'typical CI step of a project'],
      ['|| autopilot generate --dry-run', 'prints the diff if there is one'],
    ],
  },
  graph: {
    usage: '',
    most: 0,
    purpose: 'draw the state machine',
    about: [
      'Draws the phases of autopilot.yaml and their transitions: boxes for a terminal, Mermaid for Markdown, DOT or SVG for documents.',
    ],
    groups: {
      Output: {
        format: {
          type: 'string',
          value: 'boxes|mermaid|dot|svg',
          text: 'output format. Default: boxes',
          completes: ['boxes', 'mermaid', 'dot', 'svg'],
        },
      },
    },
    examples: [
      ['', 'boxes and arrows in the terminal'],
      ['--format mermaid', 'Mermaid code for a Markdown file'],
      ['--format svg > phases.svg', 'writes a picture'],
    ],
  },
  crd: {
    usage: '',
    most: 0,
    purpose: 'print the CustomResourceDefinition as YAML',
    about: [
      'Prints the CustomResourceDefinition that the chart contains, made from the interfaces in src/spec.ts and the phases in autopilot.yaml.',
    ],
    groups: {},
    examples: [
      ['', 'prints it'],
      ['| kubectl apply -f -', 'installs it in a development cluster'],
      ['> crd.yaml', 'writes it to a file'],
    ],
  },
  completion: {
    usage: 'bash|zsh|fish',
    most: 1,
    purpose: 'print a shell script that completes commands, options, phases and kinds',
    about: [
      'Completes commands, verbs, options, the phases of the current project, and kinds. Add the line for your shell to its start-up file.',
    ],
    groups: {},
    examples: [
      ['bash', '~/.bashrc:  eval "$(autopilot completion bash)"'],
      ['zsh', '~/.zshrc:   eval "$(autopilot completion zsh)"   (after compinit)'],
      ['fish > ~/.config/fish/completions/autopilot.fish', 'run once'],
    ],
  },
} as const satisfies Readonly<Record<string, Command>>;

/** Name of a command. */
export type CommandName = keyof typeof commandTable;

/** Verbs of `autopilot phase`. */
export const PHASE_VERBS = ['add', 'edit', 'rename', 'remove', 'move'] as const;
/** Verb of `autopilot phase`. */
export type PhaseVerb = (typeof PHASE_VERBS)[number];

/** The command with this name, or undefined. */
export function findCommand(name: string): Command | undefined {
  return Object.hasOwn(commandTable, name) ? commandTable[name as CommandName] : undefined;
}

/** All options of a command, from all groups. */
export function allOptions(command: Command): Readonly<Record<string, CommandOption>> {
  return Object.assign({}, ...Object.values(command.groups)) as Readonly<
    Record<string, CommandOption>
  >;
}
