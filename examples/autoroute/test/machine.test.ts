import type { Sandbox } from 'autopilot-sandbox';
import { startSandbox } from 'autopilot-sandbox';
import { expect } from 'chai';
import crd from '../src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../src/generated/scheduler.ts';
import { deployment } from './deployments.ts';

const autoRoute = {
  apiVersion: 'examples.io/v1',
  kind: 'AutoRoute',
  metadata: { name: 'example' },
  spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
};

describe('the machine of AutoRoute', () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await startSandbox(scheduler, {
      crd,
      objects: [deployment('one'), deployment('two'), deployment('batch', { ports: [] })],
    });
    await sandbox.create(autoRoute);
  });
  afterEach(() => sandbox.stop());

  async function names(kind: string): Promise<readonly string[]> {
    return (await sandbox.list(kind, 'default')).map(({ metadata }) => metadata.name);
  }
  const phases = (): readonly string[] =>
    sandbox.events.flatMap((event) => (event.type === 'transition' ? [event.to] : []));

  it('routes the Deployments that are there, and is Ready', async () => {
    const { status } = (await sandbox.get('AutoRoute', 'example')) ?? {};
    expect(status.phase).to.equal('Ready');
    expect(status.syncedDeployments).to.deep.equal([
      { name: 'one', port: 80 },
      { name: 'two', port: 80 },
    ]);
    expect(await names('Service')).to.deep.equal(['one', 'two']);
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'two.example']);
    expect(await names('Gateway')).to.deep.equal(['example']);
  });

  it('rests in Ready, also with a Deployment that has no port', async () => {
    const before = phases().length;
    await sandbox.advance('1h');
    expect(phases().slice(before)).to.deep.equal([]);
  });

  it('routes a Deployment that comes later', async () => {
    await sandbox.create(deployment('three', { ports: [8080] }));
    expect(await names('VirtualService')).to.deep.equal([
      'one.example',
      'three.example',
      'two.example',
    ]);
    expect(phases().slice(-2)).to.deep.equal(['Syncing', 'Ready']);
  });

  it('takes away what a Deployment that went had, and nothing else', async () => {
    await sandbox.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'somebody-elses' },
      spec: { ports: [{ port: 1 }] },
    });
    await sandbox.delete('Deployment', 'two');
    expect(await names('Service')).to.deep.equal(['one', 'somebody-elses']);
    expect(await names('VirtualService')).to.deep.equal(['one.example']);
  });

  it('brings back a route that somebody deleted', async () => {
    await sandbox.delete('VirtualService', 'one.example');
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'two.example']);
  });

  it('leaves nothing behind when the AutoRoute is deleted', async () => {
    await sandbox.delete('AutoRoute', 'example');
    expect([
      await names('Service'),
      await names('VirtualService'),
      await names('Gateway'),
    ]).to.deep.equal([[], [], []]);
  });
});
