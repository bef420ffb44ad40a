import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { parse } from 'yaml';
import { tool } from '../realparts/index.ts';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly name?: string; readonly run?: string }[] }>
  >;
}

describe('the chart that the release workflow packages', () => {
  let chart: Chart;
  let folder: string;
  let released: string;
  before(async () => {
    chart = await chartOf({ kind: 'Example' });
    folder = mkdtempSync(join(tmpdir(), 'autopilot-release-'));
    released = join(await packageIn('first'), 'example-operator');
  });
  after(() => {
    chart?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the step of the workflow in a copy of the project, and unpacks the package. */
  async function packageIn(name: string): Promise<string> {
    const project = join(folder, name);
    cpSync(chart.project, project, { recursive: true });
    const file = join(project, '.github/workflows/operator.yaml');
    const { jobs } = parse(readFileSync(file, 'utf8')) as Workflow;
    const step = jobs['release']?.steps.find((one) => one.name === 'Package the chart');
    await execa('bash', ['-eo', 'pipefail', '-c', step?.run ?? 'exit 9'], {
      cwd: project,
      env: {
        PATH: [dirname(await tool('helm')), process.env['PATH']].join(delimiter),
        GITHUB_REPOSITORY: 'Acme/Operator',
        GITHUB_REF_NAME: 'v1.2.3',
        IMAGE: 'ghcr.io/acme/operator',
        VERSION: '1.2.3',
        SOURCE_DATE_EPOCH: '1767225600',
      },
    });
    const unpacked = join(folder, `${name}-unpacked`);
    mkdirSync(unpacked);
    await execa('tar', ['xzf', join(project, 'example-operator-1.2.3.tgz'), '-C', unpacked]);
    return unpacked;
  }

  it('runs the pushed image, and takes a mirror from one value', async () => {
    const imageWith = async (values: Json): Promise<unknown> => {
      const manifests = await render(released, { values });
      const deployment = manifests.find(({ kind }) => kind === 'Deployment');
      return at(deployment, 'spec.template.spec.containers.0.image');
    };
    expect(await imageWith({})).to.equal('ghcr.io/acme/operator:1.2.3');
    expect(await imageWith({ global: { imageRegistry: 'mirror.example.com' } })).to.equal(
      'mirror.example.com/acme/operator:1.2.3',
    );
  });

  it('tells Artifact Hub where it comes from and which image it runs', () => {
    const about = parse(readFileSync(join(released, 'Chart.yaml'), 'utf8')) as {
      readonly annotations: Readonly<Record<string, string>>;
    };
    expect(about).to.deep.include({
      version: '1.2.3',
      appVersion: '1.2.3',
      home: 'https://github.com/Acme/Operator',
      sources: ['https://github.com/Acme/Operator'],
      icon: 'https://raw.githubusercontent.com/Acme/Operator/v1.2.3/charts/example-operator/icon.svg',
    });
    expect(parse(about.annotations['artifacthub.io/images'] ?? '')).to.deep.equal([
      { name: 'example-operator', image: 'ghcr.io/acme/operator:1.2.3' },
    ]);
    expect(readFileSync(join(released, 'icon.svg'), 'utf8')).to.match(/^<svg /);
  });

  it('is the same byte for byte when the same commit is packaged again', async () => {
    await packageIn('second');
    const [first, second] = ['first', 'second'].map((name) =>
      createHash('sha256')
        .update(readFileSync(join(folder, name, 'example-operator-1.2.3.tgz')))
        .digest('hex'),
    );
    expect(first).to.equal(second);
  });
});
