/**
 * Which resources a watch event enqueues: the resource itself, resources that have read the changed
 * object, and the owner of a changed output.
 *
 * Guarantees
 * - The resource that made a write is not enqueued by its own event.
 * - A change during a reconcile of something that the reconcile has read leads to one more
 *   reconcile.
 */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import type { KubeObject } from '../../client/object.ts';
import { controllerOf, keyOf, keyString } from '../../client/object.ts';
import { ownerLabel } from '../../client/well-known-names.ts';
import { deepEqual } from '../../util/json.ts';
import type { AddOptions } from '../../workqueue/work-queue.ts';
import type { OutputApplier } from '../outputs/apply-outputs.ts';
import { DependencyIndex } from './dependency-index.ts';
import type { ReadTracker } from './read-tracker.ts';
import { hasOutdatedReads, mergeReads, newReadTracker, recordChange } from './read-tracker.ts';

/** What the enqueuer needs from its controller. */
export interface EnqueuerDeps {
  /** API group of the operator's kind. */
  readonly group: string;
  readonly outputs: Pick<OutputApplier, 'forget'>;
  /** True for the one informer that reports the events of an output's kind. */
  readonly isForOutputs: (informer: Informer) => boolean;
  /** Adds a resource to the work queue. */
  readonly enqueue: (key: string, options: AddOptions) => void;
  /** Ends the stall of a resource, because something that its worker has read is different now. */
  readonly clearStall: (key: string) => void;
  /** Makes the next reconcile read the resource from the API server first. */
  readonly requireReread: (key: string) => void;
}

/** Enqueues resources by watch events. Keys are `namespace/name` of resources. */
export class Enqueuer {
  readonly #deps: EnqueuerDeps;
  readonly #dependencyIndex = new DependencyIndex();
  /** Reads of the reconciles under way. */
  readonly #trackers = new Map<string, ReadTracker>();
  readonly #keyByUid = new Map<string, string>();

  constructor(deps: EnqueuerDeps) {
    this.#deps = deps;
  }

  /**
   * Handles a change of a resource of the operator's kind.
   *
   * @param isStarted false during the initial list, whose resources are enqueued with low priority
   */
  resourceChanged({ old, object, writer }: StoreChange, isStarted: boolean): void {
    const current = object ?? old;
    if (current === undefined) {
      return;
    }
    const key = keyString(keyOf(current));
    const deletedUid = deletedUidOf({ old, object });
    if (deletedUid !== undefined) {
      this.#keyByUid.delete(deletedUid);
    }
    if (object?.metadata.uid !== undefined) {
      this.#keyByUid.set(object.metadata.uid, key);
    }
    if (writer === key) {
      return;
    }
    const isOtherGeneration = object?.metadata.generation !== old?.metadata.generation;
    const resetBackoff = deletedUid !== undefined || isOtherGeneration;
    this.#deps.enqueue(
      key,
      isStarted ? { resetBackoff } : { resetBackoff, priority: 'due', cause: 'start' },
    );
  }

  /** Handles a change of any watched object. */
  objectChanged(informer: Informer, change: StoreChange): void {
    const { enqueue, clearStall, requireReread, isForOutputs } = this.#deps;
    const isOther = (key: string): boolean => key !== change.writer;
    for (const [key, tracker] of this.#trackers) {
      if (isOther(key)) {
        recordChange(tracker, informer, change);
      }
    }
    const readers = this.#dependencyIndex.affectedBy(informer, change).filter(isOther);
    for (const key of readers) {
      clearStall(key);
    }
    const owners = isForOutputs(informer) ? this.#ownersToEnqueue(change) : [];
    for (const key of readers) {
      enqueue(key, { cause: 'input' });
    }
    for (const key of new Set(owners.filter(isOther))) {
      // The garbage collector deletes the outputs of a deleted resource, and the watch event of the
      // resource may come later. Without this check the operator and the garbage collector create
      // and delete the outputs in a loop.
      if (change.object === undefined) {
        requireReread(key);
      }
      if (!readers.includes(key)) {
        enqueue(key, { cause: 'output' });
      }
    }
  }

  /** Begins a reconcile. @returns the record for its reads, which show the cluster as it is now */
  beginReconcile(key: string): ReadTracker {
    const tracker = newReadTracker();
    this.#trackers.set(key, tracker);
    return tracker;
  }

  /**
   * Ends a reconcile.
   *
   * @param allReadsSeen true: the reads replace those of earlier reconciles; false: both are kept
   * @returns whether something that was read has changed; the resource is enqueued again then
   */
  endReconcile(key: string, tracker: ReadTracker, allReadsSeen: boolean): boolean {
    this.#trackers.delete(key);
    const { dependencies } = tracker;
    this.#dependencyIndex.set(
      key,
      allReadsSeen ? dependencies : mergeReads(this.#dependencyIndex.get(key), dependencies),
    );
    const changedMeanwhile = hasOutdatedReads(tracker);
    if (changedMeanwhile) {
      this.#deps.enqueue(key, { cause: 'input' });
    }
    return changedMeanwhile;
  }

  /** Number of entries that are kept between events. */
  get size(): number {
    return this.#dependencyIndex.size + this.#trackers.size + this.#keyByUid.size;
  }

  /** Drops the reads of a resource that is deleted. */
  forget(key: string): void {
    this.#dependencyIndex.delete(key);
  }

  /**
   * Owners of an output that another client has changed (other than its status) or deleted. The
   * output applier also drops what it keeps about a deleted object.
   */
  #ownersToEnqueue({ old, object }: StoreChange): readonly string[] {
    const deletedUid = deletedUidOf({ old, object });
    const isPruned = deletedUid !== undefined && this.#deps.outputs.forget(deletedUid);
    if (isPruned && object === undefined) {
      return [];
    }
    if (old !== undefined && object !== undefined && isSameExceptStatus(old, object)) {
      return [];
    }
    return [old, object].flatMap((side) => (side === undefined ? [] : this.#ownersOf(side)));
  }

  /** Owners by label, which reaches across namespaces, and by owner reference. */
  #ownersOf(object: KubeObject): readonly string[] {
    const labelled = object.metadata.labels?.[ownerLabel(this.#deps.group)];
    return [labelled, controllerOf(object)?.uid].flatMap((uid) =>
      uid === undefined ? [] : (this.#keyByUid.get(uid) ?? []),
    );
  }
}

/** uid of an object that is deleted. A list may show another object under the same name. */
function deletedUidOf({ old, object }: Pick<StoreChange, 'old' | 'object'>): string | undefined {
  return old?.metadata.uid === object?.metadata.uid ? undefined : old?.metadata.uid;
}

function isSameExceptStatus(a: KubeObject, b: KubeObject): boolean {
  return deepEqual(withoutStatus(a), withoutStatus(b));
}

function withoutStatus({ status: _, metadata, ...rest }: KubeObject): unknown {
  const { resourceVersion: __, generation: ___, ...comparable } = metadata;
  return { ...rest, metadata: comparable };
}
