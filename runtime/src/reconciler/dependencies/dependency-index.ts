/** Who depends on what: finds the resources that a change touches without asking each of them. */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import { keyOf, keyString } from '../../client/object.ts';
import type { Dependencies } from './input-view.ts';
import { affectsReads } from './input-view.ts';

/** Stands for a list over all namespaces. */
const ALL_NAMESPACES = '';

/** Resources by what they read of one informer. */
interface InformerReaders {
  readonly byKey: Map<string, Set<string>>;
  /** Of lists, by namespace. */
  readonly byNamespace: Map<string, Set<string>>;
}

export class DependencyIndex {
  readonly #dependencies = new Map<string, Dependencies>();
  readonly #readers = new Map<Informer, InformerReaders>();

  /** Resources that have read something, and places that somebody has read. */
  get size(): number {
    let places = 0;
    for (const { byKey, byNamespace } of this.#readers.values()) {
      places += byKey.size + byNamespace.size;
    }
    return this.#dependencies.size + places;
  }

  get(resource: string): Dependencies | undefined {
    return this.#dependencies.get(resource);
  }

  set(resource: string, dependencies: Dependencies): void {
    this.delete(resource);
    this.#dependencies.set(resource, dependencies);
    this.#each(dependencies, (map, at) => {
      const readers = map.get(at) ?? new Set<string>();
      map.set(at, readers.add(resource));
    });
  }

  delete(resource: string): void {
    const dependencies = this.#dependencies.get(resource);
    if (dependencies === undefined) {
      return;
    }
    this.#dependencies.delete(resource);
    this.#each(dependencies, (map, at) => {
      const readers = map.get(at);
      readers?.delete(resource);
      if (readers?.size === 0) {
        map.delete(at);
      }
    });
  }

  /** Resources that would read something else because of this change. */
  affectedBy(informer: Informer, change: StoreChange): readonly string[] {
    const object = change.object ?? change.old;
    const readers = this.#readers.get(informer);
    if (object === undefined || readers === undefined) {
      return [];
    }
    const candidates = new Set(readers.byKey.get(keyString(keyOf(object))));
    for (const namespace of new Set([
      object.metadata.namespace ?? ALL_NAMESPACES,
      ALL_NAMESPACES,
    ])) {
      for (const resource of readers.byNamespace.get(namespace) ?? []) {
        candidates.add(resource);
      }
    }
    return [...candidates].filter((resource) => {
      const reads = this.#dependencies.get(resource)?.get(informer);
      return reads !== undefined && affectsReads(reads, change);
    });
  }

  #each(
    dependencies: Dependencies,
    act: (map: Map<string, Set<string>>, at: string) => void,
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
