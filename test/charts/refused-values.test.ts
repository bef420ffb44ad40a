import { expect } from 'chai';
import { chartOf, renderError } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

const CASES: readonly (readonly [what: string, values: Json, sentence: string])[] = [
  [
    'two replicas without election',
    { replicas: 2, config: { enableLeaderElection: false } },
    'two processes would run one state machine',
  ],
  [
    'an autoscaler without election',
    { replicas: null, config: { enableLeaderElection: false } },
    'two processes would run one state machine',
  ],
  [
    'a rolling update without election',
    {
      deployment: { strategy: { type: 'RollingUpdate' } },
      config: { enableLeaderElection: false },
    },
    'two processes would run one state machine during an upgrade',
  ],
  [
    'a variable that the chart sets',
    { extraEnv: [{ name: 'POD_NAME', value: 'x' }] },
    'extraEnv must not set POD_NAME',
  ],
  [
    'a variable that stands twice',
    {
      extraEnv: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    'extraEnv must not set A',
  ],
  [
    'both monitors',
    { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
    'everything would be counted twice',
  ],
  [
    'a ServiceMonitor without a Service',
    { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
    'needs metrics.service.enabled',
  ],
  [
    'a monitor that must be there and cannot',
    { metrics: { serviceMonitor: { enabled: true, renderMode: 'failIfMissing' } } },
    'this cluster has no kind ServiceMonitor',
  ],
  [
    'a budget that blocks the only Pod',
    { podDisruptionBudget: { enabled: true, maxUnavailable: null, minAvailable: 1 } },
    'no node could be drained',
  ],
  [
    'a budget that blocks all Pods',
    { replicas: 2, podDisruptionBudget: { enabled: true, maxUnavailable: null, minAvailable: 2 } },
    'no node could be drained',
  ],
  [
    'a percentage that does so',
    { podDisruptionBudget: { enabled: true, maxUnavailable: null, minAvailable: '50%' } },
    'no node could be drained',
  ],
  [
    'a budget of nothing',
    { podDisruptionBudget: { enabled: true, maxUnavailable: 0 } },
    'no node could be drained',
  ],
  [
    'two budgets',
    { replicas: 3, podDisruptionBudget: { enabled: true, minAvailable: 1 } },
    'either maxUnavailable or minAvailable',
  ],
  [
    "the namespace's default account",
    { serviceAccount: { create: false } },
    "rights would go to the namespace's default account",
  ],
  [
    'namespaces in the wrong place',
    { config: { watchNamespace: 'a' } },
    'set watchNamespaces, from which the rights are made too',
  ],
  [
    'endpoints that the kubelet cannot reach',
    { config: { metricsAddr: '127.0.0.1:9091' } },
    'the kubelet must reach it for the probes',
  ],
  ['no endpoints', { config: { metricsAddr: '' } }, 'the probes need it'],
  ['a Pod without the operator', { pod: { containers: [] } }, 'use extraContainers'],
  [
    'a value under its old name',
    { priorityClassName: 'high' },
    'priorityClassName has moved to pod.priorityClassName',
  ],
];

describe('the chart refuses with a sentence', () => {
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

  it('an enabled parent condition is none of its business', async () => {
    expect(
      await renderError(chart.path, { values: { enabled: true, global: { of: 'somebody' } } }),
    ).to.equal('no failure');
  });
});
