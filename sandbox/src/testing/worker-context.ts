/** Creates the context of a worker, for tests that call one worker as a plain function. */
import type { InputView, LabelSelector, UndoneChange } from 'autopilot-runtime';
import type { AnyContext } from 'autopilot-runtime/generated';
import { RetryLater } from 'autopilot-runtime';
import {
  NOOP_LOGGER,
  deepFreeze,
  matchesSelector,
  parseSelector,
  formatSelector,
} from 'autopilot-runtime/internal';
import { EPOCH } from '../virtual-clock.ts';

type InputItem<View> = View extends InputView<infer T> ? T : never;

interface NamedObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** An object of which a test gives only the fields that matter. Its name is required. */
export type PartialObject<T> = PartialFields<T> & {
  /** Metadata. Only the name is required. */
  readonly metadata: { readonly name: string };
};
type PartialFields<T> = T extends readonly (infer E)[]
  ? readonly PartialFields<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: PartialFields<T[K]> | undefined }
    : T;

/** What a test gives for the context of a worker. `C` is the phase's `Context`. */
export interface WorkerContextOptions<
  C extends Pick<AnyContext, 'resource'> & { readonly inputs: object },
> {
  /** The resource. Namespace: `default` unless it names one. */
  readonly resource: PartialObject<C['resource']>;
  /**
   * The objects of each input, by its name. Namespace of an object: that of the resource unless it
   * names one. An input that is left out has no objects. An input that is `undefined` is not
   * available.
   */
  readonly inputs?: {
    readonly [Name in keyof C['inputs']]?:
      | readonly PartialObject<InputItem<C['inputs'][Name]>>[]
      | undefined;
  };
  /** The methods of `context.metrics` that the worker calls. Default: none. */
  readonly metrics?: C extends { readonly metrics: infer M } ? Partial<M> : never;
  /** `context.config`: the user's settings. Default: `{}`. */
  readonly config?: unknown;
  /** `context.now`. Default: 2026-01-01T00:00:00Z. */
  readonly now?: Date;
  /** `context.phaseStartedAt`. Default: `now`. */
  readonly phaseStartedAt?: Date;
  /** `context.lastStep`. Default: undefined, no step was made. */
  readonly lastStep?: Date;
  /** `context.undone`. Default: empty, other clients have changed nothing. */
  readonly undone?: readonly UndoneChange[];
}

/**
 * Creates the context that a worker is called with. Its objects are frozen, as in the operator. Its
 * signal is never aborted, and its log writes nothing.
 *
 * @typeParam C the `Context` of `src/generated/<phase>.ts`.
 *
 * @example
 * const context = workerContext<Context>({
 *   resource: { metadata: { name: 'example' }, spec: { size: 1 } },
 *   inputs: { deployments: [{ metadata: { name: 'web' } }] },
 * });
 * expect(await sync(context)).to.deep.equal({ next: 'Ready' });
 */
export function workerContext<C extends Pick<AnyContext, 'resource'> & { readonly inputs: object }>(
  options: WorkerContextOptions<C>,
): C {
  const {
    inputs = {},
    metrics,
    config = {},
    now = new Date(EPOCH),
    phaseStartedAt = now,
    lastStep,
    undone = [],
  } = options;
  const resource = withNamespace(options.resource, 'default');
  const context = {
    resource,
    inputs: createInputs(
      inputs as Readonly<Record<string, readonly NamedObject[] | undefined>>,
      resource.metadata.namespace,
    ),
    config,
    log: NOOP_LOGGER,
    signal: new AbortController().signal,
    now,
    phaseStartedAt,
    lastStep,
    undone,
    ...(metrics !== undefined && { metrics }),
  };
  return context as unknown as C;
}

/** A view for each input. An input that is left out has an empty view. */
function createInputs(
  inputs: Readonly<Record<string, readonly NamedObject[] | undefined>>,
  ownNamespace: string | undefined,
): object {
  const views = new Map(
    Object.entries(inputs).map(([name, objects]) => [
      name,
      createInputView(name, objects, ownNamespace),
    ]),
  );
  const viewOf = (name: string): InputView<NamedObject> =>
    views.get(name) ?? createInputView(name, [], ownNamespace);
  return new Proxy({}, { get: (_, name) => (typeof name === 'string' ? viewOf(name) : undefined) });
}

/** @param objects undefined: the input is not available. */
function createInputView(
  input: string,
  objects: readonly NamedObject[] | undefined,
  ownNamespace: string | undefined,
): InputView<NamedObject> {
  const namespaced = (objects ?? []).map((object) => withNamespace(object, ownNamespace));
  const objectsIn = (namespace: string | undefined): readonly NamedObject[] =>
    namespaced.filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
  const get = (name: string, options?: { readonly namespace?: string }): NamedObject | undefined =>
    objectsIn(options?.namespace ?? ownNamespace).find(({ metadata }) => metadata.name === name);
  return {
    available: objects !== undefined,
    get,
    require(name, options) {
      const found = get(name, options);
      if (found === undefined) {
        throw new RetryLater('10s', `${input}: ${name} does not exist yet`);
      }
      return found;
    },
    list(options?: { readonly namespace?: string; readonly selector?: LabelSelector }) {
      const requirements =
        options?.selector === undefined ? [] : parseSelector(formatSelector(options.selector));
      const found = objectsIn(options?.namespace).filter(({ metadata }) =>
        matchesSelector(requirements, metadata.labels),
      );
      return found.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
    },
  };
}

/** A frozen copy, in the given namespace unless the object names one. */
function withNamespace<T extends { readonly metadata: object }>(
  object: T,
  namespace: string | undefined,
): T & NamedObject {
  const metadata = { ...(namespace !== undefined && { namespace }), ...object.metadata };
  return deepFreeze(structuredClone({ ...object, metadata })) as T & NamedObject;
}

function objectKey({ metadata }: NamedObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
