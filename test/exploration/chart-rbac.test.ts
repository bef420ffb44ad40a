import { expect } from 'chai';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Scenario } from '../../sandbox/src/exploration/index.ts';
import { explore } from '../../sandbox/src/exploration/index.ts';
import { loadProject } from '../../sandbox/src/verify/load-project.ts';
import { readChartPolicyRules } from '../../sandbox/src/verify/chart-rbac.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the RBAC rules of verify', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'chart-rbac-'));
    mkdirSync(join(dir, 'charts/kite-operator/templates'), { recursive: true });
  });
  after(() => rmSync(dir, { recursive: true }));
  const write = (rules: string, values = ''): void => {
    writeFileSync(join(dir, 'charts/kite-operator/templates/_rules.tpl'), rules);
    writeFileSync(join(dir, 'charts/kite-operator/values.yaml'), values);
  };
  const rule = (verbs: readonly string[]): object => ({
    apiGroups: [''],
    resources: ['pods'],
    verbs,
  });

  it('are those that Helm renders from the chart of an example', () => {
    const { policyRules, source } = readChartPolicyRules(
      join(repository, 'examples/canary'),
      'canary-operator',
    );
    expect(source).to.equal('with the RBAC rules of charts/canary-operator');
    expect(
      policyRules?.cluster?.map(({ resources, verbs }) => `${resources?.join()} ${verbs.join()}`),
    ).to.deep.equal([
      'canarydeployments get,list,watch,patch',
      'canarydeployments/status patch',
      'services get,list,watch,create,patch',
      'deployments get,list,watch,create,patch',
      'virtualservices get,list,watch,create,patch,delete',
      'events create,patch',
    ]);
  });

  // @promise exploration/chart-rules
  it('are all needed: without any one verb of the chart of AutoRoute, exploration finds that it is missing', async () => {
    const { scheduler, crd, scenarios, chart } = await loadProject(
      join(repository, 'examples/autoroute'),
    );
    const life = scenarios.find(({ name }) => name === 'life');
    const rules = chart.policyRules?.cluster ?? [];
    expect(rules.flatMap(({ verbs }) => verbs).length).to.be.greaterThan(20);
    for (const rule of rules) {
      for (const verb of rule.verbs) {
        const policyRules = {
          cluster: rules.map((one) =>
            one === rule ? { ...one, verbs: one.verbs.filter((other) => other !== verb) } : one,
          ),
        };
        const { findings } = await explore({ scheduler, crd, policyRules }, life as Scenario, {
          maxFindings: 1,
          hasBudget: (runs) => runs < 600,
        });
        expect(findings[0]?.violation.invariant, `${verb} ${rule.resources?.join()}`).to.equal(
          'the operator has every permission that it needs',
        );
      }
    }
  }).timeout(300_000);

  it('are the unconditional rules of the template and rbac.extraRules of the values', () => {
    write(
      `{{- define "kite-operator.rules" -}}
# why
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
{{- if .Values.rbac.formerFinalizer }}
{{- with .Values.more }}
- not: this
{{- end }}
{{- end }}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
{{- end }}
{{- define "kite-operator.leaseRules" -}}
- nor: this
{{- end }}
`,
      'rbac: { extraRules: [{ apiGroups: [""], resources: [pods], verbs: [watch] }] }',
    );
    expect(readChartPolicyRules(dir, 'kite-operator').policyRules).to.deep.equal({
      cluster: [rule(['get']), rule(['list']), rule(['watch'])],
    });
  });

  it('grant full access when they cannot be read, and the report says why', () => {
    const source = (): string => {
      const found = readChartPolicyRules(dir, 'kite-operator');
      expect(found.policyRules).to.equal(undefined);
      return found.source;
    };
    write(
      '{{- define "kite-operator.rules" -}}\n- verbs: {{ toJson .Values.verbs }}\n{{- end }}\n',
    );
    expect(source())
      .to.contain('cannot be read without Helm')
      .and.contain("'- verbs: {{ toJson .Values.verbs }}' depends on values");
    write('# nothing');
    expect(source()).to.contain('there is no template "kite-operator.rules"');
    expect(readChartPolicyRules(dir, 'other-operator')).to.deep.equal({
      policyRules: undefined,
      source: 'with full access, because charts/other-operator/templates/_rules.tpl does not exist',
    });
  });
});
