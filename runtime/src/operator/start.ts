import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import type { ObjectKey } from '../kube/object.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';

export interface OperatorConfig {
  readonly workIntervalMs: number;
  readonly maxConcurrentSyncs: number;
  /** How long a worker may take before its signal is aborted. */
  readonly workerTimeoutMs: number;
  /** Empty: the whole cluster. */
  readonly watchNamespaces: readonly string[];
  readonly leaderElection: boolean;
  readonly leaderElectionNamespace: string | undefined;
  /** The stop switch for the whole operator. */
  readonly paused: boolean;
  /** The user's own section, given to workers. */
  readonly config: unknown;
  readonly metricsServer: string;
}

/** What happened, for demos, tests and logs. */
export type OperatorEvent =
  | { readonly type: 'transition'; readonly resource: ObjectKey; readonly from: string; readonly to: string }
  | { readonly type: 'output'; readonly resource: ObjectKey; readonly action: 'created' | 'updated' | 'pruned'; readonly kind: string; readonly object: ObjectKey }
  | { readonly type: 'syncFailed'; readonly resource: ObjectKey; readonly phase: string; readonly message: string };

export interface OperatorOptions {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Defaults of the original: workInterval 5 s, 10 syncs, all namespaces. Election defaults to off here, to on in `run`. */
  readonly config?: Partial<OperatorConfig>;
  /** Name in the Lease; default: `autopilot`. */
  readonly identity?: string;
  readonly onEvent?: (event: OperatorEvent) => void;
}

export interface Operator {
  /** Resolves when all caches are filled and syncs run (a standby: when caches are filled). */
  readonly ready: Promise<void>;
  /** Syncs under way, or due now and waiting for a free slot. A sandbox flight is quiet when this is 0 and no event is undelivered. */
  pending(): number;
  /** No new syncs; waits for those under way (at most 30 s), then ends watches and releases the lease. */
  stop(): Promise<void>;
}
