/** The surroundings of a conformance case: a client, a namespace of its own, the suite's kind. */
import { setTimeout as pause } from 'node:timers/promises';
import type {
  ApiStatus,
  JsonPatchOperation,
  KubeApi,
  KubeObject,
  ListOptions,
  ObjectKey,
  ResourceType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../runtime/src/internal.ts';
import { apiVersionOf, isApiError } from '../../runtime/src/internal.ts';
import { VOYAGE_CRD, VOYAGES } from './voyage-crd.ts';

export { VOYAGE_CRD, VOYAGES };

export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const SERVICES: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};
export const DEPLOYMENTS: ResourceType = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const CRDS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
export const LEASES: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
export const EVENTS: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
export const CORE_EVENTS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
export const SECRETS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};
export const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** Parts of an object as cases look at them. */
export interface Seen extends KubeObject {
  // oxlint-disable-next-line typescript/no-explicit-any -- cases look into objects of any kind
  readonly spec: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly status: any;
  readonly data?: Readonly<Record<string, string>>;
}

const SHARED = new WeakMap<KubeApi, Map<string, Promise<void>>>();

export class TestCluster {
  readonly api: KubeApi;
  readonly namespace: string;

  constructor(api: KubeApi, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  /** The suite's kind is served and the namespace is there. */
  static async prepare(api: KubeApi): Promise<void> {
    await api.apply(CRDS, VOYAGE_CRD as unknown as KubeObject, {
      fieldManager: 'suite',
      force: true,
    });
    await eventually(() => api.list(VOYAGES));
  }

  static async of(api: KubeApi, namespace: string): Promise<TestCluster> {
    await api.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    return new TestCluster(api, namespace);
  }

  key(name: string): ObjectKey {
    return { namespace: this.namespace, name };
  }

  object(type: ResourceType, name: string, rest: object, metadata: object = {}): KubeObject {
    return {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: { name, namespace: this.namespace, ...metadata },
      ...rest,
    };
  }

  voyage(name: string, spec: object = {}, metadata: object = {}): KubeObject {
    return this.object(VOYAGES, name, { spec: { route: 'FRA-MUC', ...spec } }, metadata);
  }

  async create(type: ResourceType, object: KubeObject, fieldManager = 'creator'): Promise<Seen> {
    return (await this.api.create(type, object, { fieldManager })) as Seen;
  }

  async get(type: ResourceType, name: string): Promise<Seen> {
    return (await this.api.get(type, this.key(name))) as Seen;
  }

  /** Server-side apply as `fieldManager`. */
  async apply(
    type: ResourceType,
    object: KubeObject,
    fieldManager: string,
    force = false,
  ): Promise<Seen> {
    return (await this.api.apply(type, object, { fieldManager, force })) as Seen;
  }

  async merge(
    type: ResourceType,
    name: string,
    body: object,
    options: { subresource?: 'status'; fieldManager?: string } = {},
  ): Promise<Seen> {
    return (await this.api.patch(type, this.key(name), { type: 'merge', body }, options)) as Seen;
  }

  /** A JSON patch. */
  async json(
    type: ResourceType,
    name: string,
    body: readonly JsonPatchOperation[],
    options: WriteOptions = {},
  ): Promise<Seen> {
    return (await this.api.patch(type, this.key(name), { type: 'json', body }, options)) as Seen;
  }

  /** Names in this namespace, in the order of the list. */
  async names(type: ResourceType, options: ListOptions = {}): Promise<readonly string[]> {
    return (await this.api.list(type, { namespace: this.namespace, ...options })).items.map(
      ({ metadata }) => metadata.name,
    );
  }

  /**
   * A kind of this case's own, served when the promise resolves. `spec` is the schema of its spec.
   */
  async define(
    kind: string,
    spec: object,
    more: { readonly version?: object; readonly scope?: 'Namespaced' | 'Cluster' } = {},
  ): Promise<ResourceType> {
    const type = this.typeOf(kind, more.scope);
    await this.api.create(CRDS, this.definition(kind, spec, more));
    await this.served(type);
    return type;
  }

  /**
   * Like `define`, but once for all cases on one server, in a group of its own. The schema of the
   * first call counts.
   */
  async sharedDefinition(kind: string, spec: object): Promise<ResourceType> {
    const group = 'shared.conformance.autopilot.test';
    const type = { ...this.typeOf(kind), group };
    let known = SHARED.get(this.api);
    if (known === undefined) {
      SHARED.set(this.api, (known = new Map()));
    }
    let defined = known.get(kind);
    if (defined === undefined) {
      const { spec: definition, ...rest } = this.definition(kind, spec) as KubeObject & {
        spec: object;
      };
      const object = {
        ...rest,
        metadata: { name: `${type.plural}.${group}` },
        spec: { ...definition, group },
      } as KubeObject;
      defined = this.api
        .apply(CRDS, object, { fieldManager: 'suite', force: true })
        .then(() => this.served(type));
      known.set(kind, defined);
    }
    await defined;
    return type;
  }

  typeOf(kind: string, scope: 'Namespaced' | 'Cluster' = 'Namespaced'): ResourceType {
    const group = `${this.namespace}.conformance.autopilot.test`;
    return {
      group,
      version: 'v1',
      kind,
      plural: `${kind.toLowerCase()}s`,
      namespaced: scope === 'Namespaced',
    };
  }

  definition(
    kind: string,
    spec: object,
    {
      version,
      scope = 'Namespaced',
    }: { readonly version?: object; readonly scope?: 'Namespaced' | 'Cluster' } = {},
  ): KubeObject {
    const { group, plural } = this.typeOf(kind);
    const names = { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        names,
        scope,
        versions: [{ name: 'v1', served: true, storage: true, schema, ...version }],
      },
    };
  }

  /** Resolves when the kind is served. */
  async served(type: ResourceType): Promise<void> {
    await eventually(() => this.api.list(type));
  }

  /** Events in this namespace after a version, until there are `count` besides bookmarks. */
  async watched(
    type: ResourceType,
    from: Partial<WatchOptions> & { readonly resourceVersion: string },
    count: number,
  ): Promise<readonly string[]> {
    const events: string[] = [];
    const stop = new AbortController();
    for await (const event of this.api.watch(
      type,
      { namespace: this.namespace, ...from },
      stop.signal,
    )) {
      if (event.type === 'BOOKMARK') {
        continue;
      }
      events.push(eventText(event));
      if (events.length === count) {
        break;
      }
    }
    return events;
  }
}

function eventText(event: Exclude<WatchEvent, { type: 'BOOKMARK' }>): string {
  return `${event.type} ${event.object.metadata.name}`;
}

/** What a call fails with. @throws Error when it does not fail with an ApiError. */
export async function failure(
  call: Promise<unknown>,
): Promise<Pick<ApiStatus, 'code' | 'reason' | 'message'>> {
  try {
    await call;
  } catch (error) {
    if (!isApiError(error)) {
      throw error;
    }
    const { code, reason, message } = error.status;
    return { code, reason, message };
  }
  throw new Error('the call was expected to fail, and did not');
}

/** What a failure says of its object. @throws what the call threw, when that says nothing */
export async function details(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    if (isApiError(error) && error.status.details !== undefined) {
      return error.status.details;
    }
    throw error;
  }
  throw new Error('the call was expected to fail, and did not');
}

/** Who owns which fields, for one manager: the FieldsV1 as it is. */
export function fieldsOf(object: KubeObject, manager: string): unknown {
  const entries = (object.metadata.managedFields ?? []) as readonly {
    manager: string;
    fieldsV1: unknown;
  }[];
  return entries.find((entry) => entry.manager === manager)?.fieldsV1;
}

/** Tries again until it does not fail, for up to 20 s. */
export async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > end) {
        throw error;
      }
      await pause(50);
    }
  }
}
