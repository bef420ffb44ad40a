import { expect } from 'chai';
import type { StoreChange } from '../../../runtime/src/cache/store.ts';
import { Store } from '../../../runtime/src/cache/store.ts';
import type { KubeObject } from '../../../runtime/src/client/object.ts';

function object(
  name: string,
  resourceVersion: number,
  labels: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'a', name, resourceVersion: String(resourceVersion), labels },
  };
}

function watched(store: Store): StoreChange[] {
  const changes: StoreChange[] = [];
  store.subscribe((change) => changes.push(change));
  return changes;
}

describe('Store', () => {
  // @promise watching/cache-responses
  it('keeps the newest version of a key, whatever the order of arrival', () => {
    const store = new Store();
    store.put(object('x', 10));
    store.put(object('x', 9));
    expect(store.get({ namespace: 'a', name: 'x' })?.metadata.resourceVersion).to.equal('10');
  });

  it('compares versions as numbers: 10 is newer than 9', () => {
    const store = new Store();
    store.put(object('x', 9));
    store.put(object('x', 10));
    expect(store.get({ namespace: 'a', name: 'x' })?.metadata.resourceVersion).to.equal('10');
  });

  // @promise watching/cache-responses
  it('does not restore a deleted object from a late response to a write', () => {
    const store = new Store();
    store.put(object('x', 5));
    store.remove(object('x', 8));
    store.put(object('x', 7), 'a/writer');
    expect(store.get({ namespace: 'a', name: 'x' })).to.equal(undefined);
  });

  // @promise watching/deletions
  it('finds with a relist what was deleted and added while no watch was open', () => {
    const store = new Store();
    store.put(object('gone', 1));
    store.put(object('kept', 2));
    const changes = watched(store);
    expect(store.replace([object('kept', 2), object('new', 9)], '9')).to.deep.equal({
      changed: 2,
      missed: 0,
      wentBack: false,
    });
    expect(
      changes.map(({ old, object: now }) => [old?.metadata.name, now?.metadata.name]),
    ).to.deep.equal([
      ['gone', undefined],
      [undefined, 'new'],
    ]);
  });

  it('keeps what was written after the list was read', () => {
    const store = new Store();
    store.beginList();
    store.put(object('written', 12), 'a/writer');
    store.replace([], '11');
    expect(store.get({ namespace: 'a', name: 'written' })?.metadata.resourceVersion).to.equal('12');
  });

  it('finds objects by the index label, also after the label moved', () => {
    const store = new Store({ indexLabel: 'owner' });
    store.put(object('x', 1, { owner: 'u1' }));
    store.put(object('x', 2, { owner: 'u2' }));
    expect(store.byIndex('u1')).to.have.length(0);
    expect(store.byIndex('u2')).to.have.length(1);
    store.remove(object('x', 3));
    expect(store.byIndex('u2')).to.have.length(0);
  });

  // @promise watching/cache-memory
  it('returns frozen objects without managedFields', () => {
    const store = new Store();
    store.put({ ...object('x', 1), metadata: { ...object('x', 1).metadata, managedFields: [{}] } });
    const found = store.get({ namespace: 'a', name: 'x' });
    expect(found?.metadata.managedFields).to.equal(undefined);
    expect(() => Object.assign(found?.metadata ?? {}, { name: 'y' })).to.throw(TypeError);
  });

  it('reports the writer of a write although its watch event comes before its response', async () => {
    const store = new Store();
    const changes = watched(store);
    await store.write({ namespace: 'a', name: 'x' }, 'a/writer', async () => {
      store.put(object('x', 5));
      return object('x', 5);
    });
    expect(changes.map(({ writer }) => writer)).to.deep.equal(['a/writer']);
  });

  it('reports no writer for a change of another client during a write', async () => {
    const store = new Store();
    const changes = watched(store);
    await store.write({ namespace: 'a', name: 'x' }, 'a/writer', async () => {
      store.put(object('x', 5));
      store.put(object('x', 6, { changed: 'by others' }));
      return object('x', 5);
    });
    expect(
      changes.map(({ writer, object: now }) => [writer, now?.metadata.resourceVersion]),
    ).to.deep.equal([
      ['a/writer', '5'],
      [undefined, '6'],
    ]);
  });

  it('applies the queued events when the write fails', async () => {
    const store = new Store();
    const failure = await store
      .write({ namespace: 'a', name: 'x' }, 'a/writer', async () => {
        store.put(object('x', 5));
        throw new Error('timeout');
      })
      .catch((error: Error) => error.message);
    expect(failure).to.equal('timeout');
    expect(store.get({ namespace: 'a', name: 'x' })?.metadata.resourceVersion).to.equal('5');
  });

  // @promise watching/deletions
  it('does not restore what a relist found deleted, from a later response to a write', async () => {
    const store = new Store();
    store.put(object('x', 5));
    const changes = watched(store);
    await store.write({ namespace: 'a', name: 'x' }, 'a/writer', async () => {
      store.replace([], '9');
      return object('x', 7);
    });
    expect(store.get({ namespace: 'a', name: 'x' })).to.equal(undefined);
    expect(
      changes.map(({ writer, object: now }) => [writer, now?.metadata.resourceVersion]),
    ).to.deep.equal([
      ['a/writer', '7'],
      [undefined, undefined],
    ]);
  });

  it('does not restore what a relist found deleted, from a response to an earlier read', () => {
    const store = new Store();
    store.put(object('x', 5));
    store.replace([], '9');
    store.put(object('x', 7), 'a/reader');
    expect(store.size).to.equal(0);
  });

  it('puts the response to a write that created an object again, although the watch is ahead of the response', async () => {
    const store = new Store();
    store.replace([], '5');
    await store.write({ namespace: 'a', name: 'x' }, 'a/writer', async () => {
      store.advanceTo('9');
      return object('x', 7);
    });
    expect(store.size).to.equal(1);
  });

  // @promise watching/cache-responses
  it('removes an object when the response to a write no longer matches the selector', async () => {
    const store = new Store({ matches: ({ metadata }) => metadata.labels?.['mine'] === 'yes' });
    store.put(object('x', 5, { mine: 'yes' }));
    await store.write({ namespace: 'a', name: 'x' }, 'a/writer', async () =>
      object('x', 6, { mine: 'no' }),
    );
    await store.write({ namespace: 'a', name: 'y' }, 'a/writer', async () => object('y', 7));
    expect(store.size).to.equal(0);
  });

  // @promise watching/cache-memory
  it('keeps no record of deleted objects', () => {
    const store = new Store();
    for (let version = 1; version < 1000; version += 2) {
      store.put(object(`x${version}`, version));
      store.remove(object(`x${version}`, version + 1));
    }
    expect(store.size).to.equal(0);
    store.put(object('x1', 1), 'a/late');
    expect(store.size).to.equal(0);
  });

  it('goes back with a list of a restored API server, deletions included', () => {
    const store = new Store();
    store.replace([object('a', 900), object('ghost', 950)], '950');
    const changes = watched(store);
    store.beginList();
    expect(store.replace([object('a', 400), object('c', 450)], '460').wentBack).to.equal(true);
    expect([...store.values()].map(({ metadata }) => metadata.resourceVersion)).to.deep.equal([
      '400',
      '450',
    ]);
    expect(changes).to.have.length(3);
    store.put(object('a', 461));
    expect(store.get({ namespace: 'a', name: 'a' })?.metadata.resourceVersion).to.equal('461');
  });

  it('compares the content after a restore, because one version may stand for two states', () => {
    const store = new Store();
    store.replace([object('a', 440, { state: 'lost' })], '950');
    store.beginList();
    store.replace([object('a', 440, { state: 'restored' })], '450');
    expect(store.get({ namespace: 'a', name: 'a' })?.metadata.labels?.['state']).to.equal(
      'restored',
    );
  });

  describe('with versions that are no numbers', () => {
    const versioned = (
      name: string,
      resourceVersion: string | undefined,
      more = {},
    ): KubeObject => ({
      apiVersion: 'metrics/v1',
      kind: 'PodMetrics',
      metadata: { namespace: 'a', name, ...(resourceVersion !== undefined && { resourceVersion }) },
      ...more,
    });

    it('takes what arrives later, and reports no change for an equal version', () => {
      const store = new Store();
      store.replace([versioned('x', 'v-b')], 'list-1');
      const changes = watched(store);
      store.put(versioned('x', 'v-a'));
      store.put(versioned('x', 'v-a'));
      store.replace([versioned('x', 'v-c')], 'list-2');
      store.remove(versioned('x', 'v-d'));
      store.advanceTo('list-3');
      expect(changes.map(({ object: now }) => now?.metadata.resourceVersion)).to.deep.equal([
        'v-a',
        'v-c',
        undefined,
      ]);
      expect([store.isBehind('list-2'), store.isBehind('list-4')]).to.deep.equal([false, true]);
    });

    it('compares the objects of a list when they have no version', () => {
      const store = new Store();
      store.replace([versioned('x', undefined, { usage: 1 })], '');
      const changes = watched(store);
      store.replace([versioned('x', undefined, { usage: 1 })], '');
      store.replace([versioned('x', undefined, { usage: 2 })], '');
      expect(
        changes.map(({ object: now }) => (now as unknown as { usage: number }).usage),
      ).to.deep.equal([2]);
    });
  });

  describe('counts the changes that the watch should have reported before a relist', () => {
    it('none that happened after the last event', () => {
      const store = new Store();
      store.replace([object('a', 1), object('b', 2)], '5');
      expect(store.replace([object('a', 7), object('c', 8)], '9')).to.deep.equal({
        changed: 3,
        missed: 0,
        wentBack: false,
      });
    });

    it('a change and a deletion before the last event', () => {
      const store = new Store();
      store.replace([object('a', 1), object('b', 2)], '5');
      store.advanceTo('9');
      expect(store.replace([object('a', 7)], '9')).to.deep.equal({
        changed: 2,
        missed: 2,
        wentBack: false,
      });
    });

    it('no write of this process, reported or queued', async () => {
      const store = new Store();
      store.replace([object('a', 1)], '5');
      await store.write({ namespace: 'a', name: 'a' }, 'a/writer', async () => {
        store.put(object('a', 7));
        store.advanceTo('9');
        expect(store.replace([object('a', 7)], '9')).to.deep.equal({
          changed: 0,
          missed: 0,
          wentBack: false,
        });
        return object('a', 7);
      });
      expect(store.replace([object('a', 7)], '9')).to.deep.equal({
        changed: 0,
        missed: 0,
        wentBack: false,
      });
    });
  });
});
