/**
 * What the controller manager does to objects whose owner or namespace goes: garbage collection in
 * the background, foreground and
 * orphan deletion, the end of namespaces, and of the objects of a CRD.
 */
import type { Clock, KubeObject, OwnerReference } from 'autopilot-runtime/internal';
import type { ObjectStore, StoredObject } from './object-store.ts';

export interface CollectorActions {
  /** Deletes as a client would. */
  readonly remove: (stored: StoredObject) => void;
  /** Changes an object as a client would. */
  readonly change: (stored: StoredObject, object: KubeObject) => void;
}

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

export function startGarbageCollector(
  records: ObjectStore,
  clock: Clock,
  { remove, change }: CollectorActions,
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
    const allObjects = [...records.all()];
    for (const stored of allObjects) {
      if (records.byUid(stored.object.metadata.uid ?? '') === stored) {
        collectObject(stored, allObjects);
      }
    }
  }

  function collectObject(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const { object } = stored;
    const { deletionTimestamp, finalizers = [], ownerReferences = [], uid = '' } = object.metadata;
    const deleting = deletionTimestamp !== undefined;
    if (deleting && object.kind === 'Namespace' && stored.kind.group === '') {
      return endNamespace(stored, allObjects);
    }
    if (deleting && finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of dependentsOf(uid, allObjects)) {
        change(
          dependent,
          withOwners(dependent.object, (owner) => owner.uid !== uid),
        );
      }
      return change(stored, withoutFinalizer(object, ORPHAN_FINALIZER));
    }
    if (deleting && finalizers.includes(FOREGROUND_FINALIZER)) {
      const dependents = dependentsOf(uid, allObjects);
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
        change(stored, withoutFinalizer(object, FOREGROUND_FINALIZER));
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

  function endNamespace(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const inside = allObjects.filter(
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

function dependentsOf(uid: string, allObjects: readonly StoredObject[]): readonly StoredObject[] {
  return allObjects.filter(
    ({ object }) => object.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true,
  );
}

function sameOwners(a: KubeObject, b: KubeObject | undefined): boolean {
  return (
    JSON.stringify(a.metadata.ownerReferences ?? []) ===
    JSON.stringify(b?.metadata.ownerReferences ?? [])
  );
}

function withOwners(object: KubeObject, isKept: (owner: OwnerReference) => boolean): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: (object.metadata.ownerReferences ?? []).filter(isKept),
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
