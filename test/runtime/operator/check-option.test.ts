import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { root } from '../../../scripts/build.ts';

describe('an operator that is started with --check', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'autopilot-check-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const check = (config: string): Promise<{ exitCode?: number; stdout: string }> => {
    const file = join(folder, 'autopilot-operator.yaml');
    writeFileSync(file, config);
    return execa(process.execPath, ['--conditions=autopilot-source', 'src/main.ts', '--check'], {
      cwd: join(root, 'examples/autoroute'),
      reject: false,
      env: {
        AUTOPILOT_CONFIG: file,
        KUBECONFIG: '/nowhere',
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
        NODE_OPTIONS: '',
      },
    });
  };

  it('loads the project without a cluster and fills the compile cache of Node', async () => {
    const { exitCode, stdout } = await check('logLevel: info');
    expect(JSON.parse(stdout)).to.include({ operator: 'autoroute-operator', kind: 'AutoRoute' });
    expect(exitCode).to.equal(0);
    const [version = ''] = readdirSync(join(folder, 'compiled'));
    expect(readdirSync(join(folder, 'compiled', version))).to.have.length.above(30);
  });

  describe('with an uncaught exception in a timer', () => {
    const thrown = async (
      where: string,
    ): Promise<{
      exitCode: number | undefined;
      stderr: string;
      said: readonly Record<string, unknown>[];
    }> => {
      const file = join(import.meta.dirname, 'processes/floating.ts');
      // It would go on looking for this server.
      const [config, kubeconfig] = [join(folder, 'config.yaml'), join(folder, 'kubeconfig')];
      writeFileSync(config, 'metricsAddr: ""\n');
      const [clusters, contexts, users] = [
        [{ name: 'a', cluster: { server: 'http://127.0.0.1:1' } }],
        [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
        [{ name: 'a', user: {} }],
      ];
      writeFileSync(
        kubeconfig,
        JSON.stringify({ 'current-context': 'a', clusters, contexts, users }),
      );
      const { exitCode, stdout, stderr } = await execa(
        process.execPath,
        ['--conditions=autopilot-source', file, where],
        {
          reject: false,
          env: {
            AUTOPILOT_CONFIG: config,
            NODE_OPTIONS: '',
            KUBECONFIG: kubeconfig,
            AUTOPILOT_STATE: folder,
          },
        },
      );
      const lines = stdout.split('\n').filter((line) => line.includes('uncaught error'));
      return {
        exitCode,
        stderr,
        said: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
      };
    };

    // @promise lifecycle/uncaught-errors
    it('logs one line with the resource and the place, and exits with 1', async () => {
      const { exitCode, stderr, said } = await thrown('timer');
      expect(said).to.have.length(1);
      expect(said[0]).to.include({
        level: 'error',
        resource: 'x/one',
        phase: 'Evaluating',
        reconcileId: '7',
        error: 'uncaught error',
      });
      expect(said[0]?.['stack']).to.include('floating.ts');
      expect([exitCode, stderr]).to.deep.equal([1, '']);
    });

    // @promise lifecycle/uncaught-errors
    it('does the same outside of a reconcile', async () => {
      const { exitCode, said } = await thrown('timer elsewhere');
      expect(said).to.have.length(1);
      expect(said[0])
        .to.include({ level: 'error', error: 'uncaught error' })
        .and.to.not.have.property('resource');
      expect(exitCode).to.equal(1);
    });
  });

  describe('with an unhandled promise rejection', () => {
    const floating = async (
      where: string,
    ): Promise<{ exitCode: number | undefined; said: unknown }> => {
      const file = join(import.meta.dirname, 'processes/floating.ts');
      const { exitCode, stdout } = await execa(
        process.execPath,
        ['--conditions=autopilot-source', file, where, '--check'],
        {
          reject: false,
          env: { AUTOPILOT_CONFIG: join(folder, 'none.yaml'), NODE_OPTIONS: '' },
        },
      );
      const [line = '{}'] = stdout.split('\n').filter((one) => one.includes('unhandled error'));
      return { exitCode, said: JSON.parse(line) };
    };

    // @promise lifecycle/rejections
    it('continues and logs the resource when a worker caused the rejection', async () => {
      const { exitCode, said } = await floating('worker');
      expect(said).to.include({
        level: 'error',
        resource: 'x/one',
        phase: 'Evaluating',
        error: 'unhandled error',
      });
      expect(exitCode).to.equal(0);
    });

    // @promise lifecycle/rejections
    it('exits with 1 outside of a reconcile, where the cause is unknown', async () => {
      const { exitCode, said } = await floating('elsewhere');
      expect(said)
        .to.include({ level: 'error', error: 'unhandled error' })
        .and.to.not.have.property('resource');
      expect(exitCode).to.equal(1);
    });
  });

  for (const KUBECONFIG of [undefined, '']) {
    it(`exits with 1 and an error when no cluster is configured (KUBECONFIG ${KUBECONFIG === '' ? 'is empty' : 'is not set'})`, async () => {
      const { exitCode, stdout } = await execa(
        process.execPath,
        ['--conditions=autopilot-source', 'src/main.ts'],
        {
          cwd: join(root, 'examples/autoroute'),
          reject: false,
          env: { KUBECONFIG, HOME: folder, NODE_OPTIONS: '' },
        },
      );
      expect(stdout)
        .to.include('no cluster is configured')
        .and.to.include(join(folder, '.kube/config'));
      expect(exitCode).to.equal(1);
    });
  }

  it('exits with 1 and the reason when the configuration is wrong', async () => {
    const { exitCode, stdout } = await check('workInterval: soon');
    expect(stdout).to.include('workInterval');
    expect(exitCode).to.equal(1);
  });
});
