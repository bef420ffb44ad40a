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
  /** Selected Deployments that have no route, because no request could arrive. */
  readonly skippedDeployments?: readonly SkippedDeployment[];
}

/** A Deployment that has no route. */
export interface SkippedDeployment {
  /** Name of the Deployment. */
  readonly name: string;
  /** Why it has no route. */
  readonly reason: string;
}

/** A Deployment that has a route. */
export interface SyncedDeployment {
  /** Name of the Deployment. */
  readonly name: string;
  /** Container port that the route leads to. */
  readonly port: Int32;
}
