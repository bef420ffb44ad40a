/**
 * The rights that the declared inputs and outputs need, and those of the machine itself: verb by
 * verb, as the runtime asks for them.
 */
import type { Model, ModelInput, ModelOutput, KindDefinition } from '../model/model.ts';
import { isClaimable } from '../model/model.ts';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** What it is for. */
  readonly why: string;
}

type UsedBy<T> = T & { readonly by: string };

const FINALIZER_NAME = 'the finalizer';
const VERB_ORDER = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** Beside the rules of `rbac.extraRules`, which are PolicyRules already. */
export function derivePolicyRules(model: Model): readonly PolicyRule[] {
  return [
    ...resourceRules(model),
    ...kindRules(model),
    {
      apiGroups: ['events.k8s.io'],
      resources: ['events'],
      verbs: ['create', 'patch'],
      why: 'Events about what happened',
    },
  ];
}

function resourceRules(model: Model): readonly PolicyRule[] {
  const own = { apiGroups: [model.group] };
  return [
    // get: once after a conflict, when the cache is behind.
    {
      ...own,
      resources: [model.plural],
      verbs: ['get', 'list', 'watch', ...(needsFinalizer(model) ? ['patch'] : [])],
      why: `${model.kind} itself`,
    },
    { ...own, resources: [`${model.plural}/status`], verbs: ['patch'], why: 'its status' },
  ];
}

function kindRules(model: Model): readonly PolicyRule[] {
  const grants = new Map<
    string,
    {
      readonly type: KindDefinition;
      readonly verbs: Set<string>;
      readonly why: Map<string, Set<string>>;
    }
  >();
  const grant = (
    type: KindDefinition,
    relation: string,
    by: string,
    verbs: readonly string[],
  ): void => {
    const key = `${type.group}/${type.plural}`;
    const known = grants.get(key) ?? {
      type,
      verbs: new Set<string>(),
      why: new Map<string, Set<string>>(),
    };
    for (const verb of verbs) {
      known.verbs.add(verb);
    }
    known.why.set(relation, (known.why.get(relation) ?? new Set()).add(by));
    grants.set(key, known);
  };
  for (const { kind, by } of allInputs(model)) {
    grant(kind, 'input of', by, ['list', 'watch']);
  }
  for (const output of allOutputs(model)) {
    // A server-side apply that creates needs create beside patch; get is for an object that the
    // cache does not hold.
    grant(output.kind, 'output of', output.by, ['get', 'list', 'watch', 'create', 'patch']);
    if (output.prune) {
      grant(output.kind, 'pruned by', output.by, ['delete']);
    }
    if (!canHaveOwnerReference(model, output)) {
      grant(output.kind, 'deleted at the end for', output.by, ['delete']);
    }
  }
  return [...grants.values()]
    .sort((a, b) =>
      `${a.type.group}/${a.type.plural}` < `${b.type.group}/${b.type.plural}` ? -1 : 1,
    )
    .map(({ type, verbs, why }) => ({
      apiGroups: [type.group],
      resources: [type.plural],
      verbs: VERB_ORDER.filter((verb) => verbs.has(verb)),
      why: [...why].map(([relation, phases]) => `${relation} ${[...phases].join(', ')}`).join('; '),
    }));
}

function allInputs(model: Model): readonly UsedBy<ModelInput>[] {
  return [
    ...model.phases,
    ...(model.finalizer ? [{ name: FINALIZER_NAME, ...model.finalizer }] : []),
  ].flatMap(({ name, inputs }) => inputs.map((input) => ({ ...input, by: name })));
}

function allOutputs(model: Model): readonly UsedBy<ModelOutput>[] {
  return [
    ...model.phases,
    ...(model.finalizer ? [{ name: FINALIZER_NAME, ...model.finalizer }] : []),
  ].flatMap(({ name, outputs }) => outputs.map((output) => ({ ...output, by: name })));
}

/**
 * Kubernetes collects what an owner reference reaches: the same namespace, or anything for a
 * cluster-scoped owner.
 */
function canHaveOwnerReference(model: Model, output: ModelOutput): boolean {
  return model.scope === 'Cluster' || (output.kind.namespaced && output.namespace === 'own');
}

/**
 * Does the runtime need its finalizer on the resources? Either autopilot.yaml declares a finalizer,
 * or an output can leave an object or a field claim that no owner reference reaches. The scheduler
 * table carries the result as `finalizerRequired`, so that RBAC and the runtime agree.
 */
export function needsFinalizer(model: Model): boolean {
  return model.finalizer !== undefined || unownedKinds(model).length > 0;
}

/**
 * Kinds, as `VirtualService.networking.istio.io`, in which resources write what no owner reference
 * reaches: edits of others' objects, or objects elsewhere.
 */
export function unownedKinds(model: Model): readonly string[] {
  const uses = [...model.phases, ...(model.finalizer === undefined ? [] : [model.finalizer])];
  const left = uses.flatMap((use) =>
    use.outputs.filter(
      (output) => isClaimable(use, output) || !canHaveOwnerReference(model, output),
    ),
  );
  return [
    ...new Set(left.map(({ kind: { kind, group } }) => (group === '' ? kind : `${kind}.${group}`))),
  ].sort();
}

/** Why Roles in single namespaces would not do, each the end of a sentence; none when they do. */
export function clusterWideReasons(model: Model): readonly string[] {
  const uses = [
    ...allInputs(model).map((use) => ({ ...use, as: 'input' })),
    ...allOutputs(model).map((use) => ({ ...use, as: 'output' })),
  ];
  return [
    ...new Set([
      ...(model.scope === 'Cluster' ? [`${model.kind} is cluster-scoped`] : []),
      ...uses.flatMap(({ kind, namespace, by, as: role }) =>
        !kind.namespaced
          ? [`${kind.kind}, an ${role} of ${by}, is cluster-scoped`]
          : namespace === 'all'
            ? [`${kind.name}, an ${role} of ${by}, is declared with namespace: all`]
            : [],
      ),
    ]),
  ];
}
