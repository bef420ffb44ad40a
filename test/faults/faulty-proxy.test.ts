import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import type { HttpKubeApi } from '../../runtime/src/client/http-kube-api.ts';
import { createHttpKubeApi } from '../../runtime/src/client/http-kube-api.ts';
import { hasCode, isConnectionError } from '../../runtime/src/client/errors.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import type { FaultyProxy } from './faulty-proxy.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { CONFIG_MAPS } from './snapshot.ts';
import type { RequestFaultType } from './request-faults.ts';
import { requestKind, seeded } from './request-faults.ts';

const namespace = 'default';

describe('the way to the API server, as a client sees it', () => {
  let plane: ControlPlane;
  let way: FaultyProxy;
  let api: HttpKubeApi;
  let made = 0;

  before(async () => {
    plane = await controlPlane();
    way = startFaultyProxy(plane.server, seeded(1));
    const { users } = JSON.parse(readFileSync(plane.kubeconfig, 'utf8')) as {
      users: readonly { user: { token: string } }[];
    };
    const headers = { authorization: `Bearer ${users[0]?.user.token}` };
    const server = await way.open('a0');
    api = createHttpKubeApi({ server, credentials: async () => ({ headers, tls: {} }) });
  });
  afterEach(() => way.stopFaults('reset'));
  after(async () => {
    await api?.close();
    await way?.close();
    await plane?.stop();
  });

  const under = (fault: RequestFaultType): void =>
    way.setFaults([{ fault, kinds: ['write', 'watch'], probability: 1, fromProcess: 'a0' }]);
  async function create(
    signal?: AbortSignal,
  ): Promise<{ readonly name: string; readonly error: unknown }> {
    const name = `c${made++}`;
    const sent = api.create(
      CONFIG_MAPS,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } },
      {},
      signal,
    );
    const error = await sent.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { name, error };
  }
  const exists = (name: string): Promise<boolean> =>
    api.get(CONFIG_MAPS, { name, namespace }).then(
      () => true,
      () => false,
    );

  for (const [fault, done] of [
    ['reset', false],
    ['lost response', true],
    ['half response', true],
  ] as const) {
    it(`${fault}: no response comes; the write is ${done ? '' : 'not '}done`, async () => {
      under(fault);
      const { name, error } = await create();
      expect(isConnectionError(error)).to.equal(true);
      expect(await exists(name)).to.equal(done);
    });
  }

  for (const [fault, done] of [
    ['stall', false],
    ['no response', true],
  ] as const) {
    it(`${fault}: nothing is heard until the client gives up; the write is ${done ? '' : 'not '}done`, async () => {
      under(fault);
      const before = way.injected[fault] ?? 0;
      const patience = new AbortController();
      const sent = create(patience.signal);
      await until('the fault was injected', 10_000, async () =>
        expect(way.injected[fault]).to.equal(before + 1),
      );
      if (done) {
        await until('it is done', 10_000, async () =>
          expect(await exists(`c${made - 1}`)).to.equal(true),
        );
      }
      patience.abort(new Error('enough'));
      const { name, error } = await sent;
      expect((error as Error).message).to.equal('enough');
      expect(await exists(name)).to.equal(done);
    });
  }

  for (const [fault, code] of [
    ['busy', 429],
    ['error', 500],
  ] as const) {
    it(`${fault}: the response is ${code}; the write is not done`, async () => {
      under(fault);
      const { name, error } = await create();
      expect(hasCode(error, code)).to.equal(true);
      expect(await exists(name)).to.equal(false);
    });
  }

  it('delay: the write is done', async () => {
    under('delay');
    const { name, error } = await create();
    expect(error).to.equal(undefined);
    expect(await exists(name)).to.equal(true);
  });

  /** Watches everything there is from the beginning on. @returns how it ended */
  async function watch(): Promise<unknown> {
    const { items } = await api.list(CONFIG_MAPS, { namespace });
    const oldest = Math.min(...items.map(({ metadata }) => Number(metadata.resourceVersion)));
    try {
      for await (const _ of api.watch(CONFIG_MAPS, {
        namespace,
        resourceVersion: String(oldest - 1),
        timeoutSeconds: 60,
      })) {
      }
      return 'closed';
    } catch (error) {
      return error;
    }
  }
  it('half line, closed, gone: a watch ends as the API server or a network ends it', async () => {
    way.stopFaults('stay');
    for (let times = 0; times < 10; times++) {
      await create();
    }
    under('half line');
    expect(isConnectionError(await watch())).to.equal(true);
    under('closed');
    expect(await watch()).to.equal('closed');
    under('gone');
    expect(hasCode(await watch(), 410)).to.equal(true);
  });

  it('tells the kinds of requests apart', () => {
    const kindOf = (method: string, path: string): string =>
      requestKind(method, new URL(path, 'http://x'));
    expect(kindOf('GET', '/apis/faults.autopilot.test/v1/parcels?limit=500')).to.equal('list');
    expect(kindOf('GET', '/api/v1/namespaces/parcels/configmaps?limit=500')).to.equal('list');
    expect(kindOf('GET', '/api/v1/namespaces/parcels/configmaps/box-1')).to.equal('get');
    expect(kindOf('GET', '/api/v1/configmaps?watch=true')).to.equal('watch');
    expect(
      kindOf('PATCH', '/apis/faults.autopilot.test/v1/namespaces/parcels/parcels/p1/status'),
    ).to.equal('write');
    expect(kindOf('POST', '/apis/events.k8s.io/v1/namespaces/parcels/events')).to.equal('event');
    expect(
      kindOf('GET', '/apis/coordination.k8s.io/v1/namespaces/operators/leases?watch=true'),
    ).to.equal('lease');
  });
});
