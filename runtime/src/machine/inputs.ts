/**
 * Views: what a phase sees of the cluster, and the record of what it read. A view never shows more than its declaration; a read
 * outside it throws and names the place.
 */
import type { Informer } from '../cache/informer.ts';
import type { Change } from '../cache/store.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyString } from '../kube/object.ts';
import type { Requirement } from '../kube/selector.ts';
import { matchesSelector, requirementsOf } from '../kube/selector.ts';
import type { InputDefinition, PhaseDefinition } from '../scheduler.ts';
import type { InputView, ReadOptions } from '../worker.ts';
import { PermanentError, RetryLater } from '../worker.ts';

interface ListRead {
  readonly namespace: string | undefined;
  readonly requirements: readonly Requirement[];
}

/** What one sync read of one informer. */
export interface Reads {
  readonly keys: Set<string>;
  readonly lists: ListRead[];
}

/** What one resource depends on, by informer. */
export type Dependencies = Map<Informer, Reads>;

export function readsOf(dependencies: Dependencies, informer: Informer): Reads {
  let reads = dependencies.get(informer);
  if (reads === undefined) dependencies.set(informer, (reads = { keys: new Set(), lists: [] }));
  return reads;
}

/** Both of two records: kept after a failed sync, which may have stopped reading early. */
export function union(a: Dependencies | undefined, b: Dependencies): Dependencies {
  if (a === undefined) return b;
  const both: Dependencies = new Map();
  for (const source of [a, b])
    for (const [informer, reads] of source) {
      const into = readsOf(both, informer);
      for (const key of reads.keys) into.keys.add(key);
      into.lists.push(...reads.lists.filter((read) => !into.lists.some((known) => sameList(known, read))));
    }
  return both;
}

function sameList(a: ListRead, b: ListRead): boolean {
  return a.namespace === b.namespace && JSON.stringify(a.requirements) === JSON.stringify(b.requirements);
}

/** Would a new sync read something else because of this change? Also "now exists" and "now matches" (and no longer). */
export function touches(reads: Reads, change: Change): boolean {
  const object = change.object ?? change.old;
  if (object === undefined) return false;
  if (reads.keys.has(keyString(object.metadata))) return true;
  return reads.lists.some(
    ({ namespace, requirements }) =>
      (namespace === undefined || namespace === object.metadata.namespace) &&
      [change.old, change.object].some((side) => side !== undefined && matchesSelector(requirements, side.metadata.labels)),
  );
}

/** The view of one input for one sync; what it reads goes into `reads`. */
export function inputView(phase: PhaseDefinition, input: InputDefinition, informer: Informer, resource: KubeObject, reads: Reads): InputView<KubeObject> {
  const own = resource.metadata.namespace;
  const place = `input ${input.name} of phase ${phase.name}${phase.line === undefined ? '' : ` (autopilot.yaml, line ${phase.line})`}`;
  /** Undefined: all namespaces. */
  const namespaceOf = (options: ReadOptions | undefined): string | undefined => {
    if (!input.type.namespaced) return undefined;
    if (input.namespace === 'own' && options?.namespace !== undefined && options.namespace !== own)
      throw new PermanentError(
        `${place} sees the resource's own namespace only; declare it as { name: ${input.name}, namespace: all } to read from ${options.namespace}`,
      );
    return options?.namespace ?? own;
  };
  const get = (name: string, options?: ReadOptions): KubeObject | undefined => {
    const namespace = namespaceOf(options);
    const key = namespace === undefined ? { name } : { namespace, name };
    reads.keys.add(keyString(key));
    return informer.get(key);
  };
  return {
    get available() {
      return informer.unavailable === undefined;
    },
    get,
    need(name, options) {
      const found = get(name, options);
      if (found === undefined) throw new RetryLater('10s', `${input.type.kind} ${name} is not there yet`);
      return found;
    },
    list(options) {
      const namespace = input.namespace === 'all' && options?.namespace === undefined ? undefined : namespaceOf(options);
      const requirements = options?.selector === undefined ? [] : requirementsOf(options.selector);
      reads.lists.push({ namespace, requirements });
      return informer.list(namespace).filter((object) => matchesSelector(requirements, object.metadata.labels));
    },
  };
}
