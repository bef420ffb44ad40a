/**
 * Simulators: controllers and services of a cluster that are not the API server. Sandboxes and
 * exploration run them: `startSandbox(scheduler, { simulators: [deployments(), traffic(…)] })`.
 */
import type { KubeObject, OperatorOptions, Scheduler } from 'autopilot-runtime';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * Answers metrics queries of the operator: receives the PromQL text and returns the result. It may
 * throw, as a Prometheus that is not available does.
 */
export type QueryMetrics = NonNullable<OperatorOptions['queryMetrics']>;

/** What a simulator reads when it starts. */
export interface SimulatorContext {
  /** The cluster that the simulator acts in. */
  readonly cluster: Cluster;
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /**
   * State of the rollout of a Deployment, in place of what the simulator decides: exploration makes
   * rollouts fail. Undefined: the simulator decides.
   */
  readonly rolloutOf?: (deployment: KubeObject) => 'failed' | 'underway' | 'complete' | undefined;
}

/** A simulator that was started. */
export interface RunningSimulator {
  /** Answers the operator's metrics queries. Default: the simulator answers none. */
  readonly queryMetrics?: QueryMetrics;
  /**
   * Finds requests that do not arrive, for the invariant that they arrive while resources are
   * ready. Returns a sentence, or undefined if all requests arrive. Default: nothing is checked.
   */
  findLostRequests?(): string | undefined;
  /** Called when `rolloutOf` returns something else without a change in the cluster. */
  refresh?(): void;
  /** Called when the sandbox or the run ends. */
  stop?(): void;
}

/**
 * Starts a simulator in a cluster, before the operator starts. A simulator reads only what is in
 * the cluster, not the time, so that a run reaches the same state after any delay or interruption.
 */
export type Simulator = (context: SimulatorContext) => RunningSimulator;
