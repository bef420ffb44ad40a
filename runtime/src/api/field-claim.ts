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

/** A field to set in an object that the resource does not own. */
export interface ClaimedField {
  /** Path of the field: `['spec', 'http', { name: 'split' }, 'route']`. */
  readonly path: readonly FieldPathElement[];
  /** The value, as plain JSON. Undefined removes the field. */
  readonly value: unknown;
}

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
