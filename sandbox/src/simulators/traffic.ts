/**
 * Simulates requests from inside a service mesh. Their destinations follow from the
 * VirtualServices, HTTPRoutes, DestinationRules, Services and available replicas in the cluster.
 * Istio's queries are answered from that.
 */
import type { KubeObject } from 'autopilot-runtime';
import { parseDuration } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { DeploymentObject } from './deployments.ts';
import type { QueryHandlers, QueryParameters } from './prometheus.ts';
import { prometheus } from './prometheus.ts';
import type { LostRequests } from './request-routing.ts';
import { routeRequest } from './request-routing.ts';
import { firstPortOf, podsBehind } from './service-pods.ts';
import type { Simulator } from './simulator.ts';

/** Settings of {@link traffic}. */
export interface TrafficOptions {
  /**
   * Requests per second to each host, by the name of its Service: `{ web: 20 }`. They go to the
   * first port of the Service unless the host names one: `{ 'web:9090': 5 }`.
   */
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
        measure(
          parameters,
          ({ deployment, delaySeconds }) => latencySeconds(deployment) + delaySeconds,
        ),
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
  /** Delay that a fault of a route adds, in seconds. */
  readonly delaySeconds: number;
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
    const { destinations, delaySeconds } = observedTraffic(cluster, host, namespace);
    for (const { deployment, percent } of destinations) {
      if (deployment.metadata.name === parameters['name']) {
        reached = {
          deployment,
          perSecond: (reached?.perSecond ?? 0) + (rate * percent) / 100,
          delaySeconds: Math.max(reached?.delaySeconds ?? 0, delaySeconds),
        };
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
  /** Why requests reach no Pod, with their percent. */
  readonly losses: readonly LostRequests[];
  /** Delay that a fault of the route adds to requests, in seconds. */
  readonly delaySeconds: number;
}

/** What {@link observedTraffic} reads: a `Cluster`, or the snapshot of a scenario's invariant. */
export type TrafficSource =
  | Pick<Cluster, 'objects'>
  | {
      /** Lists the objects of a kind. Default namespace: all. */
      list(kind: string, namespace?: string): readonly KubeObject[];
    };

/**
 * Computes where plain requests (`GET /` without special headers) to a host go at present, from
 * inside of the mesh.
 *
 * - Of two VirtualServices for one host the older one counts. One for gateways only does not count.
 * - A request that no route matches is lost, as is one to a Service, port or subset that does not
 *   exist, to a Service that selects no Pods, and to Pods that do not listen on the port.
 * - Faults of a route abort and delay requests.
 *
 * @param source the cluster.
 * @param host name of a Service, with the port if it is not the first one: `web:9090`.
 * @param namespace namespace of the Service. Default: `default`.
 */
export function observedTraffic(
  source: TrafficSource,
  host: string,
  namespace = 'default',
): ObservedTraffic {
  const list = (kind: string): readonly KubeObject[] =>
    'list' in source
      ? source.list(kind)
      : source.objects().filter((object) => object.kind === kind);
  const [name = host, port] = host.split(':');
  const service = { name, namespace };
  const { targets, losses, delaySeconds } = routeRequest(list, {
    ...service,
    port: port === undefined ? firstPortOf(list, service) : Number(port),
  });
  const destinations: ObservedTraffic['destinations'][number][] = [];
  const allLosses = [...losses];
  for (const target of targets.filter(({ percent }) => percent > 0)) {
    const reached = podsBehind(list, target);
    if ('reason' in reached) {
      allLosses.push({ percent: target.percent, reason: reached.reason });
    } else {
      destinations.push(...divideByPods(reached.deployments, target.percent));
    }
  }
  const lostPercent = allLosses.reduce((sum, { percent }) => sum + percent, 0);
  return { destinations, lostPercent, losses: allLosses, delaySeconds };
}

/** Divides requests evenly among the available Pods. */
function divideByPods(
  deployments: readonly DeploymentObject[],
  percent: number,
): ObservedTraffic['destinations'] {
  const podsOf = ({ status }: DeploymentObject): number => status?.availableReplicas ?? 0;
  const pods = deployments.reduce((sum, deployment) => sum + podsOf(deployment), 0);
  return deployments.map((deployment) => ({
    deployment,
    percent: (percent * podsOf(deployment)) / pods,
  }));
}
