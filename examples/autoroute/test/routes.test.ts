import { expect } from 'chai';
import type { Deployment } from '../src/generated/kinds.ts';
import { routesOf, virtualService } from '../src/routes.ts';
import { deployment } from './deployments.ts';

describe('a route', () => {
  it('leads to the first port that a container of the Deployment declares', () => {
    const [route] = routesOf([deployment('web', { ports: [8080, 9090] }) as Deployment]);
    expect(route).to.deep.equal({ name: 'web', port: 8080, podLabels: { app: 'web' } });
  });

  it('does not exist for a Deployment without a port', () => {
    expect(routesOf([deployment('batch', { ports: [] }) as Deployment])).to.deep.equal([]);
  });

  it('has the Deployment and the AutoRoute in its host', () => {
    const { metadata, spec } = virtualService({ name: 'web', port: 80, podLabels: {} }, 'example');
    expect([metadata.name, spec?.hosts, spec?.gateways]).to.deep.equal([
      'web.example',
      ['web.example'],
      ['example'],
    ]);
  });
});
