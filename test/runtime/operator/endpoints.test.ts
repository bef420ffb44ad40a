import { connect } from 'node:net';
import { expect } from 'chai';
import { until } from '../../realparts/index.ts';
import { serveEndpoints } from '../../../runtime/src/operator/endpoints.ts';

describe('the endpoints', () => {
  const reasons: Record<string, string | undefined> = {};
  let base: string;
  let close: () => Promise<void>;
  before(async () => {
    const server = await serveEndpoints({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', render: async () => 'a_metric 1\n' },
      ready: ['apiserver', 'caches', 'watches', 'kinds'].map((name) => ({
        name,
        run: () => reasons[name],
      })),
    });
    base = `http://127.0.0.1:${server.port}`;
    close = () => server.close();
  });
  after(() => close());
  beforeEach(() => {
    for (const name of Object.keys(reasons)) {
      reasons[name] = undefined;
    }
  });
  const ask = async (path: string): Promise<readonly [number, string]> => {
    const response = await fetch(base + path);
    return [response.status, await response.text()];
  };

  // @promise endpoints/paths
  it('respond with ok when all checks pass, and list the checks on request', async () => {
    expect(await ask('/readyz')).to.deep.equal([200, 'ok\n']);
    expect(await ask('/readyz?verbose')).to.deep.equal([
      200,
      '[+]apiserver ok\n[+]caches ok\n[+]watches ok\n[+]kinds ok\nreadyz check passed\n',
    ]);
  });

  // @promise lifecycle/refused-config
  it('show a warning to who asks for it, and stay ready', async () => {
    const warned = await serveEndpoints({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', render: async () => '' },
      ready: [{ name: 'config', isWarning: true, run: () => 'f.yaml:1:1: unknown' }],
    });
    const response = await fetch(`http://127.0.0.1:${warned.port}/readyz?verbose`);
    expect([response.status, await response.text()]).to.deep.equal([
      200,
      '[!]config warning: f.yaml:1:1: unknown\nreadyz check passed\n',
    ]);
    await warned.close();
  });

  // @promise endpoints/paths
  it('list the checks that fail', async () => {
    reasons['watches'] = 'Pod: failing for 40 s: reset';
    expect(await ask('/readyz')).to.deep.equal([
      503,
      '[+]apiserver ok\n[+]caches ok\n[-]watches failed: Pod: failing for 40 s: reset\n[+]kinds ok\nreadyz check failed\n',
    ]);
    expect(await ask('/readyz?exclude=watches')).to.deep.equal([200, 'ok\n']);
    expect((await ask('/readyz/watches'))[0]).to.equal(503);
    expect(await ask('/readyz/caches')).to.deep.equal([200, 'ok\n']);
  });

  it('are alive as long as they respond', async () => {
    reasons['apiserver'] = 'gone';
    expect(await ask('/healthz')).to.deep.equal([200, 'ok\n']);
  });

  it('serve metrics, and respond with 404 to other paths', async () => {
    expect(await ask('/metrics')).to.deep.equal([200, 'a_metric 1\n']);
    expect((await ask('/readyz/unknown'))[0]).to.equal(404);
    expect((await ask('/'))[0]).to.equal(404);
  });

  // @promise endpoints/robust-endpoints
  it('survive a request whose path is not a URL', async () => {
    const { port } = new URL(base);
    for (const target of ['//', 'http://[']) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) {
        text += String(chunk);
      }
      expect(text).to.match(/^HTTP\/1\.1 404 /);
    }
    expect(await ask('/healthz')).to.deep.equal([200, 'ok\n']);
  });

  // @promise endpoints/robust-endpoints
  it('survive metrics that cannot be collected', async () => {
    const failing = await serveEndpoints({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', render: () => Promise.reject(new Error('no number')) },
      ready: [],
    });
    const response = await fetch(`http://127.0.0.1:${failing.port}/metrics`);
    expect([response.status, await response.text()]).to.deep.equal([500, 'no number\n']);
    await failing.close();
  });

  // @promise endpoints/robust-endpoints
  it('render the metrics once for all requests of a second', async () => {
    let renders = 0;
    const server = await serveEndpoints({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', render: async () => `renders ${++renders}\n` },
      ready: [],
    });
    const scrape = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    const texts = await Promise.all([scrape(), scrape(), scrape()]);
    expect(texts).to.deep.equal(['renders 1\n', 'renders 1\n', 'renders 1\n']);
    await until('a later scrape has a new text', 5_000, async () =>
      expect(await scrape()).to.equal('renders 2\n'),
    );
    await server.close();
  });

  it('refuse to take a body', async () => {
    const response = await fetch(`${base}/metrics`, { method: 'POST', body: 'x' });
    expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD']);
  });

  it('reject an invalid address with the value', async () => {
    const error = await Promise.resolve()
      .then(() =>
        serveEndpoints({
          address: '9091',
          metrics: { contentType: '', render: async () => '' },
          ready: [],
        }),
      )
      .catch((failure: Error) => failure.message);
    expect(error).to.equal("metricsAddr '9091' is not an address; write it like :9091");
  });
});
