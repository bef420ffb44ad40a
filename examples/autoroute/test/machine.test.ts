import type { Flight } from 'autopilot-sandbox';
import { fly } from 'autopilot-sandbox';
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
  let flight: Flight;

  beforeEach(async () => {
    flight = await fly(scheduler, {
      crd,
      objects: [deployment('one'), deployment('two'), deployment('batch', { ports: [] })],
    });
    await flight.create(autoRoute);
  });
  afterEach(() => flight.stop());

  async function names(kind: string): Promise<readonly string[]> {
    return (await flight.list(kind, 'default')).map(({ metadata }) => metadata.name);
  }
  const phases = (): readonly string[] =>
    flight.events.flatMap((event) => (event.type === 'transition' ? [event.to] : []));

  it('routes the Deployments that are there, and is Ready', async () => {
    const { status } = (await flight.get('AutoRoute', 'example')) ?? {};
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
    await flight.advance('1h');
    expect(phases().slice(before)).to.deep.equal([]);
  });

  it('routes a Deployment that comes later', async () => {
    await flight.create(deployment('three', { ports: [8080] }));
    expect(await names('VirtualService')).to.deep.equal([
      'one.example',
      'three.example',
      'two.example',
    ]);
    expect(phases().slice(-2)).to.deep.equal(['Syncing', 'Ready']);
  });

  it('takes away what a Deployment that went had, and nothing else', async () => {
    await flight.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'somebody-elses' },
      spec: { ports: [{ port: 1 }] },
    });
    await flight.remove('Deployment', 'two');
    expect(await names('Service')).to.deep.equal(['one', 'somebody-elses']);
    expect(await names('VirtualService')).to.deep.equal(['one.example']);
  });

  it('brings back a route that somebody deleted', async () => {
    await flight.remove('VirtualService', 'one.example');
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'two.example']);
  });

  it('leaves nothing behind when the AutoRoute is deleted', async () => {
    await flight.remove('AutoRoute', 'example');
    expect([
      await names('Service'),
      await names('VirtualService'),
      await names('Gateway'),
    ]).to.deep.equal([[], [], []]);
  });
});
