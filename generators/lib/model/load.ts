/**
 * Loading autopilot.yaml: from its text to the model that all generated files are rendered from, or
 * to the list of all its problems.
 */
import { builtInKinds, GATEWAY_API_GATEWAYS, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import type { CustomKindResult, CustomKindResults } from '../kinds/custom-kinds.ts';
import type { CrdRequest } from '../kinds/foreign-crd.ts';
import { builtInQueries, defineQuery } from '../kinds/prometheus-queries.ts';
import { pluralize } from '../util/naming.ts';
import { sortProblems, formatProblem } from '../util/problems.ts';
import type { ProblemPath, Problem } from '../util/problems.ts';
import { uniqueBy } from '../util/values.ts';
import { parseYaml, validateYaml } from '../util/yaml-file.ts';
import type { ParsedYaml } from '../util/yaml-file.ts';
import { isBuiltInKind, versionOfGoPackage, warningsOf2019 } from './compat-2019.ts';
import { finalPhaseWarnings } from './final-phase-warnings.ts';
import { kindUses } from './model.ts';
import type {
  Model,
  ModelFinalizer,
  ModelFormerVersion,
  ModelInput,
  ModelOutput,
  ModelPhase,
  ModelQuery,
  KindDefinition,
} from './model.ts';
import { kindNameOf, knownFieldsOf, projectSchema } from './project-schema.ts';
import type {
  CustomParameterDocument,
  FormerVersionDocument,
  InputDocument,
  OutputDocument,
  PhaseDocument,
  ProjectDocument,
} from './project-schema.ts';
import { validateProject } from './validate-project.ts';

/** Result of `loadModel`. */
export type LoadResult =
  | {
      /** The model of a valid file. */
      readonly model: Model;
    }
  | {
      /** All problems of an invalid file, sorted by place. At least one. */
      readonly problems: readonly Problem[];
    };

/**
 * Loads autopilot.yaml.
 * @param text content of the file
 * @param file name of the file for problems
 * @param kinds CRDs of custom kinds, by `lowerName`. Default: none; then the group, version and
 * plural of custom kinds have defaults, and the kinds are not typed.
 */
export function loadModel(
  text: string,
  file: string,
  kinds: CustomKindResults = new Map(),
): LoadResult {
  const yaml = parseYaml(text, file);
  if (yaml.problems.length > 0) {
    return { problems: yaml.problems };
  }
  const validated = validateYaml(yaml, projectSchema, { file, keysAt, showValues: true });
  const { value } = validated;
  if (value === undefined) {
    return { problems: sortProblems(validated.problems) };
  }
  const problems = [...validated.problems];
  const report = (path: ProblemPath, message: string): void =>
    void problems.push({ file, ...yaml.position(path), message });
  validateProject(value, report);
  reportCrdProblems(value.customParameters ?? [], kinds, report);
  return problems.length > 0
    ? { problems: sortProblems(problems) }
    : { model: buildModel(value, yaml, kinds) };
}

/**
 * Loads autopilot.yaml when it is known to be valid, or when its problems end the command.
 * @throws Error whose message lists all problems, one per line
 */
export function requireModel(text: string, file: string, kinds?: CustomKindResults): Model {
  const loaded = loadModel(text, file, kinds);
  if ('problems' in loaded) {
    throw new Error(loaded.problems.map(formatProblem).join('\n'));
  }
  return loaded.model;
}

function keysAt(path: ProblemPath): readonly string[] {
  return knownFieldsOf(path.findLast((part): part is string => typeof part === 'string'));
}

/** What the parts of the model are built from. */
interface BuildContext {
  readonly project: ProjectDocument;
  readonly yaml: ParsedYaml;
  /** Kinds that inputs and outputs can name. */
  readonly kinds: ReadonlyMap<string, KindDefinition>;
  /** A cluster-scoped resource has no namespace of its own. */
  readonly defaultNamespace: 'own' | 'all';
}

function buildModel(project: ProjectDocument, yaml: ParsedYaml, results: CustomKindResults): Model {
  const [group = '', version = ''] = project.apiVersion.split('/');
  const custom = (project.customParameters ?? []).filter((entry) => !isBuiltInKind(entry));
  const customKinds = custom.map((entry) => customKind(entry, results.get(entry.lowerName)));
  const context: BuildContext = {
    project,
    yaml,
    kinds: new Map([...builtInKinds, ...customKinds.map((kind) => [kind.name, kind] as const)]),
    defaultNamespace: project.scope === 'Cluster' ? 'all' : 'own',
  };
  const phases = project.phases.map((phase, index) => buildPhase(context, phase, index));
  const finalizer = buildFinalizer(context);
  return {
    kind: project.kind,
    group,
    version,
    formerVersions: (project.formerVersions ?? []).map(buildFormerVersion),
    plural: project.plural ?? pluralize(project.kind),
    singular: project.kind.toLowerCase(),
    operatorName: project.operatorName ?? `${project.kind.toLowerCase()}-operator`,
    scope: project.scope ?? 'Namespaced',
    phases,
    queries: buildQueries(project),
    kinds: usedKinds({ phases, ...(finalizer && { finalizer }) }),
    ...(finalizer && { finalizer }),
    customParameters: custom
      .map(({ lowerName }) => lowerName)
      .filter((name) => !builtInKinds.has(name)),
    crds: custom.flatMap(crdRequests),
    extraRules: project.rbac?.extraRules ?? [],
    warnings: [
      ...warningsOf2019(project.phases),
      ...gatewayWarnings(project.phases),
      ...finalPhaseWarnings(phases),
    ],
  };
}

function buildFormerVersion(version: FormerVersionDocument): ModelFormerVersion {
  const { name, served = true, deprecated = false } = version;
  const warning = deprecated === true ? '' : deprecated;
  return { name, served, ...(warning !== false && { deprecated: warning }) };
}

function usedKinds(uses: Pick<Model, 'phases' | 'finalizer'>): readonly KindDefinition[] {
  const kinds = kindUses(uses).flatMap(({ inputs, outputs }) =>
    [...inputs, ...outputs].map(({ kind }) => kind),
  );
  return uniqueBy(kinds, ({ name }) => name).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function buildQueries(project: ProjectDocument): readonly ModelQuery[] {
  const custom = (project.queries ?? []).map(({ name, queryTemplate, parameters }) =>
    defineQuery(name, queryTemplate, parameters ?? []),
  );
  return uniqueBy([...custom, ...builtInQueries], ({ method }) => method);
}

function buildPhase(context: BuildContext, phase: PhaseDocument, index: number): ModelPhase {
  const { name, interval, timeout, onTimeout, onSpecChange, final = false } = phase;
  return {
    name,
    file: name.toLowerCase(),
    ...(phase.description !== undefined && { description: phase.description }),
    initial: phase.initial ?? false,
    final,
    ...(phase.resting === true && { resting: true }),
    ready: phase.ready ?? (final || phase.resting === true),
    next: resolveNext(context.project.phases, phase),
    nextDeclared: phase.next !== undefined,
    ...(interval !== undefined && { interval }),
    ...(timeout !== undefined && { timeout }),
    ...(onTimeout !== undefined && { onTimeout }),
    ...(onSpecChange !== undefined && { onSpecChange }),
    ...(phase.whilePaused !== undefined && { whilePaused: phase.whilePaused }),
    approval: phase.approval === 'required',
    formerly: phase.formerly ?? [],
    metrics: usesMetrics(phase.inputs),
    inputs: buildInputs(context, phase.inputs),
    outputs: buildOutputs(context, phase.outputs),
    line: context.yaml.position(['phases', index]).line,
  };
}

function resolveNext(phases: readonly PhaseDocument[], phase: PhaseDocument): readonly string[] {
  if (phase.final) {
    return [];
  }
  const names = phases.map(({ name }) => name);
  const { next } = phase;
  return next === undefined
    ? names
    : names.filter((name) => name === phase.name || next.includes(name));
}

function buildFinalizer(context: BuildContext): ModelFinalizer | undefined {
  const { finalizer: declared, enableFinalizer } = context.project;
  const finalizer = declared ?? (enableFinalizer ? {} : undefined);
  if (finalizer === undefined) {
    return undefined;
  }
  const key = declared === undefined ? 'enableFinalizer' : 'finalizer';
  return {
    metrics: usesMetrics(finalizer.inputs),
    inputs: buildInputs(context, finalizer.inputs),
    outputs: buildOutputs(context, finalizer.outputs),
    ...(finalizer.timeout !== undefined && { timeout: finalizer.timeout }),
    line: context.yaml.position([key]).line,
  };
}

function usesMetrics(inputs: readonly InputDocument[] = []): boolean {
  return inputs.some((input) => kindNameOf(input) === METRICS_INPUT);
}

function buildInputs(
  context: BuildContext,
  inputs: readonly InputDocument[] = [],
): readonly ModelInput[] {
  return inputs.flatMap((input) => {
    const kind = context.kinds.get(kindNameOf(input));
    if (kind === undefined) {
      return [];
    }
    const { namespace, selector, optional = false } = typeof input === 'string' ? {} : input;
    return [
      {
        kind,
        namespace: namespace ?? context.defaultNamespace,
        ...(selector !== undefined && { selector: formatSelector(selector) }),
        optional,
      },
    ];
  });
}

function buildOutputs(
  context: BuildContext,
  outputs: readonly OutputDocument[] = [],
): readonly ModelOutput[] {
  return outputs.flatMap((output) => {
    const kind = context.kinds.get(kindNameOf(output));
    if (kind === undefined) {
      return [];
    }
    const {
      namespace = context.defaultNamespace,
      prune = false,
      optional = false,
      whenUndone = 'repair',
    } = typeof output === 'string' ? {} : output;
    const isRepaired = whenUndone === 'repair';
    return [{ kind, namespace, prune, optional, ...(!isRepaired && { whenUndone }) }];
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

/** A kind from customParameters: what the entry says, then what the CRD says, then defaults. */
function customKind(
  custom: CustomParameterDocument,
  result: CustomKindResult | undefined,
): KindDefinition {
  const crd = result?.type === 'found' ? result.kind : undefined;
  const { lowerName, singleName } = custom;
  const kind = {
    name: lowerName,
    group: custom.apiGroup ?? crd?.group ?? '',
    version: custom.version ?? crd?.version ?? versionOfGoPackage(custom.package) ?? 'v1',
    kind: singleName,
    plural: custom.plural ?? crd?.plural ?? lowerName,
    namespaced: (custom.scope ?? crd?.scope) !== 'Cluster',
  };
  if (crd === undefined) {
    return kind;
  }
  const from = custom.crd === 'cluster' ? `.autopilot/crds/${lowerName}.json` : (custom.crd ?? '');
  return {
    ...kind,
    schema: { of: crd.schema, from },
    module: { package: './kinds', path: `${lowerName}.ts`, name: `I${singleName}` },
  };
}

/** Reports CRDs that were not found, and fields that contradict the CRD. */
function reportCrdProblems(
  customParameters: readonly CustomParameterDocument[],
  results: CustomKindResults,
  report: (path: ProblemPath, message: string) => void,
): void {
  customParameters.forEach((custom, index) => {
    const reportField = (key: string, message: string): void =>
      report(['customParameters', index, key], `customParameters[${index}].${key}: ${message}`);
    const result = results.get(custom.lowerName);
    if (result?.type === 'failed') {
      reportField('crd', result.message);
    }
    if (result?.type !== 'found') {
      return;
    }
    for (const key of ['plural', 'scope'] as const) {
      const [written, actual] = [custom[key], result.kind[key]];
      if (written !== undefined && written !== actual) {
        reportField(key, `is '${written}', but the CRD says '${actual}': remove the field`);
      }
    }
  });
}

function crdRequests(custom: CustomParameterDocument): readonly CrdRequest[] {
  const { lowerName, crd, singleName, apiGroup, version } = custom;
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

/** Warns about routes of one API beside the Gateway of the other: likely the wrong Gateway. */
function gatewayWarnings(phases: readonly PhaseDocument[]): string[] {
  const used = new Set(
    phases.flatMap((phase) => [...(phase.inputs ?? []), ...(phase.outputs ?? [])]).map(kindNameOf),
  );
  const istioRoutes = used.has('virtualservices');
  const gatewayApiRoutes = used.has('httproutes') || used.has('grpcroutes');
  const wrongIstioGateway = used.has('gateways') && gatewayApiRoutes && !istioRoutes;
  const wrongGatewayApiGateway = used.has(GATEWAY_API_GATEWAYS) && istioRoutes && !gatewayApiRoutes;
  if (!wrongIstioGateway && !wrongGatewayApiGateway) {
    return [];
  }
  return [
    `'gateways' is Istio's Gateway, '${GATEWAY_API_GATEWAYS}' is the Gateway of the Gateway API: the routes of this project belong to the other one`,
  ];
}
