import { expect } from 'chai';
import { settingsOf } from '../../runtime/src/operator/config.ts';
import { parse } from 'yaml';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json, Manifest } from './rendering.ts';

describe('metrics.secure of the chart', () => {
  let chart: Chart;
  before(async () => {
    chart = await chartOf({ kind: 'Example' });
  });
  after(() => chart?.remove());

  async function rendered(values: Json): Promise<readonly Manifest[]> {
    const apis = ['monitoring.coreos.com/v1/ServiceMonitor', 'monitoring.coreos.com/v1/PodMonitor'];
    return render(chart.path, { apis, values });
  }
  const find = (manifests: readonly Manifest[], kind: string): Manifest | undefined =>
    manifests.find((manifest) => manifest.kind === kind);
  const isSecure = (manifests: readonly Manifest[]): boolean =>
    settingsOf(
      parse(String(at(find(manifests, 'ConfigMap'), 'data.autopilot-operator\\yaml'))) as object,
    ).secureMetrics;
  const checksum = (manifests: readonly Manifest[]): unknown =>
    at(find(manifests, 'Deployment'), 'spec.template.metadata.annotations.checksum/config');

  it('sets the configuration, restarts the Pods, and grants the two reviews to the operator', async () => {
    const open = await rendered({});
    const secure = await rendered({ metrics: { secure: true } });
    expect([isSecure(open), isSecure(secure)]).to.deep.equal([false, true]);
    expect(checksum(secure)).to.not.equal(checksum(open));
    const reviews = [
      {
        apiGroups: ['authentication.k8s.io'],
        resources: ['tokenreviews'],
        verbs: ['create'],
      },
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['subjectaccessreviews'],
        verbs: ['create'],
      },
    ];
    const rules = (manifests: readonly Manifest[]): unknown =>
      at(
        manifests.find(
          ({ kind, metadata }) =>
            kind === 'ClusterRole' &&
            !metadata.name.endsWith('-view') &&
            !metadata.name.endsWith('-reader'),
        ),
        'rules',
      );
    expect(rules(secure)).to.include.deep.members(reviews);
    expect(JSON.stringify(rules(open))).to.not.contain('reviews');
  });

  it('adds a ClusterRole for who may read the metrics, and for nothing else', async () => {
    const reader = (manifests: readonly Manifest[]): Manifest | undefined =>
      manifests.find(({ metadata }) => metadata.name.endsWith('-metrics-reader'));
    expect(reader(await rendered({}))).to.equal(undefined);
    expect(reader(await rendered({ metrics: { secure: true } }))?.['rules']).to.deep.equal([
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ]);
  });

  it('lets the ServiceMonitor send the token of Prometheus, unless it has another one', async () => {
    const endpointFor = async (metrics: Json): Promise<Json> =>
      at(find(await rendered({ metrics }), 'ServiceMonitor'), 'spec.endpoints.0') as Json;
    const file = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const enabled = { enabled: true };
    expect(await endpointFor({ serviceMonitor: enabled })).to.not.have.property('bearerTokenFile');
    expect(await endpointFor({ secure: true, serviceMonitor: enabled })).to.have.property(
      'bearerTokenFile',
      file,
    );
    const authorization = { credentials: { name: 'token', key: 'token' } };
    const own = await endpointFor({
      secure: true,
      serviceMonitor: { ...enabled, endpoint: { authorization } },
    });
    expect(own).to.deep.include({ authorization }).and.to.not.have.property('bearerTokenFile');
  });

  it('needs a Secret for the PodMonitor', async () => {
    const authorization = { credentials: { name: 'token', key: 'token' } };
    const values = {
      metrics: { secure: true, podMonitor: { enabled: true, endpoint: { authorization } } },
    };
    expect(
      at(find(await rendered(values), 'PodMonitor'), 'spec.podMetricsEndpoints.0'),
    ).to.deep.include({ authorization });
  });
});
