/** Which resource has claims in which objects, by the annotations of the objects in the caches. */
import type { InputDefinition, Scheduler } from '../../api/scheduler.ts';
import { allWorkerDefinitions, claimableInput } from '../../api/scheduler.ts';
import type { Informer } from '../../cache/informer.ts';
import type { KubeObject, ResourceType } from '../../client/object.ts';
import { keyOf, keyString } from '../../client/object.ts';
import { readClaims } from './claims-annotation.ts';

/** An object in which a resource has claims. */
export interface ClaimedObject {
  readonly type: ResourceType;
  readonly informer: Informer;
  readonly key: string;
}

/** What the index needs from its controller. */
interface ClaimIndexDeps {
  readonly scheduler: Scheduler;
  readonly informerOf: (input: InputDefinition) => Informer;
}

/** The objects with claims, by resource. */
export class ClaimIndex {
  readonly #group: string;
  /** Objects with claims, by uid of the resource that has the claims. */
  readonly #claimed = new Map<string, Map<string, ClaimedObject>>();

  constructor({ scheduler, informerOf }: ClaimIndexDeps) {
    this.#group = scheduler.resource.group;
    const informers = new Map<Informer, ResourceType>();
    for (const definition of allWorkerDefinitions(scheduler)) {
      for (const output of definition.outputs) {
        const input = claimableInput(definition, output);
        if (input !== undefined) {
          informers.set(informerOf(input), output.type);
        }
      }
    }
    for (const [informer, type] of informers) {
      informer.subscribe(({ old, object }) => this.#indexChange(informer, type, old, object));
    }
  }

  /** Number of resources that have claims. */
  get size(): number {
    return this.#claimed.size;
  }

  /** Objects in which the resource has claims. A copy, because each response changes the index. */
  of({ metadata }: KubeObject): readonly ClaimedObject[] {
    return [...(this.#claimed.get(metadata.uid ?? '')?.values() ?? [])];
  }

  #indexChange(
    informer: Informer,
    type: ResourceType,
    old: KubeObject | undefined,
    object: KubeObject | undefined,
  ): void {
    const current = object ?? old;
    if (current === undefined) {
      return;
    }
    const key = keyString(keyOf(current));
    const { labelSelector = '' } = informer.scope;
    const id = `${type.group}/${type.plural}?${labelSelector} ${key}`;
    for (const uid of this.#claimantsOf(old)) {
      const claimed = this.#claimed.get(uid);
      claimed?.delete(id);
      if (claimed?.size === 0) {
        this.#claimed.delete(uid);
      }
    }
    for (const uid of this.#claimantsOf(object)) {
      const claimed = this.#claimed.get(uid) ?? new Map<string, ClaimedObject>();
      this.#claimed.set(uid, claimed.set(id, { type, informer, key }));
    }
  }

  /** uids of the resources that have claims; none when the annotation is not valid. */
  #claimantsOf(object: KubeObject | undefined): ReadonlySet<string> {
    if (object === undefined) {
      return new Set();
    }
    try {
      return new Set(readClaims(object, this.#group).map(({ uid }) => uid));
    } catch {
      return new Set();
    }
  }
}
