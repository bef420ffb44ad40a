import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSimpleKubeconfig } from '../../../runtime/src/client/kubeconfig.ts';

describe('a kubeconfig file', () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'autopilot-kubeconfig-'))));
  after(() => rmSync(folder, { recursive: true }));

  function write(cluster: object, user: object, more: object = {}): string {
    const file = join(folder, 'config');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'other', cluster: { server: 'https://other' } },
        { name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } },
      ],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
      'current-context': 'x',
      ...more,
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it('with a token: server, namespace and credentials of the current context', async () => {
    const found = await readSimpleKubeconfig(
      write({ 'certificate-authority-data': base64('CA') }, { token: 'secret' }),
    );
    expect([found?.server, found?.namespace]).to.deep.equal(['https://10.0.0.1:6443', 'apps']);
    expect(await found?.credentials()).to.deep.equal({
      headers: { authorization: 'Bearer secret' },
      tls: { ca: 'CA' },
    });
  });

  it('with files, which are read again each time: they rotate', async () => {
    writeFileSync(join(folder, 'token'), 'first\n');
    writeFileSync(join(folder, 'cert.pem'), 'CERT');
    const user = {
      tokenFile: 'token',
      'client-certificate': 'cert.pem',
      'client-key-data': base64('KEY'),
    };
    const found = await readSimpleKubeconfig(
      write({ 'insecure-skip-tls-verify': true, 'tls-server-name': 'kube' }, user),
    );
    expect(await found?.credentials()).to.deep.equal({
      headers: { authorization: 'Bearer first' },
      tls: { cert: 'CERT', key: 'KEY', servername: 'kube', rejectUnauthorized: false },
    });
    writeFileSync(join(folder, 'token'), 'second\n');
    expect((await found?.credentials())?.headers).to.deep.equal({ authorization: 'Bearer second' });
  });

  it('with a proxy', async () => {
    expect(
      (await readSimpleKubeconfig(write({ 'proxy-url': 'http://proxy:3128' }, { token: 'x' })))
        ?.proxy,
    ).to.equal('http://proxy:3128');
  });

  it('whose context names an unknown user is refused, so that a misspelt name does not connect anonymously', async () => {
    const failure = await readSimpleKubeconfig(
      write({}, { token: 'x' }, { users: [{ name: 'v', user: { token: 'x' } }] }),
    ).catch((error: Error) => error);
    expect((failure as Error).message).to.contain(
      "context 'x' names the user 'u', and there is no such user",
    );
  });

  it('that needs a program or another user is left to client-node', async () => {
    expect(await readSimpleKubeconfig(write({}, { exec: { command: 'aws' } }))).to.equal(undefined);
    expect(await readSimpleKubeconfig(write({}, { token: 'x', as: 'admin' }))).to.equal(undefined);
    expect(
      await readSimpleKubeconfig(write({}, { token: 'x' }, { 'current-context': 'none' })),
    ).to.equal(undefined);
  });
});
