/**
 * Requests through the mesh, as far as routes and Deployments in the cluster tell where they would
 * go: VirtualServices and HTTPRoutes for a
 * host, Services, available replicas. Answers Istio's queries from that.
 */
import type { KubeObject } from 'autopilot-runtime';
import {
  matchesSelector,
  parseDuration,
  parseSelector,
  formatSelector,
} from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterSnapshot } from '../exploration/scenario.ts';
import type { DeploymentObject } from './deployments.ts';
import type { QueryHandlers, QueryParameters } from './prometheus.ts';
import { prometheus } from './prometheus.ts';
import type { Simulator } from './simulator.ts';

export interface TrafficOptions {
  /** Requests per second that clients send to each host (a Service's name), in `namespace`. */
  readonly hosts: Readonly<Record<string, number>>;
  /** Default: `default`. */
  readonly namespace?: string;
  /** Percent of the requests that a Deployment answers well. Default 100. */
  readonly successRate?: (deployment: DeploymentObject) => number;
  /** Seconds that 99 of 100 requests do not exceed. Default 0.02. */
  readonly latencySeconds?: (deployment: DeploymentObject) => number;
}

/**
 * Answers `istioRequestCount`, `istioSuccessRate` and `istioRequestDuration` for each Deployment
 * that requests reach.
 */
export function traffic(options: TrafficOptions): Simulator {
  const {
    hosts,
    namespace = 'default',
    successRate = () => 100,
    latencySeconds = () => 0.02,
  } = options;
  return prometheus(({ cluster }): QueryHandlers => {
    const findReached = ({
      name,
      namespace: queriedNamespace,
    }: QueryParameters): ReachedDeployment | undefined => {
      let found: ReachedDeployment | undefined;
      for (const [host, rate] of Object.entries(hosts)) {
        for (const { deployment, percent } of observedTraffic(cluster, host, namespace)
          .destinations) {
          if (deployment.metadata.name === name && queriedNamespace === namespace) {
            found = { deployment, perSecond: (found?.perSecond ?? 0) + (rate * percent) / 100 };
          }
        }
      }
      return found?.perSecond === 0 ? undefined : found;
    };
    const answerForReached = (
      parameters: QueryParameters,
      measure: (findReached: ReachedDeployment) => number,
    ): number | undefined => {
      const found = findReached(parameters);
      return found && measure(found);
    };
    return {
      istioRequestCount: (parameters) =>
        answerForReached(
          parameters,
          ({ perSecond }) => (perSecond * parseDuration(parameters['interval'] ?? '')) / 1000,
        ) ?? 0,
      istioSuccessRate: (parameters) =>
        answerForReached(parameters, ({ deployment }) => successRate(deployment)),
      istioRequestDuration: (parameters) =>
        answerForReached(parameters, ({ deployment }) => latencySeconds(deployment)),
    };
  });
}

interface ReachedDeployment {
  readonly deployment: DeploymentObject;
  readonly perSecond: number;
}

export interface ObservedTraffic {
  /** Where requests arrive, and how many of 100. */
  readonly destinations: readonly {
    readonly deployment: DeploymentObject;
    readonly percent: number;
  }[];
  /** Of 100 requests, those that reach no Pod. */
  readonly lostPercent: number;
}

/**
 * Where the requests to a host would go now.
 *
 * @param source the cluster of a flight, or what an invariant of an exploration is given.
 * @param host a Service's name.
 */
export function observedTraffic(
  source: Pick<Cluster, 'objects'> | Pick<ClusterSnapshot, 'list'>,
  host: string,
  namespace = 'default',
): ObservedTraffic {
  const list = (kind: string): readonly KubeObject[] =>
    'list' in source
      ? source.list(kind, namespace)
      : source
          .objects()
          .filter((object) => object.kind === kind && object.metadata.namespace === namespace);
  const destinations: { deployment: DeploymentObject; percent: number }[] = [];
  let lostPercent = 0;
  for (const [service, percent] of destinationsOf(list, host)) {
    if (percent === 0) {
      continue;
    }
    const deployments = deploymentsOfService(list, service);
    const pods = deployments.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);
    if (pods === 0) {
      lostPercent += percent;
    } else {
      for (const deployment of deployments) {
        destinations.push({
          deployment,
          percent: (percent * (deployment.status?.availableReplicas ?? 0)) / pods,
        });
      }
    }
  }
  return { destinations: destinations.filter(({ percent }) => percent > 0), lostPercent };
}

type ListObjects = (kind: string) => readonly KubeObject[];

interface TrafficRouteSpec {
  readonly hosts?: readonly string[];
  readonly http?: readonly {
    readonly match?: unknown;
    readonly route?: readonly {
      readonly destination: { readonly host: string };
      readonly weight?: number;
    }[];
  }[];
  readonly parentRefs?: readonly { readonly kind?: string; readonly name: string }[];
  readonly rules?: readonly {
    readonly matches?: readonly { readonly headers?: unknown }[];
    readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
  }[];
}

/**
 * Percent by Service. The route that a plain request takes: the first one that asks for nothing
 * special.
 */
function destinationsOf(
  list: ListObjects,
  host: string,
): readonly (readonly [service: string, percent: number])[] {
  const short = (name: string): string => name.split('.')[0] ?? name;
  for (const { spec } of list('VirtualService')) {
    const { hosts = [], http = [] } = (spec ?? {}) as TrafficRouteSpec;
    const route = hosts.map(short).includes(host)
      ? http.find(({ match }) => match === undefined)?.route
      : undefined;
    if (route !== undefined) {
      return toPercentages(
        route.map(({ destination, weight }) => [
          short(destination.host),
          weight ?? (route.length === 1 ? 1 : 0),
        ]),
      );
    }
  }
  for (const { spec } of list('HTTPRoute')) {
    const { parentRefs = [], rules = [] } = (spec ?? {}) as TrafficRouteSpec;
    const rule = parentRefs.some(({ kind, name }) => kind === 'Service' && name === host)
      ? rules.find(({ matches = [] }) => matches.every(({ headers }) => headers === undefined))
      : undefined;
    if (rule !== undefined) {
      return toPercentages((rule.backendRefs ?? []).map(({ name, weight }) => [name, weight ?? 1]));
    }
  }
  return [[host, 100]];
}

function toPercentages(
  weights: readonly (readonly [service: string, weight: number])[],
): readonly (readonly [string, number])[] {
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
