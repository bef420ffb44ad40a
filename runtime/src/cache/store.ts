/**
 * The objects of one informer. Answers of writes enter it as well as watch events; the newest
 * version of each key wins, deletions
 * included, so that a sync never starts from a state older than its own last write.
 *
 * Guarantees: objects are deeply frozen and carry no managedFields; a relist swaps the contents at
 * once; a change is told to
 * listeners exactly once, after the store has it.
 *
 * Deletions need no record of their own: the watch has told everything up to `progress`, so a
 * version at most that old, of a key that
 * is not here, is of an object that is gone. An answer that comes late never brings it back.
 */
import type { KubeObject, ObjectKey } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';

export interface StoreChange {
  readonly old: KubeObject | undefined;
  /** Absent: deleted. */
  readonly object: KubeObject | undefined;
  /** The answer to a write of our own, on behalf of this resource (its key string). */
  readonly writer: string | undefined;
}

export interface StoreOptions {
  /** Label whose value `indexed` looks up. */
  readonly indexLabel?: string;
  /**
   * Does an object belong here? Asked of answers to writes; what the watch brings was chosen by the
   * server. Default: all do.
   */
  readonly matches?: (object: KubeObject) => boolean;
}

/**
 * What a relist changed, and how much of that the watch should have told before: this stays 0
 * unless a watch loses events.
 */
export interface RelistResult {
  readonly changed: number;
  readonly missed: number;
}

/** A write of ours under way: what the watch says of its key meanwhile waits. */
interface PendingWrite {
  /**
   * How far the watch was when the write began: a newer answer is not of an object that is gone.
   */
  readonly progress: bigint;
  readonly queued: (() => void)[];
}

export class Store {
  readonly #objects = new Map<string, KubeObject>();
  /** Keys by the value of the index label. */
  readonly #index = new Map<string, Set<string>>();
  readonly #listeners: ((change: StoreChange) => void)[] = [];
  readonly #pendingWrites = new Map<string, PendingWrite>();
  readonly #indexLabel: string | undefined;
  readonly #matches: (object: KubeObject) => boolean;
  #progress = -1n;

  constructor({ indexLabel, matches = () => true }: StoreOptions = {}) {
    this.#indexLabel = indexLabel;
    this.#matches = matches;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Everything up to this version has been told; -1 before the first list. */
  get progress(): bigint {
    return this.#progress;
  }

  subscribe(listener: (change: StoreChange) => void): void {
    this.#listeners.push(listener);
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(keyString(key));
  }

  values(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  /** Objects whose index label has this value. */
  byIndex(value: string): readonly KubeObject[] {
    const keys = this.#index.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /**
   * Makes a write of our own and takes its answer. Its watch event may arrive before its answer:
   * what the watch says of this key
   * meanwhile waits, so that the change is told as ours, and a change by others after it as theirs.
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

  /** Begins a write; the function that it returns ends it, with the answer if there was one. */
  beginWrite(key: ObjectKey): (response: KubeObject | undefined, writer: string) => void {
    const text = keyString(key);
    const outer = this.#pendingWrites.get(text);
    const pending: PendingWrite = outer ?? { progress: this.#progress, queued: [] };
    this.#pendingWrites.set(text, pending);
    return (response, writer) => {
      if (response !== undefined) {
        this.#putResponse(text, response, writer, pending.progress);
      }
      if (outer !== undefined) {
        return;
      }
      this.#pendingWrites.delete(text);
      for (const deliver of pending.queued) {
        deliver();
      }
    };
  }

  /**
   * Takes what the watch says of an object or, with a writer, what the server answered to a read on
   * behalf of that resource.
   */
  put(object: KubeObject, writer?: string): void {
    const key = keyString(keyOf(object));
    if (writer !== undefined) {
      return this.#putResponse(
        key,
        object,
        writer,
        this.#pendingWrites.get(key)?.progress ?? this.#progress,
      );
    }
    this.advanceTo(versionOf(object));
    this.#deliverOrQueue(key, () => this.#put(key, object, undefined));
  }

  /**
   * The watch said that the object is gone (or no longer matches the selector) as of its
   * resourceVersion.
   */
  remove(object: KubeObject): void {
    const key = keyString(keyOf(object));
    const version = versionOf(object);
    this.advanceTo(version);
    this.#deliverOrQueue(key, () => this.#remove(key, version, undefined));
  }

  /** The watch has told everything up to this version. */
  advanceTo(version: bigint): void {
    if (version > this.#progress) {
      this.#progress = version;
    }
  }

  /** The whole contents as of `resourceVersion`: one atomic swap, deletions noticed. */
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
      // When it was deleted cannot be known, but for a list of the very moment that the watch had
      // reached.
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

  #putResponse(key: string, object: KubeObject, writer: string, progress: bigint): void {
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

/** resourceVersions are comparable numbers in every supported Kubernetes (KEP-5504). */
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

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) {
    return value;
  }
  for (const inner of Object.values(value)) {
    deepFreeze(inner);
  }
  return Object.freeze(value);
}
