import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { WatchEvent } from '../../../runtime/src/client/kube-api.ts';
import { hasCode, isApiError, isConnectionError } from '../../../runtime/src/client/errors.ts';
import type { HttpKubeApi } from '../../../runtime/src/client/http-kube-api.ts';
import { createHttpKubeApi } from '../../../runtime/src/client/http-kube-api.ts';
import type { ResourceType } from '../../../runtime/src/client/object.ts';

const pods: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
};
const things: ResourceType = {
  group: 't.io',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};

describe('KubeApi over HTTP', () => {
  let server: Server;
  let url: string;
  let api: HttpKubeApi;
  let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;

  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => handle(request, response, body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}`;
    api = createHttpKubeApi({
      server: url,
      credentials: async () => ({ headers: { authorization: 'Bearer t' }, tls: {} }),
    });
  });
  after(async () => {
    await api.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function watchAll(): Promise<{ events: WatchEvent[]; error: unknown }> {
    const events: WatchEvent[] = [];
    try {
      for await (const event of api.watch(pods, { resourceVersion: '1' })) {
        events.push(event);
      }
      return { events, error: undefined };
    } catch (error) {
      return { events, error };
    }
  }
  const added = (name: string): string =>
    JSON.stringify({
      type: 'ADDED',
      object: { kind: 'Pod', apiVersion: 'v1', metadata: { name, resourceVersion: '2' } },
    });

  it('gives list items the apiVersion and kind that the server leaves out', async () => {
    handle = (_, response) =>
      response.end(
        JSON.stringify({
          metadata: { resourceVersion: '7', continue: '' },
          items: [{ metadata: { name: 'a' } }],
        }),
      );
    expect(await api.list(things, { namespace: 'x' })).to.deep.equal({
      resourceVersion: '7',
      items: [{ apiVersion: 't.io/v1', kind: 'Thing', metadata: { name: 'a' } }],
    });
  });

  it('requests the right path with credentials', async () => {
    let seen: unknown;
    handle = (request, response, body) => {
      seen = [
        request.method,
        request.url,
        request.headers.authorization,
        request.headers['content-type'],
        JSON.parse(body),
      ];
      response.end('{"metadata":{"name":"a"}}');
    };
    await api.apply(
      things,
      { apiVersion: 't.io/v1', kind: 'Thing', metadata: { name: 'a', namespace: 'x' } },
      { fieldManager: 'm', force: true },
    );
    expect(seen).to.deep.equal([
      'PATCH',
      '/apis/t.io/v1/namespaces/x/things/a?fieldManager=m&fieldValidation=Strict&force=true',
      'Bearer t',
      'application/apply-patch+yaml',
      { apiVersion: 't.io/v1', kind: 'Thing', metadata: { name: 'a', namespace: 'x' } },
    ]);
  });

  describe('takes the failure that a body reports for what it is, although the HTTP status is 200:', () => {
    const expired = { kind: 'Status', status: 'Failure', reason: 'Expired', message: 'too old' };
    for (const [title, body] of [
      ['an ERROR event', JSON.stringify({ type: 'ERROR', object: expired })],
      ['a Status in place of a watch', JSON.stringify({ ...expired, code: 410 })],
      ['a Status without a code', JSON.stringify(expired)],
    ] as const) {
      // @promise watching/watch-errors
      it(`${title} is a 410`, async () => {
        handle = (_, response) => response.end(`${body}\n`);
        const { error } = await watchAll();
        expect([hasCode(error, 410), (error as Error).message]).to.deep.equal([true, 'too old']);
      });
    }

    it('a Status in place of a list or an object', async () => {
      handle = (_, response) => response.end(JSON.stringify({ ...expired, code: 410 }));
      const list = await api.list(pods).catch((error: unknown) => error);
      const object = await api
        .get(pods, { namespace: 'a', name: 'b' })
        .catch((error: unknown) => error);
      expect([hasCode(list, 410), hasCode(object, 410)]).to.deep.equal([true, true]);
    });
  });

  describe('reports a response of another server with what it was:', () => {
    for (const [title, body, message] of [
      ['an HTML page', '<html>login</html>', /no event: <html>login/],
      [
        'a list in place of events',
        '{"kind":"PodList","items":[]}',
        /no event: \{"kind":"PodList"/,
      ],
      ['an unknown event', '{"type":"NEWS","object":{}}', /unknown type NEWS/],
      [
        'an object without a name',
        '{"type":"ADDED","object":{}}',
        /ADDED of an object without a name/,
      ],
    ] as const) {
      it(title, async () => {
        handle = (_, response) => response.end(`${body}\n`);
        const { events, error } = await watchAll();
        expect([events.length, isApiError(error)]).to.deep.equal([0, true]);
        expect((error as Error).message).to.match(message);
      });
    }

    it('JSON that is no list', async () => {
      handle = (_, response) => response.end('{"hello":"world"}');
      const error = await api.list(pods).catch((thrown: unknown) => thrown);
      expect(isConnectionError(error)).to.equal(true);
      expect((error as Error).message).to.equal('the response to the list of pods is no list');
    });
  });

  it('takes a bookmark without a version for one', async () => {
    handle = (_, response) => response.end('{"type":"BOOKMARK","object":{"kind":"Pod"}}\n');
    expect((await watchAll()).events).to.deep.equal([{ type: 'BOOKMARK', resourceVersion: '' }]);
  });

  it('turns a Status into an error with its reason and the time to wait', async () => {
    handle = (_, response) =>
      response.writeHead(429, { 'retry-after': '3' }).end(
        JSON.stringify({
          kind: 'Status',
          code: 429,
          reason: 'TooManyRequests',
          message: 'slow down',
        }),
      );
    const error = await api
      .get(pods, { namespace: 'x', name: 'a' })
      .catch((failure: unknown) => failure);
    expect(isApiError(error) && error.status).to.deep.equal({
      code: 429,
      reason: 'TooManyRequests',
      message: 'slow down',
      retryAfterSeconds: 3,
    });
  });

  it('takes the time to wait as a date as well, and from the Status, also in band', async () => {
    const key = { namespace: 'x', name: 'a' };
    const status = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'slow down' };
    const asked = (error: unknown): number | undefined =>
      isApiError(error) ? error.status.retryAfterSeconds : undefined;
    const date = {
      date: 'Wed, 25 Nov 2026 10:00:00 GMT',
      'retry-after': 'Wed, 25 Nov 2026 10:00:07 GMT',
    };
    handle = (_, response) => response.writeHead(503, date).end('down');
    expect(asked(await api.get(pods, key).catch((failure: unknown) => failure))).to.equal(7);
    handle = (_, response) =>
      response.writeHead(429).end(JSON.stringify({ ...status, details: { retryAfterSeconds: 4 } }));
    expect(asked(await api.get(pods, key).catch((failure: unknown) => failure))).to.equal(4);
    handle = (_, response) =>
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: { ...status, details: { retryAfterSeconds: 5 } } })}\n`,
      );
    expect(asked((await watchAll()).error)).to.equal(5);
    handle = (_, response) =>
      response.writeHead(429, { 'retry-after': 'soon' }).end(JSON.stringify(status));
    expect(asked(await api.get(pods, key).catch((failure: unknown) => failure))).to.equal(
      undefined,
    );
  });

  it('goes through the proxy that it was given', async () => {
    let asked: string | undefined;
    const proxy = createServer((request, response) => {
      asked = request.url;
      response.end('{"metadata":{"name":"proxied"}}');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const through = createHttpKubeApi({
      server: 'http://api.nowhere:6443',
      proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      credentials: async () => ({ headers: {}, tls: {} }),
    });
    expect((await through.get(pods, { namespace: 'x', name: 'a' })).metadata.name).to.equal(
      'proxied',
    );
    expect(asked).to.equal('http://api.nowhere:6443/api/v1/namespaces/x/pods/a');
    await through.close();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('names the request when the response is no Status', async () => {
    handle = (_, response) => response.writeHead(502).end('bad gateway');
    const error = (await api
      .get(pods, { namespace: 'x', name: 'a' })
      .catch((failure: unknown) => failure)) as Error;
    expect(error.message).to.equal('GET /api/v1/namespaces/x/pods/a: HTTP 502 bad gateway');
  });

  it('rejects with a ConnectionError when the connection is reset', async () => {
    handle = (request) => request.socket.destroy();
    expect(
      isConnectionError(
        await api.get(pods, { namespace: 'x', name: 'a' }).catch((failure: unknown) => failure),
      ),
    ).to.equal(true);
  });

  it('yields events that arrive in pieces, whole and in order', async () => {
    handle = (_, response) => {
      const text = `${added('ä')}\n${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })}\n`;
      const bytes = Buffer.from(text);
      for (let index = 0; index < bytes.length; index += 7) {
        response.write(bytes.subarray(index, index + 7));
      }
      response.end();
    };
    const { events, error } = await watchAll();
    expect(error).to.equal(undefined);
    expect(
      events.map((event) =>
        event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.name,
      ),
    ).to.deep.equal(['ä', '9']);
  });

  // @promise watching/watch-errors
  it('takes half a line at the end of a watch for a broken connection', async () => {
    handle = (_, response) => response.end(`${added('a')}\n${added('b').slice(0, 20)}`);
    const { events, error } = await watchAll();
    expect(events).to.have.length(1);
    expect(isConnectionError(error)).to.equal(true);
  });

  // @promise watching/watch-errors
  it('reports a version that is too old in the same way, as a status and in band', async () => {
    const status = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    };
    handle = (_, response) => response.writeHead(410).end(JSON.stringify(status));
    expect(hasCode((await watchAll()).error, 410)).to.equal(true);
    handle = (_, response) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    expect(hasCode((await watchAll()).error, 410)).to.equal(true);
  });

  it('rejects with the reason of the signal when aborted', async () => {
    const abort = new AbortController();
    handle = () => abort.abort(new Error('enough'));
    const error = (await api
      .get(pods, { namespace: 'x', name: 'a' }, abort.signal)
      .catch((failure: unknown) => failure)) as Error;
    expect(error.message).to.equal('enough');
  });

  describe('credentials', () => {
    const key = { namespace: 'x', name: 'a' };
    let asked: boolean[];
    const connected = (tokens: readonly string[]): HttpKubeApi => {
      asked = [];
      const credentials = async (fresh: boolean) => {
        asked.push(fresh);
        return {
          headers: {
            authorization: `Bearer ${tokens[Math.min(asked.filter(Boolean).length, tokens.length - 1)]}`,
          },
          tls: {},
        };
      };
      return createHttpKubeApi({
        server: url,
        credentials,
        userAgent: 'test-operator autopilot-runtime/0',
      });
    };
    const handleToken = (): void => {
      handle = (request, response) =>
        request.headers.authorization === 'Bearer new'
          ? response.end('{"metadata":{"name":"a"}}')
          : response.writeHead(401).end(
              JSON.stringify({
                kind: 'Status',
                code: 401,
                reason: 'Unauthorized',
                message: 'Unauthorized',
              }),
            );
    };

    // @promise lifecycle/token-rotation
    it('are read again once when the API server refuses them: a token was rotated', async () => {
      const rotated = connected(['old', 'new']);
      handleToken();
      expect((await rotated.get(pods, key)).metadata.name).to.equal('a');
      expect(asked).to.deep.equal([false, true]);
      await rotated.close();
    });

    it('that cannot be read make the API server unavailable, and nothing is sent', async () => {
      const unread = createHttpKubeApi({
        server: url,
        credentials: () => Promise.reject(new Error("ENOENT: no such file, open '/token'")),
      });
      const error = await unread.get(pods, key).catch((failure: unknown) => failure);
      expect(isConnectionError(error)).to.equal(true);
      expect(unread.unavailableReason).to.equal(
        "the credentials for the API server cannot be read: ENOENT: no such file, open '/token'",
      );
      await unread.close();
    });

    it('that have rotated end no watch', async () => {
      let tls = {};
      const ports = new Set<number | undefined>();
      const rotating = createHttpKubeApi({
        server: url,
        credentials: async () => ({ headers: {}, tls }),
      });
      let tell = (_: string): void => undefined;
      handle = (request, response) => {
        ports.add(request.socket.remotePort);
        if (request.url?.includes('watch')) {
          (tell = (line) => void response.write(line))(`${added('a')}\n`);
        } else {
          response.end('{"metadata":{"name":"a"}}');
        }
      };
      const stop = new AbortController();
      const watch = rotating
        .watch(pods, { resourceVersion: '1' }, stop.signal)
        [Symbol.asyncIterator]();
      await watch.next();
      tls = { servername: 'other' };
      await rotating.get(pods, key);
      tell(`${added('b')}\n`);
      expect((await watch.next()).value).to.have.nested.property('object.metadata.name', 'b');
      expect(ports.size).to.equal(2);
      stop.abort(new Error('enough'));
      expect(await watch.next().catch((failure: Error) => failure.message)).to.equal('enough');
      await rotating.close();
    });

    it('that stay wrong are an error after that, which does not show them', async () => {
      const wrong = connected(['secret1', 'secret2']);
      handleToken();
      const error = (await wrong.get(pods, key).catch((failure: unknown) => failure)) as Error;
      expect([hasCode(error, 401), asked]).to.deep.equal([true, [false, true]]);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).to.not.contain('secret');
      await wrong.close();
    });
  });

  it('sends the user agent', async () => {
    let agent: string | undefined;
    handle = (request, response) => {
      agent = request.headers['user-agent'];
      response.end('{"metadata":{"name":"a"}}');
    };
    await api.get(pods, { namespace: 'x', name: 'a' });
    expect(agent).to.match(/autopilot-runtime/);
  });

  // @promise election/lease-expiry
  it('calls the write check again after reading the credentials, before anything is sent', async () => {
    let held = true;
    let requests = 0;
    handle = (_, response) => {
      requests++;
      response.end('{"metadata":{"name":"a"}}');
    };
    const slow = createHttpKubeApi({
      server: url,
      credentials: async () => ((held = false), { headers: {}, tls: {} }),
    });
    const door = slow.withWriteCheck(() => {
      if (!held) {
        throw new Error('not held');
      }
    });
    const refused = (await door
      .patch(pods, { namespace: 'x', name: 'a' }, { type: 'merge', body: {} })
      .catch((failure: unknown) => failure)) as Error;
    expect([refused.message, requests]).to.deep.equal(['not held', 0]);
    await door.get(pods, { namespace: 'x', name: 'a' });
    expect(requests).to.equal(1);
    await slow.close();
  });

  it('counts responses as client-go does, and reports whether the API server is available', async () => {
    const told: string[] = [];
    const counting = createHttpKubeApi({
      server: url,
      credentials: async () => ({ headers: {}, tls: {} }),
      onResponse: (method, code) => void told.push(`${method} ${code}`),
    });
    const ask = (): Promise<unknown> =>
      counting.get(pods, { namespace: 'x', name: 'a' }).catch(() => undefined);
    handle = (_, response) => response.writeHead(404).end('{}');
    await ask();
    expect(counting.unavailableReason).to.equal(undefined);
    handle = (request) => request.socket.destroy();
    await ask();
    expect(counting.unavailableReason).to.match(/^GET .*pods\/a: /);
    handle = (_, response) => response.writeHead(503).end('{}');
    await ask();
    expect(counting.unavailableReason).to.not.equal(undefined);
    handle = (_, response) => response.end('{"metadata":{"name":"a"}}');
    await ask();
    expect(counting.unavailableReason).to.equal(undefined);
    expect(told).to.deep.equal(['GET 404', 'GET <error>', 'GET 503', 'GET 200']);
    await counting.close();
  });

  it('keeps its connections: twenty requests in a row need no more than two', async () => {
    const sockets = new Set<unknown>();
    handle = (request, response) => {
      sockets.add(request.socket);
      response.end('{"metadata":{"name":"a"}}');
    };
    const fresh = createHttpKubeApi({
      server: url,
      credentials: async () => ({ headers: {}, tls: {} }),
    });
    for (let i = 0; i < 20; i++) {
      await fresh.get(pods, { namespace: 'x', name: 'a' });
    }
    expect(sockets.size).to.be.at.most(2);
    await fresh.close();
  });
});
