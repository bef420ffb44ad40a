/** Finds the Pods that requests to a Service reach, with what keeps requests from them. */
import type { KubeObject } from 'autopilot-runtime';
import { formatSelector, matchesSelector, parseSelector } from 'autopilot-runtime/internal';
import type { DeploymentObject } from './deployments.ts';
import type { ListObjects, RequestTarget, ServiceName } from './request-routing.ts';
import { serviceOf } from './request-routing.ts';

type Labels = Readonly<Record<string, string>>;

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
}

interface ServiceSpec {
  readonly selector?: Labels;
  readonly ports?: readonly ServicePort[];
}

interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

interface DestinationRuleSpec {
  readonly host?: string;
  readonly subsets?: readonly { readonly name: string; readonly labels?: Labels }[];
}

/** The Deployments whose Pods a request reaches, or why it reaches none. */
export type ReachedPods =
  | { readonly deployments: readonly DeploymentObject[] }
  | { readonly reason: string };

/** @returns the first port of a Service. Default: 80. */
export function firstPortOf(list: ListObjects, service: ServiceName): number {
  const [first] = specOf(findService(list, service)).ports ?? [];
  return first?.port ?? 80;
}

/** Finds the Deployments with available Pods behind one target of a route. */
export function podsBehind(list: ListObjects, target: RequestTarget): ReachedPods {
  const service = findService(list, target);
  if (service === undefined) {
    return { reason: `Service ${target.name} does not exist` };
  }
  const { selector = {}, ports = [] } = specOf(service);
  const port = ports.find((one) => one.port === target.port);
  if (port === undefined) {
    return { reason: `Service ${target.name} has no port ${target.port}` };
  }
  if ((port.protocol ?? 'TCP') !== 'TCP') {
    return { reason: `port ${target.port} of Service ${target.name} is not TCP` };
  }
  if (Object.keys(selector).length === 0) {
    return { reason: `Service ${target.name} selects no Pods` };
  }
  const subset = subsetLabels(list, target);
  if (subset === undefined) {
    return {
      reason: `no DestinationRule of Service ${target.name} has the subset ${target.subset}`,
    };
  }
  return availablePods(list, target, { ...selector, ...subset }, port);
}

// oxlint-disable-next-line max-params -- what selects the Pods
function availablePods(
  list: ListObjects,
  target: RequestTarget,
  labels: Labels,
  port: ServicePort,
): ReachedPods {
  const requirements = parseSelector(formatSelector({ matchLabels: labels }));
  const selected = (list('Deployment') as readonly DeploymentObject[]).filter(
    ({ metadata, spec }) =>
      metadata.namespace === target.namespace &&
      matchesSelector(requirements, spec?.template?.metadata?.labels),
  );
  const available = selected.filter(({ status }) => (status?.availableReplicas ?? 0) > 0);
  if (available.length === 0) {
    return { reason: `no Pod of Service ${target.name} is available` };
  }
  const deployments = available.filter((deployment) => listensOn(deployment, port));
  return deployments.length === 0
    ? {
        reason: `no Pod of Service ${target.name} listens on port ${port.targetPort ?? port.port}`,
      }
    : { deployments };
}

/**
 * The labels of a subset, none for the whole Service. Undefined: no DestinationRule defines the
 * subset.
 */
function subsetLabels(list: ListObjects, { subset, ...target }: RequestTarget): Labels | undefined {
  if (subset === undefined) {
    return {};
  }
  for (const { metadata, spec } of list('DestinationRule')) {
    const { host = '', subsets = [] } = (spec ?? {}) as DestinationRuleSpec;
    const service = serviceOf(host, metadata.namespace ?? '');
    const found = subsets.find(({ name }) => name === subset);
    if (service.name === target.name && service.namespace === target.namespace && found) {
      return found.labels ?? {};
    }
  }
  return undefined;
}

/** A Pod listens on the ports of its containers. One that names no port listens on every number. */
function listensOn({ spec }: DeploymentObject, { port, targetPort = port }: ServicePort): boolean {
  const containers = (spec?.template?.spec?.containers ?? []) as readonly {
    readonly ports?: readonly ContainerPort[];
  }[];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return typeof targetPort === 'string'
    ? ports.some(({ name }) => name === targetPort)
    : ports.length === 0 || ports.some(({ containerPort }) => containerPort === targetPort);
}

function findService(list: ListObjects, { name, namespace }: ServiceName): KubeObject | undefined {
  return list('Service').find(
    ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
  );
}

function specOf(service: KubeObject | undefined): ServiceSpec {
  return (service?.spec ?? {}) as ServiceSpec;
}
