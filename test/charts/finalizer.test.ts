import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { derivePolicyRules } from '../../generators/lib/rbac/policy-rules.ts';
import { generateProject } from '../../generators/lib/index.ts';
import { requireModel } from '../../generators/lib/model/load.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { at, renderError, render, renderText, manifestsOf } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

const PROJECT = (phase: string, more = ''): string => `kind: Example
apiVersion: examples.io/v1
${more}phases:
  - { name: Working, initial: true, next: [Done]${phase} }
  - { name: Done, final: true }
`;
const rulesOf = (text: string): readonly string[] =>
  derivePolicyRules(requireModel(text, 'autopilot.yaml')).flatMap(({ resources, verbs }) =>
    verbs.map((verb) => `${verb} ${resources.join()}`),
  );

describe('RBAC rules that a state machine needs', () => {
  it('does not patch or delete resources unless it has a finalizer', () => {
    expect(rulesOf(PROJECT(', outputs: [configmaps]'))).not.to.include.members(['patch examples']);
    expect(rulesOf(PROJECT('', 'enableFinalizer: true\n'))).to.include('patch examples');
  });

  it('deletes outputs where it prunes, and where no owner reference reaches', () => {
    expect(rulesOf(PROJECT(', outputs: [configmaps]'))).not.to.include('delete configmaps');
    expect(rulesOf(PROJECT(', outputs: [{ name: configmaps, prune: true }]'))).to.include(
      'delete configmaps',
    );
    const reaching = rulesOf(PROJECT(', outputs: [{ name: configmaps, namespace: all }]'));
    expect(reaching).to.include.members(['delete configmaps', 'patch examples']);
  });

  it('edits what it shares without the right to delete it', () => {
    const shared = rulesOf(PROJECT(', inputs: [virtualservices], outputs: [virtualservices]'));
    expect(shared).to.include.members(['patch virtualservices', 'patch examples']);
    expect(shared).not.to.include('delete virtualservices');
  });

  it('only lists and watches what it only reads', () => {
    expect(
      rulesOf(PROJECT(', inputs: [secrets]')).filter((rule) => rule.endsWith(' secrets')),
    ).to.deep.equal(['list secrets', 'watch secrets']);
  });
});

describe('the chart of an operator with a finalizer', () => {
  it('refuses to delete the kind on uninstall without a clean-up, which would wait without end', async () => {
    const chart = await projectOf(PROJECT('', 'enableFinalizer: true\n'));
    try {
      const values: Json = { crds: { keep: false } };
      expect(await renderError(chart.path, { values })).to.contain(
        'crds.keep: false needs cleanup.enabled: true',
      );
      const cleaned = { ...values, cleanup: { enabled: true } };
      expect(await renderError(chart.path, { values: cleaned })).to.equal('no failure');
    } finally {
      chart.remove();
    }
  });
});

describe('RBAC rules that the user adds to those of the phases', () => {
  it('are granted as autopilot.yaml has them', async () => {
    const extra = { apiGroups: [''], resources: ['nodes'], verbs: ['list'] };
    const chart = await projectOf(
      PROJECT('', `rbac: { extraRules: [${JSON.stringify(extra)}] }\n`),
    );
    try {
      const role = (await render(chart.path)).find(
        ({ kind, metadata }) => kind === 'ClusterRole' && !metadata.name.endsWith('-view'),
      );
      expect((role?.['rules'] as readonly object[] | undefined)?.at(-1)).to.deep.equal(extra);
    } finally {
      chart.remove();
    }
  });
});

describe('an operator that had a finalizer before', () => {
  it('may take it off when the values say so, and not otherwise', async () => {
    const chart = await projectOf(PROJECT(''));
    try {
      const patches = async (values: object): Promise<number> =>
        (
          await renderText(chart.path, {
            values: values as Json,
            args: ['--show-only', 'templates/rbac/operator.yaml'],
          })
        )
          .split('\n')
          .filter((line) => /resources: \[examples\]/.test(line)).length;
      expect(await patches({})).to.equal(0);
      expect(await patches({ rbac: { formerFinalizer: true } })).to.equal(1);
    } finally {
      chart.remove();
    }
  });
});

describe('a configuration that has a type', () => {
  it('is checked when the chart is installed', async () => {
    const project = mkdtempSync(join(tmpdir(), 'autopilot-chart-'));
    try {
      mkdirSync(join(project, 'src'));
      writeFileSync(
        join(project, 'src/spec.ts'),
        'export interface ExampleSpec {}\nexport interface ExampleStatusInfo {}\nexport interface ExampleConfig {\n  region?: string;\n}\n',
      );
      await generateProject(project, {
        projectText: PROJECT(''),
        runtime: 'registry',
        acceptBreaking: true,
      });
      const chart = join(project, 'charts/example-operator');
      expect(
        await renderError(chart, { values: { config: { config: { region: 7 } } } }),
      ).to.contain('/config/config/region');
      expect(
        await renderError(chart, { values: { config: { config: { region: 'eu' } } } }),
      ).to.equal('no failure');
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  });
});

describe('the chart of an operator that reaches beyond a namespace', () => {
  for (const [what, phase, more, reason] of [
    [
      'reads all namespaces',
      ', inputs: [{ name: services, namespace: all }]',
      '',
      'services, an input of Working, is declared with namespace: all',
    ],
    [
      'writes to all namespaces',
      ', outputs: [{ name: services, namespace: all }]',
      '',
      'services, an output of Working, is declared with namespace: all',
    ],
    [
      'reads cluster-scoped objects',
      ', inputs: [namespaces]',
      '',
      'Namespace, an input of Working, is cluster-scoped',
    ],
    ['is about cluster-scoped resources', '', 'scope: Cluster\n', 'Example is cluster-scoped'],
  ] as const) {
    it(`${what}: watchNamespaces is refused with the reason`, async () => {
      const chart = await projectOf(PROJECT(phase, more));
      try {
        expect(await renderError(chart.path)).to.equal('no failure');
        expect(await renderError(chart.path, { values: { watchNamespaces: ['a'] } })).to.contain(
          `watchNamespaces cannot be set: ${reason}`,
        );
      } finally {
        chart.remove();
      }
    });
  }
});

describe('the clean-up before an uninstall, on a real API server', () => {
  let plane: ControlPlane;
  let chart: Chart;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-cleanup-'));
    chart = await projectOf(PROJECT('', 'enableFinalizer: true\n'));
    plane = await controlPlane({ audit: true });
    await plane.kubectl(['create', 'namespace', 'ops']);
    await plane.helm(['install', 'r', chart.path, '-n', 'ops']);
  });
  after(async () => {
    await plane?.stop();
    chart?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is told of in the notes, and only there unless it is asked for', async () => {
    const notes = await plane.helm(['get', 'notes', 'r', '-n', 'ops']);
    expect(notes)
      .to.contain('Only this operator removes the finalizer of examples.')
      .and.contain('kubectl delete examples --all -A');
    expect((await render(chart.path)).map(({ kind }) => kind)).not.to.include('Job');
  });

  it('deletes all resources with its own permissions, and waits until their finalizers are gone', async () => {
    const resource = { apiVersion: 'examples.io/v1', kind: 'Example', spec: {} };
    for (const [name, finalizers] of [
      ['free', []],
      ['held', ['examples.io/example-operator']],
    ] as const) {
      await plane.kubectl(['create', '-f', '-'], {
        input: JSON.stringify({
          ...resource,
          metadata: { name, namespace: 'default', finalizers },
        }),
      });
    }
    const manifests = manifestsOf(
      await renderText(chart.path, {
        values: { cleanup: { enabled: true } },
        args: ['--show-only', 'templates/cleanup.yaml'],
      }),
    );
    await plane.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
    });
    const job = manifests.find(({ kind }) => kind === 'Job');
    const account = String(at(job, 'spec.template.spec.serviceAccountName'));
    const { users } = JSON.parse(
      readFileSync(await plane.tokenKubeconfig('ops', account), 'utf8'),
    ) as { users: { user: { token: string } }[] };
    writeFileSync(join(folder, 'token'), users[0]?.user.token ?? '');
    const { args, env } = at(job, 'spec.template.spec.containers.0') as {
      args: readonly string[];
      env: readonly { name: string; value: string }[];
    };
    const { hostname, port } = new URL(plane.server);
    const running = execa(process.execPath, args, {
      all: true,
      env: {
        ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
        NODE_EXTRA_CA_CERTS: '',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        TOKEN_FILE: join(folder, 'token'),
      },
    });
    await until('only the held one is left', 20_000, async () =>
      expect(
        await plane.kubectl(['get', 'examples', '-A', '-o', 'jsonpath={.items[*].metadata.name}']),
      ).to.equal('held'),
    );
    let ended = false;
    void running.finally(() => (ended = true));
    expect(ended).to.equal(false);
    await plane.kubectl([
      'patch',
      'example',
      'held',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
    expect((await running).all).to.contain('no examples left');
    expect(plane.audit('ops', account).filter(({ code }) => code === 403)).to.deep.equal([]);
  });
});

async function projectOf(text: string): Promise<Chart> {
  const project = mkdtempSync(join(tmpdir(), 'autopilot-chart-'));
  const { model } = await generateProject(project, {
    projectText: text,
    runtime: 'registry',
    acceptBreaking: true,
  });
  return {
    project,
    path: join(project, 'charts', model.operatorName),
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}
