/**
 * Simulates the Deployment controller: rolls Deployments out and writes their status, without
 * ReplicaSets and Pods.
 */
import type { KubeObject } from 'autopilot-runtime';
import { hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { Simulator } from './simulator.ts';

/** A Deployment, with the fields that simulators read. */
export interface DeploymentObject extends KubeObject {
  /** Desired state. */
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
    };
  };
  /** Observed state, written by {@link deployments}. */
  readonly status?: DeploymentStatus;
}

/** Status of a Deployment, with the fields that simulators read and write. */
export interface DeploymentStatus {
  /** The generation that the controller has observed. */
  readonly observedGeneration?: number;
  /** Number of Pods. */
  readonly replicas?: number;
  /** Number of Pods of the present template. */
  readonly updatedReplicas?: number;
  /** Number of ready Pods. */
  readonly readyReplicas?: number;
  /** Number of available Pods. */
  readonly availableReplicas?: number;
  /** Number of Pods that are missing. */
  readonly unavailableReplicas?: number;
  /** Conditions `Progressing` and `Available`. */
  readonly conditions?: readonly object[];
}

/**
 * State of a rollout: `complete`, `underway` (new Pods are not available yet), or `failed` (the
 * progress deadline is exceeded).
 */
export type RolloutState = 'complete' | 'underway' | 'failed';

/** Settings of {@link deployments}. */
export interface DeploymentsOptions {
  /**
   * Decides the state of a rollout, for example by the image. The old Pods stay until the rollout
   * is complete. Default: every rollout is complete.
   */
  readonly rollout?: (deployment: DeploymentObject) => RolloutState;
}

/**
 * Rolls out every Deployment of the cluster at once. The status first reports the new generation,
 * then the new Pods.
 *
 * @example
 * startSandbox(scheduler, { simulators: [deployments({ rollout: () => 'failed' })] })
 */
export function deployments(options: DeploymentsOptions = {}): Simulator {
  const { rollout = () => 'complete' } = options;
  return ({ cluster }) => {
    const follow = (object: KubeObject | undefined): void => {
      if (object?.kind === 'Deployment' && object.apiVersion === 'apps/v1') {
        void advanceRollout(cluster, object, rollout);
      }
    };
    const stop = cluster.onChange((_, after) => follow(after));
    for (const object of cluster.objects()) {
      follow(object);
    }
    return { stop };
  };
}

async function advanceRollout(
  cluster: Cluster,
  { metadata: { name, namespace = '' } }: KubeObject,
  rollout: (deployment: DeploymentObject) => RolloutState,
): Promise<void> {
  const type = cluster.typeNamed('Deployment');
  const key = { name, namespace };
  try {
    const deployment = (await cluster.api.get(type, key)) as DeploymentObject;
    const status = nextStatus(deployment, rollout);
    if (status === undefined) {
      return;
    }
    const options = { subresource: 'status', fieldManager: 'kube-controller-manager' } as const;
    await cluster.api.patch(type, key, { type: 'merge', body: { status } }, options);
  } catch (error) {
    // The Deployment was deleted meanwhile.
    if (!hasCode(error, 404)) {
      throw error;
    }
  }
}

/** One step of a rollout. Undefined: there is nothing left to do. */
function nextStatus(
  { metadata, spec, status = {} }: DeploymentObject,
  rollout: (deployment: DeploymentObject) => RolloutState,
): DeploymentStatus | undefined {
  const { generation = 1 } = metadata;
  const desired = spec?.replicas ?? 1;
  const state = rollout({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    ...(spec && { spec }),
    status,
  });
  if (status.observedGeneration !== generation) {
    return observedStatus(generation, desired, status.availableReplicas ?? 0);
  }
  const target = state === 'complete' ? completeStatus(desired) : incompleteStatus(state, desired);
  const isReached = Object.entries(target).every(
    ([field, value]) =>
      JSON.stringify(status[field as keyof DeploymentStatus]) === JSON.stringify(value),
  );
  return isReached ? undefined : target;
}

/** The controller has observed a new generation; the old Pods still run. */
function observedStatus(generation: number, desired: number, old: number): DeploymentStatus {
  return {
    observedGeneration: generation,
    replicas: Math.max(old, desired),
    updatedReplicas: 0,
    readyReplicas: old,
    availableReplicas: old,
    unavailableReplicas: Math.max(0, desired - old),
    conditions: [condition('Progressing', true, 'ReplicaSetUpdated')],
  };
}

function completeStatus(desired: number): DeploymentStatus {
  return {
    replicas: desired,
    updatedReplicas: desired,
    readyReplicas: desired,
    availableReplicas: desired,
    unavailableReplicas: 0,
    conditions: [
      condition('Available', true, 'MinimumReplicasAvailable'),
      condition('Progressing', true, 'NewReplicaSetAvailable'),
    ],
  };
}

function incompleteStatus(state: 'underway' | 'failed', desired: number): DeploymentStatus {
  const progressing =
    state === 'underway'
      ? condition('Progressing', true, 'ReplicaSetUpdated')
      : condition('Progressing', false, 'ProgressDeadlineExceeded');
  return { updatedReplicas: desired, conditions: [progressing] };
}

function condition(type: string, isTrue: boolean, reason: string): object {
  return { type, status: isTrue ? 'True' : 'False', reason };
}
