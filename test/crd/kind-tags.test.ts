import { expect } from 'chai';
import { execa } from 'execa';
import { controlPlane, tool, until } from '../realparts/index.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { compileCrd } from './compile-crd.ts';

const TYPES = `
/**
 * @shortName ft @category mesh, tests
 * @scale spec.replicas status.replicas status.selector
 * @printerColumn {"name": "First", "type": "string", "jsonPath": ".spec.hosts[0]"}
 * @deprecated use Other
 */
export interface FeatureSpec {
  /** How many. @default 2 @column */
  readonly replicas: Int32;
  /** @column Share of traffic */
  readonly share?: IntOrString;
  readonly inner?: { /** @wideColumn */ readonly on: boolean };
  readonly hosts?: readonly string[];
  /** @column Since */
  readonly notBefore?: Timestamp;
}
export interface FeatureStatusInfo {
  readonly replicas: Int32;
  readonly selector: string;
  /** @column */ readonly load?: number;
}`;

describe('tags about the kind, seen with kubectl on a real API server', () => {
  let plane: ControlPlane;
  const get = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await plane.kubectl(['get', ...args]))
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s{2,}/g, ' | '));
  before(async () => {
    plane = await controlPlane();
    await plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(compileCrd(TYPES)) });
    await plane.kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd/features.features.test',
    ]);
    const spec = {
      share: '10%',
      inner: { on: true },
      hosts: ['a', 'b'],
      notBefore: '2020-01-01T00:00:00Z',
    };
    const input = JSON.stringify({
      apiVersion: 'features.test/v1',
      kind: 'Feature',
      metadata: { name: 'one', namespace: 'default' },
      spec,
    });
    await until('the kind is served', 30_000, () => plane.kubectl(['apply', '-f', '-'], { input }));
    const status = JSON.stringify({ status: { replicas: 1, selector: 'app=one', load: 0.5 } });
    await plane.kubectl([
      'patch',
      'feature',
      'one',
      '--subresource=status',
      '--type=merge',
      '-p',
      status,
    ]);
  });
  after(() => plane?.stop());

  it('@column: the fields are between Ready and Age, times as ages', async () => {
    const [head, row] = await get('features');
    expect(head).to.match(
      /^NAME \| PHASE \| READY \| REPLICAS \| SHARE OF TRAFFIC \| SINCE \| LOAD \| FIRST \| AGE$/,
    );
    expect(row).to.match(/^one \| A \| 2 \| 10% \| [0-9y]+d? \| 0.5 \| a \| \d+s$/);
  });

  it('@wideColumn: with --output wide only', async () => {
    const [head, row] = await get('features', '--output=wide');
    expect(head).to.contain('| ON |');
    expect(row).to.contain('| true |');
  });

  it('@shortName and @category: kubectl get finds the resource', async () => {
    expect((await get('ft', '--no-headers'))[0]).to.contain('one');
    expect((await get('mesh', '--no-headers'))[0]).to.contain('one');
    expect((await get('tests', '--no-headers'))[0]).to.contain('one');
  });

  it('@scale: kubectl scale writes the field of the spec, and reads the fields of the status', async () => {
    await plane.kubectl(['scale', 'feature/one', '--replicas=5']);
    expect(await get('feature', 'one', '--output=jsonpath={.spec.replicas}')).to.deep.equal(['5']);
    const scale = JSON.parse(
      await plane.kubectl([
        'get',
        '--raw',
        '/apis/features.test/v1/namespaces/default/features/one/scale',
      ]),
    ) as { status: object };
    expect(scale.status).to.deep.equal({ replicas: 1, selector: 'app=one' });
  });

  it('@deprecated: kubectl prints a warning', async () => {
    const { stderr } = await execa(await tool('kubectl'), [
      '--kubeconfig',
      plane.kubeconfig,
      'get',
      'features',
    ]);
    expect(stderr).to.contain('Warning: features.test/v1 Feature is deprecated: use Other');
  });
});
