/** The objects of a cluster, its resourceVersion, and the history for watches. */
import type { KubeObject, ObjectKey } from 'autopilot-runtime/internal';
import { apiVersionOf, keyOf, keyString } from 'autopilot-runtime/internal';
import { freezeJson } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import type { FieldManager } from './managed-fields.ts';
import { managedFields } from './managed-fields.ts';

/** An object in the store, with its field managers. */
export interface StoredObject {
  readonly kind: Kind;
  /** The object without managedFields, deeply frozen. */
  readonly object: KubeObject;
  /** The object as clients receive it, with managedFields, deeply frozen. */
  readonly served: KubeObject;
  readonly managers: readonly FieldManager[];
}

/** One change of one object. */
export interface ObjectChange {
  readonly kind: Kind;
  readonly version: number;
  readonly before: KubeObject | undefined;
  /** The object after the change. Undefined: deleted. */
  readonly after: KubeObject | undefined;
  /** The object in watch events. A deleted object has its last state, at the deletion's version. */
  readonly served: KubeObject;
}

/** Maximum number of changes that are kept for watches of one kind. */
const MAX_HISTORY = 10_000;

/** First resourceVersion, as in a cluster with a history: a watch from version 1 is too old. */
const FIRST_VERSION = 100;

interface KindTable {
  readonly entries: Map<string, StoredObject>;
  readonly history: ObjectChange[];
  /** The oldest version that a watch can start from. */
  oldest: number;
}

/** The stored objects, with a history for watches. */
export class ObjectStore {
  readonly #tables = new Map<string, KindTable>();
  readonly #uids = new Map<string, StoredObject>();
  readonly #listeners = new Set<(change: ObjectChange) => void>();
  #version = FIRST_VERSION;

  /** The resourceVersion of the last change. */
  get version(): number {
    return this.#version;
  }

  subscribe(listener: (change: ObjectChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(kind: Kind, key: ObjectKey): StoredObject | undefined {
    return this.#table(kind).entries.get(keyString(key));
  }

  byUid(uid: string): StoredObject | undefined {
    return this.#uids.get(uid);
  }

  all(): Iterable<StoredObject> {
    return this.#uids.values();
  }

  /** The objects of a kind, sorted by namespace and name as the API server lists them. */
  list(kind: Kind): readonly StoredObject[] {
    return [...this.#table(kind).entries.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, stored]) => stored);
  }

  /** Changes of a kind after `version`. Undefined: the history is no longer complete. */
  changesSince(kind: Kind, version: number): readonly ObjectChange[] | undefined {
    const { history, oldest } = this.#table(kind);
    return version < oldest ? undefined : history.filter((change) => change.version > version);
  }

  oldestVersion(kind: Kind): number {
    return this.#table(kind).oldest;
  }

  /** Drops the history, as etcd's compaction does: watches from older versions end with 410. */
  compact(): void {
    for (const table of this.#tables.values()) {
      table.history.length = 0;
      table.oldest = this.#version;
    }
  }

  put(
    kind: Kind,
    before: StoredObject | undefined,
    object: KubeObject,
    managers: readonly FieldManager[],
  ): StoredObject {
    const version = this.#next();
    const bare = freezeJson({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    });
    const stored = { kind, object: bare, served: withManagedFields(bare, managers), managers };
    this.#table(kind).entries.set(keyString(keyOf(bare)), stored);
    this.#uids.set(bare.metadata.uid ?? '', stored);
    this.#notify({ kind, version, before: before?.object, after: bare, served: stored.served });
    return stored;
  }

  remove(stored: StoredObject, last: KubeObject = stored.object): void {
    const version = this.#next();
    this.#table(stored.kind).entries.delete(keyString(keyOf(stored.object)));
    this.#uids.delete(stored.object.metadata.uid ?? '');
    const served = withManagedFields(
      freezeJson({ ...last, metadata: { ...last.metadata, resourceVersion: String(version) } }),
      stored.managers,
    );
    this.#notify({ kind: stored.kind, version, before: stored.object, after: undefined, served });
  }

  /** Replaces the stored form of an object without a change event. */
  refresh(stored: StoredObject, kind: Kind, object: KubeObject): void {
    const next = {
      kind,
      object,
      served: withManagedFields(object, stored.managers),
      managers: stored.managers,
    };
    this.#table(kind).entries.set(keyString(keyOf(object)), next);
    this.#uids.set(object.metadata.uid ?? '', next);
  }

  #next(): number {
    return ++this.#version;
  }

  #notify(change: ObjectChange): void {
    const table = this.#table(change.kind);
    table.history.push(change);
    if (table.history.length > MAX_HISTORY) {
      table.oldest = table.history.shift()?.version ?? table.oldest;
    }
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  #table({ group, plural }: Kind): KindTable {
    const key = `${group}/${plural}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      this.#tables.set(key, (table = { entries: new Map(), history: [], oldest: FIRST_VERSION }));
    }
    return table;
  }
}

/** The object in the API version of a kind. */
export function toVersion(object: KubeObject, kind: Kind): KubeObject {
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : freezeJson({ ...object, apiVersion });
}

/** The object with managedFields, when it has any. */
export function withManagedFields(
  object: KubeObject,
  managers: readonly FieldManager[],
): KubeObject {
  return managers.length === 0
    ? object
    : freezeJson({
        ...object,
        metadata: { ...object.metadata, managedFields: managedFields(managers) },
      });
}
