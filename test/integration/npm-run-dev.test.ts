import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { connect } from '../../runtime/src/internal.ts';
import { until } from '../realparts/index.ts';

const AUTOROUTES = {
  group: 'examples.io',
  version: 'v1',
  kind: 'AutoRoute',
  plural: 'autoroutes',
  namespaced: true,
};
const LEASES = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

describe('npm run dev -- --sandbox', () => {
  let dir: string;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-dev-'));
    await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    writeFileSync(join(dir, 'dev.yaml'), 'metricsAddr: ""\n');
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('runs the samples without a cluster, prints a kubeconfig, and releases the lease on Ctrl-C', async () => {
    const child = execa(
      process.execPath,
      ['--conditions=autopilot-source', 'scripts/operator.ts', 'dev', '--sandbox'],
      {
        cwd: dir,
        reject: false,
        all: true,
        env: { NODE_OPTIONS: '', AUTOPILOT_CONFIG: 'dev.yaml' },
      },
    );
    let said = '';
    child.all?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const kubeconfig = await until('it says where its cluster is', 30_000, async () => {
      const [, file] = /with AutoRoute default\/example.*export KUBECONFIG=(\S+)/.exec(said) ?? [];
      if (file === undefined) {
        throw new Error(said);
      }
      return file;
    });
    const connected = await connect({ kubeconfig });
    const { api } = connected;
    await until('the sample is Ready', 30_000, async () => {
      const { status } = await api.get(AUTOROUTES, { namespace: 'default', name: 'example' });
      const { conditions = [] } = (status ?? {}) as {
        conditions?: readonly { type: string; status: string }[];
      };
      expect(conditions.find(({ type }) => type === 'Ready')?.status, said).to.equal('True');
    });
    expect(said).to.contain('lease acquired');
    const [lease] = (await api.list(LEASES)).items;
    expect((lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity).to.not.equal(
      '',
    );
    await connected.close();
    child.kill('SIGINT');
    expect((await child).exitCode, said).to.equal(0);
    expect(said.trim().split('\n').at(-1)).to.contain('"message":"stopped"');
    expect(() => readFileSync(kubeconfig)).to.throw(/ENOENT/);
  }).timeout(120_000);
});
