import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { execa } from 'execa';
import { parse } from 'yaml';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, tool, until } from '../realparts/index.ts';
import { chartOf, render, renderText } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';
import { writeSchemas } from './openapi.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the chart, by the tools that users have', () => {
  let plane: ControlPlane;
  let folder: string;
  let charts: readonly Chart[];
  const each = async (check: (chart: Chart, file: string) => Promise<void>): Promise<void> => {
    for (const chart of charts) {
      for (const file of globSync('ci/*-values.yaml', { cwd: chart.path }).sort()) {
        await check(chart, join(chart.path, file));
      }
    }
  };
  const valuesOf = (file: string): Json => (parse(readFileSync(file, 'utf8')) ?? {}) as Json;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-checks-'));
    charts = [await chartOf({ kind: 'Example' }), await chartOf({ example: 'autoroute' })];
    plane = await controlPlane();
    await plane.installMonitoringCrds();
    await until('the kinds of the CRDs are in the OpenAPI', 30_000, () =>
      plane.kubectl(['get', '--raw', '/openapi/v3/apis/monitoring.coreos.com/v1']),
    );
    await writeSchemas(plane, folder);
  });
  after(async () => {
    await plane?.stop();
    for (const chart of charts ?? []) {
      chart.remove();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [major, name] of [
    [3, 'helm3'],
    [4, 'helm'],
  ] as const) {
    it(`passes helm lint --strict of Helm ${major} with all of ci/`, () =>
      each(async ({ path }, file) => {
        const { stdout } = await execa(await tool(name), ['lint', '--strict', path, '-f', file]);
        expect(stdout).to.contain('0 chart(s) failed');
      }));
  }

  it("is valid, says kubeconform with the API server's own OpenAPI", () =>
    each(async ({ path }, file) => {
      const text = await renderText(path, { values: valuesOf(file) });
      const location = join(
        folder,
        '{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json',
      );
      const { all, exitCode } = await execa(
        await tool('kubeconform'),
        ['-strict', '-summary', '-schema-location', location],
        {
          input: text,
          all: true,
          reject: false,
        },
      );
      expect(exitCode, all).to.equal(0);
      expect(all).to.match(/Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/);
    }));

  it('is the same by Helm 3 as by Helm 4', () =>
    each(async ({ path }, file) => {
      const [three, four] = await Promise.all(
        ([3, 4] as const).map((major) => render(path, { values: valuesOf(file), major })),
      );
      expect(three).to.have.deep.members([...(four ?? [])]);
    }));

  it('is not valid, says kubeconform, with a field that Kubernetes does not know', async () => {
    const text = await renderText(charts[0]?.path ?? '', {
      values: { container: { lifecylce: {} } },
    });
    const location = join(
      folder,
      '{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json',
    );
    const { exitCode } = await execa(
      await tool('kubeconform'),
      ['-strict', '-schema-location', location],
      { input: text, reject: false },
    );
    expect(exitCode).to.equal(1);
  });

  it('is installed with all of ci/, and gives Pods that Pod Security restricted admits', () =>
    each(async ({ path }, file) => {
      const namespace = `ci-${createHash('sha256').update(file).digest('hex').slice(0, 8)}`;
      await plane.kubectl(['create', 'namespace', namespace]);
      await plane.kubectl([
        'label',
        'namespace',
        namespace,
        'pod-security.kubernetes.io/enforce=restricted',
      ]);
      await plane.helm(['install', 'r', path, '-n', namespace, '-f', file]);
      // What the user adds (side containers) is the user's business.
      if (!file.includes('full')) {
        for (const pod of await podsOf(path, file, namespace)) {
          expect(
            (
              await plane.kubectl(
                ['create', '--dry-run=server', '-n', namespace, '-f', '-', '-o', 'name'],
                { input: JSON.stringify(pod) },
              )
            ).trim(),
          ).to.match(/^pod\//);
        }
      }
      await plane.helm(['uninstall', 'r', '-n', namespace]);
      await plane.kubectl(['delete', 'crd', '-l', 'app.kubernetes.io/instance=r', '--wait=false']);
      await plane
        .kubectl([
          'wait',
          'crd',
          '-l',
          'app.kubernetes.io/instance=r',
          '--for=delete',
          '--timeout=180s',
        ])
        .catch(() => undefined);
    }));

  async function podsOf(chart: string, file: string, namespace: string): Promise<readonly Json[]> {
    const manifests = await render(chart, { values: valuesOf(file), namespace });
    return manifests.flatMap(({ kind, spec, metadata }) => {
      const { template } = (spec ?? {}) as { template?: Json };
      if (kind === 'Deployment') {
        return [
          { apiVersion: 'v1', kind: 'Pod', ...template, metadata: { name: 'trial', namespace } },
        ];
      }
      return kind === 'Pod'
        ? [{ apiVersion: 'v1', kind, metadata: { name: metadata.name, namespace }, spec }]
        : [];
    });
  }

  it('says in its notes what was omitted, what is kept, and who acts with its permissions', async () => {
    await plane.kubectl(['create', 'namespace', 'notes']);
    const set = [
      'metrics.podMonitor.enabled=true',
      'rbac.aggregate.edit=true',
      'config.paused=true',
      'rbac.create=false',
    ].flatMap((one) => ['--set', one]);
    const notes = await plane.helm([
      'install',
      'r',
      charts[0]?.path ?? '',
      '-n',
      'notes',
      ...set,
      '--dry-run=client',
    ]);
    for (const sentence of [
      'PodMonitor is enabled but was omitted',
      'act with the\npermissions of this operator',
      'The operator calls no workers',
      'Grant the rules in templates/_rules.tpl',
      '--take-ownership',
    ]) {
      expect(notes.replaceAll('metrics.podMonitor', 'PodMonitor'), sentence).to.contain(sentence);
    }
    expect(
      await plane.helm(['install', 'r', charts[0]?.path ?? '', '-n', 'notes', '--dry-run=client']),
    ).not.to.contain('WARNING');
  });

  it('tells Artifact Hub what it is, with an example that the API server takes', async () => {
    for (const chart of charts) {
      await told(chart.path);
    }
  });

  async function told(chart: string): Promise<void> {
    const { annotations, kubeVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as {
      annotations: Record<string, string>;
      kubeVersion: string;
    };
    expect(kubeVersion).to.equal('>=1.30.0-0');
    const said = Object.fromEntries(
      Object.entries(annotations).map(([name, text]) => [
        name.replace('artifacthub.io/', ''),
        parse(text) as unknown,
      ]),
    );
    expect(Object.keys(said)).to.include.members([
      'license',
      'operator',
      'crds',
      'crdsExamples',
      'images',
      'changes',
    ]);
    expect(said['crds']).to.be.an('array').with.length(1);
    await plane.helm(['install', 'r', chart, '-n', 'default']);
    const examples = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: said['crdsExamples'],
    });
    expect(
      await plane.kubectl(['create', '--dry-run=server', '-o', 'name', '-f', '-'], {
        input: examples,
      }),
    ).to.contain('examples.io/example');
    await plane.helm(['uninstall', 'r', '-n', 'default']);
  }

  it('is packed to the same bytes twice, when SOURCE_DATE_EPOCH says when', async () => {
    const packed = await Promise.all(
      [1, 2].map(async (turn) => {
        const copy = join(folder, `copy-${turn}`, 'example-operator');
        mkdirSync(copy, { recursive: true });
        cpSync(charts[0]?.path ?? '', copy, { recursive: true });
        for (const file of globSync('**/*', { cwd: copy })) {
          utimesSync(join(copy, file), turn * 1000, turn * 1000);
        }
        const into = join(folder, `packed-${turn}`);
        await execa(await tool('helm'), ['package', copy, '-d', into], {
          env: { SOURCE_DATE_EPOCH: '1700000000' },
        });
        return createHash('sha256')
          .update(readFileSync(join(into, readdirSync(into)[0] ?? '')))
          .digest('hex');
      }),
    );
    expect(packed[0]).to.equal(packed[1]);
  });

  it('carries its test, its schema and its dashboard in the package, and leaves ci/ at home', async () => {
    const into = join(folder, 'content');
    await execa(await tool('helm'), ['package', charts[0]?.path ?? '', '-d', into]);
    const { stdout } = await execa('tar', ['tzf', join(into, readdirSync(into)[0] ?? '')]);
    const files = stdout.split('\n').map((file) => file.replace('example-operator/', ''));
    expect(files).to.include.members([
      'templates/tests/ready.yaml',
      'values.schema.json',
      'files/dashboard.json',
      'README.md',
      'UPGRADING.md',
    ]);
    expect(files.filter((file) => file.startsWith('ci/'))).to.deep.equal([]);
  });

  it('has values that yamllint accepts with the settings of chart-testing', () => {
    for (const { path } of charts) {
      for (const file of ['values.yaml', 'Chart.yaml', ...globSync('ci/*.yaml', { cwd: path })]) {
        const lines = readFileSync(join(path, file), 'utf8').split('\n');
        const code = lines
          .filter((line) => !/^\s*#/.test(line))
          .map((line) => line.replaceAll(/\{\{.*?\}\}/g, ''));
        const padded = code.filter((line) => /[^{]\{ +[^}]|[^{\s] +\}/.test(line));
        expect(padded, `${file}: spaces inside braces`).to.deep.equal([]);
        const trailing = lines.filter((line) => /\s$/.test(line));
        expect(trailing, `${file}: spaces at the end of a line`).to.deep.equal([]);
        expect(lines.slice(-3), `${file}: empty lines at the end`).to.not.deep.equal(['', '', '']);
      }
    }
  });

  // kube-score's own opinions that the chart does not share, each with the reason.
  const KUBE_SCORE_EXCEPTIONS: Readonly<Record<string, string>> = {
    'container-image-pull-policy': 'Always makes every restart depend on the registry',
    'container-security-context-user-group-id': 'OpenShift assigns the user; the image has 65532',
    'deployment-has-host-podantiaffinity': 'topologySpreadConstraints spread the Pods',
  };

  it('has nothing that kube-score objects to in its values for production', async () => {
    const ignored = Object.keys(KUBE_SCORE_EXCEPTIONS).flatMap((name) => ['--ignore-test', name]);
    for (const { path } of charts) {
      const input = await renderText(path, { args: ['-f', join(path, 'ci/ha-values.yaml')] });
      // A limit of CPU would throttle the operator, whose watchdog would then restart it.
      const args = [
        'score',
        '--ignore-container-cpu-limit',
        '--output-format',
        'ci',
        ...ignored,
        '-',
      ];
      const score = await execa(await tool('kube-score'), args, { input, reject: false });
      const findings = score.stdout
        .split('\n')
        .filter((line) => /^\[(CRITICAL|WARNING)/.test(line));
      expect(findings).to.deep.equal([]);
      expect(score.stdout).to.match(/^\[OK\]/m);
    }
  });

  it('is released by a workflow in which actionlint finds nothing wrong', async () => {
    const { project } = charts[0] as Chart;
    const file = join(project, '.github/workflows/operator.yaml');
    const { all, exitCode } = await execa(await tool('actionlint'), [file], {
      cwd: project,
      all: true,
      reject: false,
    });
    expect(exitCode, all).to.equal(0);
    writeFileSync(file, readFileSync(file, 'utf8').replace('needs: [test,', 'needs: [tests,'));
    expect(
      (await execa(await tool('actionlint'), [file], { cwd: project, all: true, reject: false }))
        .all,
    ).to.contain('"tests"');
  });

  it('actionlint finds nothing wrong in the workflow that publishes the packages', async () => {
    const file = join(repository, '.github/workflows/publish.yaml');
    const lint = await execa(await tool('actionlint'), [file], { all: true, reject: false });
    expect(lint.exitCode, lint.all).to.equal(0);
    const actions = [...readFileSync(file, 'utf8').matchAll(/uses: (\S+)/g)];
    expect(actions).to.have.length.greaterThan(1);
    for (const [, action] of actions) {
      expect(action).to.match(/@[0-9a-f]{40}$/);
    }
  });
});
