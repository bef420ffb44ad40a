/**
 * Which outputs Kubernetes deletes together with the resource, and what follows from that: whether
 * the operator needs a finalizer, and which kinds it must clean up itself. This is the one place
 * for these rules. RBAC rules use them, and the generated scheduler carries the result to the
 * runtime.
 */
import { isClaimable, kindUses } from '../model/model.ts';
import type { Model, ModelOutput } from '../model/model.ts';
import { uniqueBy } from '../util/values.ts';

/**
 * Whether objects of an output can have an owner reference to the resource, so that Kubernetes
 * deletes them with it. Both must be in one namespace, or the owner must be cluster-scoped.
 */
export function canHaveOwnerReference(model: Pick<Model, 'scope'>, output: ModelOutput): boolean {
  return model.scope === 'Cluster' || (output.kind.namespaced && output.namespace === 'own');
}

/**
 * Whether resources of the model get a finalizer. They do when a finalizer is declared, or when a
 * worker can write something that is not deleted through an owner reference. The scheduler table
 * carries the result as `finalizerRequired`, so that RBAC rules and runtime agree.
 */
export function needsFinalizer(model: Pick<Model, 'scope' | 'phases' | 'finalizer'>): boolean {
  return model.finalizer !== undefined || unownedOutputs(model).length > 0;
}

/**
 * Kinds of which something remains after the resource is deleted, unless the operator cleans up:
 * claimed fields of other objects, and objects without an owner reference.
 * @returns sorted names such as `VirtualService.networking.istio.io`
 */
export function unownedKinds(
  model: Pick<Model, 'scope' | 'phases' | 'finalizer'>,
): readonly string[] {
  const names = unownedOutputs(model).map(({ kind: { kind, group } }) =>
    group === '' ? kind : `${kind}.${group}`,
  );
  return uniqueBy(names, (name) => name).sort();
}

function unownedOutputs(
  model: Pick<Model, 'scope' | 'phases' | 'finalizer'>,
): readonly ModelOutput[] {
  return kindUses(model).flatMap((uses) =>
    uses.outputs.filter(
      (output) => isClaimable(uses, output) || !canHaveOwnerReference(model, output),
    ),
  );
}
