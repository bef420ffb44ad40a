/** Kinds that tell what happened rather than what is. */
import type { KubeObject, ResourceType } from 'autopilot-runtime/internal';

export function isLease({ group, kind }: Pick<ResourceType, 'group' | 'kind'>): boolean {
  return group === 'coordination.k8s.io' && kind === 'Lease';
}

export function isEvent({ group, kind }: Pick<ResourceType, 'group' | 'kind'>): boolean {
  return kind === 'Event' && (group === '' || group === 'events.k8s.io');
}

/** Kinds that tell what happened rather than what is: Leases and Events. */
export function isIgnoredKind({
  apiVersion,
  kind,
}: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return isLease({ group, kind }) || isEvent({ group, kind });
}
