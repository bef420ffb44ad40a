/**
 * Claims of single fields in objects that another controller or team owns, such as one route of a
 * VirtualService.
 *
 * The runtime never applies such an object. It sends one JSON Patch that tests uid and
 * resourceVersion and sets the claimed fields. The same request records the claims and the previous
 * values in the annotation `<group>/field-claims`, so that the values can be restored.
 */
import type { KubeObject } from '../client/object.ts';

/** One step of a path into an object: a field name, or the list element that has this `name`. */
export type FieldPathElement =
  | string
  | {
      /** Value of the element's field `name`, which must occur once in the list. */
      readonly name: string;
    };

/** A field to set in an object that the resource does not own, for as long as the claim lasts. */
export interface SetField {
  /** Path of the field: `['spec', 'http', { name: 'split' }, 'route']`. */
  readonly path: readonly FieldPathElement[];
  /** The value, as plain JSON. Undefined removes the field until the claim is released. */
  readonly value: unknown;
  /** Not in a field that has a value. */
  readonly remove?: never;
}

/** A field to remove for good from an object that the resource does not own. */
export interface RemovedField {
  /** Path of the field: `['spec', 'http', { name: 'split' }, 'fault']`. */
  readonly path: readonly FieldPathElement[];
  /**
   * Removes the field and ends an earlier claim of the same path. The value is not kept, and is not
   * restored.
   */
  readonly remove: 'permanently';
  /** Not in a field that is removed. */
  readonly value?: never;
}

/** A field of a claim. */
export type ClaimedField = SetField | RemovedField;

/** The result of `claimFields`: a worker returns it in an output, in place of an object. */
export interface FieldClaim<Kind extends string = string> {
  /** Tells a claim from an object to apply. */
  readonly fieldClaim: true;
  /** Group and version of the object. */
  readonly apiVersion: string;
  /** Kind of the object. */
  readonly kind: Kind;
  /** Name and namespace of the object. */
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** The fields to set. */
  readonly fields: readonly ClaimedField[];
}

/**
 * Claims fields of an object that this resource does not own. Every other field stays as it is.
 *
 * # Guarantees
 *
 * - The previous values are restored when the resource is deleted, and when an output with
 *   `prune: true` no longer contains the claim. A value that another client has changed since is
 *   not restored; an Event says so.
 * - A value that another client writes meanwhile becomes the value to restore. The claimed value is
 *   set again.
 * - The claim takes no field ownership: server-side apply of the object by its owner meets no
 *   conflict, neither during the claim nor after it.
 * - A claim in a list element follows the element when its owner renames it. Where the element
 *   cannot be told, the claim is kept and the condition FieldClaimsUnresolved says so.
 * - A field `{ path, remove: 'permanently' }` is removed and not restored, and an earlier claim of
 *   this path ends. A field that is absent costs no request.
 * - Two resources never claim the same field: the second one fails with the condition
 *   OutputConflict.
 * - The claimed fields are watched, and set again when another client changes them.
 *
 * # Errors
 *
 * The reconcile fails with a PermanentError when the kind is not an input of the same worker, and
 * when a path step `{ name }` matches no element or more than one. It fails with the condition
 * OutputsApplied=False, and is retried, when the object does not exist.
 *
 * @param object what `get`, `require` or `list` of an input returned.
 * @param fields the fields to set.
 * @returns the claim, for the output of the object's kind.
 * @example
 * ```ts
 * const route = inputs.virtualservices.require('shop');
 * const retries = { attempts: 3, perTryTimeout: '2s' };
 * const path = ['spec', 'http', { name: 'checkout' }, 'retries'];
 * return {
 *   next: 'Protected',
 *   outputs: { virtualservices: [claimFields(route, [{ path, value: retries }])] },
 * };
 * ```
 */
export function claimFields<Kind extends string>(
  object: Pick<KubeObject, 'apiVersion'> & {
    readonly kind: Kind;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  },
  fields: readonly ClaimedField[],
): FieldClaim<Kind> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  return {
    fieldClaim: true,
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    fields,
  };
}
