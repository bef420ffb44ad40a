import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect } from '../../../runtime/src/client/connect.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

const pods = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
const key = { namespace: 'x', name: 'a' };

describe('connecting', () => {
  let folder: string;
  let server: Server;
  let asked: string[];
  const environment = { ...process.env };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-connect-'));
    mkdirSync(join(folder, '.kube'));
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.headers.host} ${request.headers.authorization}`);
      response.end('{"metadata":{"name":"a"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    process.env['KUBECONFIG'] = environment['KUBECONFIG'];
    process.env['HOME'] = environment['HOME'];
    for (const name of ['KUBECONFIG', 'HOME']) {
      if (environment[name] === undefined) {
        delete process.env[name];
      }
    }
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  function kubeconfig(cluster: object, user: object): string {
    const file = join(folder, '.kube/config');
    const context = { cluster: 'c', user: 'u' };
    writeFileSync(
      file,
      JSON.stringify({
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context }],
        'current-context': 'x',
      }),
    );
    return file;
  }

  it('takes an empty KUBECONFIG for none', async () => {
    kubeconfig({ server: address() }, { token: 't' });
    process.env['KUBECONFIG'] = '';
    process.env['HOME'] = folder;
    const connected = await connect();
    expect(connected.server).to.equal(address());
    await connected.close();
  });

  it('goes through the proxy of a kubeconfig, with its user and password', async () => {
    const file = kubeconfig(
      {
        server: 'http://api.nowhere:6443',
        'insecure-skip-tls-verify': true,
        'proxy-url': address(),
      },
      { username: 'me', password: 'pw' },
    );
    const connected = await connect({ kubeconfig: file });
    await connected.api.get(pods, key);
    expect(asked).to.deep.equal([
      `api.nowhere:6443 Basic ${Buffer.from('me:pw').toString('base64')}`,
    ]);
    await connected.close();
  });

  it('fetches the token of a credential plugin again when it is refused, also at the first request', async () => {
    const plugin = join(folder, 'plugin');
    writeFileSync(
      plugin,
      `#!/bin/sh\necho x >> '${folder}/runs'\necho '{"status":{"token":"'$(wc -l < '${folder}/runs' | tr -d ' ')'"}}'\n`,
      { mode: 0o755 },
    );
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      asked.push(String(request.headers.authorization));
      const isRefused = request.headers.authorization === 'Bearer 1';
      response.writeHead(isRefused ? 401 : 200).end('{"metadata":{"name":"a"}}');
    });
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin };
    const connected = await connect({ kubeconfig: kubeconfig({ server: address() }, { exec }) });
    await connected.api.get(pods, key);
    expect(asked).to.deep.equal(['Bearer 1', 'Bearer 2']);
    await connected.close();
  });

  it('sends all headers of another user to act as', async () => {
    let headers: IncomingHttpHeaders = {};
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      headers = request.headers;
      response.end('{"metadata":{"name":"a"}}');
    });
    const user = { token: 't', as: 'jane', 'as-groups': ['dev', 'ops'] };
    const connected = await connect({ kubeconfig: kubeconfig({ server: address() }, user) });
    await connected.api.get(pods, key);
    expect([headers['impersonate-user'], headers['impersonate-group']]).to.deep.equal([
      'jane',
      'dev, ops',
    ]);
    await connected.close();
  });

  it('names the files when none of KUBECONFIG exists', async () => {
    process.env['KUBECONFIG'] = `${join(folder, 'a')}:${join(folder, 'b')}`;
    const error = await connect().catch((thrown: unknown) => thrown);
    expect((error as Error).message).to.equal(
      `no cluster is configured: there is no ${folder}/a, ${folder}/b (npm run dev -- --sandbox needs no cluster)`,
    );
  });

  it('goes on with the last token while its file cannot be read, and takes the new one', async () => {
    const token = join(folder, 'token');
    writeFileSync(token, 'first');
    const clock = new VirtualClock();
    const connected = await connect({
      kubeconfig: kubeconfig({ server: address() }, { tokenFile: token }),
      clock,
    });
    await connected.api.get(pods, key);
    unlinkSync(token);
    clock.moveTo(61_000);
    await connected.api.get(pods, key);
    writeFileSync(token, 'second');
    clock.moveTo(130_000);
    await connected.api.get(pods, key);
    expect(asked.map((line) => line.split(' ').at(-1))).to.deep.equal(['first', 'first', 'second']);
    await connected.close();
  });
});
