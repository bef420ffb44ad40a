/**
 * RBAC rules of the operator, derived from the declared inputs and outputs. Each verb is one that
 * the runtime uses.
 */
import type { KindDefinition, Model, ModelInput, ModelOutput } from '../model/model.ts';
import { canHaveOwnerReference, needsFinalizer } from './finalizer.ts';

/** A PolicyRule of Kubernetes, with its reason. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Reason for the rule, which becomes a comment in the chart. */
  readonly why: string;
}

/** Name of the finalizer in reasons, where phases have their names. */
const FINALIZER_NAME = 'the finalizer';
const VERB_ORDER = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/**
 * The rules of a model: for the resource itself, for all kinds that phases and the finalizer use,
 * and for Events. The user's `rbac.extraRules` are not included.
 */
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
  const apiGroups = [model.group];
  return [
    {
      apiGroups,
      resources: [model.plural],
      // get: a fresh read after a conflict, when the cache is behind. patch: adding and removing
      // the finalizer.
      verbs: ['get', 'list', 'watch', ...(needsFinalizer(model) ? ['patch'] : [])],
      why: `${model.kind} itself`,
    },
    { apiGroups, resources: [`${model.plural}/status`], verbs: ['patch'], why: 'its status' },
  ];
}

/** Verbs on one kind, and the reasons: relation to the names of phases. */
interface Grant {
  readonly kind: KindDefinition;
  readonly verbs: Set<string>;
  readonly reasons: Map<string, Set<string>>;
}

/** Collects the verbs that are needed on each kind. */
class Grants {
  readonly #grants = new Map<string, Grant>();

  /**
   * @param relation relation of the kind to the phase, for example `input of`
   * @param by name of the phase
   */
  add(kind: KindDefinition, relation: string, by: string, verbs: readonly string[]): void {
    const key = `${kind.group}/${kind.plural}`;
    const grant = this.#grants.get(key) ?? { kind, verbs: new Set(), reasons: new Map() };
    this.#grants.set(key, grant);
    for (const verb of verbs) {
      grant.verbs.add(verb);
    }
    const phases = grant.reasons.get(relation) ?? new Set<string>();
    grant.reasons.set(relation, phases.add(by));
  }

  /** One rule per kind, sorted by group and plural. */
  rules(): readonly PolicyRule[] {
    return [...this.#grants]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { kind, verbs, reasons }]) => ({
        apiGroups: [kind.group],
        resources: [kind.plural],
        verbs: VERB_ORDER.filter((verb) => verbs.has(verb)),
        why: [...reasons]
          .map(([relation, phases]) => `${relation} ${[...phases].join(', ')}`)
          .join('; '),
      }));
  }
}

function kindRules(model: Model): readonly PolicyRule[] {
  const grants = new Grants();
  for (const { kind, by } of allInputs(model)) {
    grants.add(kind, 'input of', by, ['list', 'watch']);
  }
  for (const output of allOutputs(model)) {
    const { kind, by } = output;
    // A server-side apply that creates an object needs create besides patch. get is for an object
    // that the cache does not contain.
    grants.add(kind, 'output of', by, ['get', 'list', 'watch', 'create', 'patch']);
    if (output.prune) {
      grants.add(kind, 'pruned by', by, ['delete']);
    }
    if (!canHaveOwnerReference(model, output)) {
      grants.add(kind, 'deleted at the end for', by, ['delete']);
    }
  }
  return grants.rules();
}

/** An input or output with the name of its phase. */
type UsedBy<T> = T & { readonly by: string };

function namedUses(model: Model): readonly {
  readonly name: string;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelOutput[];
}[] {
  const { phases, finalizer } = model;
  return finalizer === undefined ? phases : [...phases, { name: FINALIZER_NAME, ...finalizer }];
}

function allInputs(model: Model): readonly UsedBy<ModelInput>[] {
  return namedUses(model).flatMap(({ name, inputs }) =>
    inputs.map((input) => ({ ...input, by: name })),
  );
}

function allOutputs(model: Model): readonly UsedBy<ModelOutput>[] {
  return namedUses(model).flatMap(({ name, outputs }) =>
    outputs.map((output) => ({ ...output, by: name })),
  );
}

/**
 * Why the operator needs cluster-wide rules, so that Roles in single namespaces are not enough.
 * @returns one reason per entry. Empty when Roles are enough.
 */
export function clusterWideReasons(model: Model): readonly string[] {
  const reasons = [
    ...(model.scope === 'Cluster' ? [`${model.kind} is cluster-scoped`] : []),
    ...allInputs(model).flatMap((input) => clusterWideReason(input, 'input')),
    ...allOutputs(model).flatMap((output) => clusterWideReason(output, 'output')),
  ];
  return [...new Set(reasons)];
}

function clusterWideReason(
  { kind, namespace, by }: UsedBy<ModelInput | ModelOutput>,
  role: 'input' | 'output',
): readonly string[] {
  if (!kind.namespaced) {
    return [`${kind.kind}, an ${role} of ${by}, is cluster-scoped`];
  }
  if (namespace === 'all') {
    return [`${kind.name}, an ${role} of ${by}, is declared with namespace: all`];
  }
  return [];
}
