/**
 * Spec and status of CanaryDeployment. The schema of the CustomResourceDefinition is generated from
 * these interfaces, its descriptions from their comments.
 * Run yo autopilot:generate after each edit.
 */
import type { Duration, Int32 } from 'autopilot-runtime';

/** Desired state, written by users. */
export interface CanaryDeploymentSpec {
  /**
   * Deployment that users change to release a new version. The operator scales it to 0 and runs
   * copies of it, the primary and the canary. Default: the name of the CanaryDeployment.
   * @immutable
   */
  readonly deployment?: string;
  /**
   * Service that clients call. Default: the name of the Deployment.
   * @immutable
   */
  readonly service?: string;
  /** Port of the Service that gets the requests. Required when the Service has several ports. */
  readonly port?: Int32;
  /**
   * Route of an existing VirtualService that leads to the Service. The operator sets its
   * destinations and restores them in the end. Default: the operator creates a VirtualService.
   */
  readonly virtualService?: NamedRoute;
  /**
   * Percent of the requests to the canary that must succeed in each interval.
   * @minimum 0
   * @maximum 100
   */
  readonly successThreshold: number;
  /**
   * Length of the interval that one step measures. At least twice the scrape interval of
   * Prometheus.
   */
  readonly measurementInterval: Duration;
  /**
   * Total length of the passed intervals after which the canary is promoted. Intervals with too
   * few requests do not count.
   */
  readonly analysisPeriod: Duration;
  /**
   * Number of requests that an interval needs to be measured. Default: 10.
   * @minimum 1
   */
  readonly minRequests?: Int32;
  /**
   * Time between a change of the route and the removal of Pods that it no longer leads to. The
   * mesh alone needs up to 10s to apply a route. Default: 30s.
   */
  readonly drain?: Duration;
  /**
   * Proxy that counts the requests: the sidecar of the server (destination), the sidecar of the
   * client or the gateway (source), or the waypoint of an ambient mesh. Default: destination.
   */
  readonly reporter?: 'destination' | 'source' | 'waypoint';
}

/** A named route of a VirtualService. */
export interface NamedRoute {
  /** Name of the VirtualService. */
  readonly name: string;
  /** Name of an entry of its `spec.http`. */
  readonly route: string;
}

/** Fields of `status` that the workers write, beside phase and conditions. */
export interface CanaryDeploymentStatusInfo {
  /**
   * Percent of the requests that the canary gets.
   * @column
   */
  readonly weight: Int32;
  /** Number of intervals in which enough requests succeeded. */
  readonly passed: Int32;
  /** Last replicas of the primary. A deleted primary is created again with this number. */
  readonly replicas?: Int32;
  /** Revision of the version that the canary ran last. */
  readonly tried?: string;
  /** Reason for the rollback. */
  readonly verdict?: string;
  /** Results of the last ten versions, the newest first. */
  readonly history: readonly Release[];
}

/** Result of the evaluation of one version. */
export interface Release {
  /** Hash of the Pod template of the Deployment. */
  readonly revision: string;
  /** Whether the version was promoted. Otherwise it was rolled back. */
  readonly promoted: boolean;
  /** Reason for the promotion or the rollback. */
  readonly reason: string;
  /** Time of the result, in RFC 3339 format. */
  readonly at: string;
}
