import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json, Manifest } from './rendering.ts';

const identity = ({ kind, metadata: { namespace = '', name } }: Manifest): string =>
  `${kind} ${namespace}/${name}`;

describe('two generated operators in one umbrella chart', () => {
  let folder: string;
  let charts: readonly Chart[];
  let manifests: readonly Manifest[];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-umbrella-'));
    charts = [await chartOf({ kind: 'Example' }), await chartOf({ example: 'autoroute' })];
    mkdirSync(join(folder, 'charts'));
    const names = ['example-operator', 'autoroute-operator'];
    names.forEach((name, index) =>
      cpSync(charts[index]?.path ?? '', join(folder, 'charts', name), { recursive: true }),
    );
    const dependencies = names.map((name) => ({
      name,
      version: '0.1.0',
      condition: `${name}.enabled`,
    }));
    writeFileSync(
      join(folder, 'Chart.yaml'),
      JSON.stringify({ apiVersion: 'v2', name: 'umbrella', version: '0.1.0', dependencies }),
    );
    writeFileSync(
      join(folder, 'values.yaml'),
      JSON.stringify({
        global: { imageRegistry: 'g', team: 'x' },
        'autoroute-operator': { enabled: true, replicas: 2 },
      }),
    );
    manifests = await render(folder, { release: 'example-operator' });
  });
  after(() => {
    for (const chart of charts ?? []) {
      chart.remove();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('make no two objects of one name', () => {
    const identities = manifests.map(identity);
    expect(identities.filter((one, index) => identities.indexOf(one) !== index)).to.deep.equal([]);
    expect(manifests.filter(({ kind }) => kind === 'Deployment')).to.have.length(2);
  });

  it('keep their own RBAC rules, labels and leases', () => {
    for (const [name, plural] of [
      ['example-operator', 'examples'],
      ['autoroute-operator', 'autoroutes'],
    ] as const) {
      const own = manifests.filter(
        ({ metadata }) => metadata.labels['app.kubernetes.io/name'] === name,
      );
      const role = own.find(
        ({ kind, metadata }) => kind === 'ClusterRole' && !metadata.name.endsWith('-view'),
      );
      expect(at(role, 'rules.0.resources')).to.deep.equal([plural]);
      const lease = own.find(
        ({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-lease'),
      );
      expect(at(lease, 'rules.1.resourceNames.0')).to.match(new RegExp(`^${name}-`));
      const deployment = own.find(({ kind }) => kind === 'Deployment');
      expect(at(deployment, 'spec.template.spec.containers.0.image')).to.equal(`g/${name}:0.1.0`);
      expect(at(deployment, 'spec.replicas')).to.equal(name === 'autoroute-operator' ? 2 : 1);
    }
  });

  it('are left out by their condition', async () => {
    const rest = await render(folder, { values: { 'example-operator': { enabled: false } } });
    expect(
      rest
        .filter(({ kind }) => kind === 'CustomResourceDefinition')
        .map(({ metadata }) => metadata.name),
    ).to.deep.equal(['autoroutes.examples.io']);
  });
});

describe('the longest names that Helm and the generator allow', () => {
  let chart: Chart;
  before(
    async () => (chart = await chartOf({ kind: 'Example', operatorName: `o${'x'.repeat(51)}` })),
  );
  after(() => chart?.remove());

  const everything: Json = {
    metrics: { dashboard: { enabled: true } },
    networkPolicy: { enabled: true },
    podDisruptionBudget: { enabled: true },
  };

  it('fit: names of Services and labels have at most 63 characters, and are no less than legal', async () => {
    const release = `r${'y'.repeat(52)}`;
    for (const manifest of await render(chart.path, {
      release,
      namespace: 'n'.repeat(63),
      values: everything,
    })) {
      const { name, labels } = manifest.metadata;
      if (['Deployment', 'Service', 'Pod'].includes(manifest.kind)) {
        expect(name, identity(manifest)).to.match(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }
      for (const value of Object.values({
        ...labels,
        ...(at(manifest, 'spec.template.metadata.labels') as object | undefined),
      })) {
        expect(value, identity(manifest)).to.match(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
      }
    }
  });

  it('differ where only what is cut off differs', async () => {
    const names = async (release: string): Promise<readonly string[]> =>
      (await render(chart.path, { release, values: everything }))
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .map(identity);
    const first = await names(`r${'y'.repeat(51)}1`);
    const second = await names(`r${'y'.repeat(51)}2`);
    expect(first.filter((one) => second.includes(one))).to.deep.equal([]);
  });
});
