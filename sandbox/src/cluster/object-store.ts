/** All objects of a cluster, the version counter and the history that watches are served from. */
import type { KubeObject, ObjectKey } from 'autopilot-runtime/ports';
import { apiVersionOf, keyOf, keyString } from 'autopilot-runtime/ports';
import { keep } from './frozen.ts';
import type { Kind } from './kinds.ts';
import type { Manager } from './managed.ts';
import { managedFields } from './managed.ts';

export interface Stored {
  readonly kind: Kind;
  /** Without managedFields. Deeply frozen. */
  readonly object: KubeObject;
  /** As it is served, with managedFields. Deeply frozen. */
  readonly served: KubeObject;
  readonly managers: readonly Manager[];
}

export interface Change {
  readonly kind: Kind;
  readonly version: number;
  readonly before: KubeObject | undefined;
  /** Absent: deleted. */
  readonly after: KubeObject | undefined;
  /** As watches show it; of a deleted object its last state with the version of the deletion. */
  readonly served: KubeObject;
}

/** Changes kept for watches, for each kind. */
const HISTORY = 10_000;

/**
 * Versions begin here, as those of a cluster that is no longer new: a watch from version 1 is too
 * old.
 */
const FIRST = 100;

interface Table {
  readonly entries: Map<string, Stored>;
  readonly history: Change[];
  /** Watches from an older version than this are too old. */
  oldest: number;
}

export class Records {
  readonly #tables = new Map<string, Table>();
  readonly #uids = new Map<string, Stored>();
  readonly #listeners = new Set<(change: Change) => void>();
  #version = FIRST;

  /** The version of the last change. */
  get version(): number {
    return this.#version;
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(kind: Kind, key: ObjectKey): Stored | undefined {
    return this.#table(kind).entries.get(keyString(key));
  }

  byUid(uid: string): Stored | undefined {
    return this.#uids.get(uid);
  }

  all(): Iterable<Stored> {
    return this.#uids.values();
  }

  /** Sorted by namespace and name, as the server lists. */
  list(kind: Kind): readonly Stored[] {
    return [...this.#table(kind).entries.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, stored]) => stored);
  }

  /** What happened to a kind after `version`; undefined when that is no longer known. */
  since(kind: Kind, version: number): readonly Change[] | undefined {
    const { history, oldest } = this.#table(kind);
    return version < oldest ? undefined : history.filter((change) => change.version > version);
  }

  oldest(kind: Kind): number {
    return this.#table(kind).oldest;
  }

  /** Forgets all history, as etcd's compaction does: watches from older versions end with 410. */
  compact(): void {
    for (const table of this.#tables.values()) {
      table.history.length = 0;
      table.oldest = this.#version;
    }
  }

  put(
    kind: Kind,
    before: Stored | undefined,
    object: KubeObject,
    managers: readonly Manager[],
  ): Stored {
    const version = this.#next();
    const bare = keep({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    });
    const stored = { kind, object: bare, served: withManagers(bare, managers), managers };
    this.#table(kind).entries.set(keyString(keyOf(bare)), stored);
    this.#uids.set(bare.metadata.uid ?? '', stored);
    this.#tell({ kind, version, before: before?.object, after: bare, served: stored.served });
    return stored;
  }

  remove(stored: Stored, last: KubeObject = stored.object): void {
    const version = this.#next();
    this.#table(stored.kind).entries.delete(keyString(keyOf(stored.object)));
    this.#uids.delete(stored.object.metadata.uid ?? '');
    const served = withManagers(
      keep({ ...last, metadata: { ...last.metadata, resourceVersion: String(version) } }),
      stored.managers,
    );
    this.#tell({ kind: stored.kind, version, before: stored.object, after: undefined, served });
  }

  /** The object reads differently from now on; nothing has happened to it. */
  refresh(stored: Stored, kind: Kind, object: KubeObject): void {
    const next = {
      kind,
      object,
      served: withManagers(object, stored.managers),
      managers: stored.managers,
    };
    this.#table(kind).entries.set(keyString(keyOf(object)), next);
    this.#uids.set(object.metadata.uid ?? '', next);
  }

  #next(): number {
    return ++this.#version;
  }

  #tell(change: Change): void {
    const table = this.#table(change.kind);
    table.history.push(change);
    if (table.history.length > HISTORY) {
      table.oldest = table.history.shift()?.version ?? table.oldest;
    }
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  #table({ group, plural }: Kind): Table {
    const key = `${group}/${plural}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      this.#tables.set(key, (table = { entries: new Map(), history: [], oldest: FIRST }));
    }
    return table;
  }
}

/** An object in the version that was asked for. */
export function inVersion(object: KubeObject, kind: Kind): KubeObject {
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : keep({ ...object, apiVersion });
}

/** With managedFields, where there are any. */
export function withManagers(object: KubeObject, managers: readonly Manager[]): KubeObject {
  return managers.length === 0
    ? object
    : keep({ ...object, metadata: { ...object.metadata, managedFields: managedFields(managers) } });
}
