import { workerContext } from 'autopilot-sandbox';
import { expect } from 'chai';
import type { Context } from '../src/generated/initializing.ts';
import { sync } from '../src/workers/initializing.ts';
import { canary, copy, service, target } from './shop.ts';

const copiedServices = ['web-primary', 'web-canary'].map((name) => ({
  ...service,
  metadata: { ...service.metadata, name },
}));
const start = (...deployments: readonly ReturnType<typeof target>[]) =>
  workerContext<Context>({
    resource: canary(),
    inputs: { deployments, services: [service, ...copiedServices] },
  });

describe('Initializing', () => {
  it('copies the Deployment first and creates no route', async () => {
    const { next, outputs } = await sync(start(target('web:1')));
    expect(next).to.equal('Initializing');
    expect(outputs?.virtualservices).to.equal(undefined);
    expect(outputs?.deployments?.map(({ metadata }) => metadata.name)).to.deep.equal([
      'web-primary',
      'web-canary',
    ]);
    expect(outputs?.services?.[0])
      .to.have.nested.property('spec.selector')
      .that.deep.equals({ app: 'web', canary: 'false' });
    expect(outputs?.services?.[1])
      .to.have.nested.property('spec.selector')
      .that.deep.equals({ app: 'web-canary', canary: 'true' });
  });

  it('routes the requests to the primary when it is rolled out', async () => {
    const { next, outputs } = await sync(start(target('web:1'), copy('primary', { of: 'web:1' })));
    expect(next).to.equal('Waiting');
    expect(outputs?.virtualservices).to.have.length(1);
  });

  it('waits for the Services of the copies before it routes requests to them', async () => {
    const deployments = [target('web:1'), copy('primary', { of: 'web:1' })];
    const inputs = { deployments, services: [service] };
    const { next, outputs } = await sync(workerContext<Context>({ resource: canary(), inputs }));
    expect([next, outputs?.virtualservices]).to.deep.equal(['Initializing', undefined]);
    expect(outputs?.services).to.have.length(2);
  });

  it('waits for a primary that runs an older version', async () => {
    const { next, outputs } = await sync(start(target('web:2'), copy('primary', { of: 'web:1' })));
    expect([next, outputs?.virtualservices]).to.deep.equal(['Initializing', undefined]);
  });

  const wrong: readonly (readonly [selector: Readonly<Record<string, string>>, message: string])[] =
    [
      [{ app: 'other' }, 'Service web does not select the Pods of Deployment web'],
      [
        { tier: 'front' },
        'Service web also selects the Pods of the canary: add a label of spec.selector of Deployment web to its selector',
      ],
    ];
  for (const [selector, message] of wrong) {
    it(`refuses a Service that selects ${JSON.stringify(selector)}`, async () => {
      const services = [{ ...service, spec: { ...service.spec, selector } }];
      const outcome = await sync(
        workerContext<Context>({
          resource: canary(),
          inputs: { deployments: [target('web:1')], services },
        }),
      ).catch((error: Error) => error);
      expect(outcome).to.have.property('message', message);
    });
  }
});
