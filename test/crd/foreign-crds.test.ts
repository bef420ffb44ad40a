import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { renderInterfaceModule } from '../../generators/lib/crd/typescript-types.ts';
import { parseCrds } from '../../generators/lib/kinds/crd-text.ts';
import { crdKindOf } from '../../generators/lib/kinds/foreign-crd.ts';
import { resolveCustomKinds } from '../../generators/lib/kinds/custom-kinds.ts';
import { controlPlane, tool } from '../realparts/index.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { gatewayApiCrds, istioCrds } from '../realparts/parts.ts';
import { compileCrd } from './compile-crd.ts';
import { compileTypeScript } from './compile-typescript.ts';

const USES = `
import type { IVirtualService } from './networking-istio-io-VirtualService-v1.ts';
import type { IHTTPRoute } from './gateway-networking-k8s-io-HTTPRoute-v1.ts';
export const route: IVirtualService = {
  spec: {
    hosts: ['web'],
    http: [
      {
        name: 'split',
        match: [{ uri: { prefix: '/a' } }],
        route: [{ destination: { host: 'web', port: { number: 80 } }, weight: 90 }],
      },
    ],
  },
};
export const http: IHTTPRoute = {
  spec: {
    parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'main' }],
    hostnames: ['web.example'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }],
      },
    ],
  },
};
`;

const WRONG = `
import type { IVirtualService } from './networking-istio-io-VirtualService-v1.ts';
import type { IHTTPRoute } from './gateway-networking-k8s-io-HTTPRoute-v1.ts';
export const route: IVirtualService = { spec: { hosts: 'web' } };
export const http: IHTTPRoute = {
  spec: { rules: [{ matches: [{ path: { type: 'Prefix', value: '/' } }] }] },
};
`;

describe('CRDs of other projects', () => {
  it('of Istio and the Gateway API become interfaces that compile, accept valid routes and reject others', async function () {
    this.timeout(300_000);
    const files = [...(await istioCrds()), ...(await gatewayApiCrds())];
    const crds = files.flatMap((file) =>
      parseCrds(readFileSync(file, 'utf8'), file).crds.map(({ crd }) => crd),
    );
    expect(crds.filter(({ spec }) => spec.group.endsWith('istio.io'))).to.have.length.of.at.least(
      15,
    );
    expect(crds.filter(({ spec }) => spec.group.endsWith('k8s.io'))).to.have.length.of.at.least(10);
    const modules = crds.flatMap((crd) =>
      (crd.spec.versions ?? []).map(({ name }) => {
        const { group, names } = crd.spec;
        return [
          `${group.replaceAll('.', '-')}-${names.kind}-${name}.ts`,
          renderInterfaceModule(names.kind, crdKindOf(crd, name).schema, crd.metadata.name),
        ] as const;
      }),
    );
    const problems = await compileTypeScript({
      ...Object.fromEntries(modules),
      'uses.ts': USES,
      'wrong.ts': WRONG,
    });
    const places = problems
      .filter((line) => /^\S+\(\d+/.test(line))
      .map((line) => /^(\S+)\((\d+),/.exec(line)?.slice(1).join(':'));
    expect(places, problems.join('\n')).to.deep.equal(['wrong.ts:4', 'wrong.ts:6']);
  });

  describe('in a cluster', () => {
    let plane: ControlPlane;
    let dir: string;
    const before_ = { ...process.env };
    before(async () => {
      plane = await controlPlane();
      dir = mkdtempSync(join(tmpdir(), 'autopilot-cluster-'));
      await plane.kubectl(['apply', '-f', '-'], {
        input: JSON.stringify(compileCrd('export interface FeatureSpec { readonly host: string }')),
      });
      process.env['KUBECONFIG'] = plane.kubeconfig;
      process.env['PATH'] = `${dirname(await tool('kubectl'))}:${process.env['PATH']}`;
    });
    after(async () => {
      process.env['PATH'] = before_['PATH'];
      if (before_['KUBECONFIG'] === undefined) {
        delete process.env['KUBECONFIG'];
      } else {
        process.env['KUBECONFIG'] = before_['KUBECONFIG'];
      }
      rmSync(dir, { recursive: true, force: true });
      await plane?.stop();
    });

    it('are found by their kind, and kept without the metadata that the cluster adds', async () => {
      const { kinds, files } = await resolveCustomKinds(dir, [
        { name: 'features', crd: 'cluster', kind: 'Feature' },
      ]);
      const result = kinds.get('features');
      expect(result).to.have.property('type', 'found');
      expect(result).to.have.property('kind').that.includes({
        group: 'features.test',
        version: 'v1',
        plural: 'features',
        scope: 'Namespaced',
      });
      expect(files.map(({ path }) => path)).to.deep.equal(['.autopilot/crds/features.json']);
      expect(files[0]?.content)
        .to.contain('"host"')
        .and.not.to.contain('managedFields')
        .and.not.to.contain('uid');
    });

    it('give a failed result when the kind is missing', async () => {
      const { kinds } = await resolveCustomKinds(dir, [
        { name: 'others', crd: 'cluster', kind: 'Other' },
      ]);
      expect(kinds.get('others')).to.deep.equal({
        type: 'failed',
        message:
          'the cluster has no CustomResourceDefinition of the kind Other (its kinds: Feature)',
      });
    });
  });
});
