/** The context of a worker, by hand: for tests of one worker as the plain function it is. */
import type { InputView, LabelSelector, Log } from 'autopilot-runtime';
import { RetryLater } from 'autopilot-runtime';
import type { AnyContext } from 'autopilot-runtime/ports';
import {
  deepFreeze,
  matchesSelector,
  parseSelector,
  selectorString,
} from 'autopilot-runtime/ports';
import { EPOCH } from '../clock.ts';

type Item<View> = View extends InputView<infer T> ? T : never;
type Named = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
};

/** As much of an object as a test needs. */
export type Sketch<T> = Fields<T> & { readonly metadata: { readonly name: string } };
type Fields<T> = T extends readonly (infer E)[]
  ? readonly Fields<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Fields<T[K]> | undefined }
    : T;

export interface ContextOptions<
  C extends Pick<AnyContext, 'resource'> & { readonly inputs: object },
> {
  /** Without a namespace it lies in `default`. */
  readonly resource: Sketch<C['resource']>;
  /**
   * The objects that each input shows; an input that is left out shows none, one that is
   * `undefined` is not available.
   */
  readonly inputs?: {
    readonly [Name in keyof C['inputs']]?: readonly Sketch<Item<C['inputs'][Name]>>[] | undefined;
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

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * What a worker would be called with: `context<Context>({ resource, inputs: { deployments: [web] }
 * })`, with the `Context` of
 * `src/generated/<phase>.ts`. Objects are frozen, as they are in the cluster.
 */
export function context<C extends Pick<AnyContext, 'resource'> & { readonly inputs: object }>(
  options: ContextOptions<C>,
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
    Object.entries(inputs as Record<string, readonly Named[] | undefined>).map(
      ([name, objects]) => [name, view(name, objects, namespace)],
    ),
  );
  const made = {
    resource,
    inputs: new Proxy(
      {},
      {
        get: (_, name) =>
          typeof name === 'string' ? (views.get(name) ?? view(name, [], namespace)) : undefined,
      },
    ),
    config,
    log: SILENT,
    signal: new AbortController().signal,
    now,
    phaseStartedAt,
    lastStep,
    ...(metrics !== undefined && { metrics }),
  };
  return made as unknown as C;
}

/** Objects without a namespace lie in the resource's. */
function view(
  input: string,
  objects: readonly Named[] | undefined,
  own: string | undefined,
): InputView<Named> {
  const placed = (objects ?? []).map((object) =>
    deepFreeze(
      structuredClone({
        ...object,
        metadata: { ...(own !== undefined && { namespace: own }), ...object.metadata },
      }),
    ),
  );
  const inside = (namespace: string | undefined): readonly Named[] =>
    placed.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const get = (name: string, options?: { readonly namespace?: string }): Named | undefined =>
    inside(options?.namespace ?? own).find(({ metadata }) => metadata.name === name);
  return {
    available: objects !== undefined,
    get,
    need(name, options) {
      const found = get(name, options);
      if (found === undefined) {
        throw new RetryLater('10s', `${input}: ${name} is not there yet`);
      }
      return found;
    },
    list(options?: { readonly namespace?: string; readonly selector?: LabelSelector }) {
      const requirements =
        options?.selector === undefined ? [] : parseSelector(selectorString(options.selector));
      const found = inside(options?.namespace).filter(({ metadata }) =>
        matchesSelector(requirements, metadata.labels),
      );
      return found.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    },
  };
}

function placeOf({ metadata }: Named): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
