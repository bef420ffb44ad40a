import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { scaffold } from '../../generators/lib/library.ts';
import { leaseName } from '../../runtime/src/kube/names.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane } from '../realparts/index.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Record<string, string> };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

describe('the generated chart', () => {
  let plane: ControlPlane;
  let dir: string;
  let chart: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-chart-'));
    chart = join(dir, 'charts/example-operator');
    await scaffold({ dir, kind: 'Example', apiVersion: 'examples.io/v1' });
    plane = await controlPlane();
    await plane.kubectl(['create', 'namespace', 'ops']);
  });
  after(async () => {
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function template(...args: readonly string[]): Promise<readonly Manifest[]> {
    const text = await plane.helm(['template', 'r', chart, '-n', 'ops', ...args]);
    return parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
  }
  const failure = (...args: readonly string[]): Promise<string> =>
    plane.helm(['template', 'r', chart, ...args]).then(
      () => 'no failure',
      (error: Error) => error.message,
    );

  it('passes helm lint --strict', async () => {
    expect(await plane.helm(['lint', '--strict', chart])).to.contain('0 chart(s) failed');
  });

  it('grants what the phases declare, the events and the status, and nothing else', async () => {
    const role = (await template()).find(({ kind }) => kind === 'ClusterRole');
    expect(role?.rules).to.deep.equal([
      { apiGroups: ['examples.io'], resources: ['examples'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['examples.io'], resources: ['examples/status'], verbs: ['patch'] },
      { apiGroups: ['networking.istio.io'], resources: ['virtualservices'], verbs: ['get', 'list', 'watch', 'create', 'patch'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
    ]);
  });

  it('with watchNamespaces has Roles there and nothing cluster-wide but the CRD', async () => {
    const manifests = await template('--set', 'watchNamespaces={b,a}', '--set', 'crds.enabled=false');
    expect(manifests.filter(({ kind }) => kind.startsWith('Cluster') || kind === 'CustomResourceDefinition')).to.deep.equal([]);
    expect(manifests.filter(({ kind, metadata }) => kind === 'Role' && metadata.namespace !== 'ops').map(({ metadata }) => metadata.namespace)).to.have.members(
      ['a', 'b'],
    );
  });

  it('names the lease as the runtime does', async () => {
    for (const namespaces of [[], ['b', 'a']]) {
      const manifests = await template(...(namespaces.length === 0 ? [] : ['--set', `watchNamespaces={${namespaces.join(',')}}`]));
      const rules = manifests.find(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('leader-election'))?.rules;
      expect(rules?.find(({ resourceNames }) => resourceNames !== undefined)?.resourceNames).to.deep.equal([leaseName('example-operator', namespaces)]);
    }
  });

  it('refuses two replicas without leader election, and variables that it sets itself', async () => {
    expect(await failure('--set', 'replicas=2', '--set', 'config.enableLeaderElection=false')).to.contain('two processes would run one state machine');
    expect(await failure('--set', 'extraEnv[0].name=POD_NAME', '--set', 'extraEnv[0].value=x')).to.contain('extraEnv must not set POD_NAME');
  });

  it('installs with Helm, and its CRD and its Deployment are accepted by the API server', async () => {
    await plane.helm(['install', 'r', chart, '-n', 'ops']);
    expect(await plane.kubectl(['get', 'crd', 'examples.examples.io', '-o', 'jsonpath={.status.conditions[?(@.type=="Established")].status}'])).to.equal(
      'True',
    );
    expect(await plane.kubectl(['get', 'deployment', '-n', 'ops', '-o', 'jsonpath={.items[*].metadata.name}'])).to.equal('r-example-operator');
  });

  it('gives Pods that Pod Security `restricted` admits', async () => {
    await plane.kubectl(['label', 'namespace', 'ops', 'pod-security.kubernetes.io/enforce=restricted']);
    const pod = JSON.parse(await plane.kubectl(['get', 'deployment', 'r-example-operator', '-n', 'ops', '-o', 'jsonpath={.spec.template}'])) as object;
    const created = await plane.kubectl(['create', '--dry-run=server', '-f', '-', '-o', 'name'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod, metadata: { name: 'trial', namespace: 'ops' } }),
    });
    expect(created.trim()).to.equal('pod/trial');
  });

  it('keeps the CRD and its resources when it is uninstalled, and installs over it again', async () => {
    await plane.kubectl(['create', '-f', join(dir, 'examples/example.yaml')]);
    await plane.helm(['uninstall', 'r', '-n', 'ops']);
    expect(await plane.kubectl(['get', 'examples', '-o', 'name'])).to.contain('example.examples.io/example');
    await plane.helm(['install', 'r', chart, '-n', 'ops']);
  });
});
