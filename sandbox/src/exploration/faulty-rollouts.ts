/** Rollouts of Deployments that fail or are slow, for the simulated Deployment controller. */
import type { DeploymentObject, RolloutState } from '../simulators/deployments.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import { objectName } from './run-trace.ts';

const FAILED_MS = 900_000;
const SLOW_MS = 300_000;

/** The rollouts of one run that do not become complete for a while. */
export class FaultyRollouts {
  readonly #runContext: RunContext;
  readonly #onEnd: () => void;
  /** States by uid of the Deployment. */
  readonly #states = new Map<string, RolloutState>();

  /** @param onEnd called when a rollout may become complete. */
  constructor(runContext: RunContext, onEnd: () => void) {
    this.#runContext = runContext;
    this.#onEnd = onEnd;
  }

  /** @returns the state of a rollout with a fault. Undefined: the simulator decides. */
  stateOf(deployment: DeploymentObject): RolloutState | undefined {
    const { metadata, status } = deployment;
    const uid = metadata.uid ?? '';
    if (status?.observedGeneration === metadata.generation) {
      const isComplete = status?.updatedReplicas === deployment.spec?.replicas;
      if (!isComplete && !this.#states.has(uid)) {
        this.#visit(deployment, uid);
      }
    }
    return this.#states.get(uid);
  }

  #visit(deployment: DeploymentObject, uid: string): void {
    const { trace, eventLoop, invariantChecker } = this.#runContext;
    const fault = this.#runContext.visitOnce('rollout', '', 'Deployment');
    if (fault === undefined) {
      return;
    }
    invariantChecker.hasForeignFaults = true;
    const isFailed = fault.kind === 'rollout-failed';
    trace.add('cluster', `rolls out ${objectName(deployment)}`, FAULTS[fault.kind].description);
    this.#states.set(uid, isFailed ? 'failed' : 'underway');
    void eventLoop.delayForFault(isFailed ? FAILED_MS : SLOW_MS).then(() => {
      this.#states.delete(uid);
      this.#onEnd();
    });
  }
}
