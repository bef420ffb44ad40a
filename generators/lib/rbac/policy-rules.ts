/** The rights that the declared inputs and outputs need, and those of the machine itself: verb by verb, as the runtime asks for them. */
import type { Model, ModelInput, ModelOutput, ParameterType } from '../model.ts';
import { isShareable } from '../model.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** What it is for. */
  readonly why: string;
}

type Use<T> = T & { readonly by: string };

const FINALIZER = 'the finalizer';
const ORDER = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** Beside the rules of `rbac.extraRules`, which are PolicyRules already. */
export function rulesOf(model: Model): readonly Rule[] {
  return [
    ...ownRules(model),
    ...declaredRules(model),
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'], why: 'Events about what happened' },
  ];
}

function ownRules(model: Model): readonly Rule[] {
  const own = { apiGroups: [model.group] };
  return [
    // get: once after a conflict, when the cache is behind.
    { ...own, resources: [model.plural], verbs: ['get', 'list', 'watch', ...(needsFinalizer(model) ? ['patch'] : [])], why: `${model.kind} itself` },
    { ...own, resources: [`${model.plural}/status`], verbs: ['patch'], why: 'its status' },
  ];
}

function declaredRules(model: Model): readonly Rule[] {
  const grants = new Map<string, { readonly type: ParameterType; readonly verbs: Set<string>; readonly why: Map<string, Set<string>> }>();
  const grant = (type: ParameterType, word: string, by: string, verbs: readonly string[]): void => {
    const key = `${type.group}/${type.plural}`;
    const known = grants.get(key) ?? { type, verbs: new Set<string>(), why: new Map<string, Set<string>>() };
    for (const verb of verbs) known.verbs.add(verb);
    known.why.set(word, (known.why.get(word) ?? new Set()).add(by));
    grants.set(key, known);
  };
  for (const { parameter, by } of inputsOf(model)) grant(parameter, 'input of', by, ['list', 'watch']);
  for (const output of outputsOf(model)) {
    // A server-side apply that creates needs create beside patch; get is for an object that the cache does not hold.
    grant(output.parameter, 'output of', output.by, ['get', 'list', 'watch', 'create', 'patch']);
    if (output.prune) grant(output.parameter, 'pruned by', output.by, ['delete']);
    if (!ownable(model, output)) grant(output.parameter, 'deleted at the end for', output.by, ['delete']);
  }
  return [...grants.values()]
    .sort((a, b) => (`${a.type.group}/${a.type.plural}` < `${b.type.group}/${b.type.plural}` ? -1 : 1))
    .map(({ type, verbs, why }) => ({
      apiGroups: [type.group],
      resources: [type.plural],
      verbs: ORDER.filter((verb) => verbs.has(verb)),
      why: [...why].map(([word, phases]) => `${word} ${[...phases].join(', ')}`).join('; '),
    }));
}

function inputsOf(model: Model): readonly Use<ModelInput>[] {
  return [...model.phases, ...(model.finalizer ? [{ name: FINALIZER, ...model.finalizer }] : [])].flatMap(({ name, inputs }) =>
    inputs.map((input) => ({ ...input, by: name })),
  );
}

function outputsOf(model: Model): readonly Use<ModelOutput>[] {
  return [...model.phases, ...(model.finalizer ? [{ name: FINALIZER, ...model.finalizer }] : [])].flatMap(({ name, outputs }) =>
    outputs.map((output) => ({ ...output, by: name })),
  );
}

/** Kubernetes collects what an owner reference reaches: the same namespace, or anything for a cluster-scoped owner. */
function ownable(model: Model, output: ModelOutput): boolean {
  return model.scope === 'Cluster' || (output.parameter.namespaced && output.namespace === 'own');
}

/** As the runtime decides it (machine/finalizer.ts): one is declared, or something can be written that no owner reference reaches. */
export function needsFinalizer(model: Model): boolean {
  return model.finalizer !== undefined || beyondOwners(model).length > 0;
}

/** Kinds, as `VirtualService.networking.istio.io`, in which resources write what no owner reference reaches: edits of others' objects, or objects elsewhere. */
export function beyondOwners(model: Model): readonly string[] {
  const uses = [...model.phases, ...(model.finalizer === undefined ? [] : [model.finalizer])];
  const left = uses.flatMap((use) => use.outputs.filter((output) => isShareable(use, output) || !ownable(model, output)));
  return [...new Set(left.map(({ parameter: { kind, group } }) => (group === '' ? kind : `${kind}.${group}`)))].sort();
}

/** Why Roles in single namespaces would not do, each the end of a sentence; none when they do. */
export function clusterWide(model: Model): readonly string[] {
  const uses = [...inputsOf(model).map((use) => ({ ...use, as: 'input' })), ...outputsOf(model).map((use) => ({ ...use, as: 'output' }))];
  return [
    ...new Set([
      ...(model.scope === 'Cluster' ? [`${model.kind} is cluster-scoped`] : []),
      ...uses.flatMap(({ parameter, namespace, by, as }) =>
        !parameter.namespaced
          ? [`${parameter.kind}, an ${as} of ${by}, is cluster-scoped`]
          : namespace === 'all'
            ? [`${parameter.name}, an ${as} of ${by}, is declared with namespace: all`]
            : [],
      ),
    ]),
  ];
}
