/**
 * The objects of one informer. Answers of writes enter it as well as watch events; the newest version of each key wins, deletions
 * included, so that a sync never starts from a state older than its own last write.
 *
 * Guarantees: objects are deeply frozen and carry no managedFields; a relist swaps the contents at once; a change is told to
 * listeners exactly once, after the store has it.
 */
import type { KubeObject, ObjectKey } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';

export interface Change {
  readonly old: KubeObject | undefined;
  /** Absent: deleted. */
  readonly object: KubeObject | undefined;
  /** The answer to a write of our own, on behalf of this resource (its key string). */
  readonly writer: string | undefined;
}

export class Store {
  readonly #objects = new Map<string, KubeObject>();
  /** Keys by the value of `indexLabel`. */
  readonly #index = new Map<string, Set<string>>();
  /** resourceVersion of the last deletion seen, until a relist is newer. */
  readonly #tombstones = new Map<string, bigint>();
  readonly #listeners: ((change: Change) => void)[] = [];
  /** What the watch said about keys that a write of ours is under way for. */
  readonly #held = new Map<string, (() => void)[]>();
  readonly #indexLabel: string | undefined;

  constructor(indexLabel?: string) {
    this.#indexLabel = indexLabel;
  }

  get size(): number {
    return this.#objects.size;
  }

  subscribe(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(keyString(key));
  }

  values(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  /** Objects whose index label has this value. */
  indexed(value: string): readonly KubeObject[] {
    const keys = this.#index.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /**
   * Makes a write of our own and takes its answer. Its watch event may arrive before its answer: what the watch says of this key
   * meanwhile waits, so that the change is told as ours, and a change by others after it as theirs.
   */
  async write(key: ObjectKey, writer: string, send: () => Promise<KubeObject>): Promise<KubeObject> {
    const held: (() => void)[] = [];
    const text = keyString(key);
    const before = this.#held.get(text);
    this.#held.set(text, before ?? held);
    try {
      const answer = await send();
      this.#put(text, answer, writer);
      return answer;
    } finally {
      if (before === undefined) {
        this.#held.delete(text);
        for (const deliver of held) deliver();
      }
    }
  }

  /** Takes a newer version of an object; older ones and ones deleted since are dropped. */
  put(object: KubeObject, writer?: string): void {
    const key = keyString(keyOf(object));
    const held = writer === undefined ? this.#held.get(key) : undefined;
    if (held === undefined) this.#put(key, object, writer);
    else held.push(() => this.#put(key, object, undefined));
  }

  #put(key: string, object: KubeObject, writer: string | undefined): void {
    const old = this.#objects.get(key);
    const version = versionOf(object);
    if (old !== undefined && versionOf(old) >= version) return;
    if ((this.#tombstones.get(key) ?? -1n) >= version) return;
    const frozen = deepFreeze(withoutManagedFields(object));
    this.#set(key, old, frozen);
    this.#tell({ old, object: frozen, writer });
  }

  /** The watch said that the object is gone (or no longer matches the selector) as of its resourceVersion. */
  remove(object: KubeObject): void {
    const key = keyString(keyOf(object));
    const held = this.#held.get(key);
    if (held === undefined) this.#removeKey(key, versionOf(object));
    else held.push(() => this.#removeKey(key, versionOf(object)));
  }

  /** The whole contents as of `resourceVersion`: one atomic swap, deletions noticed. Returns how many keys changed. */
  replace(items: readonly KubeObject[], resourceVersion: string): number {
    const listed = BigInt(resourceVersion);
    const present = new Set(items.map((item) => keyString(keyOf(item))));
    let changes = 0;
    const count = (): void => void changes++;
    this.#listeners.push(count);
    for (const key of this.#objects.keys()) if (!present.has(key)) this.#removeKey(key, listed);
    for (const item of items) this.put(item);
    this.#listeners.splice(this.#listeners.indexOf(count), 1);
    for (const [key, version] of this.#tombstones) if (version <= listed) this.#tombstones.delete(key);
    return changes;
  }

  #removeKey(key: string, version: bigint): void {
    const old = this.#objects.get(key);
    if (old !== undefined && versionOf(old) > version) return;
    this.#tombstones.set(key, version);
    if (old === undefined) return;
    this.#objects.delete(key);
    this.#unindex(key, old);
    this.#tell({ old, object: undefined, writer: undefined });
  }

  #set(key: string, old: KubeObject | undefined, object: KubeObject): void {
    if (old !== undefined) this.#unindex(key, old);
    this.#objects.set(key, object);
    const value = this.#indexValue(object);
    if (value === undefined) return;
    const keys = this.#index.get(value);
    if (keys === undefined) this.#index.set(value, new Set([key]));
    else keys.add(key);
  }

  #unindex(key: string, object: KubeObject): void {
    const value = this.#indexValue(object);
    if (value === undefined) return;
    const keys = this.#index.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.#index.delete(value);
  }

  #indexValue(object: KubeObject): string | undefined {
    return this.#indexLabel === undefined ? undefined : object.metadata.labels?.[this.#indexLabel];
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** resourceVersions are comparable numbers in every supported Kubernetes (KEP-5504). */
export function versionOf(object: KubeObject): bigint {
  return BigInt(object.metadata.resourceVersion ?? '0');
}

function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
