/**
 * Views: what a phase sees of the cluster, and the record of what it read. A view never shows more
 * than its declaration; a read
 * outside it throws and names the place. All of its answers are of one moment: the begin of the
 * sync.
 */
import type { Informer } from '../../cache/informer.ts';
import type { StoreChange } from '../../cache/store.ts';
import type { KubeObject, ObjectKey } from '../../client/object.ts';
import { keyOf, parseKey, keyString } from '../../client/object.ts';
import type { LabelRequirement } from '../../client/label-selector.ts';
import { matchesSelector, requirementsOf } from '../../client/label-selector.ts';
import type { InputDefinition, WorkerDefinition } from '../../api/scheduler.ts';
import type { InputView, ReadOptions } from '../../api/worker.ts';
import { PermanentError, RetryLater } from '../../api/worker.ts';
import type { InformerLookup } from '../reconcile-deps.ts';

interface ListRead {
  readonly namespace: string | undefined;
  readonly requirements: readonly LabelRequirement[];
}

/** What one sync read of one informer. */
export interface InformerReads {
  readonly keys: Set<string>;
  readonly lists: ListRead[];
}

/** What one resource depends on, by informer. */
export type Dependencies = Map<Informer, InformerReads>;

/** What one sync under way reads, and what has changed below it. */
export interface ReadTracker {
  readonly dependencies: Dependencies;
  /** By informer and key: what stood there when the sync began. Undefined: nothing. */
  readonly valuesAtStart: Map<Informer, Map<string, KubeObject | undefined>>;
}

export function newReadTracker(): ReadTracker {
  return { dependencies: new Map(), valuesAtStart: new Map() };
}

/** A change while the sync runs: it goes on seeing what was there before. */
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
  const before = valuesAtStart.get(informer) ?? new Map<string, KubeObject | undefined>();
  valuesAtStart.set(informer, before);
  if (!before.has(key)) {
    before.set(key, old);
  }
}

/** Has something changed that the sync has read? Then what it decided may be wrong by now. */
export function hasOutdatedReads({ dependencies, valuesAtStart }: ReadTracker): boolean {
  return [...valuesAtStart].some(([informer, before]) => {
    const reads = dependencies.get(informer);
    return (
      reads !== undefined &&
      [...before].some(([key, old]) =>
        affectsReads(reads, { old, object: informer.get(parseKey(key)), writer: undefined }),
      )
    );
  });
}

export function readsFor(dependencies: Dependencies, informer: Informer): InformerReads {
  let reads = dependencies.get(informer);
  if (reads === undefined) {
    dependencies.set(informer, (reads = { keys: new Set(), lists: [] }));
  }
  return reads;
}

/** Both of two records: kept after a failed sync, which may have stopped reading early. */
export function mergeReads(a: Dependencies | undefined, b: Dependencies): Dependencies {
  if (a === undefined) {
    return b;
  }
  const both: Dependencies = new Map();
  for (const source of [a, b]) {
    for (const [informer, reads] of source) {
      const into = readsFor(both, informer);
      for (const key of reads.keys) {
        into.keys.add(key);
      }
      into.lists.push(
        ...reads.lists.filter((read) => !into.lists.some((known) => isSameListRead(known, read))),
      );
    }
  }
  return both;
}

function isSameListRead(a: ListRead, b: ListRead): boolean {
  return (
    a.namespace === b.namespace && JSON.stringify(a.requirements) === JSON.stringify(b.requirements)
  );
}

/**
 * Would a new sync read something else because of this change? Also "now exists" and "now matches"
 * (and no longer).
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

/**
 * Unknown is not absent: a kind that cannot be read is no kind without objects. @returns why one
 * cannot be read
 */
export function unreadableInputReason(
  { inputs }: Pick<WorkerDefinition, 'inputs'>,
  informers: InformerLookup,
): string | undefined {
  for (const input of inputs) {
    const { unavailableReason, isNotServed } = informers.forInput(input);
    if (unavailableReason !== undefined && !(input.optional === true && isNotServed)) {
      return `input ${input.name} cannot be read: ${unavailableReason}`;
    }
  }
  return undefined;
}

/** Views of all inputs; one that is not declared throws. */
export function createInputViews(
  definition: WorkerDefinition,
  resource: KubeObject,
  tracker: ReadTracker,
  informerOf: (input: InputDefinition) => Informer,
): Record<string, InputView<KubeObject>> {
  const views = new Map(
    definition.inputs.map((input) => [
      input.name,
      createInputView(definition, input, informerOf(input), resource, tracker),
    ]),
  );
  return new Proxy<Record<string, InputView<KubeObject>>>(Object.fromEntries(views), {
    get(target, name) {
      if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON') {
        return Reflect.get(target, name) as unknown;
      }
      throw new PermanentError(
        `${name} is no input of ${locationOf(definition)}; its inputs are ${[...views.keys()].join(', ') || 'none'}`,
      );
    },
  });
}

/** The view of one input for one sync; what it reads goes into `reading`. */
export function createInputView(
  definition: WorkerDefinition,
  input: InputDefinition,
  informer: Informer,
  resource: KubeObject,
  tracker: ReadTracker,
): InputView<KubeObject> {
  const own = resource.metadata.namespace;
  const place = `input ${input.name} of ${locationOf(definition)}`;
  const reads = readsFor(tracker.dependencies, informer);
  const namespaceOf = (options: ReadOptions | undefined, all: boolean): string | undefined => {
    if (!input.type.namespaced) {
      return undefined;
    }
    const namespace = options?.namespace;
    if (namespace === undefined && own === undefined && !all) {
      throw new PermanentError(`${place}: the resource has no namespace, so name one`);
    }
    if (input.namespace === 'own' && namespace !== undefined && namespace !== own) {
      throw new PermanentError(
        `${place} sees the resource's own namespace only; declare it as { name: ${input.name}, namespace: all } to read from ${namespace}`,
      );
    }
    if (namespace !== undefined && !informer.covers({ namespace, name: '' })) {
      throw new PermanentError(
        `${place} cannot read from namespace ${namespace}: the operator does not watch it`,
      );
    }
    return namespace ?? (all ? undefined : own);
  };
  const get = (name: string, options?: ReadOptions): KubeObject | undefined => {
    const namespace = namespaceOf(options, false);
    const key: ObjectKey = namespace === undefined ? { name } : { namespace, name };
    const text = keyString(key);
    reads.keys.add(text);
    const before = tracker.valuesAtStart.get(informer);
    return before?.has(text) === true ? before.get(text) : informer.get(key);
  };
  return {
    get available() {
      return informer.unavailableReason === undefined;
    },
    get,
    require(name, options) {
      const found = get(name, options);
      if (found === undefined) {
        throw new RetryLater('10s', `${input.type.kind} ${name} is not there yet`);
      }
      return found;
    },
    list(options) {
      const namespace = namespaceOf(options, input.namespace === 'all');
      const requirements = options?.selector === undefined ? [] : requirementsOf(options.selector);
      reads.lists.push({ namespace, requirements });
      return listAtStart(informer, namespace, tracker).filter((object) =>
        matchesSelector(requirements, object.metadata.labels),
      );
    },
  };
}

/** The objects of a namespace when the sync began. */
function listAtStart(
  informer: Informer,
  namespace: string | undefined,
  tracker: ReadTracker,
): readonly KubeObject[] {
  const live = informer.list(namespace);
  const valuesAtStart = tracker.valuesAtStart.get(informer);
  if (valuesAtStart === undefined) {
    return live;
  }
  const before = [...valuesAtStart.values()].flatMap((old) =>
    old !== undefined && (namespace === undefined || old.metadata.namespace === namespace)
      ? [old]
      : [],
  );
  const untouched = live.filter((object) => !valuesAtStart.has(keyString(object.metadata)));
  return [...untouched, ...before].sort((a, b) =>
    keyString(a.metadata) < keyString(b.metadata) ? -1 : 1,
  );
}

function locationOf({ title, line }: WorkerDefinition): string {
  return `${title}${line === undefined ? '' : ` (autopilot.yaml, line ${line})`}`;
}
