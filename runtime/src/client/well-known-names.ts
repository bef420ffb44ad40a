/**
 * Every name that an operator leaves in a cluster: labels, annotations, finalizers, field managers,
 * leases. They cannot be changed
 * without stranding what older versions wrote; docs/design.md says why each is as it is.
 */
import { shortHash } from '../util/json.ts';
import type { ResourceType } from './object.ts';

/**
 * Who made an object: the operator's name. All outputs carry it; kinds that are only outputs are
 * watched by it.
 */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';

/** `<group>/owner-uid`: the uid of the resource whose worker returned the object. */
export function ownerLabel(group: string): string {
  return `${group}/owner-uid`;
}

/**
 * `<group>/applied`: hash of the intent last applied; equal hash and unchanged fields cost no
 * request.
 */
export function appliedAnnotation(group: string): string {
  return `${group}/applied`;
}

/** `<group>/paused: "true"` on a resource: its worker is not called. */
export function pausedAnnotation(group: string): string {
  return `${group}/paused`;
}

/** `<group>/retry: <anything>` on a resource: a changed value clears a permanent error. */
export function retryAnnotation(group: string): string {
  return `${group}/retry`;
}

/** `<group>/approve: <phase>@<token>` on a resource: a person lets it go to that phase. */
export function approveAnnotation(group: string): string {
  return `${group}/approve`;
}

/**
 * `<group>/field-claims` on an object of somebody else's: which of its fields resources hold, and
 * what
 * stood there before.
 */
export function fieldClaimsAnnotation(group: string): string {
  return `${group}/field-claims`;
}

/** `<group>/<operatorName>`: the runtime's own finalizer. */
export function finalizerName(group: string, operatorName: string): string {
  return `${group}/${operatorName}`;
}

/**
 * One field manager for each resource: two resources under one manager name would erase each
 * other's fields.
 */
export function outputFieldManager(
  operatorName: string,
  type: ResourceType,
  namespace: string | undefined,
  name: string,
): string {
  return `${operatorName}-${shortHash(`${type.kind}.${type.group}/${namespace ?? ''}/${name}`)}`;
}

/** Field manager of status writes, finalizers and leases. */
export function statusFieldManager(operatorName: string): string {
  return operatorName;
}

/**
 * Two releases that watch disjoint namespaces have two leases. No namespaces: the whole cluster.
 */
export function leaseName(operatorName: string, watchNamespaces: readonly string[]): string {
  return `${operatorName}-${shortHash([...watchNamespaces].sort().join(','))}`;
}
