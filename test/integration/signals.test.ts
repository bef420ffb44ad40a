import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { ApiServer } from '../../sandbox/src/index.ts';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import { until } from '../realparts/index.ts';
import { drone, DRONE_CRD, DRONES } from './test-operators.ts';

const LEASES = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

describe('an operator process', () => {
  let folder: string;
  let cluster: Cluster;
  let apiServer: ApiServer;
  let operator: OperatorProcess;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-signals-'));
    cluster = new Cluster({ clock: systemClock });
    apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    writeFileSync(join(folder, 'autopilot-operator.yaml'), '');
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
    const script = [join(import.meta.dirname, 'processes/plain.ts')];
    operator = await startProcess(folder, {
      kubeconfig: join(folder, 'kubeconfig'),
      namespace: 'default',
      script,
    });
  });
  afterEach(async () => {
    operator.kill('SIGKILL');
    await apiServer.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const holder = async (): Promise<unknown> =>
    (((await cluster.api.list(LEASES)).items[0]?.spec ?? {}) as { holderIdentity?: string })
      .holderIdentity;

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // @promise lifecycle/signals
    it(`ends on ${signal} with exit code 0, and releases its lease`, async () => {
      await until('it leads', 30_000, async () => expect(await holder()).to.match(/^operator-0_/));
      operator.kill(signal);
      expect(await operator.ended).to.equal(0);
      expect(await holder()).to.equal('');
    }).timeout(60_000);
  }

  // @promise lifecycle/signals
  it('waits for a worker that ignores its signal, and ends immediately on a second signal, with exit code 1', async () => {
    await cluster.api.create(DRONES, drone('endless', {}, { namespace: 'default' }));
    await until('its worker is called', 30_000, async () => {
      const text = await (await fetch(`${operator.endpoints}/metrics`)).text();
      expect(text).to.match(/^controller_runtime_active_workers\{.*\} 1$/m);
    });
    operator.kill('SIGTERM');
    await until('it is stopping', 30_000, async () =>
      expect(operator.logs()).to.contain('"message":"stopping"'),
    );
    operator.kill('SIGTERM');
    expect(await operator.ended).to.equal(1);
    expect(operator.logs()).to.not.contain('"message":"stopped"');
  }).timeout(60_000);
});
