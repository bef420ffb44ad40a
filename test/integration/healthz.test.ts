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
import { DRONE_CRD, DRONES } from './test-operators.ts';

describe('/healthz, by which a kubelet kills', () => {
  let folder: string;
  let cluster: Cluster;
  let apiServer: ApiServer;
  let running: OperatorProcess[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-health-'));
    writeFileSync(join(folder, 'autopilot-operator.yaml'), '');
    running = [];
    cluster = new Cluster({ clock: systemClock });
    apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
  });
  afterEach(async () => {
    for (const operator of running) {
      operator.kill('SIGKILL');
    }
    await apiServer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(
    pod: string,
    settings: object,
    readyWithinMs?: number,
  ): Promise<OperatorProcess> {
    const script = [join(import.meta.dirname, 'processes/plain.ts')];
    const place = { kubeconfig: join(folder, 'kubeconfig'), namespace: 'default', pod };
    const operator = await startProcess(folder, {
      ...place,
      script,
      settings,
      ...(readyWithinMs !== undefined && { readyWithinMs }),
    });
    running.push(operator);
    return operator;
  }
  const alone = { enableLeaderElection: false };
  const ask = async ({ endpoints }: OperatorProcess, path: string): Promise<string> => {
    const response = await fetch(endpoints + path);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  const health = (operator: OperatorProcess): Promise<string> => ask(operator, '/healthz');
  const notReady = (operator: OperatorProcess, check: string): Promise<unknown> =>
    until(`${check} is not ready`, 60_000, async () =>
      expect(await ask(operator, `/readyz/${check}?verbose`)).to.match(/^503 /),
    );

  // @promise endpoints/healthz
  it('is well while the API server is away, and so is the process when it comes back', async () => {
    const operator = await start('a', alone);
    const { port } = new URL(apiServer.url);
    await apiServer.close();
    await notReady(operator, 'apiserver');
    expect(await health(operator)).to.equal('200 ok');
    apiServer = await serveApi(cluster, { port: Number(port) });
    await until('it is ready again', 60_000, async () =>
      expect(await ask(operator, '/readyz')).to.equal('200 ok'),
    );
    expect(await operator.stop()).to.equal(0);
  }).timeout(150_000);

  // @promise endpoints/healthz
  it('is well when there is no API server at the start', async () => {
    await apiServer.close();
    const operator = await start('a', alone, 0);
    await notReady(operator, 'caches');
    expect(await health(operator)).to.equal('200 ok');
    expect(running).to.have.length(1);
  }).timeout(90_000);

  // @promise endpoints/healthz
  it('is well while a kind is not served', async () => {
    await cluster.api.delete(cluster.typeOf(DRONE_CRD), { name: DRONE_CRD.metadata.name });
    const operator = await start('a', alone, 0);
    await notReady(operator, 'kinds');
    expect(await ask(operator, '/readyz/kinds?verbose')).to.contain(DRONES.kind);
    expect(await health(operator)).to.equal('200 ok');
  }).timeout(90_000);

  // @promise endpoints/healthz
  it('is well on a standby, which is ready too; also when no process can lead', async () => {
    const election = { enableLeaderElection: true };
    const leader = await start('leader', election);
    const standby = await start('standby', election);
    expect(standby.logs()).to.contain('standing by');
    expect([
      await health(leader),
      await health(standby),
      await ask(standby, '/readyz'),
    ]).to.deep.equal(['200 ok', '200 ok', '200 ok']);
    await apiServer.close();
    // The process has lost its lease and ends without a signal.
    expect(await leader.ended).to.equal(1);
    expect(await health(standby)).to.equal('200 ok');
  }).timeout(90_000);
});
