/** The object as a plan leaves it, and the operations that lead there. */
import type { JsonPatchOperation } from '../../client/kube-api.ts';
import type { KubeObject } from '../../client/object.ts';
import { setMember } from '../../util/json.ts';
import type { FieldLocation, FieldLookup, FieldPath } from './field-path.ts';
import { locateField } from './field-path.ts';

/**
 * A copy of the object that the claims are applied to. Labels and annotations that the object lacks
 * are present in the copy as empty maps, so that a path into them leads to a field.
 */
export class ClaimDraft {
  readonly object: KubeObject;
  /** Maps of metadata that are in the draft only, because no operation has added them yet. */
  readonly #missingMaps = new Set<string>();

  constructor(live: KubeObject, fields: readonly { readonly path: FieldPath }[]) {
    this.object = structuredClone(live) as KubeObject;
    const metadata = this.object.metadata as { labels?: object; annotations?: object };
    for (const { path } of fields) {
      const [first, map] = path;
      const isMap = first === 'metadata' && (map === 'labels' || map === 'annotations');
      if (isMap && metadata[map] === undefined) {
        metadata[map] = {};
        this.#missingMaps.add(map);
      }
    }
  }

  /** The annotations as the operations so far leave them. */
  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.#missingMaps.has('annotations') ? undefined : this.object.metadata.annotations;
  }

  locate(path: FieldPath): FieldLookup {
    return locateField(this.object, path);
  }

  /** Sets a field of the draft. @param value undefined removes the field. @returns operations */
  set(location: FieldLocation, path: FieldPath, value: unknown): readonly JsonPatchOperation[] {
    const { parent, key, pointer, value: before } = location;
    if (value === undefined) {
      if (before === undefined) {
        return [];
      }
      delete parent[key];
      return [{ op: 'remove', path: pointer }];
    }
    setMember(parent, key, structuredClone(value));
    const op = before === undefined ? 'add' : 'replace';
    return [...this.#addMissingMap(path), { op, path: pointer, value }];
  }

  #addMissingMap([first, map]: FieldPath): readonly JsonPatchOperation[] {
    const isAdded =
      first === 'metadata' && typeof map === 'string' && this.#missingMaps.delete(map);
    return isAdded ? [{ op: 'add', path: `/metadata/${map}`, value: {} }] : [];
  }
}

/** The operations behind tests of uid and resourceVersion; empty without operations. */
export function withPreconditions(
  object: KubeObject,
  operations: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  if (operations.length === 0) {
    return [];
  }
  const { uid, resourceVersion } = object.metadata;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    ...operations,
  ];
}
