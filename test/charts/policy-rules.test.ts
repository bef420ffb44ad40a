import { expect } from 'chai';
import crd from '../../examples/autoroute/src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../../examples/autoroute/src/generated/scheduler.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import type { KubeApi } from '../../runtime/src/internal.ts';
import { hasCode } from '../../runtime/src/internal.ts';
import { startSandbox, policyRulesFrom } from '../../sandbox/src/index.ts';
import { chartOf, manifestsOf, renderText } from './rendering.ts';
import type { Chart } from './rendering.ts';

describe('a sandbox with the RBAC rules of the chart', () => {
  let chart: Chart;
  before(async () => {
    chart = await chartOf({ example: 'autoroute' });
  });
  after(() => chart?.remove());

  for (const [what, watchNamespaces] of [
    ['for the whole cluster', []],
    ['for one namespace', ['default']],
  ] as const) {
    it(`routes, repairs and prunes, and is refused nothing: ${what}`, async () => {
      const policyRules = policyRulesFrom(
        manifestsOf(
          await renderText(chart.path, { values: { watchNamespaces }, namespace: 'default' }),
        ),
        'default',
      );
      const refused: unknown[] = [];
      const through = (api: KubeApi): KubeApi => noticing(api, refused);
      const sandbox = await startSandbox(scheduler, {
        crd,
        objects: [deployment('one'), deployment('two')],
        policyRules,
        wrapApi: through,
        config: { watchNamespace: watchNamespaces.join(',') },
      });
      await sandbox.create({
        apiVersion: 'examples.io/v1',
        kind: 'AutoRoute',
        metadata: { name: 'example' },
        spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
      });
      await sandbox.delete('Deployment', 'one');
      await sandbox.delete('Service', 'two');
      await sandbox.advance('10m');
      expect(refused.map(String)).to.deep.equal([]);
      expect(
        (await sandbox.list('Service', 'default')).map(({ metadata }) => metadata.name),
      ).to.deep.equal(['two']);
      await sandbox.stop();
    });
  }
});

/** The same client. Requests that fail with 403 are recorded. */
function noticing(api: KubeApi, refused: unknown[]): KubeApi {
  const notice = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      if (hasCode(error, 403)) {
        refused.push(error);
      }
      throw error;
    }
  };
  return {
    list: (...given) => notice(api.list(...given)),
    async *watch(...given) {
      try {
        yield* api.watch(...given);
      } catch (error) {
        if (hasCode(error, 403)) {
          refused.push(error);
        }
        throw error;
      }
    },
    get: (...given) => notice(api.get(...given)),
    create: (...given) => notice(api.create(...given)),
    replace: (...given) => notice(api.replace(...given)),
    apply: (...given) => notice(api.apply(...given)),
    patch: (...given) => notice(api.patch(...given)),
    delete: (...given) => notice(api.delete(...given)),
  };
}
