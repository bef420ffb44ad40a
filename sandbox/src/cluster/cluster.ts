/**
 * An in-memory Kubernetes cluster behind `KubeApi`. `test/conformance` compares it with a real API
 * server.
 *
 * Not part of the cluster:
 * - authorization, which `rbac.ts` adds in front of it
 * - admission webhooks
 * - validation of the fields of most built-in kinds (docs/reference/conformance.md)
 * - controllers other than the garbage collector: a Deployment stays as it is written
 */
import type {
  Clock,
  KubeApi,
  KubeObject,
  ObjectKey,
  ResourceType,
} from 'autopilot-runtime/internal';
import { VirtualClock } from '../virtual-clock.ts';
import { pruneAndDefault } from './prepare-object.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { CLEANUP_FINALIZER, isCrdKind } from './custom-resource-definition.ts';
import { notServed } from './api-errors.ts';
import { unifyEventVersions } from './event-conversion.ts';
import type { Kind } from './kind-registry.ts';
import { KindRegistry } from './kind-registry.ts';
import { listObjects, createMatcher, ListPages } from './list.ts';
import { freezeJson } from './frozen-json.ts';
import { applyJsonPatch, applyMergePatch } from './patch.ts';
import type { ObjectChange } from './object-store.ts';
import { toVersion, ObjectStore } from './object-store.ts';
import type { WatchBacklog } from './watch.ts';
import { watchObjects } from './watch.ts';
import { checkRequestSize } from './request-limits.ts';
import type { UncheckedRule } from './validation-rules.ts';
import { ValidationRules } from './validation-rules.ts';
import { WriteHandler } from './write-handler.ts';

const INITIAL_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Options of a {@link Cluster}. */
export interface ClusterOptions {
  /** The clock of timestamps, watches and garbage collection. Default: a `VirtualClock`. */
  readonly clock?: Clock;
  /**
   * Whether the garbage collector and the namespace controller run. A real cluster runs them in the
   * controller manager. Default: true.
   */
  readonly controllers?: boolean;
}

/** An in-memory cluster with the namespaces that every cluster has. */
export class Cluster {
  /** The clock of the cluster. */
  readonly clock: Clock;
  /** Client with all permissions. */
  readonly api: KubeApi;
  readonly #store = new ObjectStore();
  readonly #kinds = new KindRegistry();
  readonly #rules = new ValidationRules();
  readonly #writeHandler: WriteHandler;
  readonly #backlog: WatchBacklog = { undeliveredEvents: 0 };
  readonly #listPages = new ListPages();

  constructor({ clock = new VirtualClock(), controllers = true }: ClusterOptions = {}) {
    this.clock = clock;
    this.#writeHandler = new WriteHandler(this.#store, this.#kinds, clock, this.#rules);
    this.#store.subscribe((change) => this.#updateServedKinds(change));
    if (controllers) {
      this.#startGarbageCollector();
    }
    this.api = unifyEventVersions(this.#createApi());
    for (const name of INITIAL_NAMESPACES) {
      this.#writeHandler.create(this.#kind({ group: '', version: 'v1', plural: 'namespaces' }), {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
    }
  }

  #startGarbageCollector(): void {
    startGarbageCollector(this.#store, this.clock, {
      remove: ({ kind, object }) => this.#writeHandler.delete(kind, object.metadata),
      change: (stored, object) =>
        void this.#writeHandler.patch(stored.kind, stored.object.metadata, () => object, {
          fieldManager: 'kube-controller-manager',
        }),
    });
  }

  /** The newest resourceVersion. Every write that changes an object increments it. */
  get version(): number {
    return this.#store.version;
  }

  /** Number of queued watch events that no client has read. */
  get undeliveredEvents(): number {
    return this.#backlog.undeliveredEvents;
  }

  /** All objects, frozen, without managedFields. */
  objects(): readonly KubeObject[] {
    return [...this.#store.all()].map(({ object }) => object);
  }

  /** All objects, frozen, as clients receive them: with managedFields. */
  servedObjects(): readonly KubeObject[] {
    return [...this.#store.all()].map(({ served }) => served);
  }

  /**
   * Calls the listener for every change, with the object before (undefined: created) and after
   * (undefined: deleted).
   * @returns a function that removes the listener
   */
  onChange(
    listener: (before: KubeObject | undefined, after: KubeObject | undefined) => void,
  ): () => void {
    return this.#store.subscribe(({ before, after }) => listener(before, after));
  }

  /** Does the cluster serve this kind in this version? */
  serves(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): boolean {
    return this.#kinds.find(type) !== undefined;
  }

  /** The type of an object's kind. @throws Error when the cluster does not serve the kind */
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
   * The type of the kind with this name: the newest version, of the group that was served first.
   * @throws Error when the cluster serves no such kind
   */
  typeNamed(name: string): ResourceType {
    const kind = this.#kinds.byName(name);
    if (kind === undefined) {
      throw new Error(
        `the cluster serves no kind '${name}': create its CustomResourceDefinition first`,
      );
    }
    return kind;
  }

  /** Validation rules that were not checked, because the sandbox's CEL lacks a function. */
  get uncheckedRules(): readonly UncheckedRule[] {
    return this.#rules.uncheckedRules;
  }

  /** The kinds that the cluster serves at present. */
  kinds(): Iterable<Kind> {
    return this.#kinds.all();
  }

  /** The scale subresource of an object. @throws ApiError 404 */
  scale(type: ResourceType, key: ObjectKey): KubeObject {
    return this.#writeHandler.scale(this.#kind(type), key);
  }

  /** Drops the history, as etcd's compaction does: older watches and list pages end with 410. */
  compact(): void {
    this.#store.compact();
    this.#listPages.clear();
  }

  #createApi(): KubeApi {
    return { ...this.#createReadApi(), ...this.#createWriteApi() };
  }

  async #respond(
    kind: Kind,
    signal: AbortSignal | undefined,
    execute: () => KubeObject,
  ): Promise<KubeObject> {
    signal?.throwIfAborted();
    const object = execute();
    return object.kind === kind.kind ? toVersion(object, kind) : object;
  }

  /** @param body body of the request. */
  async #write(
    type: ResourceType,
    body: unknown,
    signal: AbortSignal | undefined,
    execute: () => KubeObject,
  ): Promise<KubeObject> {
    return this.#respond(this.#kind(type), signal, () => {
      checkRequestSize(body);
      return execute();
    });
  }

  #createReadApi(): Pick<KubeApi, 'list' | 'watch' | 'get'> {
    return {
      list: async (type, options = {}, signal) => {
        signal?.throwIfAborted();
        return listObjects(this.#kind(type), options, this.#store, this.#listPages);
      },
      watch: (type, options, signal) =>
        watchObjects(
          this.#kinds.find(type),
          { ...options, matches: createMatcher(options, type) },
          { store: this.#store, clock: this.clock, backlog: this.#backlog },
          signal,
        ),
      get: async (type, key, signal) =>
        this.#respond(
          this.#kind(type),
          signal,
          () => this.#writeHandler.existing(this.#kind(type), normalizeKey(type, key)).served,
        ),
    };
  }

  #createWriteApi(): Omit<KubeApi, 'list' | 'watch' | 'get'> {
    const writes = this.#writeHandler;
    return {
      create: async (type, object, options, signal) =>
        this.#write(type, object, signal, () =>
          writes.create(this.#kind(type), normalizeObject(type, object), options),
        ),
      replace: async (type, object, options, signal) =>
        this.#write(type, object, signal, () =>
          writes.replace(this.#kind(type), normalizeObject(type, object), options),
        ),
      apply: async (type, object, options, signal) =>
        this.#write(type, object, signal, () =>
          writes.apply(this.#kind(type), normalizeObject(type, object), options),
        ),
      // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
      patch: async (type, key, patch, options, signal) =>
        this.#write(type, patch.body, signal, () => {
          const change = (old: KubeObject): KubeObject =>
            (patch.type === 'json'
              ? applyJsonPatch(old, freezeJson(patch.body))
              : applyMergePatch(old, freezeJson(patch.body))) as KubeObject;
          return writes.patch(
            this.#kind(type),
            normalizeKey(type, key),
            (old) => normalizeObject(type, change(old)),
            options,
          );
        }),
      delete: async (type, key, options, signal) => {
        signal?.throwIfAborted();
        writes.delete(this.#kind(type), normalizeKey(type, key), options);
      },
    };
  }

  /** The served kind of a type. @throws ApiError 404 when the kind is not served */
  #kind(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): Kind {
    const kind = this.#kinds.find(type);
    if (kind === undefined) {
      throw notServed();
    }
    return kind;
  }

  #updateServedKinds({ kind, before, after }: ObjectChange): void {
    if (!isCrdKind(kind)) {
      return;
    }
    if (after === undefined) {
      if (before !== undefined) {
        for (const gone of this.#kinds.removeDefinition(before)) {
          for (const stored of this.#store.list(gone)) {
            this.#store.remove(stored);
          }
        }
      }
    } else if (after.metadata.deletionTimestamp !== undefined) {
      this.#deleteDefinition(after);
    } else if (before === undefined || before.metadata.generation !== after.metadata.generation) {
      for (const defined of this.#kinds.addDefinition(after)) {
        for (const stored of this.#store.list(defined)) {
          this.#store.refresh(stored, defined, pruneAndDefault(defined, stored.object));
        }
      }
    }
  }

  /** Deletes the objects of a terminating CustomResourceDefinition, then the definition. */
  #deleteDefinition(definition: KubeObject): void {
    const kinds = this.#kinds.ofDefinition(definition);
    const end = (): void => {
      const left = kinds.flatMap((kind) => this.#store.list(kind));
      for (const { kind, object } of left) {
        if (object.metadata.deletionTimestamp === undefined) {
          this.#writeHandler.delete(kind, object.metadata);
        }
      }
      if (kinds.some((kind) => this.#store.list(kind).length > 0)) {
        return;
      }
      stop();
      const stored = this.#store.byUid(definition.metadata.uid ?? '');
      const without = (object: KubeObject): KubeObject => ({
        ...object,
        metadata: {
          ...object.metadata,
          finalizers: (object.metadata.finalizers ?? []).filter((one) => one !== CLEANUP_FINALIZER),
        },
      });
      if (stored !== undefined) {
        this.#writeHandler.patch(stored.kind, stored.object.metadata, without, {
          fieldManager: 'kube-apiserver',
        });
      }
    };
    const stop = this.#store.subscribe(({ kind, after }) => {
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

/** The API server drops the namespace of a kind that has none. */
function normalizeKey<T extends { readonly namespace?: string }>(
  { namespaced }: ResourceType,
  key: T,
): T {
  if (namespaced || key.namespace === undefined) {
    return key;
  }
  const { namespace: _, ...rest } = key;
  return rest as T;
}

function normalizeObject(type: ResourceType, object: KubeObject): KubeObject {
  return type.namespaced || object.metadata?.namespace === undefined
    ? object
    : { ...object, metadata: normalizeKey(type, object.metadata) };
}
