/**
 * The store of an informer: the objects of one kind and selector, fed by lists, watch events and
 * responses to writes.
 *
 * Guarantees:
 * - The newest version of each key wins, deletions included. A reconcile never starts from a state
 *   older than its own last write.
 * - Objects are deeply frozen and carry no managedFields.
 * - A list replaces the contents at once.
 * - Listeners are called exactly once for each change, after the store has the change.
 * - A response that arrives late never restores a deleted object. Deletions need no record for
 *   this: the watch has reported everything up to `progress`, so a version up to `progress` whose
 *   key is not in the store belongs to an object that is deleted.
 *
 * Assumptions: resourceVersions are comparable numbers, as in every supported Kubernetes
 * (KEP-5504).
 */
import type { KubeObject, ObjectKey } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';

/** A change of one object. */
export interface StoreChange {
  /** The object before; undefined when it is new. */
  readonly old: KubeObject | undefined;
  /** The object now; undefined when it is deleted. */
  readonly object: KubeObject | undefined;
  /**
   * Key string of the resource on whose behalf this process wrote the object; undefined when
   * another client made the change.
   */
  readonly writer: string | undefined;
}

/** What a store needs. */
export interface StoreOptions {
  /** Label whose values `byIndex` looks up. Default: no index. */
  readonly indexLabel?: string;
  /**
   * Whether an object of a response belongs to the store. Objects of lists and watches are not
   * checked, because the API server selects them. Default: every object belongs.
   */
  readonly matches?: (object: KubeObject) => boolean;
}

/** What a list changed in a store. */
export interface RelistResult {
  /** Number of objects that are new, changed or deleted. */
  readonly changed: number;
  /** Number of these that the watch should have reported. Not 0 only when a watch loses events. */
  readonly missed: number;
}

/** A write that is under way. Watch events of its key are queued until it ends. */
interface PendingWrite {
  /** Progress of the watch when the write began. A newer response is of a living object. */
  readonly progress: bigint;
  /** Changes to apply after the write. */
  readonly queued: (() => void)[];
}

/** The objects of one kind and selector, by key. */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  /** Keys by the value of the index label. */
  readonly #index = new Map<string, Set<string>>();
  readonly #listeners: ((change: StoreChange) => void)[] = [];
  readonly #pendingWrites = new Map<string, PendingWrite>();
  readonly #indexLabel: string | undefined;
  readonly #matches: (object: KubeObject) => boolean;
  #progress = -1n;

  /** @param options index label and selector. */
  constructor({ indexLabel, matches = () => true }: StoreOptions = {}) {
    this.#indexLabel = indexLabel;
    this.#matches = matches;
  }

  /** Number of objects. */
  get size(): number {
    return this.#objects.size;
  }

  /** The version up to which every change has been reported; -1 before the first list. */
  get progress(): bigint {
    return this.#progress;
  }

  /** Calls `listener` for each later change. */
  subscribe(listener: (change: StoreChange) => void): void {
    this.#listeners.push(listener);
  }

  /** The object with this key. */
  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(keyString(key));
  }

  /** All objects, in no particular order. */
  values(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  /** Objects whose index label has this value. */
  byIndex(value: string): readonly KubeObject[] {
    const keys = this.#index.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /**
   * Sends a write and puts its response into the store (see `beginWrite`).
   *
   * @param writer key string of the resource on whose behalf the write is made.
   * @returns the response.
   */
  async write(
    key: ObjectKey,
    writer: string,
    send: () => Promise<KubeObject>,
  ): Promise<KubeObject> {
    const endWrite = this.beginWrite(key);
    let response: KubeObject | undefined;
    try {
      return (response = await send());
    } finally {
      endWrite(response, writer);
    }
  }

  /**
   * Begins a write. The watch event of a write may arrive before the response, so watch events of
   * this key are queued until the write ends. Listeners then see the write with its writer, and
   * later changes by other clients without.
   *
   * @returns ends the write. `response` is undefined when the write failed; `writer` is the key
   * string of the resource on whose behalf the write was made.
   */
  beginWrite(key: ObjectKey): (response: KubeObject | undefined, writer: string) => void {
    const keyText = keyString(key);
    const outer = this.#pendingWrites.get(keyText);
    const pending: PendingWrite = outer ?? { progress: this.#progress, queued: [] };
    this.#pendingWrites.set(keyText, pending);
    return (response, writer) => {
      if (response !== undefined) {
        this.#putResponse(keyText, response, { writer, progress: pending.progress });
      }
      if (outer !== undefined) {
        return;
      }
      this.#pendingWrites.delete(keyText);
      for (const deliver of pending.queued) {
        deliver();
      }
    };
  }

  /**
   * Puts an object into the store.
   *
   * @param writer absent: the object comes from the watch. Present: the object is the response to a
   * read on behalf of this resource (its key string).
   */
  put(object: KubeObject, writer?: string): void {
    const key = keyString(keyOf(object));
    if (writer !== undefined) {
      const progress = this.#pendingWrites.get(key)?.progress ?? this.#progress;
      return this.#putResponse(key, object, { writer, progress });
    }
    this.advanceTo(versionOf(object));
    this.#deliverOrQueue(key, () => this.#put(key, object, undefined));
  }

  /**
   * Removes an object that the watch reports as deleted, or as no longer matching the selector. The
   * object carries the version of the deletion.
   */
  remove(object: KubeObject): void {
    const key = keyString(keyOf(object));
    const version = versionOf(object);
    this.advanceTo(version);
    this.#deliverOrQueue(key, () => this.#remove(key, version, undefined));
  }

  /** Records that the watch has reported everything up to this version. */
  advanceTo(version: bigint): void {
    if (version > this.#progress) {
      this.#progress = version;
    }
  }

  /**
   * Replaces the contents by a complete list. Objects that are not in the list are deleted.
   *
   * @param resourceVersion version of the list.
   */
  replace(items: readonly KubeObject[], resourceVersion: string): RelistResult {
    const listed = BigInt(resourceVersion);
    const before = this.#progress;
    const present = new Set(items.map((item) => keyString(keyOf(item))));
    let changed = 0;
    let missed = 0;
    const count = (key: string, alreadyReported: boolean): void => {
      if (this.#pendingWrites.has(key)) {
        return;
      }
      changed++;
      if (alreadyReported) {
        missed++;
      }
    };
    for (const [key, old] of this.#objects) {
      if (present.has(key) || versionOf(old) > listed) {
        continue;
      }
      // The time of the deletion is unknown. Only a list of exactly the version that the watch had
      // reached proves that the watch should have reported it.
      count(key, listed === before);
      this.#deliverOrQueue(key, () => this.#remove(key, listed, undefined));
    }
    for (const item of items) {
      const key = keyString(keyOf(item));
      const old = this.#objects.get(key);
      if (old === undefined || versionOf(old) < versionOf(item)) {
        count(key, versionOf(item) <= before);
      }
      this.#deliverOrQueue(key, () => this.#put(key, item, undefined));
    }
    this.advanceTo(listed);
    return { changed, missed };
  }

  #deliverOrQueue(key: string, deliver: () => void): void {
    const pending = this.#pendingWrites.get(key);
    if (pending === undefined) {
      deliver();
    } else {
      pending.queued.push(deliver);
    }
  }

  #putResponse(
    key: string,
    object: KubeObject,
    { writer, progress }: { readonly writer: string; readonly progress: bigint },
  ): void {
    if (!this.#objects.has(key) && versionOf(object) <= progress) {
      return;
    }
    if (this.#matches(object)) {
      this.#put(key, object, writer);
    } else {
      this.#remove(key, versionOf(object), writer);
    }
  }

  #put(key: string, object: KubeObject, writer: string | undefined): void {
    const old = this.#objects.get(key);
    if (old !== undefined && versionOf(old) >= versionOf(object)) {
      return;
    }
    const frozen = deepFreeze(withoutManagedFields(object));
    this.#set(key, old, frozen);
    this.#notify({ old, object: frozen, writer });
  }

  #remove(key: string, version: bigint, writer: string | undefined): void {
    const old = this.#objects.get(key);
    if (old === undefined || versionOf(old) > version) {
      return;
    }
    this.#objects.delete(key);
    this.#unindex(key, old);
    this.#notify({ old, object: undefined, writer });
  }

  #set(key: string, old: KubeObject | undefined, object: KubeObject): void {
    if (old !== undefined) {
      this.#unindex(key, old);
    }
    this.#objects.set(key, object);
    const value = this.#indexValue(object);
    if (value === undefined) {
      return;
    }
    const keys = this.#index.get(value);
    if (keys === undefined) {
      this.#index.set(value, new Set([key]));
    } else {
      keys.add(key);
    }
  }

  #unindex(key: string, object: KubeObject): void {
    const value = this.#indexValue(object);
    if (value === undefined) {
      return;
    }
    const keys = this.#index.get(value);
    keys?.delete(key);
    if (keys?.size === 0) {
      this.#index.delete(value);
    }
  }

  #indexValue(object: KubeObject): string | undefined {
    return this.#indexLabel === undefined ? undefined : object.metadata.labels?.[this.#indexLabel];
  }

  #notify(change: StoreChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}

/** The object's resourceVersion as a number; 0 when it has none. */
export function versionOf(object: KubeObject): bigint {
  return BigInt(object.metadata.resourceVersion ?? '0');
}

function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) {
    return object;
  }
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Freezes a value and everything in it. Returns the value. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) {
    return value;
  }
  for (const inner of Object.values(value)) {
    deepFreeze(inner);
  }
  return Object.freeze(value);
}
