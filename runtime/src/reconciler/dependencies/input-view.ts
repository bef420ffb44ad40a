/**
 * What a worker sees of the cluster.
 *
 * Guarantees
 * - A view shows only what the input declares. Another read throws and names the place.
 * - All views of one reconcile show the cluster at one instant: the begin of the reconcile.
 * - Every read is recorded, so that a change of the object enqueues the resource.
 */
import type { InputDefinition, WorkerDefinition } from '../../api/scheduler.ts';
import type { InputView, ReadOptions } from '../../api/worker.ts';
import { PermanentError, RetryLater } from '../../api/worker.ts';
import type { Informer } from '../../cache/informer.ts';
import { matchesSelector, requirementsOf } from '../../client/label-selector.ts';
import type { KubeObject, ObjectKey } from '../../client/object.ts';
import { keyString } from '../../client/object.ts';
import type { ReconcileRequest } from '../reconcile-context.ts';
import type { InformerLookup } from '../reconcile-deps.ts';
import type { ReadTracker } from './read-tracker.ts';
import { readsFor } from './read-tracker.ts';

/** The delay of `require` for an object that does not exist. A change enqueues earlier. */
const REQUIRE_RETRY = '10s';

type Reader = Pick<ReconcileRequest, 'resource' | 'tracker'>;

/**
 * Why an input of a worker cannot be read. A kind that cannot be read must not look like a kind
 * without objects. An optional input whose kind the API server does not serve is no problem.
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

/**
 * Why an output of a worker is not in the cache yet. Its objects may exist, so they can neither be
 * compared nor pruned.
 */
export function unreadOutputReason(
  { outputs }: Pick<WorkerDefinition, 'outputs'>,
  informers: InformerLookup,
): string | undefined {
  for (const output of outputs) {
    const { unreadReason } = informers.forOutput(output);
    if (unreadReason !== undefined) {
      return `output ${output.name} cannot be read: ${unreadReason}`;
    }
  }
  return undefined;
}

/** The views of all inputs, by name. Access to another name throws a PermanentError. */
export function createInputViews(
  definition: WorkerDefinition,
  reader: Reader,
  informerOf: (input: InputDefinition) => Informer,
): Record<string, InputView<KubeObject>> {
  const views = new Map<string, InputView<KubeObject>>(
    definition.inputs.map((input) => [
      input.name,
      createInputView(definition, input, informerOf(input), reader),
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

/** The view of one input, over the cache of one informer. */
export function createInputView(
  definition: WorkerDefinition,
  input: InputDefinition,
  informer: Informer,
  reader: Reader,
): InputView<KubeObject> {
  const { tracker } = reader;
  const reads = readsFor(tracker.dependencies, informer);
  const resolve = (options: ReadOptions | undefined, isList: boolean): string | undefined =>
    resolveNamespace({ definition, input, informer, reader }, options?.namespace, isList);
  const get = (name: string, options?: ReadOptions): KubeObject | undefined => {
    const namespace = resolve(options, false);
    return readObject(informer, namespace === undefined ? { name } : { namespace, name }, tracker);
  };
  return {
    get available() {
      return informer.unavailableReason === undefined;
    },
    get,
    require(name, options) {
      const found = get(name, options);
      if (found === undefined) {
        throw new RetryLater(REQUIRE_RETRY, `${input.type.kind} ${name} does not exist yet`);
      }
      return found;
    },
    list(options) {
      const namespace = resolve(options, true);
      const requirements = options?.selector === undefined ? [] : requirementsOf(options.selector);
      reads.lists.push({ namespace, requirements });
      return listAtStart(informer, namespace, tracker).filter((object) =>
        matchesSelector(requirements, object.metadata.labels),
      );
    },
  };
}

interface ViewSource {
  readonly definition: WorkerDefinition;
  readonly input: InputDefinition;
  readonly informer: Informer;
  readonly reader: Reader;
}

/**
 * The namespace to read from. Default: the namespace of the resource; all namespaces for a list of
 * an input with `namespace: all`.
 *
 * @returns undefined: all namespaces, or the kind is cluster-scoped
 * @throws PermanentError when the input does not show that namespace
 */
function resolveNamespace(
  { definition, input, informer, reader }: ViewSource,
  requested: string | undefined,
  isList: boolean,
): string | undefined {
  if (!input.type.namespaced) {
    return undefined;
  }
  const own = reader.resource.metadata.namespace;
  const place = `input ${input.name} of ${locationOf(definition)}`;
  const readsAll = isList && input.namespace === 'all';
  if (requested === undefined) {
    if (own === undefined && !readsAll) {
      throw new PermanentError(`${place}: the resource has no namespace, so name one`);
    }
    return readsAll ? undefined : own;
  }
  if (input.namespace === 'own' && requested !== own) {
    throw new PermanentError(
      `${place} sees the resource's own namespace only; declare it as { name: ${input.name}, namespace: all } to read from ${requested}`,
    );
  }
  if (!informer.covers({ namespace: requested, name: '' })) {
    throw new PermanentError(
      `${place} cannot read from namespace ${requested}: the operator does not watch it`,
    );
  }
  return requested;
}

/** Reads one object as it was when the reconcile began. */
function readObject(
  informer: Informer,
  key: ObjectKey,
  { dependencies, valuesAtStart }: ReadTracker,
): KubeObject | undefined {
  const name = keyString(key);
  readsFor(dependencies, informer).keys.add(name);
  const changed = valuesAtStart.get(informer);
  return changed?.has(name) === true ? changed.get(name) : informer.get(key);
}

/** The objects of a namespace as they were when the reconcile began, sorted by key. */
function listAtStart(
  informer: Informer,
  namespace: string | undefined,
  tracker: ReadTracker,
): readonly KubeObject[] {
  const live = informer.list(namespace);
  const changed = tracker.valuesAtStart.get(informer);
  if (changed === undefined) {
    return live;
  }
  const atStart = [...changed.values()].flatMap((object) => object ?? []);
  const inNamespace = atStart.filter(
    ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
  );
  const unchanged = live.filter((object) => !changed.has(keyString(object.metadata)));
  return [...unchanged, ...inNamespace].sort((a, b) =>
    keyString(a.metadata) < keyString(b.metadata) ? -1 : 1,
  );
}

function locationOf({ title, line }: WorkerDefinition): string {
  return `${title}${line === undefined ? '' : ` (autopilot.yaml, line ${line})`}`;
}
