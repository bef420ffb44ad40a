/**
 * What users of AutoRoute write, and what its status tells them. Plain TypeScript: the
 * CustomResourceDefinition's schema is made
 * from these interfaces, descriptions from their comments. After an edit: yo autopilot:generate
 */
import type { Int32, LabelSelector } from 'autopilot-runtime';

export interface AutoRouteSpec {
  /** Deployments of the AutoRoute's namespace that get a route. */
  readonly deploymentSelector: LabelSelector;
}

export interface AutoRouteStatusInfo {
  /** Deployments that have a route, and the port it leads to. */
  readonly syncedDeployments: readonly SyncedDeployment[];
}

export interface SyncedDeployment {
  readonly name: string;
  readonly port: Int32;
}
