/**
 * src/generated/scheduler.ts: the dispatch table of the operator. Each phase has its worker,
 * inputs, outputs and next phases.
 */
import { needsFinalizer } from '../rbac/finalizer.ts';
import type {
  KindDefinition,
  KindUses,
  Model,
  ModelFinalizer,
  ModelPhase,
  ModelQuery,
} from '../model/model.ts';
import { capitalize, formatLiteral, GENERATED_HEADER, RawCode } from '../util/typescript-text.ts';
import { isRecord } from '../util/values.ts';
import { typePrefix } from './phase-types.ts';

/** Whether a phase or the finalizer has the input `metrics`. */
export function hasMetrics({ phases, finalizer }: Pick<Model, 'phases' | 'finalizer'>): boolean {
  return phases.some((phase) => phase.metrics) || finalizer?.metrics === true;
}

/**
 * Renders src/generated/scheduler.ts.
 *
 * @param config JSON schema of the user's `config:`, which the operator checks at its start
 */
export function renderScheduler(model: Model, config: object | undefined): string {
  const { finalizer } = model;
  const table = {
    operatorName: model.operatorName,
    resource: {
      group: model.group,
      version: model.version,
      kind: model.kind,
      plural: model.plural,
      namespaced: model.scope === 'Namespaced',
    },
    finalizerRequired: needsFinalizer(model),
    phases: model.phases.map(phaseRow),
    queries: hasMetrics(model) ? model.queries.map(queryRow) : [],
    finalizer: finalizer && finalizerRow(finalizer),
    config: config && withoutDescriptions(config),
  };
  return [
    GENERATED_HEADER,
    "import { defineScheduler } from 'autopilot-runtime/generated';",
    "import type * as runtime from 'autopilot-runtime/generated';",
    ...(finalizer ? FINALIZER_IMPORTS : []),
    ...model.phases.filter((phase) => !phase.final).flatMap(workerImports),
    '',
    WORKER_CAST,
    ...(finalizer ? ['', FINALIZER_CAST] : []),
    '',
    `export const scheduler = defineScheduler(${formatLiteral(table)});`,
    '',
  ].join('\n');
}

const FINALIZER_IMPORTS = [
  "import { finalize } from '../finalizer.ts';",
  "import type { Finalizer } from './finalizer.ts';",
];

const WORKER_CAST = `/**
 * Compares a worker with the types of its phase. The table has workers of every phase, so it drops
 * these types.
 */
function worker<Worker extends (context: never) => unknown>(sync: Worker): runtime.AnyWorker {
  return sync as unknown as runtime.AnyWorker;
}`;

const FINALIZER_CAST = `/** Compares the finalizer with its types, and drops them as \`worker\` does. */
function finalizer<Finalizer extends (context: never) => unknown>(
  finalize: Finalizer,
): runtime.AnyFinalizer {
  return finalize as unknown as runtime.AnyFinalizer;
}`;

function workerImports(phase: ModelPhase): string[] {
  const type = workerTypeName(phase);
  return [
    `import { sync as ${syncName(phase)} } from '../workers/${phase.file}.ts';`,
    `import type { ${type} } from './${phase.file}.ts';`,
  ];
}

/**
 * A phase in the table. Members with their default are undefined, so that the table leaves them
 * out.
 */
function phaseRow(phase: ModelPhase): object {
  const next = phase.next.filter((name) => name !== phase.name);
  return {
    name: phase.name,
    description: phase.description,
    initial: phase.initial || undefined,
    final: phase.final || undefined,
    resting: phase.resting,
    ready: phase.ready,
    next: phase.nextDeclared ? next : undefined,
    interval: phase.interval,
    timeout: phase.timeout,
    onTimeout: phase.onTimeout,
    onSpecChange: phase.onSpecChange,
    approval: phase.approval ? 'required' : undefined,
    whilePaused: phase.whilePaused,
    formerly: phase.formerly.length > 0 ? phase.formerly : undefined,
    metrics: phase.metrics || undefined,
    ...inputsAndOutputs(phase),
    file: phase.final ? undefined : `src/workers/${phase.file}.ts`,
    line: phase.line,
    worker: phase.final
      ? undefined
      : new RawCode(`worker<${workerTypeName(phase)}>(${syncName(phase)})`),
  };
}

function finalizerRow(finalizer: ModelFinalizer): object {
  return {
    metrics: finalizer.metrics || undefined,
    timeout: finalizer.timeout,
    ...inputsAndOutputs(finalizer),
    line: finalizer.line,
    finalize: new RawCode('finalizer<Finalizer>(finalize)'),
  };
}

function inputsAndOutputs({ inputs, outputs }: KindUses): object {
  return {
    inputs: inputs.map(({ kind, namespace, selector, optional }) => ({
      name: kind.name,
      type: resourceType(kind),
      namespace,
      selector,
      optional: optional || undefined,
    })),
    outputs: outputs.map(({ kind, namespace, prune, whenUndone, optional }) => ({
      name: kind.name,
      type: resourceType(kind),
      namespace,
      prune: prune || undefined,
      whenUndone,
      optional: optional || undefined,
    })),
  };
}

function queryRow({ method, template, parameters, choices }: ModelQuery): object {
  const defaults =
    choices && Object.fromEntries(Object.entries(choices).map(([name, [first]]) => [name, first]));
  return { name: method, template, parameters, defaults };
}

/** Keywords of a JSON schema of which the value is data, not a schema. */
const DATA_KEYWORDS = ['default', 'enum', 'required', 'x-kubernetes-validations'];

/** A JSON schema without descriptions: the operator only validates with it. */
function withoutDescriptions(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(withoutDescriptions);
  }
  if (!isRecord(schema)) {
    return schema;
  }
  const keywords = Object.entries(schema).filter(([keyword]) => keyword !== 'description');
  return Object.fromEntries(
    keywords.map(([keyword, value]) => [keyword, keywordWithoutDescriptions(keyword, value)]),
  );
}

function keywordWithoutDescriptions(keyword: string, value: unknown): unknown {
  if (DATA_KEYWORDS.includes(keyword)) {
    return value;
  }
  if (keyword !== 'properties' || !isRecord(value)) {
    return withoutDescriptions(value);
  }
  // Names of fields: a field may be called `description`, or `default`.
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withoutDescriptions(field)]),
  );
}

function workerTypeName(phase: ModelPhase): string {
  return `${typePrefix(phase)}Worker`;
}

function syncName({ name }: ModelPhase): string {
  return `sync${capitalize(name)}`;
}

function resourceType({ group, version, kind, plural, namespaced }: KindDefinition): object {
  return { group, version, kind, plural, namespaced };
}
