/**
 * Who is woken by a change: the resource itself, exactly those that have read what is different
 * now, and the owner of an output.
 */
import type { Informer } from '../cache/informer.ts';
import type { Change } from '../cache/store.ts';
import { ownerLabel } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { controllerOf, keyOf, keyString } from '../kube/object.ts';
import type { AddOptions } from '../queue/queue.ts';
import { Dependents } from './dependents.ts';
import type { Reading } from './inputs.ts';
import { newReading, outdated, remember, union } from './inputs.ts';
import { equal } from './json.ts';
import type { Outputs } from './outputs.ts';

export interface WakingPorts {
  /** Of the resources. */
  readonly group: string;
  readonly outputs: Pick<Outputs, 'gone'>;
  /** Does it tell of outputs, each once? */
  readonly holdsOutputs: (informer: Informer) => boolean;
  /** To the queue. */
  readonly add: (key: string, options: AddOptions) => void;
  /**
   * Something that the worker had read is different now: its permanent error may not be one any
   * more.
   */
  readonly forgive: (key: string) => void;
}

export class Waking {
  readonly #ports: WakingPorts;
  readonly #dependents = new Dependents();
  /** What syncs under way have read so far. */
  readonly #reading = new Map<string, Reading>();
  readonly #keyByUid = new Map<string, string>();

  constructor(ports: WakingPorts) {
    this.#ports = ports;
  }

  /**
   * A resource has changed. @param started before, what is listed is no change that somebody waits
   * for
   */
  resourceChanged({ old, object, writer }: Change, started: boolean): void {
    const { add } = this.#ports;
    const current = object ?? old;
    if (current === undefined) {
      return;
    }
    const key = keyString(keyOf(current));
    const gone = uidOfGone({ old, object });
    if (gone !== undefined) {
      this.#keyByUid.delete(gone);
    }
    if (object?.metadata.uid !== undefined) {
      this.#keyByUid.set(object.metadata.uid, key);
    }
    if (writer === key) {
      return;
    }
    const fresh = gone !== undefined || object?.metadata.generation !== old?.metadata.generation;
    add(key, started ? { fresh } : { fresh, line: 'due', cause: 'start' });
  }

  /** Anything has changed. */
  changed(informer: Informer, change: Change): void {
    const { add, forgive } = this.#ports;
    for (const [key, reading] of this.#reading) {
      if (key !== change.writer) {
        remember(reading, informer, change);
      }
    }
    const readers = this.#dependents
      .touchedBy(informer, change)
      .filter((key) => key !== change.writer);
    for (const key of readers) {
      forgive(key);
    }
    const owners = [
      ...new Set(this.#ports.holdsOutputs(informer) ? this.#ownersOf(change) : []),
    ].filter((key) => key !== change.writer && !readers.includes(key));
    for (const key of readers) {
      add(key, { cause: 'input' });
    }
    for (const key of owners) {
      add(key, { cause: 'output' });
    }
  }

  /** A sync begins: what it reads is recorded, and stays as it is now. */
  begin(key: string): Reading {
    const reading = newReading();
    this.#reading.set(key, reading);
    return reading;
  }

  /**
   * It has ended.
   * @param complete its worker came to its end: what it read replaces what was read before
   * @returns whether something that it has read is different by now; then there is one more sync
   */
  end(key: string, reading: Reading, complete: boolean): boolean {
    this.#reading.delete(key);
    this.#dependents.set(
      key,
      complete ? reading.dependencies : union(this.#dependents.of(key), reading.dependencies),
    );
    const again = outdated(reading);
    if (again) {
      this.#ports.add(key, { cause: 'input' });
    }
    return again;
  }

  /** Entries of what is kept between changes. */
  get size(): number {
    return this.#dependents.size + this.#reading.size + this.#keyByUid.size;
  }

  /** The resource is gone. */
  forget(key: string): void {
    this.#dependents.delete(key);
  }

  /**
   * Resources whose output was changed (other than its status) or deleted by somebody else. Of one
   * that is gone nothing is kept.
   */
  #ownersOf({ old, object }: Change): readonly string[] {
    const gone = uidOfGone({ old, object });
    const pruned = gone !== undefined && this.#ports.outputs.gone(gone);
    if (pruned && object === undefined) {
      return [];
    }
    const label = ownerLabel(this.#ports.group);
    const uids = [old, object].flatMap((side) =>
      side === undefined ? [] : [side.metadata.labels?.[label], controllerOf(side)?.uid],
    );
    const owners = uids.flatMap((uid) =>
      uid === undefined ? [] : (this.#keyByUid.get(uid) ?? []),
    );
    return old !== undefined && object !== undefined && sameButStatus(old, object) ? [] : owners;
  }
}

/** A list may show another object of the same name. */
function uidOfGone({ old, object }: Pick<Change, 'old' | 'object'>): string | undefined {
  return old?.metadata.uid === object?.metadata.uid ? undefined : old?.metadata.uid;
}

function sameButStatus(a: KubeObject, b: KubeObject): boolean {
  const bare = ({
    status: _,
    metadata: { resourceVersion: __, generation: ___, ...metadata },
    ...rest
  }: KubeObject): unknown => ({ ...rest, metadata });
  return equal(bare(a), bare(b));
}
