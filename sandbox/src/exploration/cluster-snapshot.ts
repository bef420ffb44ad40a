/** The cluster at one instant, for oracles, invariants and accepted ends. */
import type { KubeObject, ResourceType, Scheduler } from 'autopilot-runtime/internal';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { SandboxObject } from '../testing/sandbox.ts';
import type { ClusterSnapshot } from './scenario.ts';

/** A kind name means the one that the machine declares, if it does. */
export function createSnapshot(cluster: Cluster, scheduler: Scheduler): ClusterSnapshot {
  const declared = declaredKinds(scheduler);
  const apiVersions = new Map<string, string>();
  const isOf = (kind: string, object: KubeObject): boolean => {
    if (object.kind !== kind) {
      return false;
    }
    let apiVersion = apiVersions.get(kind);
    if (apiVersion === undefined) {
      apiVersion = apiGroupOf(
        apiVersionOf(declared.find((type) => type.kind === kind) ?? cluster.typeNamed(kind)),
      );
      apiVersions.set(kind, apiVersion);
    }
    return apiGroupOf(object.apiVersion) === apiVersion;
  };
  const found = (kind: string, namespace: string | undefined): KubeObject[] =>
    cluster
      .objects()
      .filter(
        (object) =>
          isOf(kind, object) &&
          (namespace === undefined || object.metadata.namespace === namespace),
      );
  return {
    get: (kind, name, namespace = 'default') =>
      found(kind, undefined).find(
        ({ metadata }) =>
          metadata.name === name &&
          (metadata.namespace === undefined || metadata.namespace === namespace),
      ) as SandboxObject | undefined,
    list: (kind, namespace) => found(kind, namespace) as SandboxObject[],
  };
}

export function declaredKinds({ resource, phases }: Scheduler): readonly ResourceType[] {
  return [
    resource,
    ...phases.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(({ type }) => type)),
  ];
}

function apiGroupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
