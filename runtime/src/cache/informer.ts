/**
 * One kind as far as an operator sees it: one reflector for each watched namespace (or one for all), shared by all phases that
 * declare the same kind and selector.
 */
import type { KubeObject, ObjectKey } from '../kube/object.ts';
import { keyString } from '../kube/object.ts';
import { matchesSelector, parseSelector } from '../kube/selector.ts';
import type { Ports, Scope } from './reflector.ts';
import { reflect } from './reflector.ts';
import type { Change } from './store.ts';
import { Store } from './store.ts';

export interface InformerObserver {
  relisted(kind: string, missed: number): void;
  watchFailed(kind: string, error: unknown): void;
}

interface Part {
  readonly scope: Scope;
  readonly store: Store;
  synced: bigint | undefined;
  unavailable: string | undefined;
}

export class Informer {
  readonly scope: Omit<Scope, 'namespace'>;
  readonly #parts: readonly Part[];
  readonly #observer: InformerObserver;
  readonly #waiters = new Set<() => void>();

  /** @param namespaces empty: the whole cluster. @param indexLabel label whose value `indexed` looks up. */
  constructor(scope: Omit<Scope, 'namespace'>, namespaces: readonly string[], indexLabel: string, observer: InformerObserver) {
    this.scope = scope;
    this.#observer = observer;
    const scopes: readonly Scope[] = namespaces.length === 0 || !scope.type.namespaced ? [scope] : namespaces.map((namespace) => ({ ...scope, namespace }));
    this.#parts = scopes.map((part) => ({ scope: part, store: new Store(indexLabel), synced: undefined, unavailable: undefined }));
  }

  /** Runs until the signal is aborted. */
  async run(ports: Ports, signal: AbortSignal): Promise<void> {
    const { kind } = this.scope.type;
    await Promise.all(
      this.#parts.map((part) =>
        reflect(
          part.scope,
          part.store,
          ports,
          {
            synced: (version) => {
              part.synced = BigInt(version);
              for (const wake of this.#waiters) wake();
            },
            health: (health) => {
              part.unavailable = health.kind === 'unavailable' ? health.reason : undefined;
              for (const wake of this.#waiters) wake();
            },
            relisted: (missed) => this.#observer.relisted(kind, missed),
            failed: (error) => this.#observer.watchFailed(kind, error),
          },
          signal,
        ),
      ),
    );
  }

  subscribe(listener: (change: Change) => void): void {
    for (const part of this.#parts) part.store.subscribe(listener);
  }

  /** Resolves when every part was listed once, or is known to be unavailable. */
  filled(signal: AbortSignal): Promise<void> {
    const done = (): boolean => this.#parts.every((part) => part.synced !== undefined || part.unavailable !== undefined);
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      const check = (): void => {
        if (!done()) return;
        this.#waiters.delete(check);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      this.#waiters.add(check);
      signal.addEventListener('abort', stop, { once: true });
      check();
    });
  }

  /** Why the kind cannot be read now; undefined when it can. */
  get unavailable(): string | undefined {
    return this.#parts.find((part) => part.unavailable !== undefined)?.unavailable;
  }

  get filledOnce(): boolean {
    return this.#parts.every((part) => part.synced !== undefined);
  }

  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.store.size, 0);
  }

  get(key: ObjectKey): KubeObject | undefined {
    for (const part of this.#parts) {
      const found = part.store.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Objects of a namespace (absent: all), sorted by namespace and name. */
  list(namespace?: string): readonly KubeObject[] {
    const found: KubeObject[] = [];
    for (const part of this.#parts)
      for (const object of part.store.values()) if (namespace === undefined || object.metadata.namespace === namespace) found.push(object);
    return found.sort((a, b) => (keyString(a.metadata) < keyString(b.metadata) ? -1 : 1));
  }

  indexed(value: string): readonly KubeObject[] {
    return this.#parts.flatMap((part) => part.store.indexed(value));
  }

  /** Makes a write and takes its answer into the cache before anything else is heard of the object (`Store.write`). */
  write(key: ObjectKey, writer: string, send: () => Promise<KubeObject>): Promise<KubeObject> {
    const part = this.#partOf(key);
    return part === undefined ? send() : part.store.write(key, writer, send);
  }

  /** Takes an object that was read from the server, if it fits this informer. */
  put(object: KubeObject, writer: string): void {
    if (this.scope.labelSelector !== undefined && !matchesSelector(parseSelector(this.scope.labelSelector), object.metadata.labels)) return;
    this.#partOf(object.metadata)?.store.put(object, writer);
  }

  #partOf(key: ObjectKey): Part | undefined {
    return this.#parts.find(({ scope }) => scope.namespace === undefined || scope.namespace === key.namespace);
  }
}
