/** The invariant that requests arrive while resources say that they are ready. */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { RunningSimulator } from '../simulators/simulator.ts';
import type { InvariantChecker } from './invariants.ts';
import { objectName } from './run-trace.ts';

/** What {@link Readiness} reads. */
export interface ReadinessOptions {
  /** The cluster. */
  readonly cluster: Cluster;
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /** The simulators of the run. Those of requests know which of them do not arrive. */
  readonly simulators: () => readonly RunningSimulator[];
  /** Receives violations. */
  readonly invariantChecker: InvariantChecker;
  /**
   * True for a run without faults. Then the invariant is also checked when a resource becomes
   * ready. In a run with faults the operator may know the cluster too late.
   */
  readonly isBaseline: boolean;
}

/** Checks that requests arrive while resources are ready. */
export class Readiness {
  readonly #options: ReadinessOptions;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Checks a change of a resource that becomes ready. */
  observe(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { isBaseline, scheduler } = this.#options;
    const hasBecomeReady =
      after?.kind === scheduler.resource.kind &&
      isReady(after) &&
      (before === undefined || !isReady(before));
    if (isBaseline && hasBecomeReady) {
      this.#check(after);
    }
  }

  /** Checks all resources. Called at quiescence. */
  check(): void {
    const { cluster, scheduler } = this.#options;
    const ready = cluster
      .objects()
      .find((object) => object.kind === scheduler.resource.kind && isReady(object));
    if (ready !== undefined) {
      this.#check(ready);
    }
  }

  #check(resource: KubeObject): void {
    const { simulators, invariantChecker } = this.#options;
    for (const simulator of simulators()) {
      const lost = simulator.findLostRequests?.();
      if (lost !== undefined) {
        invariantChecker.report(
          'Ready=True means that requests arrive',
          `${objectName(resource)} is ready, and ${lost}`,
        );
      }
    }
  }
}

function isReady({ status, metadata }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return (
    metadata.deletionTimestamp === undefined &&
    conditions.some((one) => one.type === 'Ready' && one.status === 'True')
  );
}
