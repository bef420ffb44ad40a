import { expect } from 'chai';
import type { Deployment } from '../src/generated/kinds.ts';
import { describeRoutes, routesOf, service, virtualService } from '../src/routes.ts';
import { deployment } from './deployments.ts';

describe('a route', () => {
  it('leads to the first port that a container of the Deployment declares', () => {
    const { routes } = routesOf([deployment('web', { ports: [8080, 9090] }) as Deployment], 'shop');
    expect(routes[0]).to.deep.equal({ name: 'web', port: 8080, podLabels: { app: 'web' } });
  });

  it('does not exist for a Deployment without a port', () => {
    expect(routesOf([deployment('batch', { ports: [] }) as Deployment], 'shop')).to.deep.equal({
      routes: [],
      skipped: [],
    });
  });

  it('has the Deployment and the AutoRoute in its host', () => {
    const { metadata, spec } = virtualService({ name: 'web', port: 80, podLabels: {} }, 'example');
    expect([metadata.name, spec?.hosts, spec?.gateways]).to.deep.equal([
      'web.example',
      ['web.example'],
      ['example'],
    ]);
  });

  // oxlint-disable-next-line typescript/no-explicit-any -- the spec of a Deployment, to change
  type Change = (spec: any) => void;
  function changed(name: string, change: Change): Deployment {
    const { spec, ...others } = structuredClone(deployment(name));
    change(spec);
    return { ...others, spec } as unknown as Deployment;
  }

  it('does not lead to a UDP port', () => {
    const dns = { containerPort: 53, protocol: 'UDP' };
    const both = changed('both', ({ template }) => {
      template.spec.containers[0].ports = [dns, { containerPort: 8080 }];
    });
    const only = changed('only', ({ template }) => {
      template.spec.containers[0].ports = [dns];
    });
    const found = routesOf([both, only], 'shop');
    expect(found.routes).to.deep.equal([{ name: 'both', port: 8080, podLabels: { app: 'both' } }]);
    expect(describeRoutes(found)).to.equal('1 routed; only is not routed: it declares no TCP port');
  });

  it('selects the Pods of a Deployment whose selector has only expressions', () => {
    const web = changed('web', (spec) => {
      spec.selector = { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'w'] }] };
    });
    expect(routesOf([web], 'shop').routes).to.deep.equal([
      { name: 'web', port: 80, podLabels: { app: 'web' } },
    ]);
  });

  it('does not exist for a Deployment whose Pods no Service can select', () => {
    const web = changed('web', (spec) => {
      spec.selector = { matchExpressions: [{ key: 'old', operator: 'DoesNotExist' }] };
    });
    expect(routesOf([web, deployment('api') as Deployment], 'shop')).to.deep.equal({
      routes: [{ name: 'api', port: 80, podLabels: { app: 'api' } }],
      skipped: [{ name: 'web', reason: 'no Service can select its Pods: use matchLabels' }],
    });
  });

  it('has a Service with a legal name that no other Deployment has', () => {
    const namesOf = (name: string): readonly string[] => {
      const route = { name, port: 80, podLabels: { app: 'a' } };
      return [service(route).metadata.name, virtualService(route, 'shop').metadata.name];
    };
    const dotted = namesOf('web.v2');
    expect(dotted[0]).to.match(/^web-v2-[0-9a-f]{8}$/);
    expect(dotted[1]).to.equal(`${dotted[0]}.shop`);
    expect(namesOf('web-v2')).to.deep.equal(['web-v2', 'web-v2.shop']);
    for (const name of ['1web', 'x'.repeat(64), `${'x'.repeat(53)}.${'y'.repeat(100)}`]) {
      expect(namesOf(name)[0]).to.match(/^[a-z][-a-z0-9]{0,61}[a-z0-9]$/);
    }
  });
});
