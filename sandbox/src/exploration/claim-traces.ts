/** What field claims leave in the objects of other owners. */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import { fieldClaimsAnnotation, statusFieldManager } from 'autopilot-runtime/internal';
import { objectName } from './run-trace.ts';

interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

interface ClaimEntry {
  readonly uid: string;
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
      entriesOf(object).some(
        (entry) =>
          entry.manager === manager &&
          entry.operation === 'Update' &&
          entry.subresource === undefined &&
          Object.keys(entry.fieldsV1 ?? {}).some((field) => field !== 'f:metadata'),
      ),
    )
    .map((object) => `${manager} owns fields of ${objectName(object)}`);
}

function entriesOf({ metadata }: KubeObject): readonly ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []) as readonly ManagedFieldsEntry[];
}

/** An annotation that a user has damaged has no claims. */
function claimsIn({ metadata }: KubeObject, group: string): readonly ClaimEntry[] {
  try {
    const claims: unknown = JSON.parse(
      metadata.annotations?.[fieldClaimsAnnotation(group)] ?? '[]',
    );
    return Array.isArray(claims) ? (claims as readonly ClaimEntry[]) : [];
  } catch {
    return [];
  }
}
