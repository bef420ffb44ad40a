import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartOf, renderError } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

const CASES: readonly (readonly [what: string, values: Json, sentence: string])[] = [
  [
    'two replicas without election',
    { replicas: 2, config: { enableLeaderElection: false } },
    'two operators would reconcile the same resources',
  ],
  [
    'an autoscaler without election',
    { deployment: { autoscaled: true }, config: { enableLeaderElection: false } },
    'two operators would reconcile the same resources',
  ],
  [
    'a rolling update without election',
    {
      deployment: { strategy: { type: 'RollingUpdate' } },
      config: { enableLeaderElection: false },
    },
    'two operators would reconcile the same resources during an upgrade',
  ],
  [
    'a variable that the chart sets',
    { extraEnv: [{ name: 'POD_NAME', value: 'x' }] },
    'extraEnv must not set POD_NAME',
  ],
  [
    'a variable of the container that the chart sets',
    { container: { env: [{ name: 'POD_NAME', value: 'x' }] } },
    'extraEnv must not set POD_NAME',
  ],
  [
    'a duplicate variable',
    {
      extraEnv: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    'extraEnv must not set A',
  ],
  [
    'secure metrics without their rules',
    { config: { secureMetrics: true } },
    'set metrics.secure, which also creates the RBAC rules',
  ],
  [
    'secure metrics with Roles only',
    { metrics: { secure: true }, watchNamespaces: ['apps'] },
    'which Roles in namespaces cannot grant',
  ],
  [
    'secure metrics with a PodMonitor that has no token',
    { metrics: { secure: true, podMonitor: { enabled: true } } },
    "a PodMonitor cannot use Prometheus' own token",
  ],
  [
    'both monitors',
    { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
    'Prometheus would scrape every Pod twice',
  ],
  [
    'a ServiceMonitor without a Service',
    { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
    'needs metrics.service.enabled',
  ],
  [
    'a monitor that must be there and cannot',
    { metrics: { serviceMonitor: { enabled: true, renderMode: 'failIfMissing' } } },
    'the cluster does not have the kind ServiceMonitor',
  ],
  [
    'a budget that blocks the only Pod',
    { podDisruptionBudget: { enabled: true, minAvailable: 1 } },
    'would block every node drain',
  ],
  [
    'a budget that blocks all Pods',
    { replicas: 2, podDisruptionBudget: { enabled: true, minAvailable: 2 } },
    'would block every node drain',
  ],
  [
    'a percentage that does so',
    { podDisruptionBudget: { enabled: true, minAvailable: '50%' } },
    'would block every node drain',
  ],
  [
    'a budget of nothing',
    { podDisruptionBudget: { enabled: true, maxUnavailable: 0 } },
    'would block every node drain',
  ],
  [
    'two budgets',
    { replicas: 3, podDisruptionBudget: { enabled: true, minAvailable: 1, maxUnavailable: 1 } },
    'either maxUnavailable or minAvailable',
  ],
  [
    "the namespace's default account",
    { serviceAccount: { create: false } },
    'the permissions would be granted to the default ServiceAccount',
  ],
  [
    'namespaces in the wrong place',
    { config: { watchNamespace: 'a' } },
    'set watchNamespaces, which also creates the RBAC rules',
  ],
  [
    'endpoints that the kubelet cannot reach',
    { config: { metricsAddr: '127.0.0.1:9091' } },
    'is not reachable for the probes of the kubelet',
  ],
  ['no endpoints', { config: { metricsAddr: '' } }, 'the probes need the endpoint'],
  ['a Pod without the operator', { pod: { containers: [] } }, 'use extraContainers'],
  [
    'a value under its old name',
    { priorityClassName: 'high' },
    'priorityClassName has moved to pod.priorityClassName',
  ],
];

describe('the chart rejects', () => {
  let chart: Chart;
  before(async () => (chart = await chartOf({ kind: 'Example' })));
  after(() => chart?.remove());

  for (const [what, values, sentence] of CASES) {
    it(what, async () => {
      for (const major of [3, 4] as const) {
        expect(await renderError(chart.path, { values, major })).to.contain(sentence);
      }
    });
  }

  it('null for every value that its templates read, by the name of the value', async () => {
    const schema = JSON.parse(
      readFileSync(join(chart.path, 'values.schema.json'), 'utf8'),
    ) as SchemaNode;
    const paths = requiredPaths(schema, []);
    expect(paths).to.have.length.greaterThan(80);
    for (const path of paths) {
      const values = path.reduceRight<unknown>((inside, key) => ({ [key]: inside }), null) as Json;
      const error = await renderError(chart.path, { values });
      expect(error, path.join('.')).to.match(/missing propert(y|ies)|is required/);
      expect(error, path.join('.')).to.contain(`'${path.at(-1)}'`);
    }
  });

  it('but not a condition or globals of a parent chart', async () => {
    expect(
      await renderError(chart.path, { values: { enabled: true, global: { of: 'another chart' } } }),
    ).to.equal('no failure');
  });
});

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
}

/** Paths of all values that the schema requires, as lists of keys. */
function requiredPaths(node: SchemaNode, above: readonly string[]): readonly (readonly string[])[] {
  return (node.required ?? []).flatMap((key) => {
    const path = [...above, key];
    return [path, ...requiredPaths(node.properties?.[key] ?? {}, path)];
  });
}
