/**
 * What people want: the manifests of the objects that the scenario creates, with each later change
 * by their owners. The operator's field claims are not part of a manifest.
 */
import type { KubeObject } from 'autopilot-runtime';
import type { ObjectKey } from 'autopilot-runtime/internal';
import { keyString } from 'autopilot-runtime/internal';
import { applyMergePatch } from '../cluster/patch.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';

/** Field manager of the owners: they apply their manifests by server-side apply. */
export const OWNER_MANAGER = 'helm';

/** The manifests of people's objects. */
export class OwnersManifests {
  readonly #manifests = new Map<string, KubeObject>();

  /** Records that an owner creates an object or changes it as a whole. Status is not kept. */
  set(kind: string, key: ObjectKey, manifest: ObjectManifest | KubeObject): void {
    const { status: _, ...rest } = manifest as KubeObject;
    const { labels, annotations } = rest.metadata;
    this.#manifests.set(nameOf(kind, key), {
      ...rest,
      metadata: { ...key, ...(labels && { labels }), ...(annotations && { annotations }) },
    });
  }

  /** Records a merge patch by an owner. Ignored for an object without manifest. */
  patch(kind: string, key: ObjectKey, body: object): void {
    const manifest = this.get(kind, key);
    if (manifest !== undefined) {
      this.set(kind, key, applyMergePatch(manifest, body) as KubeObject);
    }
  }

  /** Records that an owner deletes an object. */
  remove(kind: string, key: ObjectKey): void {
    this.#manifests.delete(nameOf(kind, key));
  }

  /** @returns the manifest. Undefined: no owner has created the object. */
  get(kind: string, key: ObjectKey): KubeObject | undefined {
    return this.#manifests.get(nameOf(kind, key));
  }

  /** @returns the manifests of a kind. */
  ofKind(kind: string): readonly KubeObject[] {
    return [...this.#manifests.values()].filter((manifest) => manifest.kind === kind);
  }
}

function nameOf(kind: string, key: ObjectKey): string {
  return `${kind} ${keyString(key)}`;
}
