import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { derivePolicyRules } from '../../generators/lib/rbac/policy-rules.ts';
import { generateProject } from '../../generators/lib/index.ts';
import { requireModel } from '../../generators/lib/model/load.ts';
import { chartOfText, renderError, render, renderText } from './rendering.ts';
import type { Json } from './rendering.ts';

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
    const chart = await chartOfText(PROJECT('', 'enableFinalizer: true\n'));
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
    const chart = await chartOfText(
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
    const chart = await chartOfText(PROJECT(''));
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
      const chart = await chartOfText(PROJECT(phase, more));
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
