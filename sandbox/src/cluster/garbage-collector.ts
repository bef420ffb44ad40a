/**
 * What the controller manager does to objects whose owner or namespace goes: garbage collection in
 * the background, foreground and
 * orphan deletion, the end of namespaces, and of the objects of a CRD.
 */
import type { Clock, KubeObject, OwnerReference } from 'autopilot-runtime/ports';
import type { Records, Stored } from './records.ts';

export interface Collected {
  /** Deletes as a client would. */
  readonly remove: (stored: Stored) => void;
  /** Changes an object as a client would. */
  readonly change: (stored: Stored, object: KubeObject) => void;
}

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

export function startCollector(
  records: Records,
  clock: Clock,
  { remove, change }: Collected,
): void {
  let scheduled = false;
  records.subscribe(({ after, before }) => {
    const matters =
      after === undefined ||
      after.metadata.deletionTimestamp !== undefined ||
      !sameOwners(after, before);
    if (scheduled || !matters) {
      return;
    }
    scheduled = true;
    clock.after(0, () => {
      scheduled = false;
      collect();
    });
  });

  function collect(): void {
    const everything = [...records.all()];
    for (const stored of everything) {
      if (records.byUid(stored.object.metadata.uid ?? '') === stored) {
        tend(stored, everything);
      }
    }
  }

  function tend(stored: Stored, everything: readonly Stored[]): void {
    const { object } = stored;
    const { deletionTimestamp, finalizers = [], ownerReferences = [], uid = '' } = object.metadata;
    const deleting = deletionTimestamp !== undefined;
    if (deleting && object.kind === 'Namespace' && stored.kind.group === '') {
      return endNamespace(stored, everything);
    }
    if (deleting && finalizers.includes(ORPHAN)) {
      for (const dependent of dependentsOf(uid, everything)) {
        change(
          dependent,
          withOwners(dependent.object, (owner) => owner.uid !== uid),
        );
      }
      return change(stored, withoutFinalizer(object, ORPHAN));
    }
    if (deleting && finalizers.includes(FOREGROUND)) {
      const dependents = dependentsOf(uid, everything);
      for (const dependent of dependents) {
        if (dependent.object.metadata.deletionTimestamp === undefined) {
          remove(dependent);
        }
      }
      const blocking = dependents.filter(
        ({ object: { metadata } }) =>
          metadata.ownerReferences?.some(
            (owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
          ) === true,
      );
      if (
        blocking.every(
          (dependent) => records.byUid(dependent.object.metadata.uid ?? '') === undefined,
        )
      ) {
        change(stored, withoutFinalizer(object, FOREGROUND));
      }
      return;
    }
    if (deleting || ownerReferences.length === 0) {
      return;
    }
    const present = ownerReferences.filter((owner) => isPresent(owner, object));
    if (present.length === 0) {
      remove(stored);
    } else if (present.length < ownerReferences.length) {
      change(
        stored,
        withOwners(object, (owner) => present.includes(owner)),
      );
    }
  }

  function isPresent(reference: OwnerReference, { metadata }: KubeObject): boolean {
    const owner = records.byUid(reference.uid);
    return (
      owner !== undefined &&
      (!owner.kind.namespaced || owner.object.metadata.namespace === metadata.namespace)
    );
  }

  function endNamespace(stored: Stored, everything: readonly Stored[]): void {
    const inside = everything.filter(
      ({ object }) => object.metadata.namespace === stored.object.metadata.name,
    );
    for (const one of inside) {
      if (one.object.metadata.deletionTimestamp === undefined) {
        remove(one);
      }
    }
    if (inside.every(({ object }) => records.byUid(object.metadata.uid ?? '') === undefined)) {
      records.remove(stored);
    }
  }
}

function dependentsOf(uid: string, everything: readonly Stored[]): readonly Stored[] {
  return everything.filter(
    ({ object }) => object.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true,
  );
}

function sameOwners(a: KubeObject, b: KubeObject | undefined): boolean {
  return (
    JSON.stringify(a.metadata.ownerReferences ?? []) ===
    JSON.stringify(b?.metadata.ownerReferences ?? [])
  );
}

function withOwners(object: KubeObject, keep: (owner: OwnerReference) => boolean): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: (object.metadata.ownerReferences ?? []).filter(keep),
    },
  };
}

function withoutFinalizer(object: KubeObject, finalizer: string): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      finalizers: (object.metadata.finalizers ?? []).filter((one) => one !== finalizer),
    },
  };
}
