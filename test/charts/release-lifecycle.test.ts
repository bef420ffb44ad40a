import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, freePorts } from '../realparts/index.ts';
import { podsBecomeReady } from './kubelet.ts';
import { chartOf, renderText } from './rendering.ts';
import type { Chart } from './rendering.ts';

/** AutoRoute's chart as it was generated before it had a schema, packed. */
const PREVIOUS = resolve(import.meta.dirname, 'fixtures/autoroute-operator-0.1.0.tgz');
const WAIT = ['--wait', '--timeout', '120s'];

describe('the life of a release on a real API server, with Pods that are only said to be Ready', () => {
  let plane: ControlPlane;
  let chart: Chart;
  let operator: OperatorProcess | undefined;
  let rest: () => Promise<void>;

  before(async () => {
    chart = await chartOf({ example: 'autoroute' });
    symlinkSync(join(packageRoot, 'node_modules'), join(chart.project, 'node_modules'));
    plane = await controlPlane({ controllerManager: true });
    await plane.installIstioCrds();
    for (const namespace of ['ops', 'apps']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    rest = podsBecomeReady(plane, 'ops');
  });
  after(async () => {
    await operator?.stop();
    await rest?.();
    await plane?.stop();
    chart?.remove();
  });

  const release = 'autoroute-operator';
  const get = async (...args: readonly string[]): Promise<string> =>
    (await plane.kubectl(['get', ...args])).trim();
  const status = async (): Promise<string> =>
    (
      JSON.parse(await plane.helm(['status', release, '-n', 'ops', '-o', 'json'])) as {
        info: { status: string };
      }
    ).info.status;
  const selector = (): Promise<string> =>
    get('deployment', release, '-n', 'ops', '-o', 'jsonpath={.spec.selector.matchLabels}');
  async function fly(): Promise<void> {
    const [port = 0] = await freePorts(1);
    operator = await startProcess(chart.project, {
      kubeconfig: await plane.tokenKubeconfig('ops', release),
      namespace: 'ops',
      port,
    });
  }

  it('begins with Helm 3 and the version before', async () => {
    await plane.helm(
      ['install', release, PREVIOUS, '-n', 'ops', '--set-string', 'podLabels.kept=yes', ...WAIT],
      { major: 3 },
    );
    expect(await status()).to.equal('deployed');
  });

  it('is upgraded by Helm 3 to this version, with its values kept and the same Pods selected', async () => {
    const before = await selector();
    await plane.helm(
      ['upgrade', release, chart.path, '-n', 'ops', '--reset-then-reuse-values', ...WAIT],
      { major: 3 },
    );
    expect(await selector()).to.equal(before);
    expect(
      await get(
        'deployment',
        release,
        '-n',
        'ops',
        '-o',
        'jsonpath={.spec.template.metadata.labels.kept}',
      ),
    ).to.equal('yes');
    expect(await get('role', '-n', 'ops', '-o', 'name')).to.equal(
      `role.rbac.authorization.k8s.io/${release}-lease`,
    );
  });

  it('runs with the permissions of this version', async () => {
    await fly();
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(deployment('one')),
    });
    await plane.kubectl([
      'create',
      '-n',
      'apps',
      '-f',
      join(chart.project, 'examples/autoroute.yaml'),
    ]);
    await plane.kubectl([
      'wait',
      '-n',
      'apps',
      'autoroute/example',
      '--for=condition=Ready',
      '--timeout=30s',
    ]);
  });

  it('is taken over by Helm 4 while the operator works', async () => {
    await plane.helm([
      'upgrade',
      release,
      chart.path,
      '-n',
      'ops',
      '--set-string',
      'podAnnotations.turn=4',
      ...WAIT,
    ]);
    expect(
      await get(
        'deployment',
        release,
        '-n',
        'ops',
        '-o',
        'jsonpath={.spec.template.metadata.annotations.turn}',
      ),
    ).to.equal('4');
  });

  it('is rolled back to the version before, and comes forward again', async () => {
    await plane.helm(['rollback', release, '1', '-n', 'ops', ...WAIT]);
    expect(await get('role', '-n', 'ops', '-o', 'name')).to.equal(
      `role.rbac.authorization.k8s.io/${release}-leader-election`,
    );
    await plane.helm(['upgrade', release, chart.path, '-n', 'ops', ...WAIT]);
    expect(await status()).to.equal('deployed');
  });

  it('keeps the kind and its resources when it is uninstalled', async () => {
    await operator?.stop();
    operator = undefined;
    await plane.helm(['uninstall', release, '-n', 'ops', '--wait']);
    expect(await get('autoroute', '-n', 'apps', '-o', 'name')).to.equal(
      'autoroute.examples.io/example',
    );
    const mine = ['-n', 'ops', '-l', `app.kubernetes.io/instance=${release}`, '-o', 'name'];
    expect(
      await get('deployment,service,role,rolebinding,configmap,serviceaccount', ...mine),
    ).to.equal('');
  });

  it('is installed over the kept kind by Helm 4, with server-side apply, and changed without a conflict after the operator has worked', async () => {
    await plane.helm(['install', release, chart.path, '-n', 'ops', ...WAIT]);
    await fly();
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(deployment('two')),
    });
    await plane.kubectl(['wait', '-n', 'apps', 'service/two', '--for=create', '--timeout=30s']);
    await plane.helm([
      'upgrade',
      release,
      chart.path,
      '-n',
      'ops',
      '--set',
      'resources.limits.memory=300Mi',
      '--set',
      'crds.labels.a=b',
      ...WAIT,
    ]);
    expect(
      await get('crd', 'autoroutes.examples.io', '-o', 'jsonpath={.metadata.labels.a}'),
    ).to.equal('b');
  });

  describe('a chart that has an AutoRoute in it', () => {
    let resource: string;
    before(() => {
      resource = join(chart.project, 'resource');
      mkdirSync(join(resource, 'templates'), { recursive: true });
      writeFileSync(
        join(resource, 'Chart.yaml'),
        'apiVersion: v2\nname: resource\nversion: 0.1.0\n',
      );
      writeFileSync(
        join(resource, 'templates/one.yaml'),
        'apiVersion: examples.io/v1\nkind: AutoRoute\nmetadata: { name: waited-for }\nspec: { deploymentSelector: { matchLabels: { app: web } } }\n',
      );
    });

    it('is not installed as long as no operator reconciles the AutoRoute', async () => {
      await operator?.stop();
      operator = undefined;
      const said = await plane
        .helm(['install', 'resource', resource, '-n', 'apps', '--wait', '--timeout', '5s'])
        .then(
          () => 'no failure',
          (error: Error) => error.message,
        );
      expect(said).to.match(/AutoRoute\S* not ready|InProgress|deadline/);
      await plane.helm(['uninstall', 'resource', '-n', 'apps']);
    });

    it('is installed when the AutoRoute is Ready, and not before', async () => {
      const installed = plane
        .helm(['install', 'resource', resource, '-n', 'apps', ...WAIT])
        .then(() =>
          get(
            'autoroute',
            'waited-for',
            '-n',
            'apps',
            '-o',
            `jsonpath={.status.conditions[?(@.type=="Ready")].status}`,
          ),
        );
      await plane.kubectl([
        'wait',
        '-n',
        'apps',
        'autoroute/waited-for',
        '--for=create',
        '--timeout=30s',
      ]);
      await fly();
      expect(await installed).to.equal('True');
    });
  });

  it('refuses a kind that belongs to another release, unless told to take it over', async () => {
    await plane.kubectl(['create', 'namespace', 'other']);
    const ends = podsBecomeReady(plane, 'other');
    const said = await plane.helm(['install', 'second', chart.path, '-n', 'other']).then(
      () => 'no failure',
      (error: Error) => error.message,
    );
    expect(said).to.contain('annotation validation error');
    await plane.helm(['install', 'second', chart.path, '-n', 'other', '--take-ownership', ...WAIT]);
    await plane.helm(['uninstall', 'second', '-n', 'other']);
    await ends();
  });

  it('is the same for GitOps: what is rendered applies server-side, and a second time nothing differs', async () => {
    await plane.kubectl(['create', 'namespace', 'gitops']);
    const options = { release: 'g', namespace: 'gitops', args: ['--no-hooks'] };
    const manifests = await renderText(chart.path, options);
    expect(await renderText(chart.path, options)).to.equal(manifests);
    const apply = (verb: 'apply' | 'diff'): Promise<string> =>
      plane.kubectl([verb, '--server-side', '--force-conflicts', '-n', 'gitops', '-f', '-'], {
        input: manifests,
      });
    await apply('apply');
    expect(await apply('diff')).to.equal('');
  });
});
