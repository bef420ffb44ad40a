/**
 * Parts of a cluster that are not the API server, for flights and for exploration: `fly(scheduler,
 * { simulators: [deployments(), traffic(…)] })`.
 */
import type { Scheduler } from 'autopilot-runtime';
import type { OperatorOptions } from 'autopilot-runtime/ports';
import type { Cluster } from '../cluster/cluster.ts';

export type Ask = NonNullable<OperatorOptions['ask']>;

export interface World {
  readonly cluster: Cluster;
  readonly scheduler: Scheduler;
}

export interface Simulation {
  /** Answers the operator's metrics queries. */
  readonly ask?: Ask;
  stop?(): void;
}

/**
 * Begins to act in a cluster. It goes by what is in the cluster and not by time, so that a flight
 * has the same end whatever was late or
 * interrupted.
 */
export type Simulator = (world: World) => Simulation;
