/** The Deployment `web` of a shop, its Service, and a CanaryDeployment for it, in a sandbox. */
import type { DeploymentObject, Sandbox, Simulator } from 'autopilot-sandbox';
import { observedTraffic, deployments, startSandbox, traffic } from 'autopilot-sandbox';
import crd from '../src/generated/crd.json' with { type: 'json' };
import type { Deployment } from '../src/generated/kinds.ts';
import { scheduler } from '../src/generated/scheduler.ts';
import type { Role } from '../src/release.ts';
import { copyOf } from '../src/release.ts';

const labels = { app: 'web' };

/** The Deployment as the team writes it. */
export function deployment(image: string, replicas = 3) {
  const template = {
    metadata: { labels: { ...labels, tier: 'front' } },
    spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }] }] },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas, selector: { matchLabels: labels }, template },
  } as const;
}

/** The Deployment as a worker reads it after the rollout. */
export function target(image: string, { available = 3 }: { readonly available?: number } = {}) {
  const status = {
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    availableReplicas: available,
  };
  const { metadata, ...rest } = deployment(image);
  return {
    ...rest,
    metadata: {
      name: metadata.name as string,
      namespace: 'default',
      generation: 1,
      annotations: {} as Readonly<Record<string, string>>,
    },
    status,
  };
}

/** A copy of the Deployment as a worker reads it after the rollout. */
export function copy(
  role: Role,
  { of, available = 3 }: { readonly of: string; readonly available?: number },
): ReturnType<typeof target> {
  const made = copyOf(target(of) as unknown as Deployment, role, { replicas: 3 });
  const { status, metadata } = target(of, { available });
  return { ...made, metadata: { ...metadata, ...made.metadata }, status } as unknown as ReturnType<
    typeof target
  >;
}

export const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
} as const;

export function canary(more: object = {}) {
  return {
    apiVersion: 'autopilot.examples.io/v1',
    kind: 'CanaryDeployment',
    metadata: { name: 'web' },
    spec: { successThreshold: 99, measurementInterval: '1m', analysisPeriod: '5m', ...more },
  } as const;
}

export function imageOf(object: Pick<DeploymentObject, 'spec'>): string | undefined {
  return object.spec?.template?.spec?.containers?.[0]?.image;
}

/**
 * A sandbox with the shop. The image decides the behavior of a Pod: `web:bad` fails half of its
 * requests, `web:never` does not start, every other image works.
 */
export interface Shop {
  readonly sandbox: Sandbox;
  /** Requests per second from clients. A test can change the number at any time. */
  readonly clients: { web: number };
  phase(): Promise<string>;
  /** The user's fields of status. */
  status(): Promise<{
    readonly weight: number;
    readonly passed: number;
    readonly history: readonly { readonly promoted: boolean; readonly reason: string }[];
  }>;
  /** Changes after which some requests to the Service reached no Pod. */
  readonly lost: string[];
  /** Changes the image of the Deployment, as a user does. */
  release(image: string): Promise<void>;
  /** Percent of the requests to the Service that reach each Deployment, and `lost` ones. */
  requests(): Promise<Readonly<Record<string, number | string>>>;
  image(deployment: string): Promise<string | undefined>;
  replicas(deployment: string): Promise<number | undefined>;
}

export async function shop(
  spec: object = {},
  objects: readonly Parameters<Sandbox['create']>[0][] = [],
): Promise<Shop> {
  const clients = { web: 20 };
  const lost: string[] = [];
  const sandbox = await startSandbox(scheduler, {
    crd,
    objects: [deployment('web:1'), service, ...objects],
    simulators: [
      deployments({
        rollout: (object) => (imageOf(object) === 'web:never' ? 'failed' : 'complete'),
      }),
      watcher(lost),
      traffic({
        hosts: clients,
        successRate: (object) => (imageOf(object) === 'web:bad' ? 50 : 100),
      }),
    ],
  });
  await sandbox.create(canary(spec));
  const resource = async () => (await sandbox.get('CanaryDeployment', 'web'))?.status ?? {};
  return {
    sandbox,
    clients,
    lost,
    phase: async () => (await resource()).phase,
    status: resource,
    release: (image) =>
      sandbox.patch('Deployment', 'web', { spec: { template: deployment(image).spec.template } }),
    async requests() {
      const { destinations: at, lostPercent: none } = observedTraffic(sandbox.cluster, 'web');
      return {
        ...Object.fromEntries(
          at.map(({ deployment: { metadata }, percent }) => [metadata.name, percent]),
        ),
        ...(none > 0 && { lost: none }),
      };
    },
    image: async (name) => imageOf((await sandbox.get('Deployment', name)) ?? {}),
    replicas: async (name) => (await sandbox.get('Deployment', name))?.spec.replicas,
  };
}

/** Records lost requests after each change, once a request has reached a Pod. */
function watcher(lost: string[]): Simulator {
  return ({ cluster }) => {
    let answered = false;
    const stop = cluster.onChange((before, after) => {
      const now = observedTraffic(cluster, 'web');
      answered ||= now.lostPercent === 0;
      const { kind, metadata } = (after ?? before)!;
      if (answered && now.lostPercent > 0) {
        lost.push(
          `${now.lostPercent} % after ${kind} ${metadata.name} ${after === undefined ? 'was deleted' : 'changed'}`,
        );
      }
    });
    return { stop };
  };
}
