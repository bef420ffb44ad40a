import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { ApiServer } from '../../sandbox/src/index.ts';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import { freePorts, until } from '../realparts/index.ts';
import { conditions, DRONE_CRD, DRONES, drone } from './test-operators.ts';

const EVENTS = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

describe('an operator process whose worker blocks the event loop', () => {
  let folder: string;
  let cluster: Cluster;
  let apiServer: ApiServer;
  let port: number;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-blocked-'));
    cluster = new Cluster({ clock: systemClock });
    apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    [port = 0] = await freePorts(1);
    writeFileSync(
      join(folder, 'config.yaml'),
      `metricsAddr: 127.0.0.1:${port}\nenableLeaderElection: false\n`,
    );
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
    await create('stuck');
  });
  after(async () => {
    await apiServer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  let unhealthy: Promise<unknown> | undefined;
  async function create(name: string): Promise<void> {
    const object = drone(name, {}, { namespace: 'default' });
    await cluster.api.create(DRONES, object);
  }
  const start = () =>
    execa(
      process.execPath,
      ['--conditions=autopilot-source', join(import.meta.dirname, 'processes/blocking.ts')],
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

  // @promise lifecycle/blocked-event-loop
  it('is ended with a line that names the resource, the phase and the place in the code', async () => {
    const child = start();
    unhealthy = until('/healthz is not answered', 60_000, async () => {
      await fetch(`http://127.0.0.1:${port}/healthz`).then(
        () => Promise.reject(new Error('it is answered')),
        (error: Error) =>
          expect((error.cause as { code?: string } | undefined)?.code).to.not.equal('ECONNREFUSED'),
      );
    });
    const { signal, all } = await child;
    expect(signal, all).to.equal('SIGKILL');
    const last = JSON.parse(all.trim().split('\n').at(-1) ?? '{}') as {
      reconciles: object[];
      stack: string[];
    };
    expect(last.reconciles).to.deep.equal([
      { resource: 'default/stuck', phase: 'Evaluating', reconcileId: '1' },
    ]);
    expect(last.stack.join('\n')).to.match(/blocking\.ts:\d+:/);
  }).timeout(60_000);

  // @promise endpoints/healthz
  it('did not answer /healthz meanwhile', async () => {
    await unhealthy;
  });

  // @promise lifecycle/blocked-event-loop
  it('is followed by a process that defers that resource, with an Event and a condition', async () => {
    await create('one');
    const child = start();
    try {
      await until('the other resource is Done', 20_000, async () => {
        const { status } = await cluster.api.get(DRONES, { namespace: 'default', name: 'one' });
        expect((status as { phase?: string } | undefined)?.phase).to.equal('Done');
      });
      await until('there is a condition', 10_000, async () => {
        expect(
          conditions(await cluster.api.get(DRONES, { namespace: 'default', name: 'stuck' })),
        ).to.include('WorkerBlocked=True WorkerBlocked');
      });
      const { items } = await until('there is an Event', 10_000, async () => {
        const found = await cluster.api.list(EVENTS);
        expect(
          found.items.map((event) => (event as unknown as { reason: string }).reason),
        ).to.include('WorkerBlocked');
        return found;
      });
      const [event] = items.filter(
        (one) => (one as unknown as { reason: string }).reason === 'WorkerBlocked',
      ) as unknown as { note: string }[];
      expect(event?.note).to.match(
        /^the worker of Evaluating blocked the event loop and the operator was restarted: sync \(.*blocking\.ts:\d+:/,
      );
    } finally {
      child.kill('SIGKILL');
      await child;
    }
  }).timeout(60_000);
});
