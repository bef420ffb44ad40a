/**
 * Edits of single fields in an object that stays somebody else's: a route of the mesh team's
 * VirtualService, say.
 *
 * Such an object is never applied. The machine sends one JSON Patch that tests uid and
 * resourceVersion, sets the named fields, and in
 * the same request notes in `<group>/field-claims` who holds them and what stood there before, so
 * that it
 * can be put back.
 */
import type { KubeObject } from '../client/object.ts';

/** One step into an object: a field, or the element of a list that has this `name`. */
export type FieldPathElement = string | { readonly name: string };

/** A field to set: `['spec', 'http', { name: 'split' }, 'route']`. */
export interface ClaimedField {
  readonly path: readonly FieldPathElement[];
  /** Plain JSON. Undefined: the field is taken away. */
  readonly value: unknown;
}

/** What a worker returns in place of an object to apply. Made by `claimFields` only. */
export interface FieldClaim<Kind extends string = string> {
  readonly fieldClaim: true;
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly fields: readonly ClaimedField[];
}

/**
 * Changes these fields of an object that this resource does not own, and no others.
 *
 * @param object what an input's `get`, `require` or `list` returned.
 * @param fields the fields to hold. A step `{ name }` must match exactly one element of its list,
 * else the sync ends in a PermanentError.
 */
export function claimFields<Kind extends string>(
  object: Pick<KubeObject, 'apiVersion'> & {
    readonly kind: Kind;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  },
  fields: readonly ClaimedField[],
): FieldClaim<Kind> {
  const { apiVersion, kind, metadata } = object;
  return {
    fieldClaim: true,
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    },
    fields,
  };
}
