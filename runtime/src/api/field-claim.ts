/**
 * Edits of single fields in an object that stays somebody else's: a route of the mesh team's
 * VirtualService, say.
 *
 * Such an object is never applied. The machine sends one JSON Patch that tests uid and
 * resourceVersion, sets the named fields, and in
 * the same request notes in `<group>/held` who holds them and what stood there before, so that it
 * can be put back.
 */
import type { KubeObject } from './kube/object.ts';

/** One step into an object: a field, or the element of a list that has this `name`. */
export type FieldStep = string | { readonly name: string };

/** A field to set: `['spec', 'http', { name: 'split' }, 'route']`. */
export interface SharedField {
  readonly path: readonly FieldStep[];
  /** Plain JSON. Undefined: the field is taken away. */
  readonly value: unknown;
}

/** What a worker returns in place of an object to apply. Made by `shared` only. */
export interface SharedOutput<Kind extends string = string> {
  readonly shared: true;
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly fields: readonly SharedField[];
}

/**
 * Changes these fields of an object that this resource does not own, and no others.
 *
 * @param object what an input's `get`, `need` or `list` returned.
 * @param fields the fields to hold. A step `{ name }` must match exactly one element of its list,
 * else the sync ends in a PermanentError.
 */
export function shared<Kind extends string>(
  object: Pick<KubeObject, 'apiVersion'> & {
    readonly kind: Kind;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  },
  fields: readonly SharedField[],
): SharedOutput<Kind> {
  const { apiVersion, kind, metadata } = object;
  return {
    shared: true,
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    },
    fields,
  };
}
