/** What field claims leave in the objects of other owners. */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import type { FieldPath } from 'autopilot-runtime/internal';
import { fieldClaimsAnnotation, statusFieldManager } from 'autopilot-runtime/internal';
import { isMap } from '../cluster/frozen-json.ts';
import { objectName } from './run-trace.ts';

/** An entry of managedFields. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

/** A field claim, as the annotation of the object records it. */
export interface RecordedClaim {
  /** uid of the resource that has the claim. */
  readonly uid: string;
  /** Path of the claimed field. */
  readonly path: FieldPath;
  /** Present between the two requests of a change: the operator owns the field meanwhile. */
  readonly unfinished?: object;
}

/** Objects in which a resource has claims, each as a sentence. */
export function findClaimsOf(
  objects: readonly KubeObject[],
  { resource: { group } }: Scheduler,
  resource: KubeObject,
): readonly string[] {
  return objects
    .filter((object) => claimsIn(object, group).some(({ uid }) => uid === resource.metadata.uid))
    .map((object) => `${objectName(object)} still has a claim of ${objectName(resource)}`);
}

/**
 * Objects whose fields the operator owns outside their metadata although no change of its claims is
 * unfinished, each as a sentence. The owner of such an object cannot apply it.
 *
 * @param objects objects with managedFields
 */
export function findOwnedFields(
  objects: readonly KubeObject[],
  { operatorName, resource }: Scheduler,
): readonly string[] {
  const manager = statusFieldManager(operatorName);
  return objects
    .filter(({ kind }) => kind !== resource.kind && kind !== 'Lease')
    .filter((object) => claimsIn(object, resource.group).every((claim) => !claim.unfinished))
    .filter((object) =>
      managedFieldsOf(object).some(
        (entry) =>
          entry.manager === manager &&
          entry.operation === 'Update' &&
          entry.subresource === undefined &&
          Object.keys(entry.fieldsV1 ?? {}).some((field) => field !== 'f:metadata'),
      ),
    )
    .map((object) => `${manager} owns fields of ${objectName(object)}`);
}

/** @returns the managedFields of an object that was read with them. */
export function managedFieldsOf({ metadata }: KubeObject): readonly ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []) as readonly ManagedFieldsEntry[];
}

/** @returns the claims of an object. None if the annotation cannot be read. */
export function claimsIn({ metadata }: KubeObject, group: string): readonly RecordedClaim[] {
  const json = metadata.annotations?.[fieldClaimsAnnotation(group)];
  if (json === undefined) {
    return [];
  }
  try {
    const claims = JSON.parse(json) as unknown;
    return Array.isArray(claims) ? claims.filter(isRecordedClaim) : [];
  } catch {
    return [];
  }
}

function isRecordedClaim(claim: unknown): claim is RecordedClaim {
  return isMap(claim) && typeof claim['uid'] === 'string' && Array.isArray(claim['path']);
}
