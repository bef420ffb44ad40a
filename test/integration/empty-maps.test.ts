import { expect } from 'chai';
import type { KubeObject, ResourceType } from '../../runtime/src/internal.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import { conditions, defineTestOperator, DEPLOYMENTS, drone } from './test-operators.ts';

const RULES: ResourceType = {
  group: 'traffic.autopilot.test',
  version: 'v1',
  kind: 'Rule',
  plural: 'rules',
  namespaced: true,
};
const text = { type: 'string' };
const policy = {
  type: 'object',
  properties: { outliers: { type: 'object', properties: { interval: text } } },
};
const RULE_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${RULES.plural}.${RULES.group}` },
  spec: {
    group: RULES.group,
    names: { kind: RULES.kind, plural: RULES.plural },
    scope: 'Namespaced',
    versions: [
      {
        name: RULES.version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  policy,
                  subsets: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: text, policy },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

interface EmptyMapCase {
  readonly title: string;
  readonly before: object;
  /** Merge patch of the spec. */
  readonly patch: object;
  readonly after: object;
}

/** The output has the spec of the resource. */
function copyingOperator(type: ResourceType): ReturnType<typeof defineTestOperator>['scheduler'] {
  return defineTestOperator({
    A: {
      outputs: [{ name: type.plural, type, namespace: 'own' }],
      sync: ({ resource: { spec } }) => ({
        next: 'A',
        outputs: {
          [type.plural]: [
            {
              apiVersion: `${type.group}/${type.version}`,
              kind: type.kind,
              metadata: { name: 'web' },
              spec,
            } as KubeObject,
          ],
        },
      }),
    },
  }).scheduler;
}

describe('an output whose map becomes empty', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  async function start(type: ResourceType, first: object): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(copyingOperator(type), {
      objects: [RULE_CRD],
      wrapApi: faults.wrapApi,
      config: { workInterval: '1m' },
    });
    await sandbox.create(drone('one', first));
  }
  const specOf = async (kind: string): Promise<unknown> =>
    ((await sandbox.get(kind, 'web')) as { readonly spec?: unknown }).spec;
  const applies = (kind: string): number =>
    faults.requestsFor(kind).filter((request) => request.startsWith('apply')).length;

  const cases: readonly EmptyMapCase[] = [
    {
      title: 'at the top',
      before: { policy: { outliers: { interval: '1s' } } },
      patch: { policy: { outliers: null } },
      after: { policy: {} },
    },
    {
      title: 'within a map',
      before: { policy: { outliers: { interval: '1s' } } },
      patch: { policy: { outliers: { interval: null } } },
      after: { policy: { outliers: {} } },
    },
    {
      title: 'in an item of a list',
      before: { subsets: [{ name: 'v1', policy: { outliers: { interval: '1s' } } }] },
      patch: { subsets: [{ name: 'v1', policy: {} }] },
      after: { subsets: [{ name: 'v1', policy: {} }] },
    },
  ];
  for (const { title, before, patch, after } of cases) {
    // @promise outputs/empty-maps
    it(`is applied, and rests: ${title}`, async () => {
      await start(RULES, before);
      await sandbox.patch('Drone', 'one', { spec: patch });
      expect(await specOf('Rule')).to.deep.equal(after);
      const count = applies('Rule');
      await sandbox.advance('1h');
      expect(applies('Rule')).to.equal(count);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False A',
        'Reconciling=True A',
      ]);
    });
  }

  // @promise outputs/empty-maps
  it('keeps the map in a built-in kind, where the API server would drop it', async () => {
    const deployment = (securityContext: object): object => ({
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web', securityContext }] },
      },
    });
    await start(DEPLOYMENTS, deployment({ runAsUser: 1 }));
    await sandbox.patch('Drone', 'one', { spec: deployment({}) });
    const { template } = (await specOf('Deployment')) as {
      readonly template: { readonly spec: { readonly containers: readonly object[] } };
    };
    expect(template.spec.containers[0]).to.deep.include({ securityContext: {} });
  });
});
