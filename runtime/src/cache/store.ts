/**
 * The store of an informer: the objects of one kind and selector, fed by lists, watch events and
 * responses to writes.
 *
 * Guarantees:
 * - The newest version of each key wins, deletions included. A reconcile never starts from a state
 *   older than its own last write.
 * - Objects are deeply frozen and carry no managedFields.
 * - A list replaces the contents at once. A list is the truth, also when its version is older: the
 *   API server was restored from a backup.
 * - Listeners are called exactly once for each change, after the store has the change.
 * - A response that arrives late never restores a deleted object. Deletions need no record for
 *   this: the watch has reported everything up to `progress`, so a version up to `progress` whose
 *   key is not in the store belongs to an object that is deleted.
 *
 * Assumptions: resourceVersions are comparable numbers, as in every supported Kubernetes
 * (KEP-5504). Versions of aggregated APIs that are no numbers are compared for equality only. The
 * order of arrival decides then.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ObjectKey } from '../client/object.ts';
import { keyOf, keyString } from '../client/object.ts';
import { isOlderVersion, parseVersion } from './resource-version.ts';

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
  /**
   * Whether the list has an older version than the watch had reached. The API server was restored
   * from a backup. Responses from before may still arrive.
   */
  readonly wentBack: boolean;
}

/** Writes of one key that are under way. Events of the key are queued until the last one ends. */
interface PendingWrites {
  count: number;
  /** Progress of the watch when the first write began. A newer response is of a living object. */
  progress: bigint;
  /** Changes to apply after the last write. */
  readonly queued: (() => void)[];
}

/** The objects of one kind and selector, by key. */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  /** Keys by the value of the index label. */
  readonly #index = new Map<string, Set<string>>();
  readonly #listeners: ((change: StoreChange) => void)[] = [];
  readonly #pendingWrites = new Map<string, PendingWrites>();
  readonly #indexLabel: string | undefined;
  readonly #matches: (object: KubeObject) => boolean;
  #progress = -1n;
  /** The newest version that was seen, of responses too, and the one when the list began. */
  #newest = -1n;
  #newestWhenListBegan = -1n;
  #lastListVersion: string | undefined;
  /** Whether the last list went back, so that one version may stand for two states of an object. */
  #wentBack = false;
  /** Keys for which a response has arrived since the list that is under way was requested. */
  readonly #respondedSinceListBegan = new Set<string>();

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
    const pending: PendingWrites = this.#pendingWrites.get(keyText) ?? {
      count: 0,
      progress: this.#progress,
      queued: [],
    };
    pending.count++;
    this.#pendingWrites.set(keyText, pending);
    return (response, writer) => {
      if (response !== undefined) {
        this.#putResponse(keyText, response, { writer, progress: pending.progress });
      }
      pending.count--;
      if (pending.count > 0) {
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
    this.advanceTo(object.metadata.resourceVersion);
    this.#deliverOrQueue(key, () => this.#put(key, object, undefined));
  }

  /**
   * Removes an object that the watch reports as deleted, or as no longer matching the selector. The
   * object carries the version of the deletion.
   */
  remove(object: KubeObject): void {
    const key = keyString(keyOf(object));
    const version = object.metadata.resourceVersion;
    this.advanceTo(version);
    this.#deliverOrQueue(key, () => this.#remove(key, version, undefined));
  }

  /** Records that the watch has reported everything up to this version. */
  advanceTo(resourceVersion: string | undefined): void {
    const version = parseVersion(resourceVersion);
    if (version !== undefined && version > this.#progress) {
      this.#progress = version;
      this.#see(version);
    }
  }

  #see(version: bigint): void {
    if (version > this.#newest) {
      this.#newest = version;
    }
  }

  /** Whether the store may lack changes up to this version. Versions without order may differ. */
  isBehind(resourceVersion: string): boolean {
    const version = parseVersion(resourceVersion);
    return version === undefined
      ? resourceVersion === '' || resourceVersion !== this.#lastListVersion
      : this.#progress < version;
  }

  /**
   * Records that the first request of a list is about to be sent. The list tells the truth about
   * everything that was in the store before. A response that arrives from now on may be newer than
   * the list.
   */
  beginList(): void {
    this.#respondedSinceListBegan.clear();
    this.#newestWhenListBegan = this.#newest;
  }

  /**
   * Replaces the contents by a complete list. Objects that are not in the list are deleted. Objects
   * of which the list has an older version go back to that version: the API server was restored
   * from a backup. Kept is only what a response brought after `beginList`, when it is newer than
   * the list.
   *
   * @param resourceVersion version of the list.
   */
  replace(items: readonly KubeObject[], resourceVersion: string): RelistResult {
    const before = this.#progress;
    const version = parseVersion(resourceVersion);
    const wentBack = version !== undefined && version < this.#newestWhenListBegan;
    const isExact = wentBack || this.#wentBack;
    this.#wentBack = wentBack;
    this.#newest = wentBack ? version : this.#newest;
    this.#setProgress(resourceVersion, version ?? before);
    const listed = new Map(items.map((item) => [keyString(keyOf(item)), item]));
    const keys = new Set([
      ...this.#objects.keys(),
      ...this.#pendingWrites.keys(),
      ...listed.keys(),
    ]);
    let changed = 0;
    let missed = 0;
    for (const key of keys) {
      const fact: ListedFact = { item: listed.get(key), resourceVersion, isExact };
      const old = this.#objects.get(key);
      if (!this.#pendingWrites.has(key) && this.#contradicts(key, fact)) {
        changed++;
        missed += !wentBack && shouldHaveBeenReported(old, fact, before) ? 1 : 0;
      }
      this.#deliverOrQueue(key, () => this.#takeFact(key, fact));
    }
    this.#respondedSinceListBegan.clear();
    return { changed, missed, wentBack };
  }

  /**
   * Deletes all objects, because the API server no longer serves the kind. To be repeated as long
   * as that is so: the response to an earlier write may still arrive.
   */
  clear(): void {
    for (const pending of this.#pendingWrites.values()) {
      pending.queued.length = 0;
    }
    for (const key of this.#objects.keys()) {
      this.#delete(key, undefined);
    }
  }

  #setProgress(resourceVersion: string, progress: bigint): void {
    this.#lastListVersion = resourceVersion;
    this.#progress = progress;
    this.#see(progress);
    for (const pending of this.#pendingWrites.values()) {
      if (pending.progress > progress) {
        pending.progress = progress;
      }
    }
  }

  /** Whether the store differs from what a list says about a key, and the list is right. */
  #contradicts(key: string, { item, resourceVersion, isExact }: ListedFact): boolean {
    const old = this.#objects.get(key);
    if (old === undefined) {
      return item !== undefined;
    }
    const mayBeNewer = this.#respondedSinceListBegan.has(key);
    const listed = item?.metadata.resourceVersion ?? resourceVersion;
    if (mayBeNewer && isOlderVersion(listed, old.metadata.resourceVersion)) {
      return false;
    }
    return item === undefined || !(isExact ? isSameContent : isSameObject)(old, item);
  }

  #takeFact(key: string, fact: ListedFact): void {
    if (!this.#contradicts(key, fact)) {
      return;
    }
    if (fact.item === undefined) {
      this.#delete(key, undefined);
    } else {
      this.#set(key, prepareObject(fact.item), undefined);
    }
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
    const version = parseVersion(object.metadata.resourceVersion);
    if (!this.#objects.has(key) && version !== undefined && version <= progress) {
      return;
    }
    this.#respondedSinceListBegan.add(key);
    this.#see(version ?? this.#newest);
    if (this.#matches(object)) {
      this.#put(key, object, writer);
    } else {
      this.#remove(key, object.metadata.resourceVersion, writer);
    }
  }

  #put(key: string, object: KubeObject, writer: string | undefined): void {
    const old = this.#objects.get(key);
    const version = object.metadata.resourceVersion;
    if (old !== undefined) {
      if (isOlderVersion(version, old.metadata.resourceVersion) || isSameVersion(old, object)) {
        return;
      }
    }
    this.#set(key, prepareObject(object), writer);
  }

  #remove(key: string, version: string | undefined, writer: string | undefined): void {
    const old = this.#objects.get(key);
    if (old !== undefined && !isOlderVersion(version, old.metadata.resourceVersion)) {
      this.#delete(key, writer);
    }
  }

  #delete(key: string, writer: string | undefined): void {
    const old = this.#objects.get(key);
    if (old !== undefined) {
      this.#objects.delete(key);
      this.#unindex(key, old);
      this.#notify({ old, object: undefined, writer });
    }
  }

  #set(key: string, object: KubeObject, writer: string | undefined): void {
    const old = this.#objects.get(key);
    if (old !== undefined) {
      this.#unindex(key, old);
    }
    this.#objects.set(key, object);
    this.#addToIndex(key, object);
    this.#notify({ old, object, writer });
  }

  #addToIndex(key: string, object: KubeObject): void {
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

/** What a complete list says about one key: the object, or that there is none. */
interface ListedFact {
  readonly item: KubeObject | undefined;
  /** Version of the list. */
  readonly resourceVersion: string;
  /** Whether equal versions do not prove equal objects. */
  readonly isExact: boolean;
}

/**
 * Whether the watch should have reported a difference that a list shows. The time of a deletion is
 * unknown: only a list of exactly the version that the watch had reached proves that the watch
 * should have reported the deletion.
 */
function shouldHaveBeenReported(
  old: KubeObject | undefined,
  { item, resourceVersion }: ListedFact,
  progress: bigint,
): boolean {
  if (item === undefined) {
    return parseVersion(resourceVersion) === progress;
  }
  const version = parseVersion(item.metadata.resourceVersion);
  const isNewer =
    old === undefined ||
    isOlderVersion(old.metadata.resourceVersion, item.metadata.resourceVersion);
  return version !== undefined && version <= progress && isNewer;
}

/** Whether an object of a list is the one in the store. Objects without versions are compared. */
function isSameObject(old: KubeObject, item: KubeObject): boolean {
  return old.metadata.uid === item.metadata.uid && isSameVersion(old, item);
}

function isSameVersion(old: KubeObject, object: KubeObject): boolean {
  const version = object.metadata.resourceVersion;
  return version === undefined || version === ''
    ? isSameContent(old, object)
    : version === old.metadata.resourceVersion;
}

function isSameContent(old: KubeObject, object: KubeObject): boolean {
  return isDeepStrictEqual(old, prepareObject(object));
}

/** An object as the store keeps it: deeply frozen, and without managedFields. */
export function prepareObject(object: KubeObject): KubeObject {
  return deepFreeze(withoutManagedFields(object));
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
