/**
 * Every name that an operator writes into a cluster: labels, annotations, finalizers, field
 * managers and leases. A changed name would orphan what older versions wrote. docs/design.md gives
 * the reason for each.
 */
import { shortHash } from '../util/json.ts';
import type { ResourceType } from './object.ts';

/**
 * Label with the operator's name. All outputs carry the label, and kinds that are only outputs are
 * watched with it as selector.
 */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';

/** `<group>/owner-uid`: the uid of the resource whose worker returned the object. */
export function ownerLabel(group: string): string {
  return `${group}/owner-uid`;
}

/**
 * `<group>/applied`: hash of the desired object that was last applied. Where the API server stores
 * another form of the object, `/` and the hash of that form follow. Equal hashes and unchanged
 * fields cost no request.
 */
export function appliedAnnotation(group: string): string {
  return `${group}/applied`;
}

/**
 * `<group>/paused: "true"` on a resource: its worker is not called. Every value but `false`, `no`,
 * `off` and `0` pauses.
 */
export function pausedAnnotation(group: string): string {
  return `${group}/paused`;
}

/** `<group>/retry: <anything>` on a resource: a changed value clears a permanent error. */
export function retryAnnotation(group: string): string {
  return `${group}/retry`;
}

/**
 * `<group>/approve: <phase>@<token>` on a resource: a person approves the transition to that phase.
 */
export function approveAnnotation(group: string): string {
  return `${group}/approve`;
}

/**
 * `<group>/field-claims` on an object of another owner: the fields that resources have claimed, and
 * their original values.
 */
export function fieldClaimsAnnotation(group: string): string {
  return `${group}/field-claims`;
}

/** `<group>/<operatorName>`: the runtime's own finalizer. */
export function finalizerName(group: string, operatorName: string): string {
  return `${group}/${operatorName}`;
}

/**
 * Field manager of one resource's outputs. Two resources with one field manager would delete each
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
 * Name of the leader lease. Releases that watch different namespaces have different leases.
 *
 * @param watchNamespaces watched namespaces. Empty: the whole cluster.
 */
export function leaseName(operatorName: string, watchNamespaces: readonly string[]): string {
  return `${operatorName}-${shortHash([...watchNamespaces].sort().join(','))}`;
}
