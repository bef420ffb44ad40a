/** src/generated/<phase>.ts and src/generated/finalizer.ts: the types of one worker. */
import type { Model, ModelFinalizer, ModelOutput, ModelPhase } from '../model/model.ts';
import { isClaimable } from '../model/model.ts';
import { capitalize, GENERATED_HEADER, quoteString, unionType } from '../util/typescript-text.ts';
import { kindTypeNames } from './kind-types.ts';
import { phaseContextName } from './resource-types.ts';

type WorkerUses = Pick<ModelPhase | ModelFinalizer, 'inputs' | 'outputs' | 'metrics'>;

/** Prefix of a phase's types: `SyncingContext` for the phase `Syncing` or `syncing`. */
export function typePrefix({ name }: ModelPhase): string {
  return capitalize(name);
}

/**
 * Types of a phase: `<Phase>Next`, `<Phase>Inputs`, `<Phase>Outputs`, `<Phase>Context`,
 * `<Phase>Result` and `<Phase>Worker`, each also under its short name.
 *
 * Everything that is imported is behind a namespace, so that no name of a phase can collide with
 * it.
 */
export function renderPhaseTypes(model: Model, phase: ModelPhase): string {
  const prefix = typePrefix(phase);
  const spec = `spec.${model.kind}StatusInfo`;
  return [
    ...moduleHead(model, phase, ["import type * as spec from '../spec.ts';"]),
    '',
    `/** Phases that ${phase.name} can go to: autopilot.yaml:${phase.line}. */`,
    `export type ${prefix}Next = ${unionType(phase.next)};`,
    '',
    ...inputsAndOutputs(phase, {
      prefix,
      subject: phase.name,
      typeNames: kindTypeNames(model.kinds),
      claimable: (output) => isClaimable(phase, output),
    }),
    '',
    `/** What the worker of ${phase.name} is called with. */`,
    contextType(model, prefix, phase),
    `/** What the worker of ${phase.name} returns. */`,
    `export type ${prefix}Result = runtime.BaseResult<${prefix}Next, ${prefix}Outputs, ${spec}>;`,
    functionType(`${prefix}Worker`, prefix),
    '',
    ...shortNames(prefix, ['Next', 'Inputs', 'Outputs', 'Context', 'Result', 'Worker']),
    '',
  ].join('\n');
}

/** Types of the finalizer: `FinalizerInputs`, …, and `Finalizer`, the type of the function. */
export function renderFinalizerTypes(model: Model, finalizer: ModelFinalizer): string {
  const prefix = 'Finalizer';
  return [
    ...moduleHead(model, finalizer, []),
    '',
    ...inputsAndOutputs(finalizer, {
      prefix,
      subject: 'the finalizer',
      typeNames: kindTypeNames(model.kinds),
      claimable: () => false,
    }),
    '',
    '/** What the finalizer is called with. */',
    contextType(model, prefix, finalizer),
    '/** What the finalizer returns. */',
    `export type ${prefix}Result = runtime.FinalizeResult<${prefix}Outputs>;`,
    functionType(prefix, prefix),
    '',
    ...shortNames(prefix, ['Inputs', 'Outputs', 'Context', 'Result']),
    '',
  ].join('\n');
}

function moduleHead({ kind }: Model, uses: WorkerUses, imports: readonly string[]): string[] {
  const usesKinds = uses.inputs.length > 0 || uses.outputs.length > 0;
  return [
    GENERATED_HEADER,
    "import type * as runtime from 'autopilot-runtime/generated';",
    ...imports,
    `import type * as resource from './${kind.toLowerCase()}.ts';`,
    ...(usesKinds ? ["import type * as kinds from './kinds.ts';"] : []),
    ...(uses.metrics ? ["import type * as queries from './queries.ts';"] : []),
  ];
}

interface WorkerTypes {
  /** Prefix of the worker's types. */
  readonly prefix: string;
  /** What the comments call the worker. */
  readonly subject: string;
  /** Names of the types of kinds (`kindTypeNames`). */
  readonly typeNames: ReadonlyMap<string, string>;
  /** Whether the worker can claim fields of existing objects of an output. */
  readonly claimable: (output: ModelOutput) => boolean;
}

function inputsAndOutputs(uses: WorkerUses, types: WorkerTypes): string[] {
  const { prefix, subject, typeNames } = types;
  const inputs = uses.inputs.map(
    ({ kind }) => `  readonly ${kind.name}: runtime.InputView<kinds.${typeNames.get(kind.name)}>;`,
  );
  const outputs = uses.outputs.map(
    (output) => `  readonly ${output.kind.name}?: readonly ${outputType(output, types)}[];`,
  );
  return [
    `/** What ${subject} reads. */`,
    ...interfaceLines(`${prefix}Inputs`, inputs, 'Readonly<Record<never, never>>'),
    '',
    `/** What ${subject} writes. */`,
    ...interfaceLines(`${prefix}Outputs`, outputs, 'Readonly<Record<string, never>>'),
  ];
}

function outputType(output: ModelOutput, { typeNames, claimable }: WorkerTypes): string {
  const object = `kinds.${typeNames.get(output.kind.name)}Output`;
  return claimable(output)
    ? `(${object} | runtime.FieldClaim<${quoteString(output.kind.kind)}>)`
    : object;
}

/** @param empty the type when there are no members */
function interfaceLines(name: string, members: readonly string[], empty: string): string[] {
  return members.length === 0
    ? [`export type ${name} = ${empty};`]
    : [`export interface ${name} {`, ...members, '}'];
}

function contextType(model: Model, prefix: string, { metrics }: WorkerUses): string {
  const shared = `resource.${phaseContextName(model)}<${prefix}Inputs>`;
  const more = metrics ? ' & { readonly metrics: queries.Queries }' : '';
  return `export type ${prefix}Context = ${shared}${more};`;
}

function functionType(name: string, prefix: string): string {
  const result = `${prefix}Result`;
  return `export type ${name} = (context: ${prefix}Context) => ${result} | Promise<${result}>;`;
}

function shortNames(prefix: string, types: readonly string[]): string[] {
  return [
    '/** Short names, for a module that uses the types of one worker only. */',
    'export type {',
    ...types.map((type) => `  ${prefix}${type} as ${type},`),
    '};',
  ];
}
