/**
 * The garbage collector and the namespace controller of the controller manager: background,
 * foreground and orphan deletion, and the end of namespaces.
 */
import type { Clock, KubeObject, OwnerReference } from 'autopilot-runtime/internal';
import type { ObjectChange, ObjectStore, StoredObject } from './object-store.ts';

/** Writes of the garbage collector. */
export interface CollectorActions {
  /** Deletes an object through the API. */
  readonly remove: (stored: StoredObject) => void;
  /** Replaces an object through the API. */
  readonly change: (stored: StoredObject, object: KubeObject) => void;
}

/** Finalizer of an object whose dependents are deleted first. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** Finalizer of an object whose dependents stay. */
export const ORPHAN_FINALIZER = 'orphan';

/**
 * Collects garbage after every change that can make any.
 *
 * Guarantees: a collection runs at most once for each instant of the clock.
 */
export function startGarbageCollector(
  store: ObjectStore,
  clock: Clock,
  actions: CollectorActions,
): void {
  const collector = new GarbageCollector(store, actions);
  let isScheduled = false;
  store.subscribe((change) => {
    if (isScheduled || !canMakeGarbage(change)) {
      return;
    }
    isScheduled = true;
    clock.after(0, () => {
      isScheduled = false;
      collector.collect();
    });
  });
}

function canMakeGarbage({ before, after }: ObjectChange): boolean {
  return (
    after === undefined ||
    after.metadata.deletionTimestamp !== undefined ||
    !sameOwners(after, before)
  );
}

class GarbageCollector {
  readonly #store: ObjectStore;
  readonly #actions: CollectorActions;

  constructor(store: ObjectStore, actions: CollectorActions) {
    this.#store = store;
    this.#actions = actions;
  }

  /** Looks at every object once. Objects that an earlier step changed are left to the next run. */
  collect(): void {
    const allObjects = [...this.#store.all()];
    for (const stored of allObjects) {
      if (this.#store.byUid(stored.object.metadata.uid ?? '') === stored) {
        this.#collectObject(stored, allObjects);
      }
    }
  }

  #collectObject(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const { deletionTimestamp, finalizers = [] } = stored.object.metadata;
    if (deletionTimestamp === undefined) {
      this.#collectOrphan(stored);
    } else if (stored.object.kind === 'Namespace' && stored.kind.group === '') {
      this.#endNamespace(stored, allObjects);
    } else if (finalizers.includes(ORPHAN_FINALIZER)) {
      this.#orphanDependents(stored, allObjects);
    } else if (finalizers.includes(FOREGROUND_FINALIZER)) {
      this.#deleteDependents(stored, allObjects);
    }
  }

  /** Deletes an object whose owners are all gone, and drops references to owners that are gone. */
  #collectOrphan(stored: StoredObject): void {
    const { object } = stored;
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) {
      return;
    }
    const present = owners.filter((owner) => this.#isPresent(owner, object));
    if (present.length === 0) {
      this.#actions.remove(stored);
    } else if (present.length < owners.length) {
      this.#actions.change(
        stored,
        withOwners(object, (owner) => present.includes(owner)),
      );
    }
  }

  /** Deletion with `propagationPolicy: Orphan`: the dependents lose their reference and stay. */
  #orphanDependents(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const { uid = '' } = stored.object.metadata;
    for (const dependent of dependentsOf(uid, allObjects)) {
      this.#actions.change(
        dependent,
        withOwners(dependent.object, (owner) => owner.uid !== uid),
      );
    }
    this.#actions.change(stored, withoutFinalizer(stored.object, ORPHAN_FINALIZER));
  }

  /** Deletion with `propagationPolicy: Foreground`: the owner waits for blocking dependents. */
  #deleteDependents(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const { uid = '' } = stored.object.metadata;
    const dependents = dependentsOf(uid, allObjects);
    for (const dependent of dependents) {
      if (dependent.object.metadata.deletionTimestamp === undefined) {
        this.#actions.remove(dependent);
      }
    }
    const blocking = dependents.filter(({ object }) => isBlockedBy(object, uid));
    if (blocking.every((dependent) => this.#isGone(dependent))) {
      this.#actions.change(stored, withoutFinalizer(stored.object, FOREGROUND_FINALIZER));
    }
  }

  /** Deletes what a terminating namespace contains, then the namespace. */
  #endNamespace(stored: StoredObject, allObjects: readonly StoredObject[]): void {
    const { name } = stored.object.metadata;
    const contents = allObjects.filter(({ object }) => object.metadata.namespace === name);
    for (const content of contents) {
      if (content.object.metadata.deletionTimestamp === undefined) {
        this.#actions.remove(content);
      }
    }
    if (contents.every((content) => this.#isGone(content))) {
      this.#store.remove(stored);
    }
  }

  #isGone({ object }: StoredObject): boolean {
    return this.#store.byUid(object.metadata.uid ?? '') === undefined;
  }

  #isPresent(reference: OwnerReference, { metadata }: KubeObject): boolean {
    const owner = this.#store.byUid(reference.uid);
    return (
      owner !== undefined &&
      (!owner.kind.namespaced || owner.object.metadata.namespace === metadata.namespace)
    );
  }
}

function isBlockedBy({ metadata }: KubeObject, ownerUid: string): boolean {
  return (metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );
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
