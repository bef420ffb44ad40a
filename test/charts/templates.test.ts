import { expect } from 'chai';
import { LIVE_KEYS } from '../../generators/lib/model/operator-config.ts';
import { leaseName } from '../../runtime/src/client/well-known-names.ts';
import { FIELD_NAMES, LIVE_SETTINGS } from '../../runtime/src/operator/config.ts';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json, Manifest, RenderOptions } from './rendering.ts';

interface Case {
  readonly it: string;
  readonly options?: RenderOptions;
  readonly kind: string;
  /** Path in the first manifest of the kind. A dot in a key is written `\`. */
  readonly path: string;
  readonly is: unknown;
}

const POD = 'spec.template.spec';
const OPERATOR = `${POD}.containers.0`;
const MONITORING = {
  apis: [
    'monitoring.coreos.com/v1/ServiceMonitor',
    'monitoring.coreos.com/v1/PodMonitor',
    'monitoring.coreos.com/v1/PrometheusRule',
  ],
};
const value = (values: Json): RenderOptions => ({ values });

const CASES: readonly Case[] = [
  { it: 'has one replica', kind: 'Deployment', path: 'spec.replicas', is: 1 },
  {
    it: 'leaves replicas to an autoscaler',
    options: value({ deployment: { autoscaled: true } }),
    kind: 'Deployment',
    path: 'spec.replicas',
    is: undefined,
  },
  {
    it: 'recreates without election',
    options: value({ config: { enableLeaderElection: false } }),
    kind: 'Deployment',
    path: 'spec.strategy',
    is: { type: 'Recreate' },
  },
  {
    it: 'takes the version for a tag',
    kind: 'Deployment',
    path: `${OPERATOR}.image`,
    is: 'example-operator:0.1.0',
  },
  {
    it: 'composes the image',
    options: value({ image: { registry: 'reg.example.com', repository: 'team/op', tag: '1.2' } }),
    kind: 'Deployment',
    path: `${OPERATOR}.image`,
    is: 'reg.example.com/team/op:1.2',
  },
  {
    it: 'prefers digest and global registry',
    options: value({
      global: { imageRegistry: 'g.example.com/' },
      image: { registry: 'r', tag: 'x', digest: `sha256:${'a'.repeat(64)}` },
    }),
    kind: 'Deployment',
    path: `${OPERATOR}.image`,
    is: `g.example.com/example-operator@sha256:${'a'.repeat(64)}`,
  },
  {
    it: 'joins pull secrets',
    options: value({
      global: { imagePullSecrets: [{ name: 'a' }] },
      imagePullSecrets: [{ name: 'a' }, { name: 'b' }],
    }),
    kind: 'Deployment',
    path: `${POD}.imagePullSecrets`,
    is: [{ name: 'a' }, { name: 'b' }],
  },
  {
    it: 'spreads its own Pods',
    options: value({ topologySpreadConstraints: [{ topologyKey: 'zone' }] }),
    kind: 'Deployment',
    path: `${POD}.topologySpreadConstraints`,
    is: [
      {
        topologyKey: 'zone',
        maxSkew: 1,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: {
          matchLabels: {
            'app.kubernetes.io/name': 'example-operator',
            'app.kubernetes.io/instance': 'r',
          },
        },
      },
    ],
  },
  {
    it: 'keeps a spread that says whom it means',
    options: value({
      topologySpreadConstraints: [
        { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } },
      ],
    }),
    kind: 'Deployment',
    path: `${POD}.topologySpreadConstraints`,
    is: [{ topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } }],
  },
  {
    it: 'merges pod deeply',
    options: value({
      pod: { priorityClassName: 'high', securityContext: { fsGroup: 1000650000 } },
    }),
    kind: 'Deployment',
    path: `${POD}.securityContext`,
    is: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, fsGroup: 1000650000 },
  },
  {
    it: 'merges container',
    options: value({ container: { workingDir: '/app' } }),
    kind: 'Deployment',
    path: `${OPERATOR}.workingDir`,
    is: '/app',
  },
  {
    it: 'puts extraEnv after its own',
    options: value({ extraEnv: [{ name: 'A', value: '1' }] }),
    kind: 'Deployment',
    path: `${OPERATOR}.env.5`,
    is: { name: 'A', value: '1' },
  },
  {
    it: 'names the watched namespaces',
    options: value({ watchNamespaces: ['b', 'a'] }),
    kind: 'Deployment',
    path: `${OPERATOR}.env.2.value`,
    is: 'a,b',
  },
  {
    it: 'keeps a probe of the user',
    options: value({ probes: { liveness: { exec: { command: ['true'] }, timeoutSeconds: 2 } } }),
    kind: 'Deployment',
    path: `${OPERATOR}.livenessProbe.httpGet`,
    is: undefined,
  },
  {
    it: 'budgets one Pod at a time',
    options: value({ podDisruptionBudget: { enabled: true } }),
    kind: 'PodDisruptionBudget',
    path: 'spec.maxUnavailable',
    is: 1,
  },
  {
    it: 'labels everything',
    options: value({ commonLabels: { team: 'x' } }),
    kind: 'ConfigMap',
    path: 'metadata.labels.team',
    is: 'x',
  },
  {
    it: 'does not let labels break the selector',
    options: value({ podLabels: { 'app.kubernetes.io/name': 'other' } }),
    kind: 'Deployment',
    path: 'spec.template.metadata.labels.app\\kubernetes\\io/name',
    is: 'example-operator',
  },
  {
    it: 'annotates everything',
    options: value({ commonAnnotations: { a: 'b' } }),
    kind: 'ClusterRole',
    path: 'metadata.annotations',
    is: { a: 'b' },
  },
  {
    it: 'keeps the CRD',
    kind: 'CustomResourceDefinition',
    path: 'metadata.annotations',
    is: { 'helm.sh/resource-policy': 'keep', 'argocd.argoproj.io/sync-options': 'Prune=false' },
  },
  {
    it: 'lets the CRD go',
    options: value({ crds: { keep: false } }),
    kind: 'CustomResourceDefinition',
    path: 'metadata.annotations',
    is: undefined,
  },
  {
    it: 'scrapes through the Service',
    options: { ...MONITORING, ...value({ metrics: { serviceMonitor: { enabled: true } } }) },
    kind: 'ServiceMonitor',
    path: 'spec.endpoints.0.port',
    is: 'metrics',
  },
  {
    it: 'scrapes Pods',
    options: { ...MONITORING, ...value({ metrics: { podMonitor: { enabled: true } } }) },
    kind: 'PodMonitor',
    path: 'spec.podMetricsEndpoints.0.path',
    is: '/metrics',
  },
  {
    it: 'leaves out alerts by name',
    options: {
      ...MONITORING,
      ...value({
        metrics: {
          prometheusRule: {
            enabled: true,
            disabled: ['ExampleNoLeader'],
            alertLabels: { severity: 'page' },
          },
        },
      }),
    },
    kind: 'PrometheusRule',
    path: 'spec.groups.0.rules.0.labels.severity',
    is: 'page',
  },
  {
    it: 'renders objects with templates in them',
    options: value({
      extraObjects: [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: '{{ .Release.Name }}-x' } },
      ],
    }),
    kind: 'Secret',
    path: 'metadata.name',
    is: 'r-x',
  },
];

describe('the templates of the chart', () => {
  let chart: Chart;
  before(async () => (chart = await chartOf({ kind: 'Example' })));
  after(() => chart?.remove());
  const find = async (kind: string, options?: RenderOptions): Promise<readonly Manifest[]> =>
    (await render(chart.path, options)).filter((one) => one.kind === kind);

  for (const { it: promise, options, kind, path, is } of CASES) {
    it(promise, async () => {
      const [manifest] = await find(kind, options);
      expect(manifest, kind).not.to.equal(undefined);
      expect(at(manifest, path)).to.deep.equal(is);
    });
  }

  it('grants what the phases declare, Events and status, and nothing else', async () => {
    const role = (await find('ClusterRole')).find(
      ({ metadata }) => !metadata.name.endsWith('-view'),
    );
    expect(role?.['rules']).to.deep.equal([
      { apiGroups: ['examples.io'], resources: ['examples'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['examples.io'], resources: ['examples/status'], verbs: ['patch'] },
      {
        apiGroups: ['networking.istio.io'],
        resources: ['virtualservices'],
        verbs: ['get', 'list', 'watch', 'create', 'patch'],
      },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ]);
  });

  it('grants what the values add, beside', async () => {
    const extra = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
    const roles = await find('ClusterRole', value({ rbac: { extraRules: [extra] } }));
    const own = roles.find(({ metadata }) => !metadata.name.endsWith('-view'));
    expect(at(own, 'rules.4')).to.deep.equal(extra);
  });

  it('with watchNamespaces and without the CRD has nothing cluster-wide', async () => {
    const manifests = await render(
      chart.path,
      value({ watchNamespaces: ['b', 'a'], crds: { enabled: false } }),
    );
    expect(manifests.filter(({ metadata }) => metadata.namespace === undefined)).to.deep.equal([]);
    const roles = manifests.filter(
      ({ kind, metadata }) => kind === 'Role' && !metadata.name.endsWith('-lease'),
    );
    expect(roles.map(({ metadata }) => metadata.namespace)).to.deep.equal(['a', 'b']);
  });

  it('adds to edit and admin only when asked', async () => {
    const names = async (values: Json): Promise<readonly string[]> =>
      (await find('ClusterRole', { values })).map(({ metadata }) => metadata.name);
    expect(await names({})).to.deep.equal([
      'ops:r-example-operator-view',
      'ops:r-example-operator',
    ]);
    expect(
      await names({ rbac: { aggregate: { view: false, edit: true, admin: true } } }),
    ).to.deep.equal([
      'ops:r-example-operator-admin',
      'ops:r-example-operator-edit',
      'ops:r-example-operator',
    ]);
  });

  it('names the lease as the runtime does', async () => {
    for (const namespaces of [[], ['b', 'a']]) {
      const lease = (await find('Role', value({ watchNamespaces: namespaces }))).find(
        ({ metadata }) => metadata.name.endsWith('-lease'),
      );
      expect(at(lease, 'rules.1.resourceNames')).to.deep.equal([
        leaseName('example-operator', namespaces),
      ]);
    }
  });

  it('restarts Pods for a changed setting unless the runtime takes it live', async () => {
    expect([...LIVE_KEYS].sort()).to.deep.equal(
      LIVE_SETTINGS.map((name) => FIELD_NAMES[name]).sort(),
    );
    const checksum = async (config: Json): Promise<unknown> =>
      at(
        (await find('Deployment', value({ config })))[0],
        'spec.template.metadata.annotations.checksum/config',
      );
    const before = await checksum({});
    expect(
      await checksum({ workInterval: '9s', paused: true, logLevel: 'Debug', config: { a: 1 } }),
    ).to.equal(before);
    expect(await checksum({ maxConcurrentReconciles: 3 })).not.to.equal(before);
  });

  it('appends lists of container and pod to its own', async () => {
    const [deployment] = await find(
      'Deployment',
      value({
        extraEnv: [{ name: 'A', value: '1' }],
        extraVolumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        tolerations: [{ key: 'a' }],
        container: {
          env: [{ name: 'B', value: '2' }],
          ports: [{ name: 'debug', containerPort: 9229 }],
          volumeMounts: [{ name: 'more', mountPath: '/more' }],
        },
        pod: { tolerations: [{ key: 'b' }] },
      }),
    );
    const container = at(deployment, `${OPERATOR}`);
    const names = (path: string): unknown =>
      (at(container, path) as { name: string }[]).map(({ name }) => name);
    expect(names('env')).to.include.members(['POD_NAME', 'WATCH_NAMESPACE', 'A', 'B']);
    expect(names('ports')).to.deep.equal(['metrics', 'debug']);
    expect(names('volumeMounts')).to.deep.equal(['configuration', 'state', 'tmp', 'more']);
    expect(at(deployment, `${POD}.tolerations`)).to.deep.equal([{ key: 'a' }, { key: 'b' }]);
  });

  it('omits a probe that is switched off, and keeps the switch out of the others', async () => {
    const [deployment] = await find(
      'Deployment',
      value({ probes: { startup: { enabled: false } } }),
    );
    expect(at(deployment, `${OPERATOR}.startupProbe`)).to.equal(undefined);
    expect(at(deployment, `${OPERATOR}.livenessProbe`)).to.include.keys('httpGet');
    expect(at(deployment, `${OPERATOR}.livenessProbe`)).to.not.include.keys('enabled');
  });

  it('takes pull secrets as names, and numbers as helm --set passes them', async () => {
    const [deployment] = await find('Deployment', {
      values: { global: { imagePullSecrets: ['a'] }, imagePullSecrets: [{ name: 'b' }] },
    });
    expect(at(deployment, `${POD}.imagePullSecrets`)).to.deep.equal([{ name: 'a' }, { name: 'b' }]);
    const rules = await find('PrometheusRule', {
      ...MONITORING,
      values: { metrics: { prometheusRule: { enabled: true } } },
      args: ['--set', 'metrics.prometheusRule.errorRatio=0.5'],
    });
    expect(JSON.stringify(rules)).to.contain('> 0.5');
  });

  it('adds fields to the endpoint of a monitor', async () => {
    const endpoint = { scheme: 'https', tlsConfig: { insecureSkipVerify: true } };
    const [monitor] = await find('ServiceMonitor', {
      ...MONITORING,
      values: { metrics: { serviceMonitor: { enabled: true, endpoint } } },
    });
    expect(at(monitor, 'spec.endpoints.0')).to.deep.include({ ...endpoint, port: 'metrics' });
  });

  it('gives the Pod of helm test what the Pod of the operator gets, and no sidecar', async () => {
    const values: Json = {
      podLabels: { team: 'a' },
      podAnnotations: { note: 'b' },
      affinity: { nodeAffinity: {} },
      pod: { priorityClassName: 'high', runtimeClassName: 'gvisor' },
      networkPolicy: { enabled: true },
    };
    const manifests = await render(chart.path, value(values));
    const pod = manifests.find(({ kind }) => kind === 'Pod');
    expect(pod?.metadata.labels).to.include({ team: 'a', 'sidecar.istio.io/inject': 'false' });
    expect(pod?.metadata['annotations']).to.include({ note: 'b', 'helm.sh/hook': 'test' });
    expect(pod?.['spec']).to.deep.include({
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      runtimeClassName: 'gvisor',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    });
    const policy = manifests.find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name.endsWith('-scripts'),
    );
    expect(at(policy, 'spec.podSelector.matchExpressions.1.values')).to.include(
      pod?.metadata.labels['app.kubernetes.io/name'],
    );
  });

  it('names objects outside of its namespace so that no two releases share a name', async () => {
    const names = async (namespace: string, release: string): Promise<readonly string[]> => {
      const dashboard = { enabled: true, namespace: 'monitoring' };
      const rendered = await render(chart.path, {
        release,
        namespace,
        values: { fullnameOverride: release, metrics: { dashboard } },
      });
      return rendered
        .filter(({ metadata }) => metadata.namespace !== namespace)
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    };
    const [first, second] = [await names('a', 'b-c'), await names('a-b', 'c')];
    expect(first).to.have.length.greaterThan(3);
    expect(first.filter((name) => second.includes(name))).to.deep.equal([]);
    const same = await names('z', 'c');
    expect(second.filter((name) => same.includes(name))).to.deep.equal([]);
  });

  it('lets in metrics, and out names, API server and Prometheus, and nothing else', async () => {
    const [policy] = await find('NetworkPolicy', value({ networkPolicy: { enabled: true } }));
    expect(at(policy, 'spec.ingress')).to.deep.equal([{ ports: [{ port: 'metrics' }] }]);
    expect(
      (at(policy, 'spec.egress') as { ports: { port: number }[] }[]).map(({ ports }) =>
        ports.map(({ port }) => port),
      ),
    ).to.deep.equal([[53, 53, 5353, 5353], [443, 6443], [9090]]);
  });
});
