/**
 * Random histories of one kind on an API server, against a model of that server. The store sees
 * what a reflector and the writers of a process would give it, in any order that the network
 * allows. AUTOPILOT_SEED and AUTOPILOT_RUNS give other and more histories.
 */
import * as fc from 'fast-check';
import { expect } from 'chai';
import type { StoreChange } from '../../../runtime/src/cache/store.ts';
import { Store } from '../../../runtime/src/cache/store.ts';
import type { KubeObject } from '../../../runtime/src/client/object.ts';

const SEED = Number(process.env['AUTOPILOT_SEED'] ?? 1);
const RUNS = Number(process.env['AUTOPILOT_RUNS'] ?? 10_000);
const NAMES = ['a', 'b'];

type Step =
  | {
      readonly type: 'foreignWrite' | 'foreignDelete' | 'read' | 'beginWrite';
      readonly name: string;
    }
  | {
      readonly type: 'serverMakesWrite' | 'responseArrives' | 'responseIsLost';
      readonly of: number;
    }
  | { readonly type: 'readArrives'; readonly of: number }
  | { readonly type: 'event' | 'bookmark' | 'beginList' | 'listIsRead' | 'listArrives' | 'relist' }
  | { readonly type: 'kindGoes' | 'restore' };

interface Revision {
  readonly type: 'put' | 'delete';
  readonly object: KubeObject;
}

interface Write {
  readonly name: string;
  readonly end: ReturnType<Store['beginWrite']>;
  response: KubeObject | undefined;
}

/** The API server of the model, and everything that is under way between it and the store. */
class Model {
  readonly store = new Store();
  /** The contents as a listener sees them. */
  readonly mirror = new Map<string, KubeObject>();
  objects = new Map<string, KubeObject>();
  log: Revision[] = [];
  revision = 10;
  isServed = true;
  watchedUpTo: number | undefined;
  list: { items: KubeObject[]; revision: number } | 'requested' | undefined;
  writes: Write[] = [];
  reads: KubeObject[] = [];
  uids = 0;
  changes = 0;
  /** Revision at which the kind was gone last. */
  goneAt = 0;
  restores = 0;
  /** Whether the list that is under way is the first one after a restore. */
  mustReadRestored = false;

  constructor() {
    this.store.subscribe((change) => this.#mirrorChange(change));
    this.#listAgain();
  }

  run(step: Step): void {
    switch (step.type) {
      case 'foreignWrite':
        return void this.#put(step.name);
      case 'foreignDelete':
        return this.#delete(step.name);
      case 'read':
        return void this.reads.push(...this.#found(step.name));
      case 'readArrives':
        return this.#take(this.reads, step.of, (object) => this.store.put(object, 'a/reader'));
      case 'beginWrite': {
        const end = this.store.beginWrite({ namespace: 'a', name: step.name });
        return void this.writes.push({ name: step.name, end, response: undefined });
      }
      case 'serverMakesWrite': {
        const write = this.writes[step.of];
        if (write !== undefined && write.response === undefined) {
          write.response = this.#put(write.name);
        }
        return;
      }
      case 'responseArrives':
        return this.#take(this.writes, step.of, (write) => this.#endWrite(write));
      case 'responseIsLost':
        return this.#take(this.writes, step.of, ({ end }) => end(undefined, 'a/writer'));
      case 'event':
        return this.#deliverEvent();
      case 'bookmark':
        if (this.list === undefined && this.watchedUpTo === this.revision) {
          this.store.advanceTo(String(this.revision));
        }
        return;
      case 'beginList':
        if (this.mustReadRestored) {
          return;
        }
        this.store.beginList();
        this.list = 'requested';
        return;
      case 'listIsRead':
        if (this.list === 'requested' && this.isServed) {
          this.list = { items: [...this.objects.values()], revision: this.revision };
        }
        return;
      case 'listArrives':
        return this.#deliverList();
      case 'relist':
        return this.#listAgain();
      case 'kindGoes':
        this.objects.clear();
        this.isServed = false;
        this.goneAt = this.revision;
        this.store.beginList();
        this.list = 'requested';
        this.store.clear();
        return;
      case 'restore':
        return this.#restore();
    }
  }

  /** Lets everything arrive: all responses, and either all events or a whole list. */
  finish(): void {
    while (this.writes.length > 0) {
      this.run({ type: 'serverMakesWrite', of: 0 });
      this.run({ type: 'responseArrives', of: 0 });
    }
    while (this.reads.length > 0) {
      this.run({ type: 'readArrives', of: 0 });
    }
    this.isServed = true;
    if (this.list !== undefined || this.watchedUpTo === undefined) {
      this.#listAgain();
    }
    while ((this.watchedUpTo ?? 0) < this.revision) {
      this.#deliverEvent();
    }
  }

  #listAgain(): void {
    this.isServed = true;
    for (const type of ['beginList', 'listIsRead', 'listArrives'] as const) {
      this.run({ type });
    }
  }

  /** What a whole list after a restore brings: the reflector sends one when all responses came. */
  finishAfterRestore(): void {
    this.finish();
    this.#listAgain();
  }

  #mirrorChange({ old, object }: StoreChange): void {
    const name = (object ?? old)?.metadata.name ?? '';
    expect(old, 'the listener knows the old object').to.equal(this.mirror.get(name));
    if (object === undefined) {
      this.mirror.delete(name);
    } else {
      this.mirror.set(name, object);
    }
  }

  #put(name: string): KubeObject {
    this.isServed = true;
    const uid = this.objects.get(name)?.metadata.uid ?? `u${++this.uids}`;
    const object = this.#versioned(name, uid);
    this.objects.set(name, object);
    this.log.push({ type: 'put', object });
    return object;
  }

  #delete(name: string): void {
    const old = this.objects.get(name);
    if (old !== undefined) {
      this.objects.delete(name);
      this.log.push({ type: 'delete', object: this.#versioned(name, old.metadata.uid ?? '') });
    }
  }

  #versioned(name: string, uid: string): KubeObject {
    const resourceVersion = String(this.#nextRevision());
    const metadata = { namespace: 'a', name, uid, resourceVersion, generation: ++this.changes };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  }

  /** No two histories share a number: each restore has another last digit. */
  #nextRevision(): number {
    this.revision = (Math.floor(this.revision / 10) + 1) * 10 + (this.restores % 10);
    return this.revision;
  }

  #found(name: string): readonly KubeObject[] {
    const object = this.objects.get(name);
    return object === undefined ? [] : [object];
  }

  #endWrite({ name, end, response }: Write): void {
    end(response, 'a/writer');
    // The cluster itself loses a write when it is restored.
    if (response === undefined || this.restores > 0) {
      return;
    }
    const version = Number(response.metadata.resourceVersion);
    const cached = this.store.get({ namespace: 'a', name });
    const wasDeleted = this.log.some(
      ({ type, object }) =>
        type === 'delete' &&
        object.metadata.name === name &&
        Number(object.metadata.resourceVersion) > version,
    );
    if (version <= this.goneAt) {
      return;
    }
    if (cached === undefined) {
      expect(wasDeleted || !this.objects.has(name), 'an own write is visible').to.equal(true);
    } else {
      expect(Number(cached.metadata.resourceVersion)).to.be.at.least(version);
    }
  }

  #deliverEvent(): void {
    if (this.list !== undefined || this.watchedUpTo === undefined) {
      return;
    }
    const from = this.watchedUpTo;
    const next = this.log.find(({ object }) => Number(object.metadata.resourceVersion) > from);
    if (next === undefined) {
      return;
    }
    this.watchedUpTo = Number(next.object.metadata.resourceVersion);
    if (next.type === 'put') {
      this.store.put(next.object);
    } else {
      this.store.remove(next.object);
    }
  }

  #deliverList(): void {
    if (this.list === undefined || this.list === 'requested') {
      return;
    }
    const { items, revision } = this.list;
    this.list = undefined;
    this.mustReadRestored = false;
    this.watchedUpTo = revision;
    this.store.replace(items, String(revision));
  }

  /** An etcd restore: an old state under an old version, and other writes from there. */
  #restore(): void {
    if (this.mustReadRestored) {
      return;
    }
    this.restores++;
    this.revision = Math.max(10, this.revision - 20);
    this.log = this.log.filter(
      ({ object }) => Number(object.metadata.resourceVersion) <= this.revision,
    );
    this.objects = new Map();
    for (const { type, object } of this.log) {
      if (type === 'put') {
        this.objects.set(object.metadata.name, object);
      } else {
        this.objects.delete(object.metadata.name);
      }
    }
    this.watchedUpTo = undefined;
    this.run({ type: 'beginList' });
    this.run({ type: 'listIsRead' });
    this.mustReadRestored = true;
  }

  #take<T>(from: T[], index: number, use: (one: T) => void): void {
    const [one] = from.splice(index, 1);
    if (one !== undefined) {
      use(one);
    }
  }
}

const name = fc.constantFrom(...NAMES);
const of = fc.constantFrom(0, 0, 1);
const writeSteps = ['serverMakesWrite', 'serverMakesWrite', 'responseArrives'] as const;
const ordinary: readonly fc.Arbitrary<Step>[] = [
  fc.record({
    type: fc.constantFrom('foreignWrite', 'foreignDelete', 'read', 'beginWrite', 'beginWrite'),
    name,
  }),
  fc.record({
    type: fc.constantFrom(...writeSteps, 'responseIsLost', 'readArrives'),
    of,
  }),
  fc.record({
    type: fc.constantFrom(
      ...(['event', 'event', 'event', 'bookmark', 'relist'] as const),
      ...(['beginList', 'listIsRead', 'listArrives'] as const),
    ),
  }),
] as readonly fc.Arbitrary<Step>[];
const goes: fc.Arbitrary<Step> = fc.constant({ type: 'kindGoes' });
const restore: fc.Arbitrary<Step> = fc.constant({ type: 'restore' });

/** What the store and its listeners know, and what the API server has. */
function compare(model: Model): void {
  const versions = (objects: Iterable<KubeObject>): readonly string[] =>
    [...objects]
      .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}#${metadata.generation}`)
      .sort();
  const server = versions(model.objects.values());
  expect(versions(model.store.values()), 'the store').to.deep.equal(server);
  expect(versions(model.mirror.values()), 'the listeners').to.deep.equal(server);
}

function checkHistories(
  steps: readonly fc.Arbitrary<Step>[],
  check: (history: readonly Step[]) => void,
): void {
  fc.assert(fc.property(fc.array(fc.oneof(...steps), { minLength: 5, maxLength: 40 }), check), {
    seed: SEED,
    numRuns: RUNS,
  });
}

describe('any history of lists, events, writes and lost responses', () => {
  // @promise watching/deletions
  it('ends with the objects of the API server in the store, and an own write is never forgotten', () => {
    checkHistories([...ordinary, ...ordinary, ...ordinary, goes], (history) => {
      const model = new Model();
      history.forEach((step) => model.run(step));
      model.finish();
      compare(model);
    });
  });

  // @promise watching/restored-versions
  it('ends so after an etcd restore too, once the kind was listed again', () => {
    checkHistories([...ordinary, restore], (history) => {
      const model = new Model();
      for (const step of history) {
        model.run(step);
      }
      model.finishAfterRestore();
      compare(model);
    });
  });
});
