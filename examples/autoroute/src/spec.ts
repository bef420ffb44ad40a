/**
 * Spec and status of AutoRoute. The schema of the CustomResourceDefinition is generated from
 * these interfaces, its descriptions from their comments.
 * Run yo autopilot:generate after each edit.
 */
import type { Int32, LabelSelector } from 'autopilot-runtime';

/** Desired state, written by users. */
export interface AutoRouteSpec {
  /** Deployments of the AutoRoute's namespace that get a route. */
  readonly deploymentSelector: LabelSelector;
}

/** Fields of `status` that the workers write, beside phase and conditions. */
export interface AutoRouteStatusInfo {
  /** Deployments that have a route, and the port it leads to. */
  readonly syncedDeployments: readonly SyncedDeployment[];
}

/** A Deployment that has a route. */
export interface SyncedDeployment {
  /** Name of the Deployment and of its Service. */
  readonly name: string;
  /** Container port that the route leads to. */
  readonly port: Int32;
}
