import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context, Result } from '../src/generated/routing.ts';
import { sync } from '../src/workers/routing.ts';
import { deployment } from './deployments.ts';

const web = deployment('web');
const api = deployment('api', { ports: [8080] });

/** The result of a reconcile in which these Deployments exist. */
async function route(...deployments: readonly ReturnType<typeof deployment>[]): Promise<Result> {
  return sync(
    workerContext<Context>({
      resource: {
        metadata: { name: 'example' },
        spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
      },
      inputs: { deployments },
    }),
  );
}

interface Named {
  readonly metadata: { readonly name: string };
}

function names(objects: readonly Named[] | undefined): readonly string[] | undefined {
  return objects?.map(({ metadata }) => metadata.name);
}

describe('Routing', () => {
  it('returns a Service and a VirtualService for each selected Deployment, and one Gateway', async () => {
    const { next, outputs, statusInfo, message } = await route(
      web,
      api,
      deployment('other', { group: 'else' }),
    );
    expect(next).to.equal('Routing');
    expect(names(outputs?.services)).to.deep.equal(['api', 'web']);
    expect(names(outputs?.virtualservices)).to.deep.equal(['api.example', 'web.example']);
    expect(names(outputs?.gateways)).to.deep.equal(['example']);
    expect(statusInfo?.syncedDeployments).to.deep.equal([
      { name: 'api', port: 8080 },
      { name: 'web', port: 80 },
    ]);
    expect(message).to.equal('2 routed');
  });

  it('returns no route for a Deployment without a port', async () => {
    const { outputs, statusInfo } = await route(web, deployment('batch', { ports: [] }));
    expect(names(outputs?.services)).to.deep.equal(['web']);
    expect(names(outputs?.virtualservices)).to.deep.equal(['web.example']);
    expect(statusInfo?.syncedDeployments).to.deep.equal([{ name: 'web', port: 80 }]);
  });

  it('returns empty lists without a Deployment, so that every route is pruned', async () => {
    const { outputs, statusInfo } = await route();
    expect(outputs?.services).to.deep.equal([]);
    expect(outputs?.virtualservices).to.deep.equal([]);
    expect(names(outputs?.gateways)).to.deep.equal(['example']);
    expect(statusInfo?.syncedDeployments).to.deep.equal([]);
  });
});
