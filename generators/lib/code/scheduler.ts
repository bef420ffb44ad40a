/**
 * src/generated/scheduler.ts: the table phase -> worker, inputs, outputs, next phases, that the
 * machine runs.
 */
import { needsFinalizer } from '../rbac/finalizer.ts';
import type { Model, ModelPhase, ModelQuery, KindDefinition } from '../model/model.ts';
import { RawCode, GENERATED_HEADER, formatLiteral } from '../util/typescript-text.ts';

export type KindUses = Pick<ModelPhase, 'inputs' | 'outputs' | 'metrics'>;

export function hasMetrics(model: Model): boolean {
  return model.phases.some((phase) => phase.metrics) || model.finalizer?.metrics === true;
}

export function renderScheduler(model: Model, config: object | undefined): string {
  const workers = model.phases.filter((phase) => !phase.final);
  const uses = (phase: KindUses): object => ({
    inputs: phase.inputs.map((input) => ({
      name: input.kind.name,
      type: resourceTypeOf(input.kind),
      namespace: input.namespace,
      selector: input.selector,
      optional: input.optional || undefined,
    })),
    outputs: phase.outputs.map((output) => ({
      name: output.kind.name,
      type: resourceTypeOf(output.kind),
      namespace: output.namespace,
      prune: output.prune || undefined,
      optional: output.optional || undefined,
    })),
  });
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
    phases: model.phases.map((phase) => ({
      name: phase.name,
      description: phase.description,
      initial: phase.initial || undefined,
      final: phase.final || undefined,
      ready: phase.ready,
      next: phase.nextDeclared ? phase.next.filter((name) => name !== phase.name) : undefined,
      interval: phase.interval,
      timeout: phase.timeout,
      onTimeout: phase.onTimeout,
      onSpecChange: phase.onSpecChange,
      approval: phase.approval ? 'required' : undefined,
      formerly: phase.formerly.length > 0 ? phase.formerly : undefined,
      metrics: phase.metrics || undefined,
      ...uses(phase),
      file: phase.final ? undefined : `src/workers/${phase.file}.ts`,
      line: phase.line,
      worker: phase.final
        ? undefined
        : new RawCode(`worker<${phase.name}Worker>(${syncName(phase)})`),
    })),
    queries: hasMetrics(model) ? model.queries.map(queryRow) : [],
    finalizer: model.finalizer && {
      metrics: model.finalizer.metrics || undefined,
      timeout: model.finalizer.timeout,
      ...uses(model.finalizer),
      line: model.finalizer.line,
      finalize: new RawCode('finalizer<Finalizer>(finalize)'),
    },
    config: config && withoutDescriptions(config),
  };
  const imports = workers.map(
    (phase) =>
      `import { sync as ${syncName(phase)} } from '../workers/${phase.file}.ts';\nimport type { Worker as ${phase.name}Worker } from './${phase.file}.ts';\n`,
  );
  const end = model.finalizer !== undefined;
  return `${GENERATED_HEADER}
import { defineScheduler } from 'autopilot-runtime/generated';
import type { ${end ? 'AnyFinalizer, ' : ''}AnyWorker } from 'autopilot-runtime/generated';
${end ? "import { finalize } from '../finalizer.ts';\nimport type { Finalizer } from './finalizer.ts';\n" : ''}${imports.join('')}
/** Checks a worker against its phase, then forgets the phase: the machine knows workers of any phase only. */
function worker<Worker extends (context: never) => unknown>(sync: Worker): AnyWorker {
  return sync as unknown as AnyWorker;
}
${end ? FINALIZER_CAST : ''}
export const scheduler = defineScheduler(${formatLiteral(table)});
`;
}

const FINALIZER_CAST = `
/** As \`worker\`, for the finalizer. */
function finalizer<Finalizer extends (context: never) => unknown>(finalize: Finalizer): AnyFinalizer {
  return finalize as unknown as AnyFinalizer;
}
`;

/** A schema without its texts, which are for people. */
function withoutDescriptions(schema: object): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === 'description' && typeof value === 'string' ? undefined : value,
    ),
  ) as object;
}

function queryRow({ method, template, parameters, choices }: ModelQuery): object {
  const defaults =
    choices && Object.fromEntries(Object.entries(choices).map(([name, [first]]) => [name, first]));
  return { name: method, template, parameters, defaults };
}

function syncName(phase: ModelPhase): string {
  return `sync${phase.name.charAt(0).toUpperCase()}${phase.name.slice(1)}`;
}

function resourceTypeOf({ group, version, kind, plural, namespaced }: KindDefinition): object {
  return { group, version, kind, plural, namespaced };
}
