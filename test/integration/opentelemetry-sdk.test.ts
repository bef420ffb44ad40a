import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { systemClock } from '../../runtime/src/util/clock.ts';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import { until } from '../realparts/index.ts';
import { drone, DRONE_CRD, DRONES } from './test-operators.ts';

describe('an operator process with an OpenTelemetry SDK', () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'autopilot-spans-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  // @promise endpoints/logs-and-traces
  it('has exported every span when it stops, the last ones too', async () => {
    const cluster = new Cluster({ clock: systemClock });
    const apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    writeFileSync(join(folder, 'config.yaml'), 'metricsAddr: ""\nenableLeaderElection: false\n');
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
    await cluster.api.create(DRONES, drone('one', {}, { namespace: 'default' }));
    const child = execa(
      process.execPath,
      ['--conditions=autopilot-source', join(import.meta.dirname, 'processes/spanning.ts')],
      {
        reject: false,
        all: true,
        env: {
          NODE_OPTIONS: '',
          KUBECONFIG: join(folder, 'kubeconfig'),
          AUTOPILOT_CONFIG: join(folder, 'config.yaml'),
          AUTOPILOT_STATE: folder,
        },
      },
    );
    let said = '';
    child.all?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      await until('the resource is Done', 30_000, async () => {
        const { status } = await cluster.api.get(DRONES, { namespace: 'default', name: 'one' });
        expect((status as { phase?: string } | undefined)?.phase, said).to.equal('Done');
      });
      expect(said).to.not.contain("'autopilot.phase': 'Working'");
    } finally {
      child.kill('SIGTERM');
      await child;
      await apiServer.close();
    }
    expect((await child).exitCode, said).to.equal(0);
    expect(said).to.match(
      /name: 'reconcile',[^]*'autopilot\.resource': 'default\/one',[^]*'autopilot\.phase': 'Working'/,
    );
    expect(said).to.contain("name: 'patch drones'");
  }).timeout(60_000);
});
