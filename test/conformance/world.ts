/** What every conformance case runs in: a door, a namespace of its own, a kind of the suite's. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiStatus, KubeApi, KubeObject, ResourceType, WatchEvent, WatchOptions } from '../../runtime/src/ports.ts';
import { apiVersionOf, isApiError } from '../../runtime/src/ports.ts';

export const FLIGHTS: ResourceType = { group: 'conformance.autopilot.test', version: 'v1', kind: 'Flight', plural: 'flights', namespaced: true };
export const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
export const SERVICES: ResourceType = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true };
export const DEPLOYMENTS: ResourceType = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true };
export const CRDS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
const NAMESPACES: ResourceType = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

const text = { type: 'string' };
const open = { type: 'object', properties: { phase: text, seen: { type: 'integer' } } };

export const FLIGHT_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'flights.conformance.autopilot.test' },
  spec: {
    group: FLIGHTS.group,
    names: { kind: 'Flight', plural: 'flights', singular: 'flight', listKind: 'FlightList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['route'],
                properties: {
                  route: { type: 'string', pattern: '^[A-Z]{3}-[A-Z]{3}$' },
                  altitude: { type: 'integer', minimum: 0, maximum: 500, default: 100 },
                  mode: { type: 'string', enum: ['visual', 'instrument'] },
                  note: { type: 'string', maxLength: 10, nullable: true },
                  crew: { type: 'object', additionalProperties: text },
                  tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
                  stops: { type: 'array', items: text, maxItems: 3 },
                  legs: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: { type: 'object', required: ['name'], properties: { name: text, from: text, to: text, hours: { type: 'integer', default: 1 } } },
                  },
                  limit: { 'x-kubernetes-int-or-string': true },
                  extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
              status: open,
            },
          },
        },
      },
    ],
  },
};

/** Parts of an object as cases look at them. */
export interface Seen extends KubeObject {
  // oxlint-disable-next-line typescript/no-explicit-any -- cases look into objects of any kind
  readonly spec: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly status: any;
  readonly data?: Readonly<Record<string, string>>;
}

export class World {
  readonly api: KubeApi;
  readonly namespace: string;

  constructor(api: KubeApi, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  /** The suite's kind is served and the namespace is there. */
  static async prepare(api: KubeApi): Promise<void> {
    await api.create(CRDS, FLIGHT_CRD as unknown as KubeObject);
    await eventually(() => api.list(FLIGHTS));
  }

  static async of(api: KubeApi, namespace: string): Promise<World> {
    await api.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    return new World(api, namespace);
  }

  object(type: ResourceType, name: string, rest: object, metadata: object = {}): KubeObject {
    return { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { name, namespace: this.namespace, ...metadata }, ...rest };
  }

  flight(name: string, spec: object = {}, metadata: object = {}): KubeObject {
    return this.object(FLIGHTS, name, { spec: { route: 'FRA-MUC', ...spec } }, metadata);
  }

  async create(type: ResourceType, object: KubeObject, fieldManager = 'creator'): Promise<Seen> {
    return (await this.api.create(type, object, { fieldManager })) as Seen;
  }

  async get(type: ResourceType, name: string): Promise<Seen> {
    return (await this.api.get(type, { namespace: this.namespace, name })) as Seen;
  }

  /** Server-side apply as `fieldManager`. */
  async apply(type: ResourceType, object: KubeObject, fieldManager: string, force = false): Promise<Seen> {
    return (await this.api.apply(type, object, { fieldManager, force })) as Seen;
  }

  async merge(type: ResourceType, name: string, body: object, options: { subresource?: 'status'; fieldManager?: string } = {}): Promise<Seen> {
    return (await this.api.patch(type, { namespace: this.namespace, name }, { type: 'merge', body }, options)) as Seen;
  }

  /** Events in this namespace after a version, until there are `count` besides bookmarks. */
  async watched(type: ResourceType, from: Partial<WatchOptions> & { readonly resourceVersion: string }, count: number): Promise<readonly string[]> {
    const events: string[] = [];
    const stop = new AbortController();
    for await (const event of this.api.watch(type, { namespace: this.namespace, ...from }, stop.signal)) {
      if (event.type === 'BOOKMARK') continue;
      events.push(eventText(event));
      if (events.length === count) break;
    }
    return events;
  }
}

function eventText(event: Exclude<WatchEvent, { type: 'BOOKMARK' }>): string {
  return `${event.type} ${event.object.metadata.name}`;
}

/** What a call fails with. @throws Error when it does not fail with an ApiError. */
export async function failure(call: Promise<unknown>): Promise<Pick<ApiStatus, 'code' | 'reason' | 'message'>> {
  try {
    await call;
  } catch (error) {
    if (!isApiError(error)) throw error;
    const { code, reason, message } = error.status;
    return { code, reason, message };
  }
  throw new Error('the call was expected to fail, and did not');
}

/** Who owns which fields, for one manager: the FieldsV1 as it is. */
export function fieldsOf(object: KubeObject, manager: string): unknown {
  const entries = (object.metadata.managedFields ?? []) as readonly { manager: string; fieldsV1: unknown }[];
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
      if (performance.now() > end) throw error;
      await pause(50);
    }
  }
}
