/** Small operators for tests: a kind, phases, and the calls of their workers. */
import type {
  AnyContext,
  AnyResult,
  FinalizerDefinition,
  KubeObject,
  PhaseDefinition,
  Scheduler,
} from '../../runtime/src/internal.ts';
import { defineScheduler } from '../../runtime/src/generated.ts';
import type { ObjectManifest } from '../../sandbox/src/index.ts';

export const DRONES = {
  group: 'drones.autopilot.test',
  version: 'v1',
  kind: 'Drone',
  plural: 'drones',
  namespaced: true,
} as const;
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
/** The CRD for a cluster without an operator; it accepts any spec and status. */
export const DRONE_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${DRONES.plural}.${DRONES.group}` },
  spec: {
    group: DRONES.group,
    names: { kind: DRONES.kind, plural: DRONES.plural },
    scope: 'Namespaced',
    versions: [
      {
        name: DRONES.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: { ...anything, properties: { spec: anything, status: anything } },
        },
      },
    ],
  },
};
const CONFIG_MAPS = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
} as const;
export const SERVICES = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
} as const;
const NAMESPACES = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
} as const;
export const DEPLOYMENTS = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
} as const;
export const VIRTUAL_SERVICES = {
  group: 'networking.istio.io',
  version: 'v1',
  kind: 'VirtualService',
  plural: 'virtualservices',
  namespaced: true,
} as const;
const PODS = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true } as const;

export const input = {
  configmaps: { name: 'configmaps', type: CONFIG_MAPS, namespace: 'own' },
  pods: { name: 'pods', type: PODS, namespace: 'own' },
  virtualservices: { name: 'virtualservices', type: VIRTUAL_SERVICES, namespace: 'own' },
} as const;
export const output = {
  services: { name: 'services', type: SERVICES, namespace: 'own' },
  configmaps: { name: 'configmaps', type: CONFIG_MAPS, namespace: 'own' },
  namespaces: { name: 'namespaces', type: NAMESPACES, namespace: 'own' },
  virtualservices: { name: 'virtualservices', type: VIRTUAL_SERVICES, namespace: 'own' },
} as const;

type SyncFunction = (context: AnyContext) => AnyResult | Promise<AnyResult>;
export interface TestPhase extends Partial<Omit<PhaseDefinition, 'name' | 'worker'>> {
  readonly sync?: SyncFunction;
}

export interface WorkerCall {
  readonly phase: string;
  readonly resource: string;
  /** Seconds of virtual time since the first call. */
  readonly at: number;
}

export interface TestOperator {
  readonly scheduler: Scheduler;
  /** Every call of a worker so far. */
  readonly calls: WorkerCall[];
}

/** The first phase is the initial one; a phase without a worker is final. */
export function defineTestOperator(
  phases: Readonly<Record<string, TestPhase>>,
  finalizer?: Partial<FinalizerDefinition>,
): TestOperator {
  const calls: WorkerCall[] = [];
  let start: number | undefined;
  const definitions = Object.entries(phases).map(
    ([name, { sync, ...rest }], index): PhaseDefinition => ({
      name,
      inputs: [],
      outputs: [],
      ...(index === 0 && { initial: true }),
      ...(sync === undefined
        ? { final: true }
        : {
            worker: async (context) => {
              start ??= context.now.getTime();
              calls.push({
                phase: name,
                resource: context.resource.metadata.name,
                at: (context.now.getTime() - start) / 1000,
              });
              return sync(context);
            },
          }),
      ...rest,
    }),
  );
  const end = finalizer && {
    inputs: [],
    outputs: [],
    finalize: () => ({ done: true }),
    ...finalizer,
  };
  const scheduler = {
    operatorName: 'drone-operator',
    resource: DRONES,
    queries: [],
    phases: definitions,
    ...(end && { finalizer: end }),
  };
  return { scheduler: defineScheduler(scheduler), calls };
}

export function drone(name: string, spec: object = {}, metadata: object = {}): ObjectManifest {
  return {
    apiVersion: 'drones.autopilot.test/v1',
    kind: 'Drone',
    metadata: { name, ...metadata },
    spec,
  };
}

export function service(name: string, port = 80): KubeObject & { readonly spec: object } {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port }] } };
}

export function configMap(name: string, data: object = {}, metadata: object = {}): ObjectManifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

/** A VirtualService of the mesh team, with these routes; each sends everything to `old`. */
export function route(name: string, ...routes: readonly (string | undefined)[]): ObjectManifest {
  const destinations = [{ destination: { host: 'old' }, weight: 100 }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: {
      hosts: [name],
      http: routes.map((called) => ({
        ...(called !== undefined && { name: called }),
        route: destinations,
      })),
    },
  };
}

interface TestCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The conditions as `Type=Status Reason`. */
export function conditions(object: { readonly status?: unknown } | undefined): readonly string[] {
  const { conditions: found = [] } = (object?.status ?? {}) as {
    conditions?: readonly TestCondition[];
  };
  return found.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

export function readyMessage(
  object: { readonly status?: unknown } | undefined,
): string | undefined {
  const { conditions: found = [] } = (object?.status ?? {}) as {
    conditions?: readonly TestCondition[];
  };
  return found.find(({ type }) => type === 'Ready')?.message;
}
