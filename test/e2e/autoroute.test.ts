import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';
import { afterConflict, EVENT_SERIES, EVENTS, expectLeastPrivilege } from './least-privilege.ts';

const SOON_MS = 30_000;
/** The garbage collector discovers new kinds only every 30 s and collects after that. */
const COLLECTED_MS = 120_000;

describe('AutoRoute on a real control plane with Istio’s CRDs, with the RBAC rules of its chart only', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let dir: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-autoroute-'));
    await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    plane = await controlPlane({ controllerManager: true, audit: true });
    await plane.installIstioCrds();
    for (const namespace of ['operators', 'apps']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    await plane.helm([
      'install',
      'autoroute-operator',
      join(dir, 'charts/autoroute-operator'),
      '-n',
      'operators',
    ]);
    // The API server answers 429 until the storage of a new kind is ready. The operator retries
    // with a warning, and a test below demands a log without warnings.
    await until('AutoRoutes are served from the watch cache', SOON_MS, () =>
      plane.kubectl(['get', '--raw', '/apis/examples.io/v1/autoroutes?resourceVersion=0']),
    );
    const kubeconfig = await plane.tokenKubeconfig('operators', 'autoroute-operator');
    operator = await startProcess(dir, { kubeconfig, namespace: 'operators' });
    for (const name of ['one', 'two', 'three']) {
      await create(deployment(name));
    }
    await create(deployment('batch', { ports: [] }));
    await plane.kubectl(['apply', '-n', 'apps', '-f', join(dir, 'examples/autoroute.yaml')]);
  });
  after(async () => {
    await operator?.stop();
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function create(object: object): Promise<void> {
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], { input: JSON.stringify(object) });
  }
  async function names(resource: string): Promise<readonly string[]> {
    const { items } = JSON.parse(
      await plane.kubectl(['get', resource, '-n', 'apps', '-o', 'json']),
    ) as { items: { metadata: { name: string } }[] };
    return items.map(({ metadata }) => metadata.name);
  }
  async function become(
    resource: string,
    expected: readonly string[],
    within = SOON_MS,
  ): Promise<void> {
    await until(`${resource} are ${expected.join(', ') || 'none'}`, within, async () =>
      expect(await names(resource)).to.deep.equal(expected),
    );
  }
  const services = 'services';
  const virtualServices = 'virtualservices.networking.istio.io';
  const gateways = 'gateways.networking.istio.io';
  const ready = (): Promise<string> =>
    plane.kubectl([
      'wait',
      '-n',
      'apps',
      'autoroute/example',
      '--for=condition=Ready',
      '--timeout=30s',
    ]);

  it('becomes Ready with a Service and a VirtualService for each Deployment that has a port, and one Gateway', async () => {
    await ready();
    expect(await names(services)).to.deep.equal(['one', 'three', 'two']);
    expect(await names(virtualServices)).to.deep.equal([
      'one.example',
      'three.example',
      'two.example',
    ]);
    expect(await names(gateways)).to.deep.equal(['example']);
  });

  it('shows phase, readiness and age in kubectl get', async () => {
    const [head, row] = (await plane.kubectl(['get', 'autoroutes', '-n', 'apps']))
      .trim()
      .split('\n');
    expect(head?.split(/\s+/)).to.deep.equal(['NAME', 'PHASE', 'READY', 'AGE']);
    expect(row).to.match(/^example\s+Routing\s+True\s+\d+s$/);
  });

  it('labels and owns the objects that it created', async () => {
    const { metadata } = JSON.parse(
      await plane.kubectl(['get', 'service', 'one', '-n', 'apps', '-o', 'json']),
    ) as {
      metadata: {
        labels: Record<string, string>;
        ownerReferences: { kind: string; name: string; controller: boolean }[];
      };
    };
    expect(metadata.labels['app.kubernetes.io/managed-by']).to.equal('autoroute-operator');
    expect(
      metadata.ownerReferences.map(({ kind, name, controller }) => [kind, name, controller]),
    ).to.deep.equal([['AutoRoute', 'example', true]]);
  });

  it('routes a Deployment that is added later', async () => {
    await create(deployment('four', { ports: [8080] }));
    await become(services, ['four', 'one', 'three', 'two']);
    await become(virtualServices, ['four.example', 'one.example', 'three.example', 'two.example']);
  });

  it('prunes the objects of a removed Deployment', async () => {
    await plane.kubectl(['delete', 'deployment', 'two', '-n', 'apps']);
    await become(services, ['four', 'one', 'three']);
    await become(virtualServices, ['four.example', 'one.example', 'three.example']);
  });

  it('writes nothing while the routes have the desired state', async () => {
    await ready();
    const version = (): Promise<string> =>
      plane.kubectl([
        'get',
        'autoroute',
        'example',
        '-n',
        'apps',
        '-o',
        'jsonpath={.metadata.resourceVersion} {.status.phase}',
      ]);
    const reconciles = async (): Promise<number> => {
      const text = await (await fetch(`${operator.endpoints}/metrics`)).text();
      return [...text.matchAll(/^controller_runtime_reconcile_total\{.*\} (\d+)$/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    };
    const before = await version();
    const reconciledBefore = await reconciles();
    await plane.kubectl(['annotate', 'deployment', 'one', '-n', 'apps', 'touched=yes']);
    await until('the change of a Deployment was reconciled', SOON_MS, async () =>
      expect(await reconciles()).to.be.greaterThan(reconciledBefore),
    );
    expect(await version()).to.equal(before);
  });

  // @promise watching/no-missed-events
  it('missed no event: no list contained a change that a watch had not reported', async () => {
    const text = await (await fetch(`${operator.endpoints}/metrics`)).text();
    const missed = [
      ...text.matchAll(/^autopilot_relist_missed_total\{.*kind="(\w+)"\} (\d+)$/gm),
    ].map(([, kind, count]) => [kind, count]);
    expect(missed.map(([kind]) => kind)).to.include.members([
      'AutoRoute',
      'Deployment',
      'Service',
      'VirtualService',
      'Gateway',
    ]);
    expect(missed.filter(([, count]) => count !== '0')).to.deep.equal([]);
  });

  it('logs no warning and no error', () => {
    const problems = operator
      .logs()
      .split('\n')
      .filter((line) => /"level":"(warn|error)"/.test(line));
    expect(problems).to.deep.equal([]);
  });

  it('hands over to a standby when the leader exits', async () => {
    const kubeconfig = await plane.tokenKubeconfig('operators', 'autoroute-operator');
    const standby = await startProcess(dir, {
      kubeconfig,
      namespace: 'operators',
      pod: 'operator-1',
    });
    await until('the standby watches the lease', SOON_MS, async () =>
      expect(
        plane
          .audit('operators', 'autoroute-operator')
          .map(({ verb, resource }) => `${verb} ${resource}`),
      ).to.include('watch leases'),
    );
    expect(await operator.stop()).to.equal(0);
    operator = standby;
    await create(deployment('five'));
    await become(services, ['five', 'four', 'one', 'three']);
    await plane.kubectl(['delete', 'deployment', 'five', '-n', 'apps']);
    await become(services, ['four', 'one', 'three']);
  });

  it('leaves nothing behind when the AutoRoute is deleted', async () => {
    await plane.kubectl(['delete', 'autoroute', 'example', '-n', 'apps']);
    for (const resource of [services, virtualServices, gateways]) {
      await become(resource, [], COLLECTED_MS);
    }
    expect(await names('deployments')).to.deep.equal(['batch', 'four', 'one', 'three']);
  });

  it('exits with code 0 on SIGTERM', async () => {
    expect(await operator.stop()).to.equal(0);
  });

  // @promise lifecycle/complete-rules
  it('uses every permission of its chart and is never forbidden a request, by the audit log', async () => {
    const written = ['autoroutes.examples.io', services, virtualServices, gateways];
    await expectLeastPrivilege(plane, 'operators', 'autoroute-operator', [
      ...afterConflict(...written),
      EVENT_SERIES,
      EVENTS,
    ]);
  });
});
