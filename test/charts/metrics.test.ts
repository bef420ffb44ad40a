import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { generateProject } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { METRIC_DEFINITIONS } from '../../runtime/src/observability/metric-definitions.ts';
import type { MetricDefinition } from '../../runtime/src/observability/metric-definitions.ts';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import type { ControlPlane, Prometheus } from '../realparts/index.ts';
import {
  controlPlane,
  freePorts,
  prometheusServer,
  promtoolPath,
  until,
} from '../realparts/index.ts';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

const RELEASE = 'autoroute-operator';
const POD = `${RELEASE}-5d8f7c9b6-x2x4z`;

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

/** Adds a phase in front of AutoRoute's only one, so that there are transitions to measure. */
async function addPendingPhase(project: string): Promise<void> {
  const file = join(project, 'autopilot.yaml');
  const pending = '  - name: Pending\n    initial: true\n    next: [Routing]\n';
  const text = readFileSync(file, 'utf8').replace('    initial: true\n', '');
  writeFileSync(file, text.replace('phases:\n', `phases:\n${pending}`));
  writeFileSync(
    join(project, 'src/workers/pending.ts'),
    `import type { Context, Result } from '../generated/pending.ts';

export async function sync(_context: Context): Promise<Result> {
  return { next: 'Routing' };
}
`,
  );
  await generateProject(project, { runtime: 'registry' });
}

describe('the alerts and the dashboard of a running operator, in a real Prometheus', () => {
  let plane: ControlPlane;
  let chart: Chart;
  let operator: OperatorProcess | undefined;
  let prometheus: Prometheus;
  let rules: readonly Rule[];
  let spec: Json;
  let panels: readonly (readonly [title: string, expr: string])[];

  before(async () => {
    chart = await chartOf({ example: 'autoroute' });
    await addPendingPhase(chart.project);
    symlinkSync(join(packageRoot, 'node_modules'), join(chart.project, 'node_modules'));
    const values = { metrics: { prometheusRule: { enabled: true, renderMode: 'alwaysRender' } } };
    const rule = (await render(chart.path, { release: RELEASE, namespace: 'ops', values })).find(
      ({ kind }) => kind === 'PrometheusRule',
    );
    spec = rule?.['spec'] as Json;
    rules = at(rule, 'spec.groups.0.rules') as readonly Rule[];
    const { panels: all } = JSON.parse(
      readFileSync(join(chart.path, 'files/dashboard.json'), 'utf8'),
    ) as {
      panels: readonly { title: string; targets?: readonly { expr: string }[] }[];
    };
    panels = all.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, filled(expr)] as const),
    );
    plane = await controlPlane();
    await plane.installIstioCrds();
    for (const namespace of ['ops', 'apps']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    await plane.helm(['install', RELEASE, chart.path, '-n', 'ops']);
    const [port = 0] = await freePorts(1);
    prometheus = await prometheusServer({
      targets: [`127.0.0.1:${port}`],
      labels: { namespace: 'ops', pod: POD },
    });
    operator = await startProcess(chart.project, {
      kubeconfig: await plane.tokenKubeconfig('ops', RELEASE),
      namespace: 'ops',
      port,
    });
    await plane.kubectl([
      'create',
      '-n',
      'apps',
      '-f',
      join(chart.project, 'examples/autoroute.yaml'),
    ]);
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(deployment('one')),
    });
    await plane.kubectl(['wait', '-n', 'apps', 'service/one', '--for=create', '--timeout=30s']);
  });
  after(async () => {
    await operator?.stop();
    await prometheus?.stop();
    await plane?.stop();
    chart?.remove();
  });

  /** The dashboard's variables, as Grafana fills them. */
  function filled(expr: string): string {
    return expr
      .replaceAll('$__rate_interval', '1m')
      .replaceAll('$namespace', 'ops')
      .replaceAll('$pod', '.+');
  }
  async function ask(expr: string, address = prometheus.address): Promise<readonly unknown[]> {
    const response = await fetch(`${address}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const { status, error, data } = (await response.json()) as {
      status: string;
      error?: string;
      data?: { result: readonly unknown[] };
    };
    if (status !== 'success') {
      throw new Error(`${expr}: ${error}`);
    }
    return data?.result ?? [];
  }
  const answers = (expr: string, address?: string): Promise<void> =>
    until(`Prometheus answers ${expr}`, 20_000, async () => {
      if ((await ask(expr, address)).length === 0) {
        throw new Error('no series');
      }
    });

  it('ask for nothing that the operator does not have', () => {
    const known = new Set(
      (Object.values(METRIC_DEFINITIONS) as readonly MetricDefinition[]).map(({ name }) => name),
    );
    const asked = [...rules.map(({ expr }) => expr), ...panels.map(([, expr]) => expr)].flatMap(
      (expr) => [
        ...expr.matchAll(
          /\b(?:autopilot|controller_runtime|workqueue|rest_client|leader_election|process|nodejs)_\w+/g,
        ),
      ],
    );
    const names = asked
      .map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
      .filter((name) => !name.startsWith('process_'));
    expect(names.length).to.be.greaterThan(25);
    expect(names.filter((name) => !known.has(name))).to.deep.equal([]);
  });

  it('every panel answers', async () => {
    expect(panels.length).to.be.greaterThan(20);
    for (const [, expr] of panels) {
      await answers(expr);
    }
  });

  it('every alert has a series to compare, and none fires', async () => {
    expect(rules.map(({ alert }) => alert.replace('AutoRoute', ''))).to.include.members([
      'Stuck',
      'Stalled',
      'ReconcileErrors',
      'NoLeader',
      'WatchStale',
    ]);
    for (const { expr } of rules) {
      const [, compared = ''] = /^(.+) [<>] [\d.]+$/.exec(expr) ?? [];
      await answers(compared);
      expect(await ask(expr), expr).to.deep.equal([]);
    }
  });

  it('are rules that promtool accepts', async () => {
    const file = join(chart.project, 'rules.yaml');
    writeFileSync(file, stringify(spec));
    const { stdout } = await execa(await promtoolPath(), ['check', 'rules', file]);
    expect(stdout).to.contain(`SUCCESS: ${rules.length} rules found`);
  });

  it('Stalled and Stuck fire for a resource whose worker is not written', async () => {
    const stub = await chartOf({ kind: 'Example' });
    let stubs: OperatorProcess | undefined;
    let other: Prometheus | undefined;
    try {
      symlinkSync(join(packageRoot, 'node_modules'), join(stub.project, 'node_modules'));
      await plane.helm(['install', 'example-operator', stub.path, '-n', 'ops']);
      const [port = 0] = await freePorts(1);
      stubs = await startProcess(stub.project, {
        kubeconfig: await plane.tokenKubeconfig('ops', 'example-operator'),
        namespace: 'ops',
        port,
      });
      other = await prometheusServer({
        targets: [`127.0.0.1:${port}`],
        labels: { namespace: 'ops', pod: 'example-operator-0' },
      });
      await plane.kubectl([
        'create',
        '-n',
        'apps',
        '-f',
        join(stub.project, 'examples/example.yaml'),
      ]);
      const metrics = {
        prometheusRule: { enabled: true, renderMode: 'alwaysRender', stuckAfterSeconds: 1 },
      };
      const rule = (
        await render(stub.path, {
          release: 'example-operator',
          namespace: 'ops',
          values: { metrics },
        })
      ).find(({ kind }) => kind === 'PrometheusRule');
      const { address } = other;
      for (const { alert, expr } of at(rule, 'spec.groups.0.rules') as readonly Rule[]) {
        if (['ExampleStalled', 'ExampleStuck'].includes(alert)) {
          await answers(expr, address);
        }
      }
    } finally {
      await stubs?.stop();
      await other?.stop();
      stub.remove();
    }
  });

  it('NoLeader fires when the operator is gone', async () => {
    await operator?.stop();
    operator = undefined;
    const noLeader = rules.find(({ alert }) => alert === 'AutoRouteNoLeader')?.expr ?? '';
    await answers(noLeader);
  });
});
