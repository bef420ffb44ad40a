/**
 * Parts of a cluster that are not the API server, for flights and for exploration:
 * `startSandbox(scheduler,
 * { simulators: [deployments(), traffic(…)] })`.
 */
import type { Scheduler } from 'autopilot-runtime';
import type { OperatorOptions } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';

export type QueryMetrics = NonNullable<OperatorOptions['queryMetrics']>;

export interface SimulatorContext {
  readonly cluster: Cluster;
  readonly scheduler: Scheduler;
}

export interface RunningSimulator {
  /** Answers the operator's metrics queries. */
  readonly queryMetrics?: QueryMetrics;
  stop?(): void;
}

/**
 * Begins to act in a cluster. It goes by what is in the cluster and not by time, so that a flight
 * has the same end whatever was late or
 * interrupted.
 */
export type Simulator = (world: SimulatorContext) => RunningSimulator;
