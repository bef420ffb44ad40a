import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createExecPlugin } from '../../../runtime/src/client/exec-plugin.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

describe('a credential plugin', () => {
  let folder: string;
  let clock: VirtualClock;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-plugin-'));
    clock = new VirtualClock();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A shell script that counts its runs. */
  function script(body: string): string {
    const file = join(folder, 'plugin');
    writeFileSync(file, `#!/bin/sh\necho run >> '${folder}/runs'\n${body}\n`);
    chmodSync(file, 0o755);
    return file;
  }
  const runs = (): number =>
    existsSync(join(folder, 'runs'))
      ? readFileSync(join(folder, 'runs'), 'utf8').split('\n').length - 1
      : 0;
  const prints = (status: object): string =>
    script(`echo '${JSON.stringify({ kind: 'ExecCredential', status })}'`);
  const plugin = (
    exec: object,
    more: { readonly timeoutMs?: number } = {},
  ): ReturnType<typeof createExecPlugin> =>
    createExecPlugin({ apiVersion: 'client.authentication.k8s.io/v1', ...exec } as never, {
      folder,
      cluster: async () => ({ server: 'https://api', config: { audience: 'x' } }),
      ...('timeoutMs' in more ? more : { clock }),
    });
  const failure = async (
    exec: object,
    more: { readonly timeoutMs?: number } = {},
  ): Promise<string> =>
    plugin(
      exec,
      more,
    )(false).then(
      () => 'no failure',
      (error: Error) => error.message,
    );

  it('runs once for a token without expiry, and again when the API server has refused the token', async () => {
    const credentials = plugin({ command: prints({ token: 't' }) });
    expect(await credentials(false)).to.deep.equal({
      headers: { authorization: 'Bearer t' },
      tls: {},
    });
    await credentials(false);
    expect(runs()).to.equal(1);
    await credentials(true);
    expect(runs()).to.equal(2);
  });

  it('runs again when its credentials have expired', async () => {
    const expirationTimestamp = new Date(clock.now() + 60_000).toISOString();
    const status = { clientCertificateData: 'CERT', clientKeyData: 'KEY', expirationTimestamp };
    const credentials = plugin({ command: prints(status) });
    expect(await credentials(false)).to.deep.equal({
      headers: {},
      tls: { cert: 'CERT', key: 'KEY' },
    });
    clock.moveTo(clock.monotonic() + 59_000);
    await credentials(false);
    expect(runs()).to.equal(1);
    clock.moveTo(clock.monotonic() + 1_000);
    await credentials(false);
    expect(runs()).to.equal(2);
  });

  it('gets its arguments, its environment and the cluster, and is found beside the kubeconfig', async () => {
    script(
      `printf '{"status":{"token":"%s-%s"}}' "$1" "$EXTRA"; printf '%s' "$KUBERNETES_EXEC_INFO" > '${folder}/info'`,
    );
    const exec = {
      command: './plugin',
      args: ['first'],
      env: [{ name: 'EXTRA', value: 'second' }],
      provideClusterInfo: true,
    };
    const { headers } = await plugin(exec)(false);
    expect(headers).to.deep.equal({ authorization: 'Bearer first-second' });
    expect(JSON.parse(readFileSync(join(folder, 'info'), 'utf8'))).to.deep.equal({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: 'https://api', config: { audience: 'x' } },
      },
    });
  });

  it('that hangs is stopped, with the processes that keep its pipes open', async () => {
    const command = script('sleep 600 & wait');
    expect(await failure({ command }, { timeoutMs: 200 })).to.equal(
      `the credential plugin ${command} did not end within 0.2 s and was stopped`,
    );
  });

  it('that fails is reported with its own words, and no token is shown', async () => {
    const command = script('echo half-a-token; echo "log in first" >&2; exit 3');
    expect(await failure({ command })).to.equal(
      `the credential plugin ${command} ended with code 3: log in first`,
    );
    const broken = script('echo half-a-token');
    expect(await failure({ command: broken })).to.equal(
      `the credential plugin ${broken} printed no JSON`,
    );
    expect(await failure({ command: prints({}) })).to.match(
      /printed no ExecCredential with a token or a certificate$/,
    );
  });

  it('that is not installed is reported with its hint', async () => {
    const exec = { command: 'autopilot-no-such-plugin', installHint: 'Install it with x.' };
    expect(await failure(exec)).to.match(
      /^the credential plugin autopilot-no-such-plugin cannot be run: .*ENOENT\. Install it with x\.$/,
    );
  });

  it('that needs a terminal is refused', () => {
    expect(() => plugin({ command: 'x', interactiveMode: 'Always' })).to.throw('needs a terminal');
    expect(() => plugin({ command: '' })).to.throw('has no command');
  });
});
