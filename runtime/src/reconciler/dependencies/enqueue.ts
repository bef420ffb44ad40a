/**
 * Who is woken by a change: the resource itself, exactly those that have read what is different
 * now, and the owner of an output.
 */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import { ownerLabel } from '../../client/well-known-names.ts';
import type { KubeObject } from '../../client/object.ts';
import { controllerOf, keyOf, keyString } from '../../client/object.ts';
import type { AddOptions } from '../../workqueue/work-queue.ts';
import { DependencyIndex } from './dependency-index.ts';
import type { ReadTracker } from './input-view.ts';
import { newReadTracker, hasOutdatedReads, recordChange, mergeReads } from './input-view.ts';
import { deepEqual } from '../../util/json.ts';
import type { OutputApplier } from '../outputs/apply-outputs.ts';

export interface EnqueuerDeps {
  /** Of the resources. */
  readonly group: string;
  readonly outputs: Pick<OutputApplier, 'forget'>;
  /** Does it tell of outputs, each once? */
  readonly isForOutputs: (informer: Informer) => boolean;
  /** To the queue. */
  readonly enqueue: (key: string, options: AddOptions) => void;
  /**
   * Something that the worker had read is different now: its permanent error may not be one any
   * more.
   */
  readonly clearStall: (key: string) => void;
}

export class Enqueuer {
  readonly #deps: EnqueuerDeps;
  readonly #dependencyIndex = new DependencyIndex();
  /** What syncs under way have read so far. */
  readonly #trackers = new Map<string, ReadTracker>();
  readonly #keyByUid = new Map<string, string>();

  constructor(deps: EnqueuerDeps) {
    this.#deps = deps;
  }

  /**
   * A resource has changed. @param started before, what is listed is no change that somebody waits
   * for
   */
  resourceChanged({ old, object, writer }: StoreChange, started: boolean): void {
    const { enqueue } = this.#deps;
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
    const resetBackoff =
      deletedUid !== undefined || object?.metadata.generation !== old?.metadata.generation;
    enqueue(key, started ? { resetBackoff } : { resetBackoff, priority: 'due', cause: 'start' });
  }

  /** Anything has changed. */
  objectChanged(informer: Informer, change: StoreChange): void {
    const { enqueue, clearStall } = this.#deps;
    for (const [key, tracker] of this.#trackers) {
      if (key !== change.writer) {
        recordChange(tracker, informer, change);
      }
    }
    const readers = this.#dependencyIndex
      .affectedBy(informer, change)
      .filter((key) => key !== change.writer);
    for (const key of readers) {
      clearStall(key);
    }
    const owners = [
      ...new Set(this.#deps.isForOutputs(informer) ? this.#ownersOf(change) : []),
    ].filter((key) => key !== change.writer && !readers.includes(key));
    for (const key of readers) {
      enqueue(key, { cause: 'input' });
    }
    for (const key of owners) {
      enqueue(key, { cause: 'output' });
    }
  }

  /** A sync begins: what it reads is recorded, and stays as it is now. */
  beginReconcile(key: string): ReadTracker {
    const tracker = newReadTracker();
    this.#trackers.set(key, tracker);
    return tracker;
  }

  /**
   * It has ended.
   * @param complete its worker came to its end: what it read replaces what was read before
   * @returns whether something that it has read is different by now; then there is one more sync
   */
  endReconcile(key: string, tracker: ReadTracker, allReadsSeen: boolean): boolean {
    this.#trackers.delete(key);
    this.#dependencyIndex.set(
      key,
      allReadsSeen
        ? tracker.dependencies
        : mergeReads(this.#dependencyIndex.get(key), tracker.dependencies),
    );
    const changedMeanwhile = hasOutdatedReads(tracker);
    if (changedMeanwhile) {
      this.#deps.enqueue(key, { cause: 'input' });
    }
    return changedMeanwhile;
  }

  /** Entries of what is kept between changes. */
  get size(): number {
    return this.#dependencyIndex.size + this.#trackers.size + this.#keyByUid.size;
  }

  /** The resource is gone. */
  forget(key: string): void {
    this.#dependencyIndex.delete(key);
  }

  /**
   * Resources whose output was changed (other than its status) or deleted by somebody else. Of one
   * that is gone nothing is kept.
   */
  #ownersOf({ old, object }: StoreChange): readonly string[] {
    const deletedUid = deletedUidOf({ old, object });
    const pruned = deletedUid !== undefined && this.#deps.outputs.forget(deletedUid);
    if (pruned && object === undefined) {
      return [];
    }
    const label = ownerLabel(this.#deps.group);
    const uids = [old, object].flatMap((side) =>
      side === undefined ? [] : [side.metadata.labels?.[label], controllerOf(side)?.uid],
    );
    const owners = uids.flatMap((uid) =>
      uid === undefined ? [] : (this.#keyByUid.get(uid) ?? []),
    );
    return old !== undefined && object !== undefined && isSameExceptStatus(old, object)
      ? []
      : owners;
  }
}

/** A list may show another object of the same name. */
function deletedUidOf({ old, object }: Pick<StoreChange, 'old' | 'object'>): string | undefined {
  return old?.metadata.uid === object?.metadata.uid ? undefined : old?.metadata.uid;
}

function isSameExceptStatus(a: KubeObject, b: KubeObject): boolean {
  const bare = ({
    status: _,
    metadata: { resourceVersion: __, generation: ___, ...metadata },
    ...rest
  }: KubeObject): unknown => ({ ...rest, metadata });
  return deepEqual(bare(a), bare(b));
}
