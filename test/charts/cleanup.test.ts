import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { at, chartOfText, manifestsOf, render, renderText } from './rendering.ts';
import type { Chart, Json, Manifest } from './rendering.ts';

const PROJECT = `kind: Example
apiVersion: examples.io/v1
enableFinalizer: true
phases:
  - { name: Working, initial: true, next: [Done] }
  - { name: Done, final: true }
`;
const CLEANUP = { cleanup: { enabled: true } };

describe('the clean-up before an uninstall, on a real API server', () => {
  let plane: ControlPlane;
  let chart: Chart;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-cleanup-'));
    chart = await chartOfText(PROJECT);
    plane = await controlPlane();
    await plane.kubectl(['create', 'namespace', 'ops']);
    await plane.kubectl(['create', 'namespace', 'gitops']);
  });
  after(async () => {
    await plane?.stop();
    chart?.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() =>
    plane.helm(['install', 'r', chart.path, '-n', 'ops', '--set', 'cleanup.enabled=true']),
  );
  afterEach(async () => {
    await plane.helm(['uninstall', 'r', '-n', 'ops', '--no-hooks', '--ignore-not-found']);
  });

  const examples = (): Promise<string> =>
    plane.kubectl(['get', 'examples', '-A', '-o', 'jsonpath={.items[*].metadata.name}']);
  async function createExample(name: string, finalizers: readonly string[]): Promise<void> {
    const metadata = { name, namespace: 'default', finalizers };
    const input = JSON.stringify({
      apiVersion: 'examples.io/v1',
      kind: 'Example',
      metadata,
      spec: {},
    });
    await plane.kubectl(['create', '-f', '-'], { input });
  }
  const release = (name: string): Promise<string> =>
    plane.kubectl([
      'patch',
      'example',
      name,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);

  /** Runs the script of a Job with the Job's own permissions, as its Pod does. */
  async function runJob(job: Manifest, namespace: string) {
    const account = String(at(job, 'spec.template.spec.serviceAccountName'));
    const kubeconfig = await plane.tokenKubeconfig(namespace, account);
    const { users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
      users: { user: { token: string } }[];
    };
    writeFileSync(join(folder, 'token'), users[0]?.user.token ?? '');
    const { args, env } = at(job, 'spec.template.spec.containers.0') as {
      args: readonly string[];
      env: readonly { name: string; value: string }[];
    };
    const { hostname, port } = new URL(plane.server);
    return execa(process.execPath, args, {
      all: true,
      reject: false,
      timeout: 60_000,
      env: {
        ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
        NODE_EXTRA_CA_CERTS: '',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        TOKEN_FILE: join(folder, 'token'),
      },
    });
  }

  /** Says of a Job that it has succeeded, as the Job controller does. */
  async function complete(name: string): Promise<void> {
    const time = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
    }));
    const status = { succeeded: 1, startTime: time, completionTime: time, conditions };
    await plane.kubectl([
      'patch',
      'job',
      name,
      '-n',
      'ops',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ]);
  }

  it('is told of in the notes, and is only there when it is asked for', async () => {
    const notes = await plane.helm(['get', 'notes', 'r', '-n', 'ops']);
    expect(notes).not.to.contain('Only this operator removes');
    await plane.helm(['upgrade', 'r', chart.path, '-n', 'ops', '--reset-values']);
    const without = await plane.helm(['get', 'notes', 'r', '-n', 'ops']);
    expect(without)
      .to.contain('Only this operator removes the finalizer of examples.')
      .and.contain('kubectl delete examples --all -A');
    expect((await render(chart.path)).map(({ kind }) => kind)).not.to.include('Job');
  });

  // @promise chart/cleanup-only-on-uninstall
  it('deletes nothing when the chart is applied as rendered manifests, hooks included', async () => {
    await createExample('kept', []);
    const options = {
      release: 'g',
      namespace: 'gitops',
      values: { ...CLEANUP, crds: { enabled: false } },
    };
    const manifests = await renderText(chart.path, options);
    await plane.kubectl(['apply', '--server-side', '-n', 'gitops', '-f', '-'], {
      input: manifests,
    });
    const job = manifestsOf(manifests).find(({ kind }) => kind === 'Job') as Manifest;
    const { exitCode, all } = await runJob(job, 'gitops');
    expect(all).to.contain(
      'Helm is not uninstalling the release g of gitops: no examples are deleted',
    );
    expect(exitCode).to.equal(1);
    expect(await examples()).to.equal('kept');
    await plane.kubectl(['delete', 'example', 'kept']);
  });

  // @promise chart/cleanup-only-on-uninstall
  it('deletes nothing while Helm has the release installed', async () => {
    await createExample('kept', []);
    const manifests = await renderText(chart.path, {
      values: CLEANUP,
      args: ['--show-only', 'templates/cleanup.yaml'],
    });
    await plane.kubectl(['apply', '--server-side', '-f', '-'], { input: manifests });
    const job = manifestsOf(manifests).find(({ kind }) => kind === 'Job') as Manifest;
    expect((await runJob(job, 'ops')).exitCode).to.equal(1);
    expect(await examples()).to.equal('kept');
    await plane.kubectl(['delete', '-f', '-'], { input: manifests });
    await plane.kubectl(['delete', 'example', 'kept']);
  });

  for (const major of [3, 4] as const) {
    // @promise chart/cleanup-only-on-uninstall
    it(`deletes all resources while Helm ${major} uninstalls, and waits until their finalizers are gone`, async () => {
      await createExample('free', []);
      await createExample('held', ['examples.io/example-operator']);
      const uninstalled = plane.helm(['uninstall', 'r', '-n', 'ops', '--timeout', '120s'], {
        major,
      });
      const read = await until('the Job is there', 30_000, () =>
        plane.kubectl(['get', 'job', '-n', 'ops', 'r-example-operator-cleanup', '-o', 'json']),
      );
      const running = runJob(JSON.parse(read) as Manifest, 'ops');
      await until('only the held one is left', 20_000, async () =>
        expect(await examples()).to.equal('held'),
      );
      expect(await Promise.race([running, Promise.resolve('runs')])).to.equal('runs');
      await release('held');
      expect((await running).all).to.contain('no examples left');
      await complete('r-example-operator-cleanup');
      await uninstalled;
    });
  }

  it('is left out of rendered manifests by a value, and so is the Pod of helm test', async () => {
    const kindsOf = async (values: Json): Promise<readonly string[]> =>
      (await render(chart.path, { values })).map(({ kind }) => kind);
    expect(await kindsOf(CLEANUP)).to.include.members(['Job', 'Pod']);
    const without = await kindsOf({ ...CLEANUP, hooks: { enabled: false } });
    expect(without).not.to.include('Job').and.not.to.include('Pod');
  });
});
