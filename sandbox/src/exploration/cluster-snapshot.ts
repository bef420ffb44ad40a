/** Reads the cluster at one instant, for invariants and for the steps of a scenario. */
import type { KubeObject, ResourceType, Scheduler } from 'autopilot-runtime';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterSnapshot } from './scenario.ts';

/**
 * @param scheduler its declared kinds come first: if it declares a `Gateway` of one API group, the
 * name `Gateway` means that kind.
 */
export function createSnapshot(cluster: Cluster, scheduler: Scheduler): ClusterSnapshot {
  const declared = declaredKinds(scheduler);
  const groups = new Map<string, string>();
  const groupOfKind = (kind: string): string => {
    const known = groups.get(kind);
    if (known !== undefined) {
      return known;
    }
    const type = declared.find((one) => one.kind === kind) ?? cluster.typeNamed(kind);
    const group = groupOf(apiVersionOf(type));
    groups.set(kind, group);
    return group;
  };
  const list = (kind: string, namespace?: string): readonly KubeObject[] =>
    cluster
      .objects()
      .filter(
        (object) =>
          object.kind === kind &&
          groupOf(object.apiVersion) === groupOfKind(kind) &&
          (namespace === undefined || object.metadata.namespace === namespace),
      );
  const get = (kind: string, name: string, namespace = 'default'): KubeObject | undefined =>
    list(kind).find(
      ({ metadata }) =>
        metadata.name === name &&
        (metadata.namespace === undefined || metadata.namespace === namespace),
    );
  return { get, list } as ClusterSnapshot;
}

/** The kinds that an operator declares: its resource, and the inputs and outputs of its phases. */
export function declaredKinds({ resource, phases }: Scheduler): readonly ResourceType[] {
  return [
    resource,
    ...phases.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(({ type }) => type)),
  ];
}

/** @returns true for `Lease` of leader election. */
export function isLease({ group, kind }: Pick<ResourceType, 'group' | 'kind'>): boolean {
  return group === 'coordination.k8s.io' && kind === 'Lease';
}

/** @returns true for `Event` of the core group and of `events.k8s.io`. */
export function isEvent({ group, kind }: Pick<ResourceType, 'group' | 'kind'>): boolean {
  return kind === 'Event' && (group === '' || group === 'events.k8s.io');
}

/**
 * @returns true for Leases and Events. They record what happened, so no fault is injected into
 * their requests and no invariant is checked on them.
 */
export function isIgnoredKind({
  apiVersion,
  kind,
}: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  const group = groupOf(apiVersion);
  return isLease({ group, kind }) || isEvent({ group, kind });
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
