import { expect } from 'chai';
import type { WatchEvent } from '../../../runtime/src/internal.ts';
import { hasCode } from '../../../runtime/src/internal.ts';
import { Cluster, VirtualClock } from '../../../sandbox/src/index.ts';

const object = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
});

describe('a watch of the sandbox', () => {
  // @promise sandbox/cluster-parts
  it('brings a bookmark each minute', async () => {
    const clock = new VirtualClock();
    const cluster = new Cluster({ clock });
    const events = cluster.api
      .watch(cluster.typeNamed('ConfigMap'), { resourceVersion: String(cluster.version) })
      [Symbol.asyncIterator]();
    const next = events.next();
    clock.moveTo(60_000);
    clock.fire();
    expect(await next).to.deep.equal({
      done: false,
      value: { type: 'BOOKMARK', resourceVersion: String(cluster.version) },
    });
    await events.return?.();
    expect(clock.next, 'it leaves no timer behind').to.equal(undefined);
  });

  // @promise sandbox/cluster-parts
  it('from a version that is forgotten ends with 410', async () => {
    const cluster = new Cluster();
    const type = cluster.typeNamed('ConfigMap');
    const before = String(cluster.version);
    await cluster.api.create(type, object('a'));
    cluster.compact();
    const error = await cluster.api
      .watch(type, { resourceVersion: before })
      [Symbol.asyncIterator]()
      .next()
      .catch((failure: unknown) => failure);
    expect(hasCode(error, 410)).to.equal(true);
  });

  it('from version 0 begins with what is there', async () => {
    const cluster = new Cluster();
    const type = cluster.typeNamed('ConfigMap');
    await cluster.api.create(type, object('a'));
    const { value } = (await cluster.api
      .watch(type, { resourceVersion: '0' })
      [Symbol.asyncIterator]()
      .next()) as { value: WatchEvent };
    expect(value.type).to.equal('ADDED');
  });

  it('counts the events that no client has read', async () => {
    const cluster = new Cluster();
    const type = cluster.typeNamed('ConfigMap');
    const events = cluster.api
      .watch(type, { resourceVersion: String(cluster.version) })
      [Symbol.asyncIterator]();
    const first = events.next();
    for (const name of ['a', 'b']) {
      await cluster.api.create(type, object(name));
    }
    await first;
    expect(cluster.undeliveredEvents).to.equal(1);
    await events.next();
    expect(cluster.undeliveredEvents).to.equal(0);
  });

  it('goes on page by page only as long as the list is remembered: then 410', async () => {
    const cluster = new Cluster();
    const type = cluster.typeNamed('ConfigMap');
    for (const name of ['a', 'b']) {
      await cluster.api.create(type, object(name));
    }
    const page = await cluster.api.list(type, { limit: 1 });
    cluster.compact();
    const error = await cluster.api
      .list(type, { limit: 1, continue: page.continue ?? '' })
      .catch((failure: unknown) => failure);
    expect(hasCode(error, 410)).to.equal(true);
  });
});
