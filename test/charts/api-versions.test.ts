import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { generateProject } from '../../generators/lib/index.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, tool } from '../realparts/index.ts';
import { at, manifestsOf, render, renderText } from './rendering.ts';
import type { Manifest } from './rendering.ts';

const PROJECT = (version: string, former: string): string => `kind: Example
apiVersion: examples.io/${version}
formerVersions: ${former}
phases:
  - { name: Working, initial: true, next: [Done] }
  - { name: Done, final: true }
`;
const SPEC = (fields: string): string =>
  `export interface ExampleSpec {\n${fields}\n}\nexport interface ExampleStatusInfo {}\n`;
/** More than one page of the migration. */
const COUNT = 260;

describe('the chart over a change of the API version, on a real API server', () => {
  let plane: ControlPlane;
  let folder: string;
  const chart = (): string => join(folder, 'charts/example-operator');
  const get = async (...args: readonly string[]): Promise<string> =>
    (await plane.kubectl(['get', ...args])).trim();
  const storedVersions = (): Promise<string> =>
    get('crd', 'examples.examples.io', '-o', 'jsonpath={.status.storedVersions}');
  const specOf = (version: string, name: string, namespace = 'default'): Promise<string> =>
    get(
      `examples.${version}.examples.io`,
      name,
      '-n',
      namespace,
      '-o',
      'jsonpath={.apiVersion} {.spec}',
    );
  const upgrade = (...more: readonly string[]): Promise<string> =>
    plane.helm(['upgrade', 'r', chart(), '-n', 'ops', '--no-hooks', ...more]).then(
      () => 'no failure',
      (error: Error) => error.message,
    );
  async function generate(version: string, former: string, fields: string): Promise<void> {
    writeFileSync(join(folder, 'src/spec.ts'), SPEC(fields));
    await generateProject(folder, {
      projectText: PROJECT(version, former),
      runtime: 'registry',
      acceptBreaking: true,
    });
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-api-versions-'));
    mkdirSync(join(folder, 'src'));
    plane = await controlPlane({ audit: true });
    await plane.kubectl(['create', 'namespace', 'ops']);
    await generate('v1alpha1', '[]', 'readonly host?: string;');
    await plane.helm(['install', 'r', chart(), '-n', 'ops']);
    await plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: Array.from({ length: COUNT }, (_, index) => ({
          apiVersion: 'examples.io/v1alpha1',
          kind: 'Example',
          metadata: { name: `example-${index}`, namespace: index % 2 === 0 ? 'default' : 'ops' },
          spec: { host: `host-${index}` },
        })),
      }),
    });
  });
  after(async () => {
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const BOTH = 'readonly host?: string;\n/** @default 80 */ readonly port?: number;';

  it('is refused without the former version, and changes nothing', async () => {
    await generate('v1', '[]', BOTH);
    expect(await upgrade()).to.contain('storedVersions');
    expect(await storedVersions()).to.equal('["v1alpha1"]');
  });

  // @promise chart/former-versions
  it('is accepted with the former version, and serves each stored resource in both', async () => {
    await generate('v1alpha1', '[]', 'readonly host?: string;');
    await generate('v1', '[{ name: v1alpha1, deprecated: use examples.io/v1 }]', BOTH);
    expect(await upgrade()).to.equal('no failure');
    for (const version of ['v1', 'v1alpha1']) {
      expect(await specOf(version, 'example-0')).to.equal(
        `examples.io/${version} {"host":"host-0","port":80}`,
      );
    }
  });

  it('drops no field of the present version when a client replaces a resource in the former one', async () => {
    await plane.kubectl([
      'patch',
      'example',
      'example-1',
      '-n',
      'ops',
      '--type=merge',
      '-p',
      '{"spec":{"port":81}}',
    ]);
    const former = ['examples.v1alpha1.examples.io', 'example-1', '-n', 'ops', '-o', 'json'];
    await plane.kubectl(['replace', '-f', '-'], { input: await get(...former) });
    expect(await specOf('v1', 'example-1', 'ops')).to.equal(
      'examples.io/v1 {"host":"host-1","port":81}',
    );
  });

  it('has no Job unless it is a real upgrade with a former version', async () => {
    const kinds = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await render(chart(), { args })).map(({ kind }) => kind);
    expect(await kinds()).not.to.include('Job');
    expect(await kinds('--is-upgrade')).to.include('Job');
    expect(await kinds('--is-upgrade', '--set', 'storageMigration.enabled=false')).not.to.include(
      'Job',
    );
  });

  // @promise chart/storage-migration
  it('stores every resource in the new version by a Job with its own permissions', async () => {
    const manifests = manifestsOf(
      await renderText(chart(), {
        args: ['--is-upgrade', '--show-only', 'templates/storage-migration.yaml'],
      }),
    );
    await plane.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
    });
    await plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'examples.io/v1',
        kind: 'Example',
        metadata: { name: 'new', namespace: 'default' },
        spec: {},
      }),
    });
    expect(await storedVersions()).to.equal('["v1alpha1","v1"]');
    const said = await runJob(manifests);
    expect(said).to.contain(`stored ${COUNT + 1} examples in v1`);
    expect(await storedVersions()).to.equal('["v1"]');
    expect(await runJob(manifests)).to.contain('all examples are stored in v1');
    const account = accountOf(manifests);
    expect(plane.audit('ops', account).filter(({ code }) => code === 403)).to.deep.equal([]);
  });

  /** Runs the script of the Job with the token of its ServiceAccount. @returns its output */
  async function runJob(manifests: readonly Manifest[]): Promise<string> {
    const job = manifests.find(({ kind }) => kind === 'Job');
    const { users } = JSON.parse(
      readFileSync(await plane.tokenKubeconfig('ops', accountOf(manifests)), 'utf8'),
    ) as { users: { user: { token: string } }[] };
    writeFileSync(join(folder, 'token'), users[0]?.user.token ?? '');
    const { args, env } = at(job, 'spec.template.spec.containers.0') as {
      args: readonly string[];
      env: readonly { name: string; value: string }[];
    };
    const { hostname, port } = new URL(plane.server);
    const { all } = await execa(process.execPath, args, {
      all: true,
      env: {
        ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
        NODE_EXTRA_CA_CERTS: '',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        TOKEN_FILE: join(folder, 'token'),
      },
    });
    return all;
  }

  it('is accepted without the former version afterwards, with every resource', async () => {
    await generate('v1', '[]', BOTH);
    expect(await upgrade()).to.equal('no failure');
    const found = await get('examples', '-A', '-o', 'jsonpath={.items[*].spec.host}');
    expect(found.split(' ')).to.have.length(COUNT);
  });

  it('runs the former operator beside the present kind, where a rollback would be refused', async () => {
    await generate('v2', '[{ name: v1 }]', BOTH);
    expect(await upgrade()).to.equal('no failure');
    const rollback = await plane.helm(['rollback', 'r', '-n', 'ops', '--no-hooks']).then(
      () => 'no failure',
      (error: Error) => error.message,
    );
    expect(rollback).to.contain('storedVersions');
    await generate('v1', '[]', BOTH);
    expect(await upgrade('--set', 'crds.enabled=false')).to.equal('no failure');
    expect(
      await get('crd', 'examples.examples.io', '-o', 'jsonpath={.spec.versions[*].name}'),
    ).to.equal('v2 v1');
    await generate('v2', '[{ name: v1 }]', BOTH);
    expect(await upgrade('--reset-values')).to.equal('no failure');
  });

  it('stores every resource in the new version by the commands of UPGRADING.md', async () => {
    expect(await storedVersions()).to.equal('["v1","v2"]');
    const upgrading = readFileSync(join(chart(), 'UPGRADING.md'), 'utf8');
    const commands = /^```\n(kubectl [^]*?)^```$/m.exec(upgrading)?.[1] ?? '';
    await execa('bash', ['-euo', 'pipefail', '-c', commands], {
      env: {
        KUBECONFIG: plane.kubeconfig,
        PATH: `${dirname(await tool('kubectl'))}:${process.env['PATH']}`,
      },
    });
    expect(await storedVersions()).to.equal('["v2"]');
    await generate('v2', '[]', BOTH);
    expect(await upgrade()).to.equal('no failure');
    expect((await get('examples', '-A', '-o', 'name')).split('\n')).to.have.length(COUNT + 1);
  });
});

function accountOf(manifests: readonly Manifest[]): string {
  const job = manifests.find(({ kind }) => kind === 'Job');
  return String(at(job, 'spec.template.spec.serviceAccountName'));
}
