import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context } from '../src/generated/syncing.ts';
import { sync } from '../src/workers/syncing.ts';
import { deployment } from './deployments.ts';

describe('Syncing', () => {
  it('writes a Service and a VirtualService for each selected Deployment, and one Gateway', async () => {
    const { next, outputs, statusInfo } = await sync(
      workerContext<Context>({
        resource: {
          metadata: { name: 'example' },
          spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
        },
        inputs: {
          deployments: [
            deployment('web'),
            deployment('api', { ports: [8080] }),
            deployment('other', { group: 'else' }),
          ],
        },
      }),
    );
    expect(next).to.equal('Ready');
    expect(outputs?.services?.map(({ metadata }) => metadata.name)).to.deep.equal(['api', 'web']);
    expect(outputs?.virtualservices?.map(({ metadata }) => metadata.name)).to.deep.equal([
      'api.example',
      'web.example',
    ]);
    expect(outputs?.gateways?.map(({ metadata }) => metadata.name)).to.deep.equal(['example']);
    expect(statusInfo?.syncedDeployments).to.deep.equal([
      { name: 'api', port: 8080 },
      { name: 'web', port: 80 },
    ]);
  });
});
