import { Cluster } from '../../sandbox/src/index.ts';
import { systemClock } from '../../runtime/src/clock.ts';
import type { KubeApi } from '../../runtime/src/ports.ts';
import { connect } from '../../runtime/src/ports.ts';
import { controlPlane } from '../realparts/index.ts';
import { CASES } from './cases/index.ts';
import { World } from './world.ts';

interface Server {
  readonly api: KubeApi;
  stop(): Promise<void>;
}

const SERVERS: Readonly<Record<string, () => Promise<Server>>> = {
  'the sandbox': async () => ({ api: new Cluster({ clock: systemClock }).api, stop: async () => undefined }),
  'a real API server': async () => {
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
};

for (const [name, start] of Object.entries(SERVERS))
  describe(`${name}`, () => {
    let server: Server;
    let count = 0;
    before(async () => {
      server = await start();
      await World.prepare(server.api);
    });
    after(() => server?.stop());

    for (const [subject, cases] of Object.entries(CASES))
      describe(subject, () => {
        for (const one of cases) it(one.name, async () => one.run(await World.of(server.api, `case-${++count}`)));
      });
  });
