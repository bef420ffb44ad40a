/**
 * autopilot.yaml, from text to the model that everything is rendered from: all of its problems at
 * once, or the model.
 */
import { builtInKinds, GATEWAY_API_GATEWAYS, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { validateProject } from './validate-project.ts';
import type { CrdKind, CrdRequest } from '../kinds/foreign-crd.ts';
import type {
  Model,
  ModelFinalizer,
  ModelInput,
  ModelOutput,
  ModelPhase,
  KindDefinition,
} from './model.ts';
import { pluralize } from '../util/naming.ts';
import { sortProblems, formatProblem } from '../util/problems.ts';
import type { ProblemPath, Problem } from '../util/problems.ts';
import { builtInQueries, defineQuery } from '../kinds/prometheus-queries.ts';
import { knownKeys, projectSchema } from './project-schema.ts';
import type {
  InputDocument,
  OutputDocument,
  PhaseDocument,
  ProjectDocument,
} from './project-schema.ts';
import { parseYaml, validateYaml } from '../util/yaml-file.ts';
import type { ParsedYaml } from '../util/yaml-file.ts';

type CustomParameter = NonNullable<ProjectDocument['customParameters']>[number];

export type LoadResult = { readonly model: Model } | { readonly problems: readonly Problem[] };

/**
 * What is known of CRDs that customParameters name, by lowerName; a text says what is wrong with
 * one.
 */
type ResolvedKinds = ReadonlyMap<string, CrdKind | string>;

/**
 * @param file the name that problems carry
 * @param kinds without it, kinds that are to come from CRDs are guessed at and not typed
 */
export function loadModel(
  text: string,
  file: string,
  kinds: ResolvedKinds = new Map(),
): LoadResult {
  const yaml = parseYaml(text, file);
  if (yaml.problems.length > 0) {
    return { problems: yaml.problems };
  }
  const validated = validateYaml(yaml, projectSchema, file, keysAt);
  const { value } = validated;
  if (value === undefined) {
    return { problems: sortProblems(validated.problems) };
  }
  const problems = [...validated.problems];
  validateProject(value, (path, message) =>
    problems.push({ file, ...yaml.position(path), message }),
  );
  value.customParameters?.forEach((custom, index) => {
    for (const [key, message] of crdProblems(custom, kinds.get(custom.lowerName))) {
      problems.push({
        file,
        ...yaml.position(['customParameters', index, key]),
        message: `customParameters[${index}].${key}: ${message}`,
      });
    }
  });
  return problems.length > 0
    ? { problems: sortProblems(problems) }
    : { model: buildModel(value, yaml, kinds) };
}

/** The model, or an error whose message lists every problem. */
export function requireModel(text: string, file: string, kinds?: ResolvedKinds): Model {
  const loaded = loadModel(text, file, kinds);
  if ('problems' in loaded) {
    throw new Error(loaded.problems.map(formatProblem).join('\n'));
  }
  return loaded.model;
}

function keysAt(path: ProblemPath): readonly string[] {
  const key = path.findLast((part): part is string => typeof part === 'string') ?? 'project';
  return Object.hasOwn(knownKeys, key) ? knownKeys[key as keyof typeof knownKeys] : [];
}

function buildModel(project: ProjectDocument, yaml: ParsedYaml, kinds: ResolvedKinds): Model {
  const [group = '', version = ''] = project.apiVersion.split('/');
  const own = (project.customParameters ?? []).filter((custom) => !isBuiltInKind(custom));
  const known = new Map([
    ...builtInKinds,
    ...own.map(
      (custom) => [custom.lowerName, customKind(custom, kinds.get(custom.lowerName))] as const,
    ),
  ]);
  const queries = (project.queries ?? []).map((custom) =>
    defineQuery(custom.name, custom.queryTemplate, custom.parameters ?? []),
  );
  const names = project.phases.map(({ name }) => name);
  const phases = project.phases.map((phase, index) =>
    buildPhase(phase, names, known, project.scope, yaml.position(['phases', index]).line),
  );
  const finalizer = project.finalizer ?? (project.enableFinalizer ? {} : undefined);
  const finalizerModel: ModelFinalizer | undefined = finalizer && {
    metrics: (finalizer.inputs ?? []).some((input) => kindNameOf(input) === METRICS_INPUT),
    inputs: buildInputs(finalizer.inputs, known, project.scope),
    outputs: buildOutputs(finalizer.outputs, known, project.scope),
    ...(finalizer.timeout !== undefined && { timeout: finalizer.timeout }),
    line: yaml.position([project.finalizer === undefined ? 'enableFinalizer' : 'finalizer']).line,
  };
  const uses = [...phases, ...(finalizerModel === undefined ? [] : [finalizerModel])];
  const used = new Map(
    uses
      .flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
      .map(({ kind }) => [kind.name, kind]),
  );
  return {
    kind: project.kind,
    group,
    version,
    plural: pluralize(project.kind),
    singular: project.kind.toLowerCase(),
    operatorName: project.operatorName ?? `${project.kind.toLowerCase()}-operator`,
    scope: project.scope ?? 'Namespaced',
    phases,
    queries: [
      ...queries,
      ...builtInQueries.filter(({ method }) => !queries.some((other) => other.method === method)),
    ],
    kinds: [...used.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(finalizerModel && { finalizer: finalizerModel }),
    customParameters: own
      .map(({ lowerName }) => lowerName)
      .filter((name) => !builtInKinds.has(name)),
    crds: own.flatMap(crdRequests),
    extraRules: project.rbac?.extraRules ?? [],
    warnings: projectWarnings(project),
  };
}

function buildPhase(
  phase: PhaseDocument,
  names: readonly string[],
  known: ReadonlyMap<string, KindDefinition>,
  scope: Scope,
  line: number,
): ModelPhase {
  const allowed = phase.final
    ? []
    : phase.next === undefined
      ? names
      : names.filter((name) => name === phase.name || phase.next?.includes(name));
  return {
    name: phase.name,
    file: phase.name.toLowerCase(),
    ...(phase.description !== undefined && { description: phase.description }),
    initial: phase.initial ?? false,
    final: phase.final ?? false,
    ready: phase.ready ?? phase.final ?? false,
    next: allowed,
    nextDeclared: phase.next !== undefined,
    ...(phase.interval !== undefined && { interval: phase.interval }),
    ...(phase.timeout !== undefined && { timeout: phase.timeout }),
    ...(phase.onTimeout !== undefined && { onTimeout: phase.onTimeout }),
    ...(phase.onSpecChange !== undefined && { onSpecChange: phase.onSpecChange }),
    approval: phase.approval === 'required',
    formerly: phase.formerly ?? [],
    metrics: (phase.inputs ?? []).some((input) => kindNameOf(input) === METRICS_INPUT),
    inputs: buildInputs(phase.inputs, known, scope),
    outputs: buildOutputs(phase.outputs, known, scope),
    line,
  };
}

function kindNameOf(use: InputDocument | OutputDocument): string {
  return typeof use === 'string' ? use : use.name;
}

type Scope = ProjectDocument['scope'];

/** A cluster-scoped resource has no namespace of its own. */
function defaultNamespace(scope: Scope): 'own' | 'all' {
  return scope === 'Cluster' ? 'all' : 'own';
}

function buildInputs(
  inputs: readonly InputDocument[] = [],
  known: ReadonlyMap<string, KindDefinition>,
  scope: Scope,
): ModelInput[] {
  return inputs.flatMap((input) => {
    const kind = known.get(kindNameOf(input));
    if (kind === undefined) {
      return [];
    }
    const detail = typeof input === 'string' ? undefined : input;
    return [
      {
        kind,
        namespace: detail?.namespace ?? defaultNamespace(scope),
        ...(detail?.selector !== undefined && { selector: formatSelector(detail.selector) }),
        optional: detail?.optional ?? false,
      },
    ];
  });
}

function buildOutputs(
  outputs: readonly OutputDocument[] = [],
  known: ReadonlyMap<string, KindDefinition>,
  scope: Scope,
): ModelOutput[] {
  return outputs.flatMap((output) => {
    const kind = known.get(kindNameOf(output));
    if (kind === undefined) {
      return [];
    }
    const detail = typeof output === 'string' ? undefined : output;
    return [
      {
        kind,
        namespace: detail?.namespace ?? defaultNamespace(scope),
        prune: detail?.prune ?? false,
        optional: detail?.optional ?? false,
      },
    ];
  });
}

function formatSelector(selector: string | Readonly<Record<string, string>>): string {
  if (typeof selector === 'string') {
    return selector;
  }
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/**
 * Projects of 2019 had to declare kinds that are built in now, and typed: where they say the same,
 * the built-in one is meant.
 */
function isBuiltInKind({
  lowerName,
  singleName,
  apiGroup = '',
  ...more
}: CustomParameter): boolean {
  const builtIn = builtInKinds.get(lowerName);
  const other = [more.crd, more.version, more.plural, more.scope].some(
    (said) => said !== undefined,
  );
  return (
    builtIn !== undefined && builtIn.kind === singleName && builtIn.group === apiGroup && !other
  );
}

/**
 * What the original's declaration lacks is inferred: the version from the end of its Go import
 * path, the plural from its name.
 */
function customKind(custom: CustomParameter, found: CrdKind | string | undefined): KindDefinition {
  const pathVersion = custom.package?.split('/').findLast((part) => /^v\d/.test(part));
  const known = typeof found === 'object' ? found : undefined;
  return {
    name: custom.lowerName,
    group: custom.apiGroup ?? known?.group ?? '',
    version: custom.version ?? known?.version ?? pathVersion ?? 'v1',
    kind: custom.singleName,
    plural: custom.plural ?? known?.plural ?? custom.lowerName,
    namespaced: (custom.scope ?? known?.scope) !== 'Cluster',
    ...(known && {
      schema: {
        of: known.schema,
        from:
          custom.crd === 'cluster'
            ? `.autopilot/crds/${custom.lowerName}.json`
            : (custom.crd ?? ''),
      },
      module: { package: './kinds', path: `${custom.lowerName}.ts`, name: `I${custom.singleName}` },
    }),
  };
}

function crdProblems(
  custom: CustomParameter,
  found: CrdKind | string | undefined,
): readonly (readonly [key: string, message: string])[] {
  if (found === undefined) {
    return [];
  }
  if (typeof found === 'string') {
    return [['crd', found]];
  }
  return (['plural', 'scope'] as const).flatMap((key) =>
    custom[key] === undefined || custom[key] === found[key]
      ? []
      : [[key, `is '${custom[key]}', but '${found[key]}' in the CRD: leave it out`] as const],
  );
}

function crdRequests({
  lowerName,
  crd,
  singleName,
  apiGroup,
  version,
}: CustomParameter): readonly CrdRequest[] {
  if (crd === undefined) {
    return [];
  }
  return [
    {
      name: lowerName,
      crd,
      kind: singleName,
      ...(apiGroup !== undefined && { group: apiGroup }),
      ...(version !== undefined && { version }),
    },
  ];
}

function projectWarnings(project: ProjectDocument): string[] {
  return [...originalWarnings(project), ...gatewayWarnings(project)];
}

/** The one deliberate change of meaning since Autopilot of 2019. */
function originalWarnings({ phases }: ProjectDocument): string[] {
  const inputs = phases.flatMap((phase) => phase.inputs ?? []);
  const original =
    inputs.some((input) => kindNameOf(input) !== METRICS_INPUT) &&
    inputs.every((input) => typeof input === 'string') &&
    phases.every((phase) => phase.next === undefined);
  return original
    ? [
        "inputs are seen in the resource's own namespace; write '{ name: …, namespace: all }' for one that is to see every namespace, as Autopilot of 2019 did",
      ]
    : [];
}

/** Routes of one API beside the Gateway of the other: likely the wrong one was picked. */
function gatewayWarnings({ phases }: ProjectDocument): string[] {
  const used = new Set(
    phases.flatMap((phase) => [...(phase.inputs ?? []), ...(phase.outputs ?? [])]).map(kindNameOf),
  );
  const istio =
    used.has('gateways') &&
    !used.has('virtualservices') &&
    (used.has('httproutes') || used.has('grpcroutes'));
  const gatewayApi =
    used.has(GATEWAY_API_GATEWAYS) &&
    !used.has('httproutes') &&
    !used.has('grpcroutes') &&
    used.has('virtualservices');
  return istio || gatewayApi
    ? [
        `'gateways' is Istio's Gateway, '${GATEWAY_API_GATEWAYS}' is that of the Gateway API: the routes that this project uses belong to the other one`,
      ]
    : [];
}
