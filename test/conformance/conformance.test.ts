import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { KubeApi } from '../../runtime/src/internal.ts';
import { connect } from '../../runtime/src/internal.ts';
import { controlPlane } from '../realparts/index.ts';
import { CASES } from './cases/index.ts';
import { TestCluster } from './test-cluster.ts';

interface Server {
  readonly api: KubeApi;
  stop(): Promise<void>;
}

/**
 * Where the cases run. Those that the sandbox answers are held to the differences that cases name.
 */
const SERVERS: Readonly<
  Record<string, { readonly sandbox: boolean; readonly start: () => Promise<Server> }>
> = {
  'the sandbox': {
    sandbox: true,
    start: async () => ({
      api: new Cluster({ clock: systemClock, controllers: false }).api,
      stop: async () => undefined,
    }),
  },
  'the sandbox through its HTTP API and the client of the runtime': {
    sandbox: true,
    async start() {
      const folder = mkdtempSync(join(tmpdir(), 'autopilot-api-server-'));
      const apiServer = await serveApi(new Cluster({ clock: systemClock, controllers: false }));
      const kubeconfig = join(folder, 'kubeconfig');
      writeFileSync(kubeconfig, apiServer.kubeconfig);
      const connected = await connect({ kubeconfig });
      return {
        api: connected.api,
        async stop() {
          await connected.close();
          await apiServer.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  },
  'a real API server': {
    sandbox: false,
    async start() {
      const plane = await controlPlane();
      const connected = await connect({ kubeconfig: plane.kubeconfig });
      return {
        api: connected.api,
        async stop() {
          await connected.close();
          await plane.stop();
        },
      };
    },
  },
};

for (const [name, { start, sandbox }] of Object.entries(SERVERS)) {
  describe(`${name}`, () => {
    let server: Server;
    let count = 0;
    before(async () => {
      server = await start();
      await TestCluster.prepare(server.api);
    });
    after(() => server?.stop());

    for (const [subject, cases] of Object.entries(CASES)) {
      describe(subject, () => {
        for (const { name: promise, differs, run } of cases) {
          const expected = sandbox && differs !== undefined;
          it(expected ? `${promise} (the sandbox differs: ${differs})` : promise, async () => {
            const done = run(await TestCluster.of(server.api, `case-${++count}`));
            if (!expected) {
              return done;
            }
            const outcome = await done.then(
              () => 'no longer differs: remove it from the case',
              () => 'differs',
            );
            expect(outcome).to.equal('differs');
          });
        }
      });
    }
  });
}
