import { expect } from 'chai';
import { addPhase } from '../../../generators/lib/model/edit.ts';
import { projectText } from '../../../generators/lib/model/project-text.ts';
import { defaultPhases } from '../../../generators/lib/model/new-project.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';
import type { Model } from '../../../generators/lib/model/model.ts';
import { formatProblem } from '../../../generators/lib/util/problems.ts';

const good = projectText({
  kind: 'Canary',
  apiVersion: 'examples.io/v1',
  operatorName: 'canary-operator',
  phases: defaultPhases('Canary'),
});

function problemsOf(text: string): string[] {
  const loaded = loadModel(text, 'autopilot.yaml');
  return 'problems' in loaded ? loaded.problems.map(formatProblem) : [];
}

function modelOf(text: string): Model {
  const loaded = loadModel(text, 'autopilot.yaml');
  if ('problems' in loaded) {
    throw new Error(loaded.problems.map(formatProblem).join('\n'));
  }
  return loaded.model;
}

describe('loading autopilot.yaml', () => {
  const cases: readonly [title: string, from: string, to: string, ...expected: RegExp[]][] = [
    [
      'a misspelt field',
      'initial: true',
      'intial: true',
      /:10:5: phases\[0\]\.intial is not a known field, did you mean 'initial'\?/,
    ],
    [
      'a misspelt target',
      '[Finished]',
      '[Finishd]',
      /:17:12: phases\[1\]\.next names 'Finishd', which is not a phase, did you mean 'Finished'\?/,
      /'Finished'\) cannot be reached/,
    ],
    [
      'a misspelt input',
      '[metrics]',
      '[metrisc]',
      /:15:14: phases\[1\]\.inputs\[0\] names 'metrisc'.*did you mean 'metrics'\?/,
    ],
    [
      'metrics as an output',
      'outputs: [virtualservices]\n    next: [Finished]',
      'outputs: [metrics]\n    next: [Finished]',
      /phases\[1\]\.outputs\[0\] is 'metrics', which can be read but not written/,
    ],
    ['no initial phase', '    initial: true\n', '', /no phase is initial/],
    [
      'two initial phases',
      'name: Processing',
      'name: Processing\n    initial: true',
      /phases\[1\] is initial, but phases\[0\] \('Initializing'\) is already/,
    ],
    [
      'names that differ only in upper and lower case',
      'name: Finished',
      'name: processing',
      /phases\[2\]\.name 'processing' is taken by phases\[1\]/,
    ],
    [
      'a phase with the name of the kind',
      'name: Finished',
      'name: Canary',
      /phases\[2\]\.name 'Canary' is taken by kind 'Canary'/,
    ],
    [
      'inputs of a final phase',
      'final: true',
      'final: true\n    inputs: [pods]',
      /phases\[2\] \('Finished'\) is final .* cannot have inputs/,
    ],
    [
      'whilePaused of a final phase',
      'final: true',
      'final: true\n    whilePaused: release',
      /phases\[2\] \('Finished'\) is final and has no worker, so it cannot have whilePaused/,
    ],
    [
      'an apiVersion of one part',
      'examples.io/v1',
      'v1',
      /:5:13: apiVersion 'v1' must have two parts/,
    ],
    [
      'a kind in lower case',
      'kind: Canary',
      'kind: canary',
      /:4:7: kind 'canary' must be in Pascal case/,
    ],
    [
      'a plural that is no name',
      'kind: Canary',
      'kind: Canary\nplural: My_Canaries',
      /:5:9: plural 'My_Canaries' must be lower-case letters, digits and '-'/,
    ],
    [
      'a plural that is longer than a DNS label',
      'kind: Canary',
      `kind: Canary\nplural: ${'a'.repeat(64)}`,
      /:5:9: plural 'a+' is longer than 63 characters/,
    ],
    [
      'an operator name with capitals',
      'operatorName: canary-operator',
      'operatorName: Canary',
      /operatorName 'Canary' must be lower-case/,
    ],
    [
      'a timeout without onTimeout',
      'inputs: [metrics]',
      'inputs: [metrics]\n    timeout: 5m',
      /phases\[1\] has timeout without onTimeout/,
    ],
    [
      'an invalid duration',
      'inputs: [metrics]',
      'inputs: [metrics]\n    interval: soon',
      /phases\[1\]\.interval 'soon' must be a duration/,
    ],
    [
      'an unknown key of an input',
      'inputs: [metrics]',
      'inputs: [{ name: pods, selectr: a=b }]',
      /phases\[1\]\.inputs\[0\]\.selectr is not a known field, did you mean 'selector'\?/,
    ],
    [
      'a query placeholder that is not declared',
      'phases:',
      'queries: [{ name: errors, queryTemplate: "x{a={{ .Nam }}}", parameters: [Name] }]\nphases:',
      /uses \{\{ \.Nam \}\}, which is not in parameters, did you mean 'Name'\?/,
    ],
    [
      'a timeout that leads to a phase with approval',
      'inputs: [metrics]',
      'inputs: [metrics]\n    timeout: 5m\n    onTimeout: Processing\n    approval: required',
      /phases\[1\] names 'Processing' in onTimeout, but 'Processing' requires an approval and onTimeout cannot wait for one/,
    ],
    [
      'a timeout that leads to the phase itself',
      'inputs: [metrics]',
      'inputs: [metrics]\n    timeout: 5m\n    onTimeout: Processing',
      /phases\[1\] names itself in onTimeout, so the timeout would expire again immediately/,
    ],
    [
      'a whenUndone that is no phase',
      'outputs: [virtualservices]\n    next: [Finished]',
      'outputs: [{ name: services, whenUndone: Finishd }]',
      /phases\[1\]\.outputs\[0\]\.whenUndone is 'Finishd', which is neither repair, giveUp nor another phase, did you mean 'Finished'\?/,
    ],
    [
      'a whenUndone that is the phase itself',
      'outputs: [virtualservices]\n    next: [Finished]',
      'outputs: [{ name: services, whenUndone: Processing }]',
      /whenUndone is 'Processing', which is neither repair, giveUp nor another phase/,
    ],
    [
      'a whenUndone that needs an approval',
      'outputs: [virtualservices]\n    next: [Processing]\n  - name: Processing',
      'outputs: [{ name: services, whenUndone: Processing }]\n  - name: Processing\n    approval: required',
      /phases\[0\]\.outputs\[0\]\.whenUndone names 'Processing', which requires an approval that whenUndone cannot wait for/,
    ],
    [
      'an initial phase with approval',
      '    initial: true',
      '    initial: true\n    approval: required',
      /phases\[0\] is initial and cannot require an approval/,
    ],
    [
      'a phase with the name of the finalizer’s file',
      'name: Finished',
      'name: Finalizer',
      /phases\[2\]\.name 'Finalizer' is the name of a generated file/,
    ],
    ['broken YAML', 'kind: Canary', 'kind: [Canary', /^autopilot\.yaml:\d+:\d+: /],
    ['a missing kind', 'kind: Canary\n', '', /kind is missing/],
  ];
  for (const [title, from, to, ...expected] of cases) {
    it(`reports ${title} with its place and the correction`, () => {
      expect(good).to.contain(from);
      const problems = problemsOf(good.replace(from, to));
      expect(problems).to.have.length.at.least(expected.length);
      for (const pattern of expected) {
        expect(
          problems.some((problem) => pattern.test(problem)),
          problems.join('\n'),
        ).to.equal(true);
      }
    });
  }

  it('reports all problems at once, in the order of the file', () => {
    const problems = problemsOf(
      good
        .replace('kind: Canary', 'kind: canary')
        .replace('[metrics]', '[metrisc]')
        .replace('[Finished]', '[Finishd]'),
    );
    expect(problems.map((problem) => Number(problem.split(':')[1]))).to.deep.equal([4, 15, 17, 18]);
  });

  it('loads a file of 2019 with the meaning of 2019, and warns about what differs', () => {
    const model = modelOf(`kind: CanaryDeployment
apiVersion: autopilot.examples.io/v1
operatorName: canary-operator
enableFinalizer: true
phases:
- name: Initializing
  description: Creating deployments for the canary
  initial: true
  inputs: [deployments]
  outputs: [deployments, services, virtualservices]
- name: Evaluating
  inputs: [metrics, virtualservices]
  outputs: [virtualservices]
customParameters:
- lowerName: certificates
  singleName: Certificate
  pluralName: Certificates
  importPrefix: certv1
  package: github.com/jetstack/cert-manager/pkg/apis/certmanager/v1alpha2
  apiGroup: cert-manager.io
  isCrd: true
queries:
- name: cpu-usage
  queryTemplate: 'sum(rate(cpu{ns="{{ .Namespace }}",pod="{{ .Name }}"}[1m]))'
  parameters: [Name, Namespace]
`);
    expect(model.plural).to.equal('canarydeployments');
    expect(model.finalizer).to.deep.equal({ metrics: false, inputs: [], outputs: [], line: 4 });
    expect(model.phases[0]?.next).to.deep.equal(['Initializing', 'Evaluating']);
    expect(model.phases[1]?.metrics).to.equal(true);
    expect(model.phases[1]?.inputs.map(({ kind }) => kind.name)).to.deep.equal(['virtualservices']);
    expect(model.queries.map(({ method }) => method)).to.deep.equal([
      'cpuUsage',
      'istioSuccessRate',
      'istioRequestDuration',
      'istioRequestCount',
      'istioTcpSuccessRate',
      'istioTcpConnectionCount',
      'envoySuccessRate',
      'envoyRequestDuration',
    ]);
    expect(model.warnings).to.have.length(1);
  });

  it('infers the version of a custom parameter from its Go import path', () => {
    const text = good
      .replace(
        'phases:',
        'customParameters: [{ lowerName: certificates, singleName: Certificate, package: example.org/apis/v1alpha2, apiGroup: cert-manager.io }]\nphases:',
      )
      .replace('[metrics]', '[certificates]');
    expect(modelOf(text).kinds.find(({ name }) => name === 'certificates')).to.deep.equal({
      name: 'certificates',
      group: 'cert-manager.io',
      version: 'v1alpha2',
      kind: 'Certificate',
      plural: 'certificates',
      namespaced: true,
    });
  });
});

describe('editing autopilot.yaml', () => {
  it('adds a phase and keeps comments and the order of the rest', () => {
    const commented = good.replace(
      '  - name: Processing',
      '  # the busy one\n  - name: Processing',
    );
    const text = addPhase(
      commented,
      { name: 'Waiting', inputs: ['pods'], next: ['Finished'] },
      'Processing',
    );
    expect(text)
      .to.contain('  # the busy one\n  - name: Processing')
      .and.to.contain('next: [Finished, Waiting]');
    expect(modelOf(text).phases.map(({ name }) => name)).to.deep.equal([
      'Initializing',
      'Processing',
      'Waiting',
      'Finished',
    ]);
  });

  it('refuses to add a phase after one that does not exist', () => {
    expect(() => addPhase(good, { name: 'Waiting' }, 'Procesing')).to.throw(
      "--after names 'Procesing', which is not a phase",
    );
  });
});
