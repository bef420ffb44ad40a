import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { canary, deployment, service } from '../../examples/canary/test/shop.ts';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { KubeConnection } from '../../runtime/src/client/connect.ts';
import { connect } from '../../runtime/src/client/connect.ts';
import type { ControlPlane, Prometheus } from '../realparts/index.ts';
import {
  controlPlane,
  prometheusPath,
  prometheusServer,
  Unavailable,
  until,
} from '../realparts/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';
import { afterConflict, EVENT_SERIES, expectLeastPrivilege, STANDBY } from './least-privilege.ts';
import type { RequestCounts } from './fake-controllers.ts';
import { readyPods, requestCounts } from './fake-controllers.ts';

const SOON_MS = 60_000;

interface Release {
  readonly promoted: boolean;
  readonly reason: string;
}

describe('the canary on a real control plane and a real Prometheus, with the RBAC rules of its chart only', () => {
  let plane: ControlPlane;
  let admin: KubeConnection;
  let pods: ReturnType<typeof readyPods>;
  let counts: RequestCounts;
  let prometheus: Prometheus;
  let operator: OperatorProcess;
  let dir: string | undefined;

  before(async function () {
    try {
      await prometheusPath();
    } catch (error) {
      if (!(error instanceof Unavailable) || process.env['CI'] === 'true') {
        throw error;
      }
      console.log(`skipped: ${error.message}`);
      this.skip();
    }
    const project = mkdtempSync(join(tmpdir(), 'autopilot-canary-'));
    dir = project;
    await scaffold({ dir: project, example: 'canary', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(project, 'node_modules'));
    plane = await controlPlane({ controllerManager: true, audit: true });
    await plane.installIstioCrds();
    for (const namespace of ['operators', 'shop']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    admin = await connect({ kubeconfig: plane.kubeconfig });
    pods = readyPods(admin, 'shop');
    counts = await requestCounts(admin, {
      namespace: 'shop',
      virtualService: 'web',
      succeeds: (image) => (image === 'web:bad' ? 80 : 100),
    });
    prometheus = await prometheusServer({ targets: [counts.target] });
    await plane.helm([
      'install',
      'canary-operator',
      join(project, 'charts/canary-operator'),
      '-n',
      'operators',
    ]);
    const kubeconfig = await plane.tokenKubeconfig('operators', 'canary-operator');
    operator = await startProcess(project, {
      kubeconfig,
      namespace: 'operators',
      settings: { workInterval: '5s', metrics: { address: prometheus.address } },
    });
    for (const object of [deployment('web:1', 2), service]) {
      await create(object);
    }
    await create(canary({ measurementInterval: '5s', analysisPeriod: '15s', drain: '3s' }));
  });
  after(async () => {
    await operator?.stop();
    pods?.stop();
    await prometheus?.stop();
    await counts?.stop();
    await admin?.close();
    await plane?.stop();
    if (dir !== undefined) {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  async function create(object: object): Promise<void> {
    await plane.kubectl(['create', '-n', 'shop', '-f', '-'], { input: JSON.stringify(object) });
  }
  const field = (resource: string, path: string): Promise<string> =>
    plane.kubectl(['get', resource, '-n', 'shop', '-o', `jsonpath={${path}}`]);
  const weights = (): Promise<string> =>
    field('virtualservice/web', '.spec.http[0].route[*].weight');
  const image = (name: string): Promise<string> =>
    field(`deployment/${name}`, '.spec.template.spec.containers[0].image');
  const replicas = async (): Promise<readonly string[]> =>
    Promise.all(
      ['web', 'web-primary', 'web-canary'].map((name) =>
        field(`deployment/${name}`, '.spec.replicas'),
      ),
    );
  const phase = (): Promise<string> => field('canarydeployment/web', '.status.phase');
  const release = async (version: string): Promise<void> =>
    void (await plane.kubectl(['set', 'image', 'deployment/web', '-n', 'shop', `web=${version}`]));
  async function decided(nth: number): Promise<Release> {
    return until(`release ${nth} is decided`, SOON_MS, async () => {
      const history = JSON.parse(
        (await field('canarydeployment/web', '.status.history')) || '[]',
      ) as readonly Release[];
      expect(history).to.have.length(nth);
      return history[0] as Release;
    });
  }
  const eventually = (
    what: string,
    look: () => Promise<unknown>,
    expected: unknown,
  ): Promise<void> =>
    until(what, SOON_MS, async () => void expect(await look()).to.deep.equal(expected));

  it('replaces the Deployment with a primary and scales the Deployment down last', async () => {
    await plane.kubectl([
      'wait',
      '-n',
      'shop',
      'canarydeployment/web',
      '--for=condition=Ready',
      '--timeout=60s',
    ]);
    expect(await weights()).to.equal('100 0');
    expect(await replicas()).to.deep.equal(['2', '2', '0']);
    expect(await field('deployment/web-primary', '.status.availableReplicas')).to.equal('2');
    await eventually('the Deployment has no replicas', replicas, ['0', '2', '0']);
    expect(await field('deployment/web', '.metadata.ownerReferences')).to.equal('');
  });

  it('promotes a version whose requests succeed, measured by Prometheus', async () => {
    await release('web:2');
    await eventually('the canary has requests', weights, '90 10');
    expect(await image('web-primary')).to.equal('web:1');
    expect(await decided(1)).to.deep.include({
      promoted: true,
      reason: 'the success rate was high enough in 3 intervals',
    });
    await eventually('all requests are back on the primary', weights, '100 0');
    expect(await image('web-primary')).to.equal('web:2');
    await eventually('the canary has no replicas', replicas, ['0', '2', '0']);
  });

  it('rolls back a version that fails one of five requests', async () => {
    await release('web:bad');
    const { promoted, reason } = await decided(2);
    expect(promoted).to.equal(false);
    expect(reason).to.match(/^success rate (79|80)\S* % is less than spec\.successThreshold 99 %$/);
    await eventually('all requests are on the primary', weights, '100 0');
    expect(await image('web-primary')).to.equal('web:2');
    await eventually('the canary has no replicas', replicas, ['0', '2', '0']);
    expect(await phase()).to.equal('Waiting');
  });

  it('restores the Deployment when the CanaryDeployment is deleted, and leaves nothing behind', async () => {
    await plane.kubectl(['delete', 'canarydeployment', 'web', '-n', 'shop', '--timeout=90s']);
    expect(await field('deployment/web', '.status.availableReplicas')).to.equal('2');
    expect(await field('deployment/web', '.metadata.annotations')).to.not.contain('held');
    const names = (): Promise<string> =>
      plane.kubectl(['get', 'deployments,services,virtualservices', '-n', 'shop', '-o', 'name']);
    await eventually(
      'only the objects of the team are left',
      async () => (await names()).trim().split('\n'),
      ['deployment.apps/web', 'service/web'],
    );
  });

  it('logs no warning and no error', () => {
    const problems = operator
      .logs()
      .split('\n')
      .filter((line) => /"level":"(warn|error)"/.test(line));
    expect(problems).to.deep.equal([]);
  });

  it('exits with code 0 on SIGTERM', async () => {
    expect(await operator.stop()).to.equal(0);
  });

  // @promise lifecycle/complete-rules
  it('uses every permission of its chart and is never forbidden a request, by the audit log', async () => {
    await expectLeastPrivilege(plane, 'operators', 'canary-operator', [
      ...afterConflict(
        'canarydeployments.autopilot.examples.io',
        'deployments.apps',
        'services',
        'virtualservices.networking.istio.io',
      ),
      EVENT_SERIES,
      STANDBY,
    ]);
  });
});
