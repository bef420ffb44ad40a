/**
 * The annotation `<group>/applied`: what was last applied to an object, and in which form the API
 * server stored it.
 *
 * - `<hash>`: the API server stores the desired fields as they were sent.
 * - `<hash>/<stored hash>`: the API server, or a webhook, stores another form of them. The stored
 *   hash tells that form from a change by another client, also in a new process.
 */
import type { KubeObject } from '../../client/object.ts';
import { appliedAnnotation } from '../../client/well-known-names.ts';
import { containsFields, hashOf, isRecord } from '../../util/json.ts';

/** What the annotation says. */
export interface AppliedMark {
  /** Hash of the desired object that was applied. */
  readonly hash: string;
  /** Hash of its fields as they are stored. Absent: they are stored as they were sent. */
  readonly storedHash?: string;
}

/** The mark of an object; undefined for an object without the annotation. */
export function appliedMarkOf(live: KubeObject, group: string): AppliedMark | undefined {
  const text = live.metadata.annotations?.[appliedAnnotation(group)];
  if (text === undefined) {
    return undefined;
  }
  const [hash = '', storedHash] = text.split('/');
  return { hash, ...(storedHash !== undefined && { storedHash }) };
}

/** The value of the annotation. */
export function formatAppliedMark({ hash, storedHash }: AppliedMark): string {
  return storedHash === undefined ? hash : `${hash}/${storedHash}`;
}

/**
 * Has the object every desired field as it was applied?
 *
 * @param fields the desired object without the mark
 */
export function isAsApplied(live: KubeObject, fields: KubeObject, mark: AppliedMark): boolean {
  return (
    containsFields(live, fields) ||
    (mark.storedHash !== undefined && mark.storedHash === storedHashOf(live, fields))
  );
}

/** Hash of what is stored in the place of the desired fields. */
export function storedHashOf(live: KubeObject, fields: KubeObject): string {
  return hashOf(selectFields(live, fields));
}

/** The part of a live value that the desired value names. A list of another length is whole. */
function selectFields(live: unknown, desired: unknown): unknown {
  if (Array.isArray(desired) && Array.isArray(live) && desired.length === live.length) {
    return live.map((item: unknown, index) => selectFields(item, desired[index]));
  }
  if (!isRecord(desired) || !isRecord(live)) {
    return live;
  }
  const names = Object.keys(desired).filter((name) => Object.hasOwn(live, name));
  return Object.fromEntries(names.map((name) => [name, selectFields(live[name], desired[name])]));
}
