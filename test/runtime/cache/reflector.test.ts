import { expect } from 'chai';
import { Informer } from '../../../runtime/src/cache/informer.ts';
import { Reflector } from '../../../runtime/src/cache/reflector.ts';
import { Store } from '../../../runtime/src/cache/store.ts';
import type { KubeApi, KubeObject, WatchEvent } from '../../../runtime/src/internal.ts';
import { Cluster, seededRandom, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/testing/settle.ts';
import { FaultInjector, connectionReset, refusal } from '../../integration/fault-injector.ts';

const TYPE = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

const restored = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', resourceVersion },
});

describe('an informer', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let faults: FaultInjector;
  let stop: AbortController;
  let reports: string[];
  beforeEach(() => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    faults = new FaultInjector();
    stop = new AbortController();
    reports = [];
  });
  afterEach(() => stop.abort());

  async function start(
    options: {
      readonly api?: KubeApi;
      readonly namespaces?: readonly string[];
      readonly labelSelector?: string;
      readonly sameKind?: Informer[];
    } = {},
  ): Promise<Informer> {
    const {
      api = faults.wrapApi(cluster.api),
      namespaces = [],
      labelSelector,
      sameKind = [],
    } = options;
    const informer = new Informer(
      { type: TYPE, ...(labelSelector !== undefined && { labelSelector }) },
      {
        namespaces,
        indexLabel: 'owner',
        observer: {
          relisted: (_, { changed, missed }) => void reports.push(`relisted ${changed} ${missed}`),
          watchRestarted: () => void reports.push('restarted'),
          watchUnsupported: (_, reason) => void reports.push(`polled: ${reason}`),
          watchFailed: (_, error) => void reports.push(`failed: ${(error as Error).message}`),
        },
        sameKind,
      },
    );
    sameKind.push(informer);
    void informer.run({ api, clock, random: seededRandom(1) }, stop.signal);
    await pass(0);
    return informer;
  }
  async function pass(seconds: number): Promise<void> {
    const end = clock.monotonic() + seconds * 1000;
    await settle(cluster, clock, undefined);
    for (let next = clock.next; next !== undefined && next <= end; next = clock.next) {
      clock.moveTo(next);
      await settle(cluster, clock, undefined);
    }
    clock.moveTo(end);
  }
  const make = (name: string, namespace = 'default', labels = {}): Promise<KubeObject> =>
    cluster.api.create(TYPE, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels },
    });
  const names = (informer: Informer): readonly string[] =>
    informer.list().map(({ metadata }) => metadata.name);

  // @promise watching/consistent-lists
  it('lists in pages of 500, each a consistent read', async () => {
    for (let i = 0; i < 1201; i++) {
      await make(`c${i}`);
    }
    const asked: unknown[] = [];
    const api: KubeApi = {
      ...cluster.api,
      list: (type, options, signal) => (
        asked.push(options),
        cluster.api.list(type, options, signal)
      ),
    };
    const informer = await start({ api });
    expect(informer.size).to.equal(1201);
    expect(asked).to.have.length(3);
    for (const options of asked) {
      expect(options).to.include({ limit: 500 }).and.not.have.property('resourceVersion');
    }
  });

  // @promise watching/consistent-lists
  it('reads the list unpaged when a page token expires', async () => {
    for (let i = 0; i < 600; i++) {
      await make(`c${i}`);
    }
    let pages = 0;
    const api: KubeApi = {
      ...cluster.api,
      list: async (type, options, signal) => {
        if (pages++ === 1) {
          cluster.compact();
        }
        return cluster.api.list(type, options, signal);
      },
    };
    expect((await start({ api })).size).to.equal(600);
  });

  // @promise lifecycle/slow-is-not-blocked
  it('prepares each page of a list when it arrives, so that the end of a long list blocks nothing', async () => {
    for (let i = 0; i < 1201; i++) {
      await make(`c${i}`);
    }
    const unfrozen = (object: KubeObject): KubeObject => structuredClone(object) as KubeObject;
    let last: readonly KubeObject[] = [];
    const wasPrepared: boolean[] = [];
    const api: KubeApi = {
      ...cluster.api,
      list: async (type, options, signal) => {
        wasPrepared.push(last.every((object) => Object.isFrozen(object.metadata)));
        const page = await cluster.api.list(type, options, signal);
        last = page.items.map(unfrozen);
        return { ...page, items: last };
      },
    };
    expect((await start({ api })).size).to.equal(1201);
    expect(wasPrepared).to.deep.equal([true, true, true]);
  });

  it('gives the event loop a turn after each 500 objects of a list without pages', async () => {
    const items = Array.from({ length: 1201 }, (_, i) => restored(`c${i}`, '5'));
    const resourceVersion = String(cluster.version);
    const api: KubeApi = { ...cluster.api, list: async () => ({ resourceVersion, items }) };
    const started = start({ api });
    let turns = 0;
    const after = clock.after.bind(clock);
    clock.after = (ms, callback) => {
      turns += ms === 0 ? 1 : 0;
      return after(ms, callback);
    };
    expect((await started).size).to.equal(1201);
    expect(turns).to.equal(2);
  });

  // @promise watching/dead-watch
  it('replaces a watch without events after two minutes, and continues from the last version', async () => {
    let dead = false;
    const api: KubeApi = {
      ...cluster.api,
      async *watch(type, options, signal): AsyncGenerator<WatchEvent> {
        for await (const event of cluster.api.watch(type, options, signal)) {
          if (!dead) {
            yield event;
          }
        }
      },
    };
    const informer = await start({ api });
    dead = true;
    await make('a');
    await pass(119);
    expect([names(informer), reports]).to.deep.equal([[], []]);
    dead = false;
    await pass(4);
    expect(names(informer)).to.deep.equal(['a']);
    expect(reports).to.deep.equal([
      'failed: configmaps: no response and no watch event for 120 s',
      'restarted',
    ]);
  });

  // @promise watching/dead-watch
  it('keeps a watch without changes open as long as bookmarks arrive', async () => {
    await start();
    await pass(290);
    expect(reports).to.deep.equal([]);
  });

  // @promise watching/no-missed-events
  it('lists again only when the API server has forgotten the version; the relist is reported, with nothing missed', async () => {
    const informer = await start();
    await make('a');
    await pass(0);
    faults.endWatches(connectionReset());
    await make('b');
    await pass(5);
    expect(names(informer)).to.deep.equal(['a', 'b']);
    expect(reports).to.deep.equal(['failed: the connection was reset', 'restarted']);
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: connectionReset() } : undefined;
    faults.endWatches(connectionReset());
    await cluster.api.delete(TYPE, { namespace: 'default', name: 'a' });
    await make('c');
    cluster.compact();
    faults.fault = () => undefined;
    await pass(40);
    expect(names(informer)).to.deep.equal(['b', 'c']);
    expect(reports.filter((what) => what.startsWith('relisted'))).to.deep.equal(['relisted 2 0']);
  });

  it('reports that the kind is unavailable, keeps its objects, and recovers', async () => {
    await make('a');
    const informer = await start();
    faults.fault = () => ({ when: 'before', error: refusal(403) });
    faults.endWatches(refusal(410));
    await pass(60);
    expect([informer.unavailableReason, names(informer)]).to.deep.equal([
      'refused with 403',
      ['a'],
    ]);
    faults.fault = () => undefined;
    await pass(60);
    expect([informer.unavailableReason, names(informer)]).to.deep.equal([undefined, ['a']]);
  });

  it('reports a failure after 30 s of failures, and not when it works again', async () => {
    const informer = await start();
    faults.fault = () => ({ when: 'before', error: refusal(500) });
    faults.endWatches(connectionReset());
    await pass(25);
    expect(informer.failureReason).to.equal(undefined);
    await pass(10);
    expect(informer.failureReason).to.match(/^failing for \d+ s: refused with 500$/);
    faults.fault = () => undefined;
    await pass(120);
    expect(informer.failureReason).to.equal(undefined);
  });

  it('never lists the whole cluster when namespaces are given', async () => {
    await make('a', 'default');
    await make('b', 'kube-public');
    await make('c', 'kube-system');
    const api: KubeApi = {
      ...cluster.api,
      list: async (type, options, signal) => {
        if (options?.namespace === undefined) {
          throw refusal(403, 'Forbidden');
        }
        return cluster.api.list(type, options, signal);
      },
      watch: (type, options, signal) => {
        if (options.namespace === undefined) {
          throw refusal(403, 'Forbidden');
        }
        return cluster.api.watch(type, options, signal);
      },
    };
    const informer = await start({ api, namespaces: ['default', 'kube-public'] });
    expect([names(informer), informer.unavailableReason]).to.deep.equal([['a', 'b'], undefined]);
    await informer.waitUntilCaughtUp(clock.monotonic() + 1, { api }, stop.signal);
  });

  it('puts the response to a write into every informer of the kind whose selector matches', async () => {
    const sameKind: Informer[] = [];
    const mine = await start({ labelSelector: 'mine=yes', sameKind });
    const all = await start({ sameKind });
    const others = await start({ labelSelector: 'mine=no', sameKind });
    const key = { namespace: 'default', name: 'a' };
    await mine.write(key, 'default/writer', () => make('a', 'default', { mine: 'yes' }));
    expect([mine, all, others].map((informer) => informer.get(key) !== undefined)).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  // @promise watching/polled-kinds
  it('lists a kind every half minute that can be listed and not watched, and is healthy', async () => {
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: refusal(405) } : undefined;
    const informer = await start();
    await pass(5);
    await make('a');
    const broken: string[] = [];
    for (let second = 0; second < 200; second++) {
      await pass(1);
      if (informer.failureReason !== undefined) {
        broken.push(informer.failureReason);
      }
    }
    expect([names(informer), broken]).to.deep.equal([['a'], []]);
    const polls = reports.filter((what) => what === 'polled: refused with 405').length;
    expect(polls).to.be.within(4, 12);
    faults.fault = () => undefined;
    await pass(60);
    await make('b');
    await pass(0);
    expect(names(informer), 'watched again').to.deep.equal(['a', 'b']);
  });

  it('follows an API server that was restored from a backup, without a restart', async () => {
    let list = { resourceVersion: '950', items: [restored('a', '900'), restored('ghost', '950')] };
    let lists = 0;
    const asked: string[] = [];
    const api: KubeApi = {
      ...cluster.api,
      list: async () => (lists++, list),
      async *watch(_, options, signal): AsyncGenerator<WatchEvent> {
        asked.push(options.resourceVersion);
        if (options.resourceVersion === '950') {
          throw refusal(504);
        }
        yield await new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    };
    const informer = await start({ api });
    list = { resourceVersion: '450', items: [restored('a', '400')] };
    while (lists < 2) {
      await pass(1);
    }
    expect(informer.list().map(({ metadata }) => metadata.resourceVersion)).to.deep.equal(['400']);
    expect(asked.filter((version) => version === '950')).to.have.length(5);
    const late = restored('late', '949');
    informer.put(late, 'default/reader');
    await pass(36);
    expect(names(informer), 'a response from before the restore is gone').to.deep.equal(['a']);
  });

  // @promise watching/restored-versions
  it('lists within five minutes when an API server that was restored keeps the watch open in silence', async () => {
    let items = [restored('ghost', '940')];
    let resourceVersion = '950';
    const api: KubeApi = {
      ...cluster.api,
      list: async () => ({ resourceVersion, items }),
      async *watch(_, __, signal): AsyncGenerator<WatchEvent> {
        yield await new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    };
    const informer = await start({ api });
    items = [restored('a', '400')];
    resourceVersion = '450';
    await pass(300);
    expect(names(informer)).to.deep.equal(['a']);
  });

  // @promise watching/deletions
  it('gives up the objects of a kind that is no longer served, while its watch is broken too', async () => {
    await make('a');
    const informer = await start();
    const available: boolean[] = [];
    informer.subscribeAvailability((isAvailable) => available.push(isAvailable));
    faults.fault = () => ({ when: 'before', error: refusal(404) });
    faults.endWatches(connectionReset());
    await pass(20);
    expect([names(informer), informer.isNotServed]).to.deep.equal([[], true]);
    faults.fault = () => undefined;
    await pass(60);
    expect([names(informer), available]).to.deep.equal([['a'], [false, true]]);
  });

  it('stays healthy behind a load balancer that cuts idle connections every fifty seconds', async () => {
    const quiet: KubeApi = {
      ...cluster.api,
      async *watch(type, options, signal): AsyncGenerator<WatchEvent> {
        for await (const event of cluster.api.watch(type, options, signal)) {
          if (event.type !== 'BOOKMARK') {
            yield event;
          }
        }
      },
    };
    const informer = await start({ api: faults.wrapApi(quiet) });
    const broken: string[] = [];
    for (let second = 1; second <= 500; second++) {
      if (second % 50 === 0) {
        faults.endWatches(connectionReset());
      }
      await pass(1);
      if (informer.failureReason !== undefined) {
        broken.push(informer.failureReason);
      }
    }
    expect(broken).to.deep.equal([]);
    faults.endWatches(connectionReset());
    await make('a');
    await pass(2);
    expect(names(informer)).to.deep.equal(['a']);
  });

  it('lists again when a relist is requested together with the response of a list', async () => {
    const answers: (() => void)[] = [];
    const api: KubeApi = {
      ...cluster.api,
      list: () =>
        new Promise((resolve) => answers.push(() => resolve({ resourceVersion: '1', items: [] }))),
      async *watch(): AsyncGenerator<WatchEvent> {
        yield await new Promise<never>(() => undefined);
      },
    };
    const nothing = (): void => undefined;
    const listener = {
      stateChanged: nothing,
      listed: nothing,
      eventReceived: nothing,
      unavailable: nothing,
      failed: nothing,
      watchRestarted: nothing,
      polled: nothing,
    };
    const reflector = new Reflector({
      api,
      clock,
      random: seededRandom(1),
      scope: { type: TYPE },
      store: new Store(),
      listener,
    });
    void reflector.run(stop.signal);
    await pass(0);
    answers[0]?.();
    reflector.relist();
    await pass(0);
    expect(answers).to.have.length(2);
  });

  describe('waitUntilCaughtUp', () => {
    it('resolves when the store is as new as the API server was after the election', async () => {
      const informer = await start();
      faults.fault = ({ verb }) =>
        verb === 'watch' ? { when: 'before', error: connectionReset() } : undefined;
      faults.endWatches(connectionReset());
      await pass(0);
      await make('late');
      let caughtUp = false;
      void informer
        .waitUntilCaughtUp(clock.monotonic() + 1, { api: cluster.api }, stop.signal)
        .then(() => (caughtUp = true));
      expect(names(informer)).to.deep.equal([]);
      clock.moveTo(clock.monotonic() + 1);
      await pass(0);
      expect([caughtUp, names(informer)]).to.deep.equal([true, ['late']]);
    });

    it('sends no request when the list is newer than the election', async () => {
      const informer = await start();
      const before = faults.requests.length;
      await informer.waitUntilCaughtUp(0, { api: faults.wrapApi(cluster.api) }, stop.signal);
      expect(faults.requests.length).to.equal(before);
    });
  });
});
