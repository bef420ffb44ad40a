/** The record of what a reconcile reads, and of what changes meanwhile. */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import type { LabelRequirement } from '../../client/label-selector.ts';
import { matchesSelector } from '../../client/label-selector.ts';
import type { KubeObject } from '../../client/object.ts';
import { keyOf, keyString, parseKey } from '../../client/object.ts';

interface ListRead {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly requirements: readonly LabelRequirement[];
}

/** Reads of one informer. */
export interface InformerReads {
  /** Objects read by name, as `namespace/name`, whether they exist or not. */
  readonly keys: Set<string>;
  readonly lists: ListRead[];
}

/** Reads of one resource, by informer. */
export type Dependencies = Map<Informer, InformerReads>;

/** Reads of a reconcile under way, and the changes since it began. */
export interface ReadTracker {
  readonly dependencies: Dependencies;
  /**
   * Objects that have changed since the reconcile began, as they were then, by informer and key.
   * Undefined: the object did not exist.
   */
  readonly valuesAtStart: Map<Informer, Map<string, KubeObject | undefined>>;
}

/** An empty record. */
export function newReadTracker(): ReadTracker {
  return { dependencies: new Map(), valuesAtStart: new Map() };
}

/** Keeps the old object of a change, because the reconcile goes on with what it began with. */
export function recordChange(
  { valuesAtStart }: ReadTracker,
  informer: Informer,
  { old, object }: StoreChange,
): void {
  const current = old ?? object;
  if (current === undefined) {
    return;
  }
  const key = keyString(keyOf(current));
  const values = valuesAtStart.get(informer) ?? new Map<string, KubeObject | undefined>();
  valuesAtStart.set(informer, values);
  if (!values.has(key)) {
    values.set(key, old);
  }
}

/** Has an object changed that the reconcile has read? Its decisions may be outdated then. */
export function hasOutdatedReads({ dependencies, valuesAtStart }: ReadTracker): boolean {
  return [...valuesAtStart].some(([informer, values]) => {
    const reads = dependencies.get(informer);
    if (reads === undefined) {
      return false;
    }
    return [...values].some(([key, old]) =>
      affectsReads(reads, { old, object: informer.get(parseKey(key)), writer: undefined }),
    );
  });
}

/** The reads of an informer; an empty record is added when there is none. */
export function readsFor(dependencies: Dependencies, informer: Informer): InformerReads {
  const known = dependencies.get(informer);
  if (known !== undefined) {
    return known;
  }
  const reads: InformerReads = { keys: new Set(), lists: [] };
  dependencies.set(informer, reads);
  return reads;
}

/** Both records together, for a reconcile that failed and may have stopped reading early. */
export function mergeReads(a: Dependencies | undefined, b: Dependencies): Dependencies {
  if (a === undefined) {
    return b;
  }
  const merged: Dependencies = new Map();
  for (const source of [a, b]) {
    for (const [informer, reads] of source) {
      addReads(readsFor(merged, informer), reads);
    }
  }
  return merged;
}

function addReads(into: InformerReads, { keys, lists }: InformerReads): void {
  for (const key of keys) {
    into.keys.add(key);
  }
  const isKnown = (read: ListRead): boolean =>
    into.lists.some((known) => isSameListRead(known, read));
  into.lists.push(...lists.filter((read) => !isKnown(read)));
}

function isSameListRead(a: ListRead, b: ListRead): boolean {
  return (
    a.namespace === b.namespace && JSON.stringify(a.requirements) === JSON.stringify(b.requirements)
  );
}

/**
 * Would the same reads return something else after this change? An object that is created or
 * deleted, or that begins or ceases to match a selector, counts too.
 */
export function affectsReads(reads: InformerReads, change: StoreChange): boolean {
  const object = change.object ?? change.old;
  if (object === undefined) {
    return false;
  }
  if (reads.keys.has(keyString(object.metadata))) {
    return true;
  }
  return reads.lists.some(
    ({ namespace, requirements }) =>
      (namespace === undefined || namespace === object.metadata.namespace) &&
      [change.old, change.object].some(
        (side) => side !== undefined && matchesSelector(requirements, side.metadata.labels),
      ),
  );
}
