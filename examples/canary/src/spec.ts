/**
 * What users of CanaryDeployment write, and what its status tells them. Plain TypeScript: the
 * CustomResourceDefinition's schema is made
 * from these interfaces, descriptions from their comments. After an edit: yo autopilot:generate
 */
import type { Duration, Int32 } from 'autopilot-runtime';

export interface CanaryDeploymentSpec {
  /**
   * The Deployment that new versions are put into. It is scaled to 0; a copy of it, the primary,
   * answers. Default: of the same name.
   * @immutable
   */
  readonly deployment?: string;
  /**
   * The Service that clients call. Default: of the Deployment's name.
   * @immutable
   */
  readonly service?: string;
  /** The port of that Service to send requests to; needed where it has several. */
  readonly port?: Int32;
  /**
   * A route of a VirtualService of yours that leads to the Service: it is held, and put back in the
   * end. Default: a VirtualService is made.
   */
  readonly virtualService?: NamedRoute;
  /**
   * Percent of its requests that the canary must answer well.
   * @minimum 0
   * @maximum 100
   */
  readonly successThreshold: number;
  /**
   * Requests are judged by intervals of this length, one for each step. At least twice the time
   * between two scrapes of Prometheus.
   */
  readonly measurementInterval: Duration;
  /**
   * How long the canary must answer well before it is promoted: intervals without enough requests
   * do not count.
   */
  readonly analysisPeriod: Duration;
  /**
   * Fewer requests than this in an interval say nothing. Default: 10.
   * @minimum 1
   */
  readonly minRequests?: Int32;
  /**
   * How long requests may be on their way to Pods that a route no longer leads to. A mesh takes up
   * to ten seconds itself. Default: 30s.
   */
  readonly drain?: Duration;
  /**
   * Whose count of requests: the server's sidecar (default), the client's or gateway's, or the
   * waypoint's in an ambient mesh.
   */
  readonly reporter?: 'destination' | 'source' | 'waypoint';
}

export interface NamedRoute {
  readonly name: string;
  /** Of an entry in its `spec.http`. */
  readonly route: string;
}

export interface CanaryDeploymentStatusInfo {
  /**
   * Percent of the requests that go to the canary.
   * @column
   */
  readonly weight: Int32;
  /** Intervals in which the canary answered well. */
  readonly passed: Int32;
  /** That the primary had last: it is made again with as many. */
  readonly replicas?: Int32;
  /** Revision of the version that the canary has, or had last. */
  readonly tried?: string;
  /** Why the canary is rolled back. */
  readonly verdict?: string;
  /** What became of the last ten new versions, the newest first. */
  readonly history: readonly Release[];
}

export interface Release {
  /** Of the Deployment's Pod template. */
  readonly revision: string;
  readonly promoted: boolean;
  readonly reason: string;
  readonly at: string;
}
