import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { ClusterAccess } from '../../../runtime/src/client/kubeconfig.ts';
import { accessOf, readKubeconfig } from '../../../runtime/src/client/kubeconfig.ts';

describe('a kubeconfig file', () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'autopilot-kubeconfig-'))));
  after(() => rmSync(folder, { recursive: true }));

  function write(cluster: object, user: object, more: object = {}, name = 'config'): string {
    const file = join(folder, name);
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

  async function access(...files: readonly string[]): Promise<ClusterAccess> {
    const context = await readKubeconfig(files);
    if (context === undefined) {
      throw new Error('none of the files exists');
    }
    return accessOf(context);
  }
  const refusal = async (...files: readonly string[]): Promise<string> =>
    access(...files).then(
      () => 'accepted',
      (error: Error) => error.message,
    );

  it('with a token: server, namespace and credentials of the current context', async () => {
    const found = await access(
      write({ 'certificate-authority-data': base64('CA') }, { token: 'secret' }),
    );
    expect([found.server, found.namespace]).to.deep.equal(['https://10.0.0.1:6443', 'apps']);
    expect(await found.credentials(false)).to.deep.equal({
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
    const found = await access(
      write({ 'insecure-skip-tls-verify': true, 'tls-server-name': 'kube' }, user),
    );
    expect(await found.credentials(false)).to.deep.equal({
      headers: { authorization: 'Bearer first' },
      tls: { cert: 'CERT', key: 'KEY', servername: 'kube', rejectUnauthorized: false },
    });
    writeFileSync(join(folder, 'token'), 'second\n');
    expect((await found.credentials(false)).headers).to.deep.equal({
      authorization: 'Bearer second',
    });
  });

  it('takes an empty field for an absent one: the file beside it counts', async () => {
    writeFileSync(join(folder, 'ca.pem'), 'CA');
    writeFileSync(join(folder, 'token'), 'from the file');
    const found = await access(
      write(
        { 'certificate-authority-data': '', 'certificate-authority': 'ca.pem', 'proxy-url': '' },
        { token: '', tokenFile: 'token', 'client-certificate-data': '', 'client-key': '' },
      ),
    );
    expect(await found.credentials(false)).to.deep.equal({
      headers: { authorization: 'Bearer from the file' },
      tls: { ca: 'CA' },
    });
    expect((await access(write({}, { token: 't', tokenFile: '' }))).credentials).to.be.a(
      'function',
    );
    expect(
      (await (await access(write({}, { token: 't', tokenFile: '' }))).credentials(false)).headers,
    ).to.deep.equal({ authorization: 'Bearer t' });
  });

  it('with a user name and a password', async () => {
    const found = await access(write({}, { username: 'me', password: 'pw' }));
    expect((await found.credentials(false)).headers).to.deep.equal({
      authorization: `Basic ${base64('me:pw')}`,
    });
  });

  it('acts as another user with groups, uid and extra fields, none of them dropped', async () => {
    const found = await access(
      write(
        {},
        {
          token: 't',
          as: 'jane',
          'as-uid': 'u1',
          'as-groups': ['dev', 'ops'],
          'as-user-extra': { 'example.com/Scope': ['a', 'b'], '(odd)': ['c'] },
        },
      ),
    );
    expect((await found.credentials(false)).headers).to.deep.equal({
      authorization: 'Bearer t',
      'impersonate-user': 'jane',
      'impersonate-uid': 'u1',
      'impersonate-group': ['dev', 'ops'],
      'impersonate-extra-example.com%2Fscope': ['a', 'b'],
      'impersonate-extra-%28odd%29': ['c'],
    });
  });

  for (const more of [
    { 'as-groups': ['a'] },
    { 'as-uid': 'u' },
    { 'as-user-extra': { a: ['b'] } },
  ]) {
    it(`refuses ${JSON.stringify(more)} without a user, as kubectl does`, async () => {
      expect(await refusal(write({}, { token: 't', ...more }))).to.equal(
        'the kubeconfig: as-groups, as-uid and as-user-extra need as, the user',
      );
    });
  }

  it('with a proxy', async () => {
    const found = await access(write({ 'proxy-url': 'http://proxy:3128' }, { token: 'x' }));
    expect(found.proxy).to.equal('http://proxy:3128');
    expect(await refusal(write({ 'proxy-url': 'socks5://me:secret@proxy:1080' }, {}))).to.equal(
      'proxy-url of the kubeconfig is a URL that begins with socks5:; an operator can use http:// and https:// proxies',
    );
  });

  describe('in a list of files', () => {
    it('is skipped when it does not exist, and the first file that has a name decides', async () => {
      const first = write(
        {},
        { token: 'first' },
        { contexts: [], clusters: [], 'current-context': '' },
        'first',
      );
      const second = write({ 'tls-server-name': 'second' }, { token: 'second' }, {}, 'second');
      const found = await access(join(folder, 'missing'), first, second);
      expect(await found.credentials(false)).to.deep.equal({
        headers: { authorization: 'Bearer first' },
        tls: { servername: 'second' },
      });
    });

    it('gives no access when none exists', async () => {
      expect(await readKubeconfig([join(folder, 'missing')])).to.equal(undefined);
    });
  });

  describe('whose names lead nowhere is refused with the name:', () => {
    for (const [title, more, message] of [
      ['no current context', { 'current-context': '' }, /has no current context; choose one/],
      ['the context', { 'current-context': 'none' }, /current context 'none' does not exist/],
      ['the cluster', { clusters: [] }, /'x' names the cluster 'c', and there is no such cluster/],
      ['the user', { users: [] }, /'x' names the user 'u', and there is no such user/],
    ] as const) {
      it(title, async () => {
        expect(await refusal(write({}, { token: 'x' }, more))).to.match(message);
      });
    }

    it('a cluster without a server', async () => {
      expect(await refusal(write({ server: '' }, {}))).to.match(/context 'x' has no server$/);
      expect(await refusal(write({ server: '10.0.0.1:6443' }, {}))).to.equal(
        "the kubeconfig: the server '10.0.0.1:6443' of context 'x' is no URL; write https://HOST:PORT",
      );
    });
  });

  it('of any content gives access or a sentence, and never an error of JavaScript', async () => {
    const seed = Number(process.env['AUTOPILOT_SEED'] ?? 1);
    const numRuns = Number(process.env['AUTOPILOT_RUNS'] ?? 300);
    const fields = fc.dictionary(
      fc.constantFrom(
        'server',
        'token',
        'as',
        'as-groups',
        'as-user-extra',
        'proxy-url',
        'extensions',
      ),
      fc.oneof(fc.constantFrom('', 'x', 'https://h', null), fc.json(), fc.jsonValue()),
    );
    const named = (member: string): fc.Arbitrary<unknown> =>
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.array(
            fc.record({ name: fc.constantFrom('x', 'c', 'u'), [member]: fields }),
          ),
        },
        { weight: 1, arbitrary: fc.jsonValue() },
      );
    const content = fc.record({
      clusters: named('cluster'),
      users: named('user'),
      contexts: fc.oneof(
        fc.constant([{ name: 'x', context: { cluster: 'c', user: 'u' } }]),
        fc.jsonValue(),
      ),
      'current-context': fc.oneof(fc.constant('x'), fc.jsonValue()),
    });
    const file = join(folder, 'any');
    const check = async (config: unknown): Promise<void> => {
      writeFileSync(file, JSON.stringify(config));
      const found = await access(file).catch((error: unknown) => error);
      if (found instanceof Error) {
        expect(found.name, found.stack).to.equal('Error');
        return;
      }
      const { headers } = await (found as ClusterAccess).credentials(false);
      expect(Object.values(headers).flat()).to.satisfy((values: readonly unknown[]) =>
        values.every((value) => typeof value === 'string'),
      );
    };
    const anything = fc.oneof(
      { weight: 4, arbitrary: content },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    await fc.assert(fc.asyncProperty(anything, check), { seed, numRuns });
  });
});
