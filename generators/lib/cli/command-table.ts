/**
 * The commands as data: what each is for, its options in groups, examples. The parser, `--help`,
 * shell completion, the generators of yo,
 * their USAGE files and docs/reference/cli.md are all made from it.
 */

/** What a value may be, for completion. */
export type CompletionSource =
  | 'phases'
  | 'phase list'
  | 'inputs'
  | 'outputs'
  | 'examples'
  | readonly string[];

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** How its value is called in help. */
  readonly value?: string;
  readonly multiple?: true;
  readonly text: string;
  readonly completes?: CompletionSource;
}

export interface Command {
  /** Its arguments, as help shows them. */
  readonly usage: string;
  /** How many arguments it takes at most. */
  readonly most: number;
  /** One line. */
  readonly purpose: string;
  /** What one has to know about it: paragraphs. */
  readonly about: readonly string[];
  /** Options by the title of their group. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, CommandOption>>>>;
  /** Command lines without the name of the program and command, each with what it does. */
  readonly examples: readonly (readonly [line: string, text: string])[];
  /** The generator of yo that does the same. */
  readonly yo?: string;
}

const force: CommandOption = {
  type: 'boolean',
  text: 'rewrite generated files although they were edited by hand; your files stay',
};
const yes: CommandOption = {
  type: 'boolean',
  short: 'y',
  text: 'ask nothing: take the default for what is not given',
};
const runtime: CommandOption = {
  type: 'string',
  value: 'vendor|registry',
  text: 'carry the runtime along as a file (default), or take it from npm',
  completes: ['vendor', 'registry'],
};

/**
 * What a generated project's scripts/operator.ts does: not declared here, because the project
 * carries it.
 */
export const LIFECYCLE_COMMANDS: readonly string[] = ['dev', 'build', 'deploy', 'undeploy', 'logs'];

export const commandTable = {
  init: {
    usage: '[DIR]',
    most: 1,
    purpose: 'start a project: a kind, its phases, and all that follows',
    about: [
      'Asks for what is not given, draws the machine, and writes the project when you agree: autopilot.yaml, types and a stub for each worker, tests, a Helm chart. Type ? at a question to have it explained. Until the last answer nothing is written, so Ctrl-C is safe at any moment.',
      'Without a terminal nothing can be asked: --kind and --api-version are needed then.',
    ],
    groups: {
      'The machine': {
        kind: {
          type: 'string',
          value: 'KIND',
          text: 'kind of the resource in Pascal case, such as Canary',
        },
        'api-version': {
          type: 'string',
          value: 'GROUP/VERSION',
          text: 'its API group and version, such as examples.io/v1',
        },
        'operator-name': {
          type: 'string',
          value: 'NAME',
          text: 'name of the operator and its chart (default: <kind>-operator)',
        },
        phase: {
          type: 'string',
          multiple: true,
          value: 'NAME:…',
          text: "a phase, repeatable: 'Waiting:inputs=pods:next=Done', with outputs=…, description=…, :initial, :final, :ready and :not-ready",
        },
        finalizer: {
          type: 'boolean',
          text: 'there is work to do before a resource may go: src/finalizer.ts',
        },
        'finalizer-inputs': {
          type: 'string',
          value: 'A,B',
          text: 'what the finalizer reads',
          completes: 'inputs',
        },
        'finalizer-outputs': {
          type: 'string',
          value: 'A,B',
          text: 'what the finalizer writes',
          completes: 'outputs',
        },
        example: {
          type: 'string',
          value: 'NAME',
          text: 'start from a complete example, such as autoroute, instead',
          completes: 'examples',
        },
      },
      'The project': {
        runtime,
        'skip-install': { type: 'boolean', text: 'do not run npm install' },
        yes,
        force: { type: 'boolean', text: 'replace an existing autopilot.yaml; your workers stay' },
      },
    },
    examples: [
      ['my-canary', 'asks for kind, version and phases'],
      [
        'my-canary --kind Canary --api-version examples.io/v1 --yes',
        'asks nothing: Initializing, Processing, Finished',
      ],
      ['my-routes --example autoroute', 'a complete operator to change'],
      [
        "my-canary --kind Canary --api-version examples.io/v1 --phase 'Waiting:inputs=deployments:next=Promoting' --phase 'Promoting:outputs=virtualservices:next=Done' --phase 'Done:final'",
        'phases as options, the first one initial',
      ],
    ],
    yo: 'autopilot',
  },
  phase: {
    usage: '[add|edit|rename|remove|move] [NAME…]',
    most: 3,
    purpose: 'add, edit, rename, remove or move a phase, and generate',
    about: [
      'Changes autopilot.yaml (comments, order and layout of the rest stay as they are) and generates. Without a verb and a name it asks what to do. What is asked is drawn before it is written; Ctrl-C leaves everything as it was.',
      'rename OLD NEW: everything that names the phase follows, its worker and test move, and resources standing in it continue. remove NAME: --replacement says in which phase resources standing there are then. A replacement that led to it also goes where it went, and what nothing else leads to is led to from the replacement (or from those who led to what is gone, when the replacement is an end).',
      'Without a terminal, or when an option says what is to change, nothing is asked.',
    ],
    groups: {
      'add and edit': {
        description: {
          type: 'string',
          value: 'TEXT',
          text: "what happens in it; '' takes it away",
        },
        inputs: {
          type: 'string',
          value: 'A,B',
          text: "what it reads, such as deployments,metrics; '' for nothing",
          completes: 'inputs',
        },
        outputs: {
          type: 'string',
          value: 'A,B',
          text: "what it writes, such as virtualservices; '' for nothing",
          completes: 'outputs',
        },
        next: {
          type: 'string',
          value: 'X,Y|any',
          text: "where it may go; any: anywhere (default of a new one); '' for nowhere else",
          completes: 'phase list',
        },
        final: {
          type: 'boolean',
          text: 'the resource is done there: no worker runs, nothing is watched',
        },
        'not-final': { type: 'boolean', text: 'edit: it is no longer final and gets a worker' },
        ready: {
          type: 'boolean',
          text: 'a resource there counts as ready although its worker goes on',
        },
        'not-ready': {
          type: 'boolean',
          text: 'a resource there does not count as ready; in a final phase: it ended badly',
        },
      },
      'Other verbs': {
        after: {
          type: 'string',
          value: 'PHASE|none',
          text: 'add, move: put it behind this phase, none: to the front. An added one can then be reached from there',
          completes: 'phases',
        },
        replacement: {
          type: 'string',
          value: 'PHASE|none',
          text: 'remove: the phase that resources standing there are in then; none: they are Stalled',
          completes: 'phases',
        },
      },
      Writing: { yes, force },
    },
    examples: [
      ['', 'asks what to do'],
      ['Waiting --next Processing --after Initializing', 'adds a phase between two'],
      ['edit Waiting --inputs deployments,metrics', 'replaces what it reads'],
      ['Failed --final --not-ready --after Processing', 'adds an end that is no success'],
      ['rename Waiting Pausing', 'its worker and test move along'],
      ['remove Waiting --replacement Processing', 'resources in Waiting are in Processing then'],
      ['move Waiting --after Processing', 'changes the order only'],
    ],
    yo: 'autopilot:phase',
  },
  generate: {
    usage: '',
    most: 0,
    purpose: 'bring the project up to date with autopilot.yaml and src/spec.ts',
    about: [
      'Works in the folder of autopilot.yaml and everywhere below it. Your files are never touched; package.json, tsconfig.json and the chart are merged, an edit of yours stays; a generated file that was edited by hand stops everything before anything is written. So does a change of the CRD that does not fit resources that may be stored: a field that is gone, a limit that is tighter.',
      'The summary says what was done, and which workers need a look because inputs, outputs or next phases have changed. A generate that was interrupted is completed by the next one.',
    ],
    groups: {
      'Looking only': {
        check: {
          type: 'boolean',
          text: 'write nothing; exit 1 when anything would change: for CI',
        },
        'dry-run': { type: 'boolean', text: 'write nothing; show what would change, as a diff' },
      },
      Writing: {
        bail: { type: 'boolean', text: 'write nothing when a merge would leave conflicts' },
        'accept-breaking': {
          type: 'boolean',
          text: 'write although the new CRD does not fit resources that may be stored',
        },
        refresh: {
          type: 'boolean',
          text: "read the CRDs of customParameters with 'crd: cluster' from the cluster once more",
        },
        force,
        runtime,
      },
    },
    examples: [
      ['', 'after an edit of autopilot.yaml or src/spec.ts'],
      ['--dry-run', 'what would change?'],
      ['--check', 'in CI: is what is committed what would be generated?'],
    ],
    yo: 'autopilot:generate',
  },
  check: {
    usage: '',
    most: 0,
    purpose: 'exit 1 when generating would change anything: for CI',
    about: ['The same as generate --check: writes nothing, says what would change.'],
    groups: {},
    examples: [
      ['', 'in the project, or in any folder below'],
      ['&& npm test', 'what CI of a project runs'],
      ['|| autopilot generate --dry-run', 'shows the difference when there is one'],
    ],
  },
  graph: {
    usage: '',
    most: 0,
    purpose: 'draw the machine',
    about: [
      'Draws the phases of autopilot.yaml and where they may go: as boxes for a terminal, as Mermaid for Markdown, as DOT or SVG for documents.',
    ],
    groups: {
      Picture: {
        format: {
          type: 'string',
          value: 'boxes|mermaid|dot|svg',
          text: 'default: boxes',
          completes: ['boxes', 'mermaid', 'dot', 'svg'],
        },
      },
    },
    examples: [
      ['', 'boxes and arrows in the terminal'],
      ['--format mermaid', 'for a Markdown file'],
      ['--format svg > machine.svg', 'a picture'],
    ],
  },
  crd: {
    usage: '',
    most: 0,
    purpose: 'print the CustomResourceDefinition as YAML',
    about: [
      'Made from the interfaces in src/spec.ts and the phases in autopilot.yaml, as the chart carries it.',
    ],
    groups: {},
    examples: [
      ['', 'to look at'],
      ['| kubectl apply -f -', 'into a cluster to develop against'],
      ['> crd.yaml', 'into a file'],
    ],
  },
  completion: {
    usage: 'bash|zsh|fish',
    most: 1,
    purpose: 'print a script that completes commands, options, phases and parameters',
    about: [
      'Completes commands, verbs and options, the names of the phases of the project at hand, and those of parameters. Put the line for your shell into its start-up file.',
    ],
    groups: {},
    examples: [
      ['bash', '~/.bashrc:  eval "$(autopilot completion bash)"'],
      ['zsh', '~/.zshrc:   eval "$(autopilot completion zsh)"   (after compinit)'],
      ['fish > ~/.config/fish/completions/autopilot.fish', 'once'],
    ],
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commandTable;

/** What `autopilot phase` does to phases. */
export const PHASE_VERBS = ['add', 'edit', 'rename', 'remove', 'move'] as const;
export type PhaseVerb = (typeof PHASE_VERBS)[number];

export function findCommand(name: string): Command | undefined {
  return Object.hasOwn(commandTable, name) ? commandTable[name as CommandName] : undefined;
}

/** All options of a command, whatever their group. */
export function allOptions(command: Command): Readonly<Record<string, CommandOption>> {
  return Object.assign({}, ...Object.values(command.groups)) as Readonly<
    Record<string, CommandOption>
  >;
}
