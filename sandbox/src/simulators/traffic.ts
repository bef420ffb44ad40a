/**
 * Simulates requests through a service mesh. Their destinations follow from the VirtualServices,
 * HTTPRoutes, Services and available replicas in the cluster. Istio's queries are answered from
 * that.
 */
import type { KubeObject } from 'autopilot-runtime';
import {
  matchesSelector,
  parseDuration,
  parseSelector,
  formatSelector,
} from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { DeploymentObject } from './deployments.ts';
import type { QueryHandlers, QueryParameters } from './prometheus.ts';
import { prometheus } from './prometheus.ts';
import type { Simulator } from './simulator.ts';

/** Settings of {@link traffic}. */
export interface TrafficOptions {
  /** Requests per second to each host, by the name of its Service. */
  readonly hosts: Readonly<Record<string, number>>;
  /** Namespace of the hosts. Default: `default`. */
  readonly namespace?: string;
  /** Percent of the requests to a Deployment that succeed, 0 to 100. Default: 100. */
  readonly successRate?: (deployment: DeploymentObject) => number;
  /** 99th percentile of the latency of a Deployment, in seconds. Default: 0.02. */
  readonly latencySeconds?: (deployment: DeploymentObject) => number;
}

/**
 * Answers `istioRequestCount`, `istioSuccessRate` and `istioRequestDuration` for each Deployment
 * that requests reach. A Deployment that no request reaches has a count of 0 and no other data.
 *
 * @example
 * startSandbox(scheduler, { simulators: [deployments(), traffic({ hosts: { web: 20 } })] })
 */
export function traffic(options: TrafficOptions): Simulator {
  const { successRate = () => 100, latencySeconds = () => 0.02 } = options;
  const queries = prometheus(({ cluster }): QueryHandlers => {
    const measure = (
      parameters: QueryParameters,
      read: (reached: ReachedDeployment) => number,
    ): number | undefined => {
      const reached = findReached(cluster, options, parameters);
      return reached && read(reached);
    };
    return {
      istioRequestCount: (parameters) =>
        measure(
          parameters,
          ({ perSecond }) => (perSecond * parseDuration(parameters['interval'] ?? '')) / 1000,
        ) ?? 0,
      istioSuccessRate: (parameters) =>
        measure(parameters, ({ deployment }) => successRate(deployment)),
      istioRequestDuration: (parameters) =>
        measure(parameters, ({ deployment }) => latencySeconds(deployment)),
    };
  });
  return (context) => ({
    ...queries(context),
    findLostRequests: () => findLostRequests(context.cluster, options),
  });
}

/** @returns a sentence about the first host whose requests do not all arrive. */
function findLostRequests(
  cluster: Cluster,
  { hosts, namespace = 'default' }: TrafficOptions,
): string | undefined {
  for (const host of Object.keys(hosts)) {
    const { lostPercent } = observedTraffic(cluster, host, namespace);
    if (lostPercent > 0) {
      return `${lostPercent} % of the requests to ${host} reach no Pod`;
    }
  }
  return undefined;
}

/** A Deployment that requests reach. */
interface ReachedDeployment {
  readonly deployment: DeploymentObject;
  /** Requests per second from all hosts. */
  readonly perSecond: number;
}

/** Finds the Deployment of a query. Undefined: no request reaches it. */
function findReached(
  cluster: Cluster,
  { hosts, namespace = 'default' }: TrafficOptions,
  parameters: QueryParameters,
): ReachedDeployment | undefined {
  if (parameters['namespace'] !== namespace) {
    return undefined;
  }
  let reached: ReachedDeployment | undefined;
  for (const [host, rate] of Object.entries(hosts)) {
    for (const { deployment, percent } of observedTraffic(cluster, host, namespace).destinations) {
      if (deployment.metadata.name === parameters['name']) {
        const perSecond = (reached?.perSecond ?? 0) + (rate * percent) / 100;
        reached = { deployment, perSecond };
      }
    }
  }
  return reached?.perSecond === 0 ? undefined : reached;
}

/** Where the requests to one host go. */
export interface ObservedTraffic {
  /** The Deployments that requests reach, with their percent of all requests to the host. */
  readonly destinations: readonly {
    readonly deployment: DeploymentObject;
    readonly percent: number;
  }[];
  /** Percent of all requests to the host that reach no Pod. */
  readonly lostPercent: number;
}

/** What {@link observedTraffic} reads: a `Cluster`, or the snapshot of a scenario's invariant. */
export type TrafficSource =
  | Pick<Cluster, 'objects'>
  | {
      /** Lists the objects of a kind. Default namespace: all. */
      list(kind: string, namespace?: string): readonly KubeObject[];
    };

/**
 * Computes where the requests to a host go at present.
 *
 * @param source the cluster.
 * @param host name of a Service.
 * @param namespace namespace of the Service and of its routes. Default: `default`.
 */
export function observedTraffic(
  source: TrafficSource,
  host: string,
  namespace = 'default',
): ObservedTraffic {
  const list = (kind: string): readonly KubeObject[] =>
    'list' in source
      ? source.list(kind, namespace)
      : source
          .objects()
          .filter((object) => object.kind === kind && object.metadata.namespace === namespace);
  const destinations: ObservedTraffic['destinations'][number][] = [];
  let lostPercent = 0;
  for (const [service, percent] of destinationsOf(list, host)) {
    if (percent === 0) {
      continue;
    }
    const reached = divideByPods(deploymentsOfService(list, service), percent);
    if (reached.length === 0) {
      lostPercent += percent;
    }
    destinations.push(...reached);
  }
  return { destinations, lostPercent };
}

/** Divides the requests to a Service evenly among its available Pods. */
function divideByPods(
  deployments: readonly DeploymentObject[],
  percent: number,
): ObservedTraffic['destinations'] {
  const podsOf = ({ status }: DeploymentObject): number => status?.availableReplicas ?? 0;
  const pods = deployments.reduce((sum, deployment) => sum + podsOf(deployment), 0);
  return deployments
    .filter((deployment) => podsOf(deployment) > 0)
    .map((deployment) => ({ deployment, percent: (percent * podsOf(deployment)) / pods }));
}

type ListObjects = (kind: string) => readonly KubeObject[];

/** Percent of the requests to a host that go to a Service. */
type ServicePercent = readonly [service: string, percent: number];

interface VirtualServiceSpec {
  readonly hosts?: readonly string[];
  readonly http?: readonly {
    readonly match?: unknown;
    readonly route?: readonly {
      readonly destination: { readonly host: string };
      readonly weight?: number;
    }[];
  }[];
}

interface HttpRouteSpec {
  readonly parentRefs?: readonly { readonly kind?: string; readonly name: string }[];
  readonly rules?: readonly {
    readonly matches?: readonly { readonly headers?: unknown }[];
    readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
  }[];
}

/** The destinations of a plain request: the first route without special matches applies. */
function destinationsOf(list: ListObjects, host: string): readonly ServicePercent[] {
  return (
    virtualServiceDestinations(list, host) ?? httpRouteDestinations(list, host) ?? [[host, 100]]
  );
}

function virtualServiceDestinations(
  list: ListObjects,
  host: string,
): readonly ServicePercent[] | undefined {
  for (const { spec } of list('VirtualService')) {
    const { hosts = [], http = [] } = (spec ?? {}) as VirtualServiceSpec;
    const route = hosts.map(serviceName).includes(host)
      ? http.find(({ match }) => match === undefined)?.route
      : undefined;
    if (route !== undefined) {
      // A single destination receives all requests, with or without a weight.
      const defaultWeight = route.length === 1 ? 1 : 0;
      return toPercentages(
        route.map(({ destination, weight = defaultWeight }) => [
          serviceName(destination.host),
          weight,
        ]),
      );
    }
  }
  return undefined;
}

function httpRouteDestinations(
  list: ListObjects,
  host: string,
): readonly ServicePercent[] | undefined {
  for (const { spec } of list('HTTPRoute')) {
    const { parentRefs = [], rules = [] } = (spec ?? {}) as HttpRouteSpec;
    const rule = parentRefs.some(({ kind, name }) => kind === 'Service' && name === host)
      ? rules.find(({ matches = [] }) => matches.every(({ headers }) => headers === undefined))
      : undefined;
    if (rule !== undefined) {
      const { backendRefs = [] } = rule;
      return toPercentages(backendRefs.map(({ name, weight = 1 }) => [name, weight]));
    }
  }
  return undefined;
}

/** `web` of `web.default.svc.cluster.local`. */
function serviceName(host: string): string {
  return host.split('.')[0] ?? host;
}

function toPercentages(
  weights: readonly (readonly [service: string, weight: number])[],
): readonly ServicePercent[] {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights.map(([service, weight]) => [service, total === 0 ? 0 : (weight / total) * 100]);
}

function deploymentsOfService(list: ListObjects, service: string): readonly DeploymentObject[] {
  const found = list('Service').find(({ metadata }) => metadata.name === service);
  const { selector } = (found?.spec ?? {}) as {
    readonly selector?: Readonly<Record<string, string>>;
  };
  if (selector === undefined) {
    return [];
  }
  const requirements = parseSelector(formatSelector({ matchLabels: selector }));
  const all = list('Deployment') as readonly DeploymentObject[];
  return all.filter(({ spec }) => matchesSelector(requirements, spec?.template?.metadata?.labels));
}
