import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { settingsOf } from '../../runtime/src/operator/config.ts';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

/** The values that docs/operations.md shows for a Secret with headers. */
function documentedValues(): Json {
  const text = readFileSync(join(packageRoot, 'docs/operations.md'), 'utf8');
  const section = text.split('## Secret headers for Prometheus')[1] ?? '';
  return parse(/```yaml\n(.*?)```/s.exec(section)?.[1] ?? '') as Json;
}

describe('the values of the documents for secret headers', () => {
  let chart: Chart;
  before(async () => {
    chart = await chartOf({ kind: 'Example' });
  });
  after(() => chart?.remove());

  it('mount the Secret where the configuration reads the header, and no value is in a manifest', async () => {
    const values = documentedValues();
    const manifests = await render(chart.path, { values });
    const config = manifests.find(({ kind }) => kind === 'ConfigMap');
    const text = String(at(config, 'data.autopilot-operator\\yaml'));
    const { headerFiles = {} } = settingsOf(parse(text) as object).metrics;
    expect(Object.keys(headerFiles)).to.deep.equal(['Authorization']);
    const pod = at(
      manifests.find(({ kind }) => kind === 'Deployment'),
      'spec.template.spec',
    ) as Json;
    const mounts = at(pod, 'containers.0.volumeMounts') as readonly Json[];
    const volumes = pod['volumes'] as readonly Json[];
    for (const file of Object.values(headerFiles)) {
      const mount = mounts.find(({ mountPath }) => mountPath === dirname(file));
      expect(volumes.find(({ name }) => name === mount?.['name'])).to.deep.include({
        secret: { secretName: 'prometheus-headers' },
      });
    }
  });
});
