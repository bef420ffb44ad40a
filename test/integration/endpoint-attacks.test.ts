import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { ApiServer } from '../../sandbox/src/index.ts';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import { until } from '../realparts/index.ts';
import { DRONE_CRD } from './test-operators.ts';

/** Most connections that the endpoints keep, as in runtime/src/operator/connection-limit.ts. */
const MAX_CONNECTIONS = 128;

describe('an operator whose metrics port is reached by any Pod', () => {
  let folder: string;
  let apiServer: ApiServer;
  let operator: OperatorProcess;
  let sockets: Socket[];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-endpoints-'));
    const cluster = new Cluster({ clock: systemClock });
    apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'autopilot-operator.yaml'), '');
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    await cluster.api.create(cluster.typeOf(DRONE_CRD), DRONE_CRD);
    operator = await startProcess(folder, {
      kubeconfig: join(folder, 'kubeconfig'),
      namespace: 'default',
      script: [join(import.meta.dirname, 'processes/plain.ts')],
      settings: { enableLeaderElection: false },
    });
  });
  after(async () => {
    operator?.kill('SIGKILL');
    await apiServer.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    sockets = [];
  });
  afterEach(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  /** Opens a connection and sends the text. The connection stays open. */
  function send(text: string): Socket {
    const socket = connect(Number(new URL(operator.endpoints).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(text);
    sockets.push(socket);
    return socket;
  }
  async function healthSeconds(): Promise<number> {
    const started = performance.now();
    const response = await fetch(`${operator.endpoints}/healthz`);
    expect(response.status).to.equal(200);
    await response.text();
    return (performance.now() - started) / 1000;
  }

  // @promise endpoints/robust-endpoints
  it('answers its liveness probe within a second while one client sends 64 KiB of requests at once', async () => {
    const request = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    for (let client = 0; client < 4; client++) {
      send(request.repeat(Math.floor(65_536 / request.length)));
    }
    await until('the requests have arrived', 10_000, async () =>
      expect(sockets.every(({ bytesWritten }) => bytesWritten > 60_000)).to.equal(true),
    );
    expect(await healthSeconds()).to.be.below(1);
    await until('the clients that send many requests at once are cut off', 10_000, async () =>
      expect(sockets.every(({ closed }) => closed)).to.equal(true),
    );
  });

  // @promise endpoints/robust-endpoints
  it('keeps few of 4,000 half requests, and answers its liveness probe', async () => {
    for (let client = 0; client < 4000; client++) {
      send(`GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: ${'x'.repeat(1000)}`);
    }
    await until('most connections are closed', 20_000, async () =>
      expect(sockets.filter(({ closed }) => !closed).length).to.be.at.most(MAX_CONNECTIONS),
    );
    expect(await healthSeconds()).to.be.below(1);
  });

  // @promise endpoints/robust-endpoints
  it('ends a request whose header does not end', async () => {
    const socket = send('GET /metrics HTTP/1.1\r\nHost: x\r\n');
    await until('the half request is closed', 15_000, async () =>
      expect(socket.closed).to.equal(true),
    );
  });
});
