/**
 * An in-memory Kubernetes cluster behind `KubeApi`. `test/conformance` holds it to a real API
 * server: where they differ, the real
 * one is right.
 *
 * What it does not do: authorization (`rights.ts` does, in front of it), admission webhooks, fields
 * of built-in kinds (docs/reference/conformance.md), and controllers
 * other than the garbage collector (a Deployment stays as it is written).
 */
import type { Clock, KubeApi, KubeObject, ObjectKey, ResourceType } from 'autopilot-runtime/ports';
import { VirtualClock } from '../clock.ts';
import { viewed } from './admit.ts';
import { startCollector } from './collector.ts';
import { CLEANUP, isDefinition } from './definition.ts';
import { notServed } from './errors.ts';
import { withOneStoreOfEvents } from './events.ts';
import type { Kind } from './kinds.ts';
import { Kinds } from './kinds.ts';
import { list, matcherOf, Pages } from './lists.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import type { Change } from './records.ts';
import { inVersion, Records } from './records.ts';
import type { Backlog } from './watch.ts';
import { watch } from './watch.ts';
import type { UncheckedRule } from './rules.ts';
import { Rules } from './rules.ts';
import { Writes } from './writes.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export interface ClusterOptions {
  /** Default: a `VirtualClock`. */
  readonly clock?: Clock;
  /**
   * Whether garbage is collected and namespaces end, as the controller manager sees to beside a
   * real API server. Default true.
   */
  readonly controllers?: boolean;
}

export class Cluster {
  readonly clock: Clock;
  readonly api: KubeApi;
  readonly #records = new Records();
  readonly #kinds = new Kinds();
  readonly #rules = new Rules();
  readonly #writes: Writes;
  readonly #backlog: Backlog = { undelivered: 0 };
  readonly #pages = new Pages();

  constructor({ clock = new VirtualClock(), controllers = true }: ClusterOptions = {}) {
    this.clock = clock;
    this.#writes = new Writes(this.#records, this.#kinds, clock, this.#rules);
    this.#records.subscribe((change) => this.#definitionsChanged(change));
    if (controllers) {
      this.#startCollector();
    }
    this.api = withOneStoreOfEvents(this.#door());
    for (const name of NAMESPACES) {
      this.#writes.create(this.#kind({ group: '', version: 'v1', plural: 'namespaces' }), {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
    }
  }

  #startCollector(): void {
    startCollector(this.#records, this.clock, {
      remove: ({ kind, object }) => this.#writes.delete(kind, object.metadata),
      change: (stored, object) =>
        void this.#writes.patch(stored.kind, stored.object.metadata, () => object, {
          fieldManager: 'kube-controller-manager',
        }),
    });
  }

  /** Counts every write that changed something. */
  get version(): number {
    return this.#records.version;
  }

  /** Watch events that nobody has taken yet. */
  get undelivered(): number {
    return this.#backlog.undelivered;
  }

  /** Everything there is, without managedFields. Frozen. */
  objects(): readonly KubeObject[] {
    return [...this.#records.all()].map(({ object }) => object);
  }

  /**
   * Tells every change as it happens: what was (absent: created) and what is (absent: deleted).
   * Returns what ends it.
   */
  onChange(
    listener: (before: KubeObject | undefined, after: KubeObject | undefined) => void,
  ): () => void {
    return this.#records.subscribe(({ before, after }) => listener(before, after));
  }

  /** How the cluster serves a kind. @throws Error when it does not. */
  typeOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceType {
    const kind = this.#kinds.ofObject(object);
    if (kind === undefined) {
      throw new Error(
        `the cluster does not serve ${object.kind} of ${object.apiVersion}: create its CustomResourceDefinition first`,
      );
    }
    return kind;
  }

  /**
   * The kind of this name; of several versions the newest, of several groups the one that was
   * served first. @throws Error
   */
  typeNamed(name: string): ResourceType {
    const kind = this.#kinds.named(name);
    if (kind === undefined) {
      throw new Error(
        `the cluster serves no kind '${name}': create its CustomResourceDefinition first`,
      );
    }
    return kind;
  }

  /**
   * Rules of definitions that were not checked, because they ask for something that CEL does not
   * have here.
   */
  get unchecked(): readonly UncheckedRule[] {
    return this.#rules.unchecked;
  }

  /** All kinds that are served now. */
  kinds(): Iterable<Kind> {
    return this.#kinds.all();
  }

  /** An object as its Scale. @throws ApiError 404 */
  scale(type: ResourceType, key: ObjectKey): KubeObject {
    return this.#writes.scale(this.#kind(type), key);
  }

  /**
   * Forgets what happened so far, as etcd's compaction does: older watches and list pages end with
   * 410.
   */
  compact(): void {
    this.#records.compact();
    this.#pages.clear();
  }

  #door(): KubeApi {
    const writes = this.#writes;
    const answer = async (
      kind: Kind,
      signal: AbortSignal | undefined,
      act: () => KubeObject,
    ): Promise<KubeObject> => {
      signal?.throwIfAborted();
      const object = act();
      return object.kind === kind.kind ? inVersion(object, kind) : object;
    };
    return {
      list: async (type, options = {}, signal) => {
        signal?.throwIfAborted();
        return list(this.#kind(type), options, this.#records, this.#pages);
      },
      watch: (type, options, signal) =>
        watch(
          this.#kinds.find(type),
          options,
          matcherOf(options, type),
          this.#records,
          this.clock,
          this.#backlog,
          signal,
        ),
      get: async (type, key, signal) =>
        answer(
          this.#kind(type),
          signal,
          () => writes.existing(this.#kind(type), placed(type, key)).served,
        ),
      create: async (type, object, options, signal) =>
        answer(this.#kind(type), signal, () =>
          writes.create(this.#kind(type), inPlace(type, object), options),
        ),
      replace: async (type, object, options, signal) =>
        answer(this.#kind(type), signal, () =>
          writes.replace(this.#kind(type), inPlace(type, object), options),
        ),
      apply: async (type, object, options, signal) =>
        answer(this.#kind(type), signal, () =>
          writes.apply(this.#kind(type), inPlace(type, object), options),
        ),
      patch: async (type, key, patch, options, signal) =>
        answer(this.#kind(type), signal, () => {
          const change = (old: KubeObject): KubeObject =>
            (patch.type === 'json'
              ? jsonPatch(old, patch.body)
              : mergePatch(old, patch.body)) as KubeObject;
          return writes.patch(
            this.#kind(type),
            placed(type, key),
            (old) => inPlace(type, change(old)),
            options,
          );
        }),
      delete: async (type, key, options, signal) => {
        signal?.throwIfAborted();
        writes.delete(this.#kind(type), placed(type, key), options);
      },
    };
  }

  /** @throws ApiError 404 when the kind is not served. */
  #kind(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): Kind {
    const kind = this.#kinds.find(type);
    if (kind === undefined) {
      throw notServed();
    }
    return kind;
  }

  #definitionsChanged({ kind, before, after }: Change): void {
    if (!isDefinition(kind)) {
      return;
    }
    if (after === undefined) {
      if (before !== undefined) {
        for (const gone of this.#kinds.undefine(before)) {
          for (const stored of this.#records.list(gone)) {
            this.#records.remove(stored);
          }
        }
      }
    } else if (after.metadata.deletionTimestamp !== undefined) {
      this.#endDefinition(after);
    } else if (before === undefined || before.metadata.generation !== after.metadata.generation) {
      for (const defined of this.#kinds.define(after)) {
        for (const stored of this.#records.list(defined)) {
          this.#records.refresh(stored, defined, viewed(defined, stored.object));
        }
      }
    }
  }

  /** The objects of a definition that is being deleted go first, then the definition. */
  #endDefinition(definition: KubeObject): void {
    const kinds = this.#kinds.of(definition);
    const end = (): void => {
      const left = kinds.flatMap((kind) => this.#records.list(kind));
      for (const { kind, object } of left) {
        if (object.metadata.deletionTimestamp === undefined) {
          this.#writes.delete(kind, object.metadata);
        }
      }
      if (kinds.some((kind) => this.#records.list(kind).length > 0)) {
        return;
      }
      stop();
      const stored = this.#records.byUid(definition.metadata.uid ?? '');
      const without = (object: KubeObject): KubeObject => ({
        ...object,
        metadata: {
          ...object.metadata,
          finalizers: (object.metadata.finalizers ?? []).filter((one) => one !== CLEANUP),
        },
      });
      if (stored !== undefined) {
        this.#writes.patch(stored.kind, stored.object.metadata, without, {
          fieldManager: 'kube-apiserver',
        });
      }
    };
    const stop = this.#records.subscribe(({ kind, after }) => {
      if (
        after === undefined &&
        kinds.some((one) => one.group === kind.group && one.plural === kind.plural)
      ) {
        this.clock.after(0, end);
      }
    });
    this.clock.after(0, end);
  }
}

/** The server drops a namespace where the kind has none. */
function placed<T extends { readonly namespace?: string }>(
  { namespaced }: ResourceType,
  place: T,
): T {
  if (namespaced || place.namespace === undefined) {
    return place;
  }
  const { namespace: _, ...rest } = place;
  return rest as T;
}

function inPlace(type: ResourceType, object: KubeObject): KubeObject {
  return type.namespaced || object.metadata?.namespace === undefined
    ? object
    : { ...object, metadata: placed(type, object.metadata) };
}
