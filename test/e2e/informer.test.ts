import { expect } from 'chai';
import { Informer } from '../../runtime/src/cache/informer.ts';
import { systemClock, systemRandom } from '../../runtime/src/util/clock.ts';
import type { KubeConnection, KubeApi, KubeObject } from '../../runtime/src/internal.ts';
import { connect } from '../../runtime/src/internal.ts';
import { FaultInjector, connectionReset } from '../integration/fault-injector.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';

const TYPE = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const SOON_MS = 30_000;

describe('an informer on a real API server', () => {
  let plane: ControlPlane;
  let connected: KubeConnection;
  let stop: AbortController;
  let told: string[];
  before(async () => {
    plane = await controlPlane();
    connected = await connect({ kubeconfig: plane.kubeconfig });
    await plane.kubectl(['create', 'namespace', 'example']);
  });
  after(async () => {
    await connected?.close();
    await plane?.stop();
  });
  beforeEach(() => {
    stop = new AbortController();
    told = [];
  });
  afterEach(() => stop.abort());

  async function start(api: KubeApi, labelSelector?: string): Promise<Informer> {
    const informer = new Informer(
      { type: TYPE, ...(labelSelector !== undefined && { labelSelector }) },
      {
        namespaces: ['example'],
        indexLabel: 'owner',
        observer: {
          relisted: (_, { changed, missed }) => void told.push(`relisted ${changed} ${missed}`),
          watchRestarted: () => void told.push('restarted'),
          watchUnsupported: () => undefined,
          watchFailed: (_, error) => void told.push((error as Error).message),
        },
      },
    );
    void informer.run({ api, clock: systemClock, random: systemRandom }, stop.signal);
    await informer.waitForSync(stop.signal);
    return informer;
  }
  const object = (name: string, labels: Record<string, string> = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'example', labels },
  });
  const key = (name: string) => ({ namespace: 'example', name });
  const shows = (informer: Informer, names: readonly string[]): Promise<unknown> =>
    until(`the informer has ${names.join(', ')}`, SOON_MS, async () => {
      const mine = informer.list().map(({ metadata }) => metadata.name);
      expect(mine.filter((name) => name !== 'kube-root-ca.crt')).to.deep.equal(names);
    });

  // @promise watching/watch-errors
  it('follows changes, survives a restart of the API server, lists again after a real 410, and misses nothing', async () => {
    const faults = new FaultInjector();
    const { api } = connected;
    const informer = await start(faults.wrapApi(api));
    await api.create(TYPE, object('a'));
    await api.create(TYPE, object('b'));
    await shows(informer, ['a', 'b']);
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: connectionReset() } : undefined;
    faults.endWatches(connectionReset());
    await api.delete(TYPE, key('a'));
    await api.create(TYPE, object('c'));
    await plane.compact();
    await plane.restartApiServer();
    faults.fault = () => undefined;
    await shows(informer, ['b', 'c']);
    expect(told.filter((what) => what.startsWith('relisted'))).to.deep.equal(['relisted 2 0']);
    expect(told.join('\n')).to.match(/too old resource version/);
    const restarts = faults.requestsFor('ConfigMap').filter((verb) => verb === 'list').length;
    await plane.restartApiServer();
    await api.create(TYPE, object('d'));
    await shows(informer, ['b', 'c', 'd']);
    expect(faults.requestsFor('ConfigMap').filter((verb) => verb === 'list')).to.have.length(
      restarts,
    );
  });

  // @promise watching/consistent-lists
  it('fills its cache although the continue token expires between two pages', async () => {
    for (let i = 0; i < 700; i++) {
      await connected.api.create(TYPE, object(`many-${i}`, { many: 'yes' }));
    }
    let pages = 0;
    const api: KubeApi = {
      ...connected.api,
      list: async (type, options, signal) => {
        pages++;
        // After a compaction the API server may still serve the page from its cache. A token with a
        // compacted resourceVersion always expires.
        if (pages === 2) {
          return connected.api.list(
            type,
            { ...options, continue: expired(options?.continue ?? '') },
            signal,
          );
        }
        return connected.api.list(type, options, signal);
      },
    };
    await plane.compact();
    const informer = await start(api, 'many=yes');
    expect([informer.size, pages]).to.deep.equal([700, 3]);
  });

  it('learns the current resourceVersion from bookmarks, so that a kind without changes needs no new list', async () => {
    const informer = await start(connected.api, 'none=here');
    const { metadata } = await connected.api.create(TYPE, object('unrelated'));
    await informer.waitUntilCaughtUp(0, connected, stop.signal);
    await until('a bookmark came', 120_000, async () => {
      expect(informer.secondsSinceLastEvent ?? Infinity).to.be.lessThan(5);
      expect(informer.progress).to.be.at.least(Number(metadata.resourceVersion));
    });
    expect(told).to.deep.equal([]);
  });

  // @promise election/caches-after-election
  it('lets a new leader start only when its cache has all earlier writes', async () => {
    const faults = new FaultInjector();
    const informer = await start(faults.wrapApi(connected.api), 'leader=yes');
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: connectionReset() } : undefined;
    faults.endWatches(connectionReset());
    await connected.api.create(TYPE, object('late', { leader: 'yes' }));
    expect(informer.size).to.equal(0);
    await informer.waitUntilCaughtUp(systemClock.monotonic(), connected, stop.signal);
    expect(informer.size).to.equal(1);
  });
});

/** The continue token with resourceVersion 1, which is compacted. */
function expired(token: string): string {
  const content = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ ...content, rv: 1 })).toString('base64url');
}
