import { expect } from 'chai';
import { systemClock } from '../../runtime/src/util/clock.ts';
import { connect } from '../../runtime/src/internal.ts';
import type { KubeApi, KubeObject, ResourceType } from '../../runtime/src/internal.ts';
import { Cluster } from '../../sandbox/src/index.ts';
import { CRDS, eventually, failure } from '../conformance/test-cluster.ts';
import { controlPlane } from '../realparts/index.ts';
import { FEATURES } from './features.ts';
import { compileCrd } from './compile-crd.ts';

interface Server {
  readonly api: KubeApi;
  stop(): Promise<void>;
}

const SERVERS: Readonly<Record<string, () => Promise<Server>>> = {
  'the sandbox': async () => ({
    api: new Cluster({ clock: systemClock }).api,
    stop: async () => undefined,
  }),
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

function typeOf(index: number): ResourceType {
  return {
    group: `f${index}.autopilot.test`,
    version: 'v1',
    kind: 'Feature',
    plural: 'features',
    namespaced: true,
  };
}

describe('a CRD from src/spec.ts', () => {
  let crds: readonly KubeObject[];
  before(() => {
    crds = FEATURES.map(({ types }, index) => compileCrd(types, `f${index}.autopilot.test`));
  });

  for (const [name, start] of Object.entries(SERVERS)) {
    describe(`on ${name}`, () => {
      let server: Server;
      let count = 0;
      const refused = new Map<KubeObject, unknown>();
      before(async () => {
        server = await start();
        // One after another, because a real API server is slow with many new kinds at once.
        for (const crd of crds) {
          await server.api.create(CRDS, crd).catch((error: unknown) => refused.set(crd, error));
        }
      });
      after(() => server?.stop());

      const object = (index: number, spec: object | null): KubeObject => ({
        apiVersion: `f${index}.autopilot.test/v1`,
        kind: 'Feature',
        metadata: { name: `feature-${++count}`, namespace: 'default' },
        ...(spec === null ? {} : { spec }),
      });

      for (const [index, feature] of FEATURES.entries()) {
        describe(feature.name, () => {
          const type = typeOf(index);
          const create = (spec: object | null): Promise<KubeObject> =>
            server.api.create(type, object(index, spec));
          const change = async (from: object, to: object | null): Promise<KubeObject> => {
            const { metadata } = await create(from);
            const operation =
              to === null
                ? ({ op: 'remove', path: '/spec' } as const)
                : ({ op: 'replace', path: '/spec', value: to } as const);
            return server.api.patch(
              type,
              { namespace: 'default', name: metadata.name },
              { type: 'json', body: [operation] },
            );
          };
          const judged = name !== 'the sandbox' || feature.sandbox !== false;
          before(async () => {
            const crd = crds[index];
            if (crd !== undefined && refused.has(crd)) {
              throw refused.get(crd);
            }
            await eventually(() => server.api.list(type));
          });

          it('accepts a valid spec', async () => {
            const stored = await create(feature.accepts);
            if (judged) {
              expect(stored.spec).to.deep.equal(feature.stores ?? feature.accepts);
            }
            for (const [from, to] of judged ? (feature.changes ?? []) : []) {
              expect((await change(from, to)).spec).to.deep.equal(to);
            }
          });

          if (judged) {
            for (const { spec, from, because } of feature.refuses ?? []) {
              it(`refuses ${JSON.stringify(spec)}${from === undefined ? '' : ` after ${JSON.stringify(from)}`}`, async () => {
                const { message } = await failure(
                  from === undefined ? create(spec) : change(from, spec),
                );
                expect(message, message).to.contain(because);
              });
            }
          }
        });
      }
    });
  }
});
