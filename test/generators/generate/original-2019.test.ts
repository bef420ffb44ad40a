import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateProject, upToDate } from '../../../generators/lib/index.ts';
import type { GenerateResult, Model } from '../../../generators/lib/index.ts';

/** What projects of Autopilot of 2019 have written, field by field. */
const TUTORIAL = `apiVersion: examples.io/v1
kind: AutoRoute
operatorName: autorouter-operator
phases:
- description: AutoRoute has begun initializing
  initial: true
  name: Initializing
- description: AutoRoute has begun syncing
  inputs:
  - deployments
  name: Syncing
  outputs:
  - services
  - virtualservices
  - gateways
- description: |
    AutoRoute is ready.
    It waits for the next Deployment.
  inputs:
  - deployments
  name: Ready
  outputs:
`;

const CANARY = `kind: CanaryDeployment
apiVersion: autopilot.examples.io/v1
operatorName: canary-operator
phases:
- name: Initializing
  description: Creating deployments for the canary
  initial: true
  inputs: [deployments]
  outputs: [deployments, services, virtualservices]
- name: Waiting
  description: Waiting for the target deployment to be modified
  inputs: [deployments, virtualservices]
  outputs: [deployments, virtualservices]
- name: Evaluating
  description: Evaluating the canary
  inputs: [metrics, virtualservices]
  outputs: [virtualservices]
- name: Promoting
  description: Promoting the canary
  inputs: [deployments, virtualservices]
  outputs: [deployments, virtualservices]
- name: RollBack
  description: Rolling back the canary
  inputs: [deployments, virtualservices]
  outputs: [deployments, virtualservices]
`;

const EXTENDED = `kind: Rotation
apiVersion: examples.io/v1
operatorName: rotation-operator
enableFinalizer: true
phases:
- name: Looking
  initial: true
  final: false
  inputs: [secrets, certificates, metrics]
  outputs: [certificates]
- name: Over
  final: true
customParameters:
- lowerName: secrets
  singleName: Secret
  pluralName: Secrets
  importPrefix: corev1
  package: k8s.io/api/core/v1
- lowerName: certificates
  singleName: Certificate
  pluralName: Certificates
  importPrefix: certv1
  package: github.com/jetstack/cert-manager/pkg/apis/certmanager/v1alpha2
  apiGroup: cert-manager.io
  isCrd: true
queries:
- name: istio-request-count
  queryTemplate: 'sum(increase(istio_requests_total{destination_workload="{{ .Name }}"}[1h]))'
  parameters: [Name, Namespace]
- name: everything
  queryTemplate: sum(up)
`;

const OPERATOR = `version: 0.0.1
meshProvider: Istio
controlPlaneNs: istio-system
workInterval: 5s
metricsAddr: ":9091"
enableLeaderElection: true
watchNamespace: ""
leaderElectionNamespace: canary
logLevel: 1
`;

describe('the files of a project of 2019', function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-original-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  async function generated(project: string): Promise<GenerateResult> {
    writeFileSync(join(dir, 'autopilot.yaml'), project);
    writeFileSync(join(dir, 'autopilot-operator.yaml'), OPERATOR);
    const first = await generateProject(dir, { runtime: 'registry' });
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
    return first;
  }
  const phases = ({ phases: all }: Model): unknown =>
    all.map(({ name, next, final }) => [name, final, next.length]);

  it('of the tutorial generate as they are: every phase may go anywhere, inputs are of its own namespace and that is said', async () => {
    const { model } = await generated(TUTORIAL);
    expect(phases(model)).to.deep.equal([
      ['Initializing', false, 3],
      ['Syncing', false, 3],
      ['Ready', false, 3],
    ]);
    expect(
      model.phases.flatMap(({ inputs }) => inputs).map(({ namespace }) => namespace),
    ).to.deep.equal(['own', 'own']);
    expect(model.warnings.join()).to.contain('as Autopilot of 2019 did');
  });

  it('of the canary generate as they are', async () => {
    const { model } = await generated(CANARY);
    expect([
      model.plural,
      model.group,
      model.phases.length,
      model.phases.filter(({ metrics }) => metrics).length,
    ]).to.deep.equal(['canarydeployments', 'autopilot.examples.io', 5, 1]);
  });

  it('with a finalizer, kinds and queries of their own generate, also where such are built in by now', async () => {
    const { model, plan } = await generated(EXTENDED);
    expect(plan.changes.map(({ path }) => path)).to.include('src/finalizer.ts');
    const [certificates, secrets] = model.kinds;
    expect(certificates).to.include({
      group: 'cert-manager.io',
      version: 'v1alpha2',
      kind: 'Certificate',
    });
    expect(secrets, 'the built-in one, which is typed').to.have.nested.property(
      'module.package',
      'kubernetes-models',
    );
    const counts = model.queries.filter(({ method }) => method === 'istioRequestCount');
    expect(counts.map(({ template }) => template)).to.deep.equal([
      'sum(increase(istio_requests_total{destination_workload="{{ .name }}"}[1h]))',
    ]);
  });

  it('with two initial phases are one error, where the original generated code that did not compile', async () => {
    const error = await generated(
      CANARY.replace('modified\n', 'modified\n  initial: true\n'),
    ).catch((reason: Error) => reason.message);
    expect(error).to.equal(
      "autopilot.yaml:12:12: phases[1] is initial, but phases[0] ('Initializing') is already: remove 'initial' from one of them",
    );
  });

  it('may not declare one of the original kinds again, as in 2019', async () => {
    const error = await generated(EXTENDED.replace('lowerName: secrets', 'lowerName: pods')).catch(
      (reason: Error) => reason.message,
    );
    expect(error).to.match(/customParameters\[0\]\.lowerName 'pods' is a built-in kind/);
  });
});
