/** Fields that an apply owns, and fields that it gives up. */
import { isBelow, withAncestors } from './field-set.ts';
import type { Kind } from './kind-registry.ts';
import type { FieldManager } from './managed-fields.ts';

/** Fields that a manager owned and no longer sends, and that no other manager owns. */
export function findDroppedFields(
  kind: Kind,
  own: FieldManager | undefined,
  sent: ReadonlySet<string>,
  others: readonly FieldManager[],
): ReadonlySet<string> {
  if (own === undefined || own.fields === sent || [...own.fields].every((path) => sent.has(path))) {
    return new Set();
  }
  const managed = [sent, ...others.map(({ fields }) => fields)].map((fields) =>
    withAncestors(fields, kind.shape),
  );
  // metadata itself stays: every apply sends the name, which no manager owns.
  const ownFields = [...withAncestors(own.fields, kind.shape)].filter(
    (path) => path !== 'f:metadata',
  );
  return new Set(ownFields.filter((path) => managed.every((fields) => !fields.has(path))));
}

/** Whether writes of the subresource change the field. */
export function belongsToSubresource(
  kind: Kind,
  path: string,
  subresource: string | undefined,
): boolean {
  const status = path === 'f:status' || isBelow(path, 'f:status');
  return subresource === 'status' ? status : !(status && kind.status === true);
}
