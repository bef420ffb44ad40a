/**
 * An in-memory Kubernetes cluster behind `KubeApi`. `test/conformance` holds it to a real API server: where they differ, the real
 * one is right.
 *
 * What it does not do: authorization, admission webhooks, CEL rules, validation and defaulting of kinds that are not CRDs created
 * here, and controllers other than the garbage collector (a Deployment stays as it is written).
 */
import type { Clock, KubeApi, KubeList, KubeObject, ListOptions, ResourceType } from 'autopilot-runtime/ports';
import { deepFreeze, matchesSelector, parseSelector } from 'autopilot-runtime/ports';
import { VirtualClock } from '../clock.ts';
import { startCollector } from './collector.ts';
import { badRequest, expired, notServed } from './errors.ts';
import type { Kind } from './kinds.ts';
import { Kinds } from './kinds.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import type { Change } from './records.ts';
import { inVersion, Records } from './records.ts';
import type { Backlog, Matches } from './watch.ts';
import { watch } from './watch.ts';
import { Writes } from './writes.ts';

const CRDS: Pick<ResourceType, 'group' | 'version' | 'plural'> = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export interface ClusterOptions {
  /** Default: a `VirtualClock`. */
  readonly clock?: Clock;
}

export class Cluster {
  readonly clock: Clock;
  readonly api: KubeApi;
  readonly #records = new Records();
  readonly #kinds = new Kinds();
  readonly #writes: Writes;
  readonly #backlog: Backlog = { undelivered: 0 };
  readonly #pages = new Map<string, KubeList>();

  constructor({ clock = new VirtualClock() }: ClusterOptions = {}) {
    this.clock = clock;
    this.#writes = new Writes(this.#records, this.#kinds, clock);
    this.#records.subscribe((change) => this.#definitionsChanged(change));
    startCollector(this.#records, clock, {
      remove: ({ kind, object }) => this.#writes.delete(kind, object.metadata),
      change: (stored, object) => void this.#writes.update(stored.kind, stored.object.metadata, () => object, { fieldManager: 'kube-controller-manager' }),
    });
    this.api = this.#door();
    for (const name of NAMESPACES)
      this.#writes.create(this.#kind({ group: '', version: 'v1', plural: 'namespaces' }), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
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

  /** Tells every change as it happens: what was (absent: created) and what is (absent: deleted). Returns what ends it. */
  onChange(listener: (before: KubeObject | undefined, after: KubeObject | undefined) => void): () => void {
    return this.#records.subscribe(({ before, after }) => listener(before, after));
  }

  /** How the cluster serves a kind. @throws Error when it does not. */
  typeOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceType {
    const kind = this.#kinds.ofObject(object);
    if (kind === undefined) throw new Error(`the cluster does not serve ${object.kind} of ${object.apiVersion}: create its CustomResourceDefinition first`);
    return kind;
  }

  /** The kind of this name; of several versions the newest, of several groups the one that was served first. @throws Error */
  typeNamed(name: string): ResourceType {
    const kind = this.#kinds.named(name);
    if (kind === undefined) throw new Error(`the cluster serves no kind '${name}': create its CustomResourceDefinition first`);
    return kind;
  }

  /** Forgets what happened so far, as etcd's compaction does: older watches and list pages end with 410. */
  compact(): void {
    this.#records.compact();
    this.#pages.clear();
  }

  #door(): KubeApi {
    const writes = this.#writes;
    const answer = async (kind: Kind, signal: AbortSignal | undefined, act: () => KubeObject): Promise<KubeObject> => {
      signal?.throwIfAborted();
      return inVersion(act(), kind);
    };
    return {
      list: async (type, options = {}, signal) => {
        signal?.throwIfAborted();
        return this.#list(this.#kind(type), options);
      },
      watch: (type, options, signal) => watch(this.#kind(type), options, this.#matcher(options), this.#records, this.clock, this.#backlog, signal),
      get: async (type, key, signal) => answer(this.#kind(type), signal, () => writes.existing(this.#kind(type), key).served),
      create: async (type, object, options, signal) => answer(this.#kind(type), signal, () => writes.create(this.#kind(type), clone(object), options)),
      replace: async (type, object, options, signal) => answer(this.#kind(type), signal, () => writes.replace(this.#kind(type), clone(object), options)),
      apply: async (type, object, options, signal) => answer(this.#kind(type), signal, () => writes.apply(this.#kind(type), clone(object), options)),
      patch: async (type, key, patch, options, signal) =>
        answer(this.#kind(type), signal, () => {
          const change = (old: KubeObject): KubeObject =>
            (patch.type === 'json' ? jsonPatch(old, patch.body) : mergePatch(old, clone(patch.body))) as KubeObject;
          return writes.update(this.#kind(type), key, change, options);
        }),
      delete: async (type, key, options, signal) => {
        signal?.throwIfAborted();
        writes.delete(this.#kind(type), key, options);
      },
    };
  }

  /** @throws ApiError 404 when the kind is not served. */
  #kind(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): Kind {
    const kind = this.#kinds.find(type);
    if (kind === undefined) throw notServed();
    return kind;
  }

  #list(kind: Kind, options: ListOptions): KubeList {
    const { limit = Infinity, continue: token } = options;
    if (token !== undefined) {
      const rest = this.#pages.get(token);
      if (rest === undefined)
        throw expired(
          'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
        );
      return this.#page(rest, limit);
    }
    const matches = this.#matcher(options);
    const items = this.#records.list(kind).flatMap(({ object, served }) => (matches(object) ? [inVersion(served, kind)] : []));
    return this.#page({ resourceVersion: String(this.#records.version), items }, limit);
  }

  /** The first items; the rest is kept as it is now, so that all pages are of one moment. */
  #page({ resourceVersion, items }: KubeList, limit: number): KubeList {
    if (items.length <= limit) return { resourceVersion, items };
    const token = `${resourceVersion}-${this.#pages.size}`;
    this.#pages.set(token, { resourceVersion, items: items.slice(limit) });
    return { resourceVersion, items: items.slice(0, limit), continue: token };
  }

  #matcher({ namespace, labelSelector, fieldSelector }: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>): Matches {
    const requirements = labelSelector === undefined ? [] : parseSelector(labelSelector);
    const fields = (fieldSelector ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => fieldRequirement(part));
    return ({ metadata }) =>
      (namespace === undefined || metadata.namespace === namespace) &&
      matchesSelector(requirements, metadata.labels) &&
      fields.every(({ field, value, equal }) => (metadata[field] === value) === equal);
  }

  #definitionsChanged({ kind, before, after }: Change): void {
    if (kind.group !== CRDS.group || kind.plural !== CRDS.plural) return;
    if (after !== undefined) {
      this.#kinds.define(after);
      return;
    }
    if (before === undefined) return;
    for (const gone of this.#kinds.undefine(before)) for (const stored of this.#records.list(gone)) this.#records.remove(stored);
  }
}

interface FieldRequirement {
  readonly field: 'name' | 'namespace';
  readonly value: string;
  readonly equal: boolean;
}

function fieldRequirement(part: string): FieldRequirement {
  const match = /^metadata\.(name|namespace)(!=|==|=)(.*)$/.exec(part);
  if (match === null) throw badRequest(`field label not supported: ${part.split(/[!=]/)[0] ?? part}`);
  return { field: match[1] as FieldRequirement['field'], value: match[3] ?? '', equal: match[2] !== '!=' };
}

function clone<T>(value: T): T {
  return deepFreeze(JSON.parse(JSON.stringify(value)) as T);
}
