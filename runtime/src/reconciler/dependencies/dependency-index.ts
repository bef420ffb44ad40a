/** The dependency index: which resources have read an object, without a search of all resources. */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import { keyOf, keyString } from '../../client/object.ts';
import type { Dependencies } from './read-tracker.ts';
import { affectsReads } from './read-tracker.ts';

/** The entry of lists over all namespaces. */
const ALL_NAMESPACES = '';

/** Keys of resources, by what they have read of one informer. */
interface InformerReaders {
  /** Readers of single objects, by key of the object. */
  readonly byKey: Map<string, Set<string>>;
  /** Readers of lists, by namespace. */
  readonly byNamespace: Map<string, Set<string>>;
}

/**
 * Reads of all resources, searchable by the object that changes. Resources are `namespace/name`.
 */
export class DependencyIndex {
  readonly #dependencies = new Map<string, Dependencies>();
  readonly #readers = new Map<Informer, InformerReaders>();

  /** Number of entries: resources that have read something, plus objects and lists read. */
  get size(): number {
    let entries = this.#dependencies.size;
    for (const { byKey, byNamespace } of this.#readers.values()) {
      entries += byKey.size + byNamespace.size;
    }
    return entries;
  }

  /** The reads of a resource. */
  get(resource: string): Dependencies | undefined {
    return this.#dependencies.get(resource);
  }

  /** Replaces the reads of a resource. */
  set(resource: string, dependencies: Dependencies): void {
    this.delete(resource);
    this.#dependencies.set(resource, dependencies);
    this.#forEachEntry(dependencies, (readersByEntry, entry) => {
      const readers = readersByEntry.get(entry) ?? new Set<string>();
      readersByEntry.set(entry, readers.add(resource));
    });
  }

  /** Removes the reads of a resource. */
  delete(resource: string): void {
    const dependencies = this.#dependencies.get(resource);
    if (dependencies === undefined) {
      return;
    }
    this.#dependencies.delete(resource);
    this.#forEachEntry(dependencies, (readersByEntry, entry) => {
      const readers = readersByEntry.get(entry);
      readers?.delete(resource);
      if (readers?.size === 0) {
        readersByEntry.delete(entry);
      }
    });
  }

  /** Resources whose reads would return something else after the change. */
  affectedBy(informer: Informer, change: StoreChange): readonly string[] {
    const object = change.object ?? change.old;
    const readers = this.#readers.get(informer);
    if (object === undefined || readers === undefined) {
      return [];
    }
    const { namespace = ALL_NAMESPACES } = object.metadata;
    const candidates = new Set([
      ...(readers.byKey.get(keyString(keyOf(object))) ?? []),
      ...(readers.byNamespace.get(namespace) ?? []),
      ...(readers.byNamespace.get(ALL_NAMESPACES) ?? []),
    ]);
    return [...candidates].filter((resource) => {
      const reads = this.#dependencies.get(resource)?.get(informer);
      return reads !== undefined && affectsReads(reads, change);
    });
  }

  #forEachEntry(
    dependencies: Dependencies,
    act: (readersByEntry: Map<string, Set<string>>, entry: string) => void,
  ): void {
    for (const [informer, { keys, lists }] of dependencies) {
      const readers = this.#readers.get(informer) ?? { byKey: new Map(), byNamespace: new Map() };
      this.#readers.set(informer, readers);
      for (const key of keys) {
        act(readers.byKey, key);
      }
      for (const { namespace } of lists) {
        act(readers.byNamespace, namespace ?? ALL_NAMESPACES);
      }
    }
  }
}
