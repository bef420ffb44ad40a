import type { WorkerContextOptions } from 'autopilot-sandbox';
import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Deployment } from '../src/generated/kinds.ts';
import type { Context } from '../src/generated/ready.ts';
import { gateway, routesOf, service, virtualService } from '../src/routes.ts';
import { sync } from '../src/workers/ready.ts';
import { deployment } from './deployments.ts';

const web = deployment('web');
const routes = routesOf([web as Deployment]);

/** Everything is routed, but for what a test says. */
async function next(inputs: WorkerContextOptions<Context>['inputs']): Promise<string> {
  const { next: phase } = await sync(
    workerContext<Context>({
      resource: {
        metadata: { name: 'example', uid: '1' },
        spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
        status: { phase: 'Ready', syncedDeployments: [{ name: 'web', port: 80 }] },
      },
      inputs: {
        deployments: [web],
        services: routes.map(service),
        virtualservices: routes.map((route) => virtualService(route, 'example')),
        gateways: [gateway('example')],
        ...inputs,
      },
    }),
  );
  return phase;
}

describe('Ready', () => {
  it('stays while everything is routed', async () => {
    expect(await next({})).to.equal('Ready');
  });

  it('syncs again when a Deployment came, went or changed its port', async () => {
    expect(await next({ deployments: [web, deployment('api')] })).to.equal('Syncing');
    expect(await next({ deployments: [] })).to.equal('Syncing');
    expect(await next({ deployments: [deployment('web', { ports: [81] })] })).to.equal('Syncing');
  });

  it('syncs again when a route was deleted', async () => {
    expect(await next({ services: [] })).to.equal('Syncing');
    expect(await next({ virtualservices: [] })).to.equal('Syncing');
    expect(await next({ gateways: [] })).to.equal('Syncing');
  });

  it('syncs again when a route of its own is there that no Deployment has: a request of an earlier process may arrive late', async () => {
    const owned = (uid: string) => {
      const { metadata, ...rest } = virtualService(
        { name: 'gone', port: 80, podLabels: {} },
        'example',
      );
      return {
        ...rest,
        metadata: {
          ...metadata,
          ownerReferences: [
            { apiVersion: 'examples.io/v1', kind: 'AutoRoute', name: 'example', uid },
          ],
        },
      };
    };
    expect(
      await next({
        virtualservices: [...routes.map((route) => virtualService(route, 'example')), owned('1')],
      }),
    ).to.equal('Syncing');
    expect(
      await next({
        virtualservices: [...routes.map((route) => virtualService(route, 'example')), owned('2')],
      }),
    ).to.equal('Ready');
  });

  it('does not mind a Deployment that no route can be made for, or that is not selected', async () => {
    expect(
      await next({
        deployments: [
          web,
          deployment('batch', { ports: [] }),
          deployment('other', { group: 'else' }),
        ],
      }),
    ).to.equal('Ready');
  });
});
