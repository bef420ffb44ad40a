/** autopilot.yaml, from text to the model that everything is rendered from: all of its problems at once, or the model. */
import { catalogue, GATEWAY_API_GATEWAYS, METRICS } from './catalogue.ts';
import { check } from './check.ts';
import type { CrdKind, CrdRequest } from './crd/source.ts';
import type { Model, ModelFinalizer, ModelInput, ModelOutput, ModelPhase, ParameterType } from './model.ts';
import { pluralOf } from './naming.ts';
import { inOrder, problemText } from './problems.ts';
import type { Path, Problem } from './problems.ts';
import { builtInQueries, query } from './queries.ts';
import { knownKeys, projectSchema } from './schema.ts';
import type { InputDocument, OutputDocument, PhaseDocument, ProjectDocument } from './schema.ts';
import { parseYaml, validate } from './yaml-file.ts';
import type { ParsedYaml } from './yaml-file.ts';

type CustomParameter = NonNullable<ProjectDocument['customParameters']>[number];

export type Loaded = { readonly model: Model } | { readonly problems: readonly Problem[] };

/** What is known of CRDs that customParameters name, by lowerName; a text says what is wrong with one. */
type Kinds = ReadonlyMap<string, CrdKind | string>;

/**
 * @param file the name that problems carry
 * @param kinds without it, kinds that are to come from CRDs are guessed at and not typed
 */
export function loadModel(text: string, file: string, kinds: Kinds = new Map()): Loaded {
  const yaml = parseYaml(text, file);
  if (yaml.problems.length > 0) return { problems: yaml.problems };
  const validated = validate(yaml, projectSchema, file, keysAt);
  const { value } = validated;
  if (value === undefined) return { problems: inOrder(validated.problems) };
  const problems = [...validated.problems];
  check(value, (path, message) => problems.push({ file, ...yaml.position(path), message }));
  value.customParameters?.forEach((custom, index) => {
    for (const [key, message] of crdProblems(custom, kinds.get(custom.lowerName)))
      problems.push({ file, ...yaml.position(['customParameters', index, key]), message: `customParameters[${index}].${key}: ${message}` });
  });
  return problems.length > 0 ? { problems: inOrder(problems) } : { model: modelOf(value, yaml, kinds) };
}

/** The model, or an error whose message lists every problem. */
export function requireModel(text: string, file: string, kinds?: Kinds): Model {
  const loaded = loadModel(text, file, kinds);
  if ('problems' in loaded) throw new Error(loaded.problems.map(problemText).join('\n'));
  return loaded.model;
}

function keysAt(path: Path): readonly string[] {
  const key = path.findLast((part): part is string => typeof part === 'string') ?? 'project';
  return Object.hasOwn(knownKeys, key) ? knownKeys[key as keyof typeof knownKeys] : [];
}

function modelOf(project: ProjectDocument, yaml: ParsedYaml, kinds: Kinds): Model {
  const [group = '', version = ''] = project.apiVersion.split('/');
  const own = (project.customParameters ?? []).filter((custom) => !isBuiltIn(custom));
  const known = new Map([...catalogue, ...own.map((custom) => [custom.lowerName, customParameter(custom, kinds.get(custom.lowerName))] as const)]);
  const queries = (project.queries ?? []).map((custom) => query(custom.name, custom.queryTemplate, custom.parameters ?? []));
  const names = project.phases.map(({ name }) => name);
  const phases = project.phases.map((phase, index) => phaseOf(phase, names, known, project.scope, yaml.position(['phases', index]).line));
  const finalizer = project.finalizer ?? (project.enableFinalizer ? {} : undefined);
  const end: ModelFinalizer | undefined = finalizer && {
    metrics: (finalizer.inputs ?? []).some((input) => nameOf(input) === METRICS),
    inputs: inputsOf(finalizer.inputs, known, project.scope),
    outputs: outputsOf(finalizer.outputs, known, project.scope),
    ...(finalizer.timeout !== undefined && { timeout: finalizer.timeout }),
    line: yaml.position([project.finalizer === undefined ? 'enableFinalizer' : 'finalizer']).line,
  };
  const uses = [...phases, ...(end === undefined ? [] : [end])];
  const used = new Map(uses.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).map(({ parameter }) => [parameter.name, parameter]));
  return {
    kind: project.kind,
    group,
    version,
    plural: pluralOf(project.kind),
    singular: project.kind.toLowerCase(),
    operatorName: project.operatorName ?? `${project.kind.toLowerCase()}-operator`,
    scope: project.scope ?? 'Namespaced',
    phases,
    queries: [...queries, ...builtInQueries.filter(({ method }) => !queries.some((other) => other.method === method))],
    parameters: [...used.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(end && { finalizer: end }),
    customParameters: own.map(({ lowerName }) => lowerName).filter((name) => !catalogue.has(name)),
    crds: own.flatMap(crdRequest),
    extraRules: project.rbac?.extraRules ?? [],
    warnings: warningsOf(project),
  };
}

function phaseOf(phase: PhaseDocument, names: readonly string[], known: ReadonlyMap<string, ParameterType>, scope: Scope, line: number): ModelPhase {
  const allowed = phase.final ? [] : phase.next === undefined ? names : names.filter((name) => name === phase.name || phase.next?.includes(name));
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
    metrics: (phase.inputs ?? []).some((input) => nameOf(input) === METRICS),
    inputs: inputsOf(phase.inputs, known, scope),
    outputs: outputsOf(phase.outputs, known, scope),
    line,
  };
}

function nameOf(use: InputDocument | OutputDocument): string {
  return typeof use === 'string' ? use : use.name;
}

type Scope = ProjectDocument['scope'];

/** A cluster-scoped resource has no namespace of its own. */
function namespaceFor(scope: Scope): 'own' | 'all' {
  return scope === 'Cluster' ? 'all' : 'own';
}

function inputsOf(inputs: readonly InputDocument[] = [], known: ReadonlyMap<string, ParameterType>, scope: Scope): ModelInput[] {
  return inputs.flatMap((input) => {
    const parameter = known.get(nameOf(input));
    if (parameter === undefined) return [];
    const detail = typeof input === 'string' ? undefined : input;
    return [
      {
        parameter,
        namespace: detail?.namespace ?? namespaceFor(scope),
        ...(detail?.selector !== undefined && { selector: wireSelector(detail.selector) }),
        optional: detail?.optional ?? false,
      },
    ];
  });
}

function outputsOf(outputs: readonly OutputDocument[] = [], known: ReadonlyMap<string, ParameterType>, scope: Scope): ModelOutput[] {
  return outputs.flatMap((output) => {
    const parameter = known.get(nameOf(output));
    if (parameter === undefined) return [];
    const detail = typeof output === 'string' ? undefined : output;
    return [{ parameter, namespace: detail?.namespace ?? namespaceFor(scope), prune: detail?.prune ?? false, optional: detail?.optional ?? false }];
  });
}

function wireSelector(selector: string | Readonly<Record<string, string>>): string {
  if (typeof selector === 'string') return selector;
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** Projects of 2019 had to declare kinds that are built in now, and typed: where they say the same, the built-in one is meant. */
function isBuiltIn({ lowerName, singleName, apiGroup = '', ...more }: CustomParameter): boolean {
  const builtIn = catalogue.get(lowerName);
  const other = [more.crd, more.version, more.plural, more.scope].some((said) => said !== undefined);
  return builtIn !== undefined && builtIn.kind === singleName && builtIn.group === apiGroup && !other;
}

/** What the original's declaration lacks is inferred: the version from the end of its Go import path, the plural from its name. */
function customParameter(custom: CustomParameter, found: CrdKind | string | undefined): ParameterType {
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
      schema: { of: known.schema, from: custom.crd === 'cluster' ? `.autopilot/crds/${custom.lowerName}.json` : (custom.crd ?? '') },
      module: { package: './kinds', path: `${custom.lowerName}.ts`, name: `I${custom.singleName}` },
    }),
  };
}

function crdProblems(custom: CustomParameter, found: CrdKind | string | undefined): readonly (readonly [key: string, message: string])[] {
  if (found === undefined) return [];
  if (typeof found === 'string') return [['crd', found]];
  return (['plural', 'scope'] as const).flatMap((key) =>
    custom[key] === undefined || custom[key] === found[key] ? [] : [[key, `is '${custom[key]}', but '${found[key]}' in the CRD: leave it out`] as const],
  );
}

function crdRequest({ lowerName, crd, singleName, apiGroup, version }: CustomParameter): readonly CrdRequest[] {
  if (crd === undefined) return [];
  return [{ name: lowerName, crd, kind: singleName, ...(apiGroup !== undefined && { group: apiGroup }), ...(version !== undefined && { version }) }];
}

function warningsOf(project: ProjectDocument): string[] {
  return [...originalWarnings(project), ...gatewayWarnings(project)];
}

/** The one deliberate change of meaning since Autopilot of 2019. */
function originalWarnings({ phases }: ProjectDocument): string[] {
  const inputs = phases.flatMap((phase) => phase.inputs ?? []);
  const original =
    inputs.some((input) => nameOf(input) !== METRICS) &&
    inputs.every((input) => typeof input === 'string') &&
    phases.every((phase) => phase.next === undefined);
  return original
    ? ["inputs are seen in the resource's own namespace; write '{ name: …, namespace: all }' for one that is to see every namespace, as Autopilot of 2019 did"]
    : [];
}

/** Routes of one API beside the Gateway of the other: likely the wrong one was picked. */
function gatewayWarnings({ phases }: ProjectDocument): string[] {
  const used = new Set(phases.flatMap((phase) => [...(phase.inputs ?? []), ...(phase.outputs ?? [])]).map(nameOf));
  const istio = used.has('gateways') && !used.has('virtualservices') && (used.has('httproutes') || used.has('grpcroutes'));
  const gatewayApi = used.has(GATEWAY_API_GATEWAYS) && !used.has('httproutes') && !used.has('grpcroutes') && used.has('virtualservices');
  return istio || gatewayApi
    ? [`'gateways' is Istio's Gateway, '${GATEWAY_API_GATEWAYS}' is that of the Gateway API: the routes that this project uses belong to the other one`]
    : [];
}
