import type { Sandbox } from 'autopilot-sandbox';
import { startSandbox } from 'autopilot-sandbox';
import { expect } from 'chai';
import crd from '../src/generated/crd.json' with { type: 'json' };
import type { Condition } from '../src/generated/autoroute.ts';
import { scheduler } from '../src/generated/scheduler.ts';
import { deployment } from './deployments.ts';

const autoRoute = {
  apiVersion: 'examples.io/v1',
  kind: 'AutoRoute',
  metadata: { name: 'example' },
  spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
};

describe('AutoRoute in the sandbox', () => {
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
  async function ready(): Promise<Condition | undefined> {
    const { status } = (await sandbox.get('AutoRoute', 'example')) ?? {};
    return (status.conditions as readonly Condition[]).find(({ type }) => type === 'Ready');
  }

  it('routes the existing Deployments, and is Ready', async () => {
    const { status } = (await sandbox.get('AutoRoute', 'example')) ?? {};
    expect(status.phase).to.equal('Routing');
    expect(await ready()).to.include({ status: 'True', message: '2 routed' });
    expect(status.syncedDeployments).to.deep.equal([
      { name: 'one', port: 80 },
      { name: 'two', port: 80 },
    ]);
    expect(await names('Service')).to.deep.equal(['one', 'two']);
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'two.example']);
    expect(await names('Gateway')).to.deep.equal(['example']);
  });

  it('writes nothing while nothing changes, also with a Deployment that has no port', async () => {
    const before = [...sandbox.events];
    await sandbox.advance('1h');
    expect(sandbox.events).to.deep.equal(before);
  });

  it('routes a Deployment that is created later', async () => {
    await sandbox.create(deployment('three', { ports: [8080] }));
    expect(await names('Service')).to.deep.equal(['one', 'three', 'two']);
    expect(await names('VirtualService')).to.deep.equal([
      'one.example',
      'three.example',
      'two.example',
    ]);
    expect(await ready()).to.include({ status: 'True', message: '3 routed' });
  });

  it('routes to the new port of a Deployment', async () => {
    const { spec } = deployment('one', { ports: [8080] });
    await sandbox.patch('Deployment', 'one', { spec: { template: spec.template } });
    const service = await sandbox.get('Service', 'one');
    expect(service?.spec.ports).to.deep.equal([
      { name: 'http', protocol: 'TCP', port: 8080, targetPort: 8080 },
    ]);
    const route = await sandbox.get('VirtualService', 'one.example');
    expect(route?.spec.http[0].route[0].destination.port).to.deep.equal({ number: 8080 });
    const { status } = (await sandbox.get('AutoRoute', 'example')) ?? {};
    expect(status.syncedDeployments[0]).to.deep.equal({ name: 'one', port: 8080 });
  });

  it('prunes the route of a deleted Deployment, and nothing else', async () => {
    await sandbox.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'unrelated' },
      spec: { ports: [{ port: 1 }] },
    });
    await sandbox.delete('Deployment', 'two');
    expect(await names('Service')).to.deep.equal(['one', 'unrelated']);
    expect(await names('VirtualService')).to.deep.equal(['one.example']);
  });

  for (const [kind, name] of [
    ['Service', 'one'],
    ['VirtualService', 'one.example'],
    ['Gateway', 'example'],
  ] as const) {
    it(`creates a deleted ${kind} again`, async () => {
      const before = await names(kind);
      await sandbox.delete(kind, name);
      expect(await names(kind)).to.deep.equal(before);
    });
  }

  it('routes the other Deployments when one cannot be routed', async () => {
    await sandbox.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api' },
      spec: { selector: { app: 'api' }, ports: [{ port: 80 }] },
    });
    await sandbox.create(deployment('api'));
    await sandbox.create(deployment('three'));
    await sandbox.create(deployment('web.v2'));
    expect(await names('VirtualService')).to.include.members(['one.example', 'three.example']);
    const services = await names('Service');
    expect(services.filter((name) => name.startsWith('web-v2-'))).to.have.length(1);
    const { status, message } = (await ready()) ?? {};
    expect(status).to.equal('False');
    expect(message).to.contain('Service default/api exists and belongs to');
  });

  it('restores a field that another client has changed', async () => {
    await sandbox.patch('Service', 'one', { spec: { selector: { app: 'another' } } });
    const service = await sandbox.get('Service', 'one');
    expect(service?.spec.selector).to.deep.equal({ app: 'one' });
  });

  it('prunes a VirtualService that a late write of its predecessor created', async () => {
    const existing = await sandbox.get('VirtualService', 'one.example');
    const { labels = {}, ownerReferences = [] } = existing?.metadata ?? {};
    const metadata = { name: 'late.example', labels, ownerReferences };
    await sandbox.create({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata,
      spec: { hosts: ['late.example'] },
    });
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'two.example']);
  });

  it('keeps the VirtualService of another AutoRoute', async () => {
    const deploymentSelector = { matchLabels: { 'app-group': 'another' } };
    await sandbox.create(deployment('web', { group: 'another' }));
    await sandbox.create({
      ...autoRoute,
      metadata: { name: 'another' },
      spec: { deploymentSelector },
    });
    await sandbox.delete('Deployment', 'two');
    expect(await names('VirtualService')).to.deep.equal(['one.example', 'web.another']);
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
