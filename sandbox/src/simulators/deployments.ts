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
    readonly paused?: boolean;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxSurge?: number | string;
        readonly maxUnavailable?: number | string;
      };
    };
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
 * State of a rollout: `complete`, `underway` (no new Pod is available yet), or `failed` (the same,
 * after the progress deadline: the condition `Progressing` is False with the reason
 * `ProgressDeadlineExceeded`).
 */
export type RolloutState = 'complete' | 'underway' | 'failed';

/** Settings of {@link deployments}. */
export interface DeploymentsOptions {
  /**
   * Decides the state of a rollout, for example by the image. Until it is complete, the new Pods
   * come beside the old ones as the Deployment's strategy allows: `maxSurge` more Pods, and
   * `maxUnavailable` fewer old ones. `Recreate` removes all old Pods first. Default: every rollout
   * is complete.
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
  return ({ cluster, rolloutOf }) => {
    const rollout = (deployment: DeploymentObject): RolloutState =>
      rolloutOf?.(deployment) ?? options.rollout?.(deployment) ?? 'complete';
    const follow = (object: KubeObject | undefined): void => {
      if (object?.kind === 'Deployment' && object.apiVersion === 'apps/v1') {
        void advanceRollout(cluster, object, rollout);
      }
    };
    const stop = cluster.onChange((_, after) => follow(after));
    const refresh = (): void => {
      for (const object of cluster.objects()) {
        follow(object);
      }
    };
    refresh();
    return { stop, refresh };
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
  const deployment: DeploymentObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    ...(spec && { spec }),
    status,
  };
  const rolled = openRollout(deployment);
  const { desired } = rolled;
  // Without Pods there is nothing to wait for.
  const state = desired === 0 ? 'complete' : rollout(deployment);
  if (status.observedGeneration !== generation) {
    return observedStatus(generation, rolled);
  }
  const target =
    state === 'complete' ? completeStatus(metadata.name, desired) : incompleteStatus(state, rolled);
  const isReached = Object.entries(target).every(
    ([field, value]) =>
      JSON.stringify(status[field as keyof DeploymentStatus]) === JSON.stringify(value),
  );
  return isReached ? undefined : target;
}

/** A Deployment whose new Pods are not available. */
interface OpenRollout {
  readonly name: string;
  /** Number of Pods that are wanted. */
  readonly desired: number;
  /** Number of available Pods of older templates. */
  readonly old: number;
  /** Number of Pods that may exist beyond the wanted ones. */
  readonly maxSurge: number;
  /** Number of Pods that may be missing. */
  readonly maxUnavailable: number;
}

function openRollout({ metadata, spec, status }: DeploymentObject): OpenRollout {
  const desired = spec?.replicas ?? 1;
  const old = status?.availableReplicas ?? 0;
  if (spec?.strategy?.type === 'Recreate') {
    return { name: metadata.name, desired, old: 0, maxSurge: 0, maxUnavailable: desired };
  }
  const { maxSurge: surge = '25%', maxUnavailable: missing = '25%' } =
    spec?.strategy?.rollingUpdate ?? {};
  const maxSurge = podCount(surge, desired, Math.ceil);
  const given = Math.min(desired, podCount(missing, desired, Math.floor));
  // Without one or the other no Pod could be replaced.
  const maxUnavailable = maxSurge === 0 ? Math.max(1, given) : given;
  return { name: metadata.name, desired, old, maxSurge, maxUnavailable };
}

/** The number that `25%` or `1` means. */
function podCount(
  value: number | string,
  desired: number,
  round: (value: number) => number,
): number {
  return typeof value === 'number' ? value : round((desired * Number.parseFloat(value)) / 100);
}

/** The controller has observed a new generation and has created no Pod yet. */
function observedStatus(
  generation: number,
  { name, desired, old, maxUnavailable }: OpenRollout,
): DeploymentStatus {
  return {
    observedGeneration: generation,
    replicas: old,
    updatedReplicas: 0,
    readyReplicas: old,
    availableReplicas: old,
    unavailableReplicas: Math.max(0, desired - old),
    conditions: [
      availableCondition(old >= desired - maxUnavailable),
      condition('Progressing', 'ReplicaSetUpdated', `Deployment "${name}" is progressing.`),
    ],
  };
}

function completeStatus(name: string, desired: number): DeploymentStatus {
  return {
    replicas: desired,
    updatedReplicas: desired,
    readyReplicas: desired,
    availableReplicas: desired,
    unavailableReplicas: 0,
    conditions: [
      availableCondition(true),
      condition(
        'Progressing',
        'NewReplicaSetAvailable',
        `Deployment "${name}" has successfully progressed.`,
      ),
    ],
  };
}

/**
 * The new Pods exist and are not available. Old Pods are removed as far as the strategy allows. A
 * Deployment without old Pods gets all of its new Pods at once.
 */
function incompleteStatus(
  state: 'underway' | 'failed',
  { name, desired, old, maxSurge, maxUnavailable }: OpenRollout,
): DeploymentStatus {
  const minAvailable = desired - maxUnavailable;
  const kept = Math.min(old, minAvailable);
  const replicas = kept === 0 ? desired : desired + maxSurge;
  return {
    replicas,
    updatedReplicas: Math.min(desired, replicas - kept),
    readyReplicas: kept,
    availableReplicas: kept,
    unavailableReplicas: replicas - kept,
    conditions: [
      availableCondition(kept >= minAvailable),
      state === 'underway'
        ? condition('Progressing', 'ReplicaSetUpdated', `Deployment "${name}" is progressing.`)
        : {
            ...condition(
              'Progressing',
              'ProgressDeadlineExceeded',
              `Deployment "${name}" has timed out progressing.`,
            ),
            status: 'False',
          },
    ],
  };
}

function availableCondition(isTrue: boolean): object {
  return isTrue
    ? condition('Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : {
        ...condition(
          'Available',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
        ),
        status: 'False',
      };
}

function condition(type: string, reason: string, message: string): object {
  return { type, status: 'True', reason, message };
}
