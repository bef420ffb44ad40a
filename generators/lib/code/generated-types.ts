/**
 * src/generated: the types of the resource, of parameters and of each phase; the scheduler is in
 * scheduler.ts. All ours.
 */
import type {
  Model,
  ModelFinalizer,
  ModelPhase,
  KindDefinition,
  ProjectFile,
} from '../model/model.ts';
import { renderInterfaceModule } from '../crd/typescript-types.ts';
import { isClaimable } from '../model/model.ts';
import { queryParameterType } from '../kinds/prometheus-queries.ts';
import { hasMetrics, renderScheduler } from './scheduler.ts';
import type { KindUses } from './scheduler.ts';
import { docComment, GENERATED_HEADER, quoteString, unionType } from '../util/typescript-text.ts';

/** @param config schema of the user's `config:`, when src/spec.ts types it */
export function renderGeneratedFiles(model: Model, crd: object, config?: object): ProjectFile[] {
  const generated = (name: string, content: string): ProjectFile => ({
    path: `src/generated/${name}`,
    content,
    ownership: 'generated',
  });
  const workers = model.phases.filter((phase) => !phase.final);
  return [
    generated(`${model.kind.toLowerCase()}.ts`, resourceTypes(model)),
    ...(model.kinds.length > 0 ? [generated('kinds.ts', kindTypes(model.kinds))] : []),
    ...model.kinds.flatMap(({ name, kind, schema }) =>
      schema
        ? [generated(`kinds/${name}.ts`, renderInterfaceModule(kind, schema.of, schema.from))]
        : [],
    ),
    ...(hasMetrics(model) ? [generated('queries.ts', queryTypes(model))] : []),
    ...workers.map((phase) =>
      generated(`${phase.file}.ts`, phaseTypes(model, phase, config !== undefined)),
    ),
    ...(model.finalizer
      ? [generated('finalizer.ts', finalizerTypes(model, model.finalizer, config !== undefined))]
      : []),
    generated('scheduler.ts', renderScheduler(model, config)),
    generated('crd.json', `${JSON.stringify(crd, null, 2)}\n`),
  ];
}

function resourceTypes(model: Model): string {
  const { kind } = model;
  return `${GENERATED_HEADER}
import type { DeepReadonly, ObjectMeta } from 'autopilot-runtime/generated';
import type { ${kind}Spec, ${kind}StatusInfo } from '../spec.ts';

${docComment(model.phases.map((phase) => `${phase.name}${phase.description ? `: ${phase.description.trim()}` : ''}`).join('\n'))}export type ${kind}Phase = ${unionType(model.phases.map(({ name }) => name))};

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** What the runtime keeps; your ${kind}StatusInfo lies beside it. */
export interface ${kind}RuntimeStatus {
  readonly phase?: ${kind}Phase;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly autopilot?: Readonly<Record<string, unknown>>;
}

export interface ${kind} {
  readonly apiVersion: ${quoteString(`${model.group}/${model.version}`)};
  readonly kind: ${quoteString(kind)};
  readonly metadata: ObjectMeta;
  readonly spec: DeepReadonly<${kind}Spec>;
  readonly status?: ${kind}RuntimeStatus & Partial<DeepReadonly<${kind}StatusInfo>>;
}
`;
}

function kindTypes(kinds: readonly KindDefinition[]): string {
  const modules = kinds.flatMap((kind) =>
    kind.module ? [{ ...kind.module, alias: `Wire${kindTypeName(kind)}` }] : [],
  );
  const imports = modules.map(
    ({ package: name, path, name: type, alias }) =>
      `import type { ${type} as ${alias} } from ${quoteString(`${name}/${path}`)};\n`,
  );
  const types = kinds.map((kind) => {
    const name = kindTypeName(kind);
    const identity = `readonly apiVersion: ${quoteString(kind.group === '' ? kind.version : `${kind.group}/${kind.version}`)}; readonly kind: ${quoteString(kind.kind)}`;
    if (!kind.module) {
      return `export type ${name} = KubeObject & { ${identity} };\nexport type ${name}Output = OutputObject & { ${identity}; readonly [field: string]: unknown };\n`;
    }
    return `export type ${name} = Read<Wire${name}> & { ${identity} };\nexport type ${name}Output = Write<Wire${name}> & { ${identity} };\n`;
  });
  const typed = modules.length > 0;
  const runtime = [
    ...(typed ? ['DeepReadonly'] : []),
    ...(kinds.length > modules.length ? ['KubeObject'] : []),
    ...(typed ? ['ObjectMeta'] : []),
    'OutputObject',
  ];
  const mapped = `
/** As read: frozen, and with the metadata that every stored object has. */
type Read<T> = DeepReadonly<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & { readonly metadata: ObjectMeta };

/** As written: identity, and the fields to set; every other field is left to whoever owns it. */
type Write<T> = Fields<Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'>> & { readonly metadata: OutputObject['metadata'] };

type Fields<T> = T extends readonly (infer E)[] ? readonly Fields<E>[] : T extends object ? { readonly [K in keyof T]?: Fields<T[K]> } : T;
`;
  return `${GENERATED_HEADER}\n${imports.join('')}import type { ${runtime.join(', ')} } from 'autopilot-runtime/generated';\n${typed ? mapped : ''}\n${types.join('\n')}`;
}

/**
 * A parameter's type has the name of its kind; of two kinds of one name, the one with a name of its
 * own carries that in front.
 */
function kindTypeName({ name, kind, plural }: KindDefinition): string {
  return name.endsWith(plural) && name !== plural
    ? `${capitalize(name.slice(0, -plural.length))}${kind}`
    : kind;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function queryTypes(model: Model): string {
  const types = new Set(['QueryResult']);
  const methods = model.queries.map((query) => {
    const isOptional = (name: string): boolean =>
      query.choices?.[name] !== undefined || (name === 'namespace' && model.scope === 'Namespaced');
    const parameters = query.parameters.map((name) => {
      const type = queryParameterType(query, name);
      if (type === 'Duration') {
        types.add(type);
      }
      return `readonly ${name}${isOptional(name) ? '?' : ''}: ${typeof type === 'string' ? type : unionType(type)}`;
    });
    return `${docComment(`\`${query.name}\`: ${query.template}`, '  ')}  ${query.method}(parameters${query.parameters.every(isOptional) ? '?' : ''}: { ${parameters.join('; ')} }): Promise<QueryResult>;\n`;
  });
  return `${GENERATED_HEADER}
import type { ${[...types].sort().join(', ')} } from 'autopilot-runtime/generated';

/** Questions to Prometheus. ${model.scope === 'Namespaced' ? "`namespace` is the resource's own unless said; an" : 'An'} interval is a duration such as '1m'. */
export interface Queries {
${methods.join('')}}
`;
}

function phaseTypes(model: Model, phase: ModelPhase, typed: boolean): string {
  return `${moduleHead(model, phase, ['BaseContext', 'BaseResult'], [`${model.kind}StatusInfo`, ...configType(model, typed)])}
/** Where ${phase.name} may go: autopilot.yaml:${phase.line}. */
export type Next = ${unionType(phase.next)};

${useTypes(model, phase, phase.name, typed, (output) => isClaimable(phase, output))}
export type Result = BaseResult<Next, Outputs, ${model.kind}StatusInfo>;
export type Worker = (context: Context) => Result | Promise<Result>;
`;
}

function finalizerTypes(model: Model, finalizer: ModelFinalizer, typed: boolean): string {
  return `${moduleHead(model, finalizer, ['BaseContext', 'FinalizeResult'], configType(model, typed))}
${useTypes(model, finalizer, 'the finalizer', typed, () => false)}
export type Result = FinalizeResult<Outputs>;
export type Finalizer = (context: Context) => Result | Promise<Result>;
`;
}

/** The type of the user's `config:`. */
function configType({ kind }: Model, typed: boolean): readonly string[] {
  return typed ? [`${kind}Config`] : [];
}

/** @param own types of src/spec.ts */
function moduleHead(
  { kind }: Model,
  uses: KindUses,
  runtime: readonly string[],
  own: readonly string[],
): string {
  const usesFieldClaims =
    own.includes(`${kind}StatusInfo`) && uses.outputs.some((output) => isClaimable(uses, output));
  const names = [
    ...runtime,
    ...(own.includes(`${kind}Config`) ? ['DeepReadonly'] : []),
    ...(uses.inputs.length > 0 ? ['InputView'] : []),
    ...(usesFieldClaims ? ['FieldClaim'] : []),
  ];
  const usesKinds = uses.inputs.length > 0 || uses.outputs.length > 0;
  return `${GENERATED_HEADER}
import type { ${names.join(', ')} } from 'autopilot-runtime/generated';
${own.length > 0 ? `import type { ${own.toSorted().join(', ')} } from '../spec.ts';\n` : ''}import type { ${kind} } from './${kind.toLowerCase()}.ts';
${usesKinds ? "import type * as kinds from './kinds.ts';\n" : ''}${uses.metrics ? "import type { Queries } from './queries.ts';\n" : ''}`;
}

/** Inputs, Outputs and Context of a phase or the finalizer. */
function useTypes(
  model: Model,
  uses: KindUses,
  name: string,
  typed: boolean,
  claimable: (output: KindUses['outputs'][number]) => boolean,
): string {
  const inputs = uses.inputs
    .map(({ kind }) => `  readonly ${kind.name}: InputView<kinds.${kindTypeName(kind)}>;\n`)
    .join('');
  const outputs = uses.outputs
    .map((output) => {
      const { kind } = output;
      const whole = `kinds.${kindTypeName(kind)}Output`;
      return `  readonly ${kind.name}?: readonly ${claimable(output) ? `(${whole} | FieldClaim<${quoteString(kind.kind)}>)` : whole}[];\n`;
    })
    .join('');
  return `/** What ${name} reads. */
${inputs ? `export interface Inputs {\n${inputs}}` : 'export type Inputs = Readonly<Record<never, never>>;'}

/** What ${name} writes. */
${outputs ? `export interface Outputs {\n${outputs}}` : 'export type Outputs = Readonly<Record<string, never>>;'}

export type Context = BaseContext<${model.kind}, Inputs, ${typed ? `DeepReadonly<${configType(model, true)[0]}>` : 'unknown'}>${uses.metrics ? ' & { readonly metrics: Queries }' : ''};`;
}
