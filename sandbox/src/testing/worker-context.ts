/** The context of a worker, by hand: for tests of one worker as the plain function it is. */
import type { InputView, LabelSelector, Logger } from 'autopilot-runtime';
import { RetryLater } from 'autopilot-runtime';
import type { AnyContext } from 'autopilot-runtime/internal';
import {
  deepFreeze,
  matchesSelector,
  parseSelector,
  formatSelector,
} from 'autopilot-runtime/internal';
import { EPOCH } from '../virtual-clock.ts';

type InputItem<View> = View extends InputView<infer T> ? T : never;
type NamedObject = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
};

/** As much of an object as a test needs. */
export type PartialObject<T> = PartialFields<T> & { readonly metadata: { readonly name: string } };
type PartialFields<T> = T extends readonly (infer E)[]
  ? readonly PartialFields<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: PartialFields<T[K]> | undefined }
    : T;

export interface WorkerContextOptions<
  C extends Pick<AnyContext, 'resource'> & { readonly inputs: object },
> {
  /** Without a namespace it lies in `default`. */
  readonly resource: PartialObject<C['resource']>;
  /**
   * The objects that each input shows; an input that is left out shows none, one that is
   * `undefined` is not available.
   */
  readonly inputs?: {
    readonly [Name in keyof C['inputs']]?:
      | readonly PartialObject<InputItem<C['inputs'][Name]>>[]
      | undefined;
  };
  /** The methods of `context.metrics` that the worker calls. */
  readonly metrics?: C extends { readonly metrics: infer M } ? Partial<M> : never;
  readonly config?: unknown;
  /** Default: 2026-01-01T00:00:00Z. */
  readonly now?: Date;
  /** Default: `now`. */
  readonly phaseStartedAt?: Date;
  readonly lastStep?: Date;
}

const NOOP_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * What a worker would be called with: `workerContext<Context>({ resource, inputs: { deployments:
 * [web] }
 * })`, with the `Context` of
 * `src/generated/<phase>.ts`. Objects are frozen, as they are in the cluster.
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
  } = options;
  const resource = deepFreeze(
    structuredClone({
      ...options.resource,
      metadata: { namespace: 'default', ...options.resource.metadata },
    }),
  );
  const { namespace } = resource.metadata;
  const views = new Map(
    Object.entries(inputs as Record<string, readonly NamedObject[] | undefined>).map(
      ([name, objects]) => [name, createInputView(name, objects, namespace)],
    ),
  );
  const built = {
    resource,
    inputs: new Proxy(
      {},
      {
        get: (_, name) =>
          typeof name === 'string'
            ? (views.get(name) ?? createInputView(name, [], namespace))
            : undefined,
      },
    ),
    config,
    log: NOOP_LOGGER,
    signal: new AbortController().signal,
    now,
    phaseStartedAt,
    lastStep,
    ...(metrics !== undefined && { metrics }),
  };
  return built as unknown as C;
}

/** Objects without a namespace lie in the resource's. */
function createInputView(
  input: string,
  objects: readonly NamedObject[] | undefined,
  ownNamespace: string | undefined,
): InputView<NamedObject> {
  const namespaced = (objects ?? []).map((object) =>
    deepFreeze(
      structuredClone({
        ...object,
        metadata: {
          ...(ownNamespace !== undefined && { namespace: ownNamespace }),
          ...object.metadata,
        },
      }),
    ),
  );
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
        throw new RetryLater('10s', `${input}: ${name} is not there yet`);
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

function objectKey({ metadata }: NamedObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
