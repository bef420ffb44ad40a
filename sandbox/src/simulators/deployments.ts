/**
 * The part of the controller manager that rolls Deployments out, as far as their status tells:
 * without ReplicaSets and Pods.
 */
import type { KubeObject } from 'autopilot-runtime';
import { hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { Simulator } from './simulator.ts';

/** A Deployment, as far as simulators look at it. */
export interface DeploymentObject extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
    };
  };
  readonly status?: DeploymentStatus;
}

interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly conditions?: readonly object[];
}

/** How far a rollout comes: to its end, not yet, or never (its progress deadline is over). */
export type RolloutState = 'complete' | 'underway' | 'failed';

/**
 * Every Deployment is rolled out as soon as it is seen: first its status says that the change was
 * noticed, then that the new Pods are
 * there and the old ones gone.
 *
 * @param options.rollout decides it by the Deployment, by its image say. Default: complete. Until
 * then the old Pods stay.
 */
export function deployments(
  options: { readonly rollout?: (deployment: DeploymentObject) => RolloutState } = {},
): Simulator {
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
  try {
    const status = nextDeploymentStatus(
      (await cluster.api.get(type, { name, namespace })) as DeploymentObject,
      rollout,
    );
    if (status === undefined) {
      return;
    }
    const options = { subresource: 'status', fieldManager: 'kube-controller-manager' } as const;
    await cluster.api.patch(
      type,
      { name, namespace },
      { type: 'merge', body: { status } },
      options,
    );
  } catch (error) {
    if (!hasCode(error, 404)) {
      throw error;
    }
  }
}

/** One step of a rollout; undefined when there is nothing left to do. */
function nextDeploymentStatus(
  { metadata, spec, status = {} }: DeploymentObject,
  rollout: (deployment: DeploymentObject) => RolloutState,
): DeploymentStatus | undefined {
  const { generation = 1 } = metadata;
  const wanted = spec?.replicas ?? 1;
  const { availableReplicas: old = 0 } = status;
  const state = rollout({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    ...(spec && { spec }),
    status,
  });
  const condition = (type: string, good: boolean, reason: string): object => ({
    type,
    status: good ? 'True' : 'False',
    reason,
  });
  if (status.observedGeneration !== generation) {
    return {
      observedGeneration: generation,
      replicas: Math.max(old, wanted),
      updatedReplicas: 0,
      readyReplicas: old,
      availableReplicas: old,
      unavailableReplicas: Math.max(0, wanted - old),
      conditions: [condition('Progressing', true, 'ReplicaSetUpdated')],
    };
  }
  const target: DeploymentStatus =
    state === 'complete'
      ? {
          replicas: wanted,
          updatedReplicas: wanted,
          readyReplicas: wanted,
          availableReplicas: wanted,
          unavailableReplicas: 0,
          conditions: [
            condition('Available', true, 'MinimumReplicasAvailable'),
            condition('Progressing', true, 'NewReplicaSetAvailable'),
          ],
        }
      : {
          updatedReplicas: wanted,
          conditions: [
            condition(
              'Progressing',
              state === 'underway',
              state === 'underway' ? 'ReplicaSetUpdated' : 'ProgressDeadlineExceeded',
            ),
          ],
        };
  const isReached = Object.entries(target).every(
    ([field, value]) =>
      JSON.stringify(status[field as keyof DeploymentStatus]) === JSON.stringify(value),
  );
  return isReached ? undefined : target;
}
