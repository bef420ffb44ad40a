/** What an apply owns, and what it gives up. */
import { isBelow, withAncestors } from './field-set.ts';
import type { Kind } from './kind-registry.ts';
import type { FieldManager } from './managed-fields.ts';

/** What its manager owned, no longer sends, and nobody else owns. */
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
  // metadata itself always stays: every apply sends the name, which nobody owns.
  const ownFields = [...withAncestors(own.fields, kind.shape)].filter(
    (path) => path !== 'f:metadata',
  );
  return new Set(ownFields.filter((path) => managed.every((fields) => !fields.has(path))));
}

/** Does this door write the field? */
export function belongsToSubresource(
  kind: Kind,
  path: string,
  subresource: string | undefined,
): boolean {
  const status = path === 'f:status' || isBelow(path, 'f:status');
  return subresource === 'status' ? status : !(status && kind.status === true);
}
