import { expect } from 'chai';
import type { ClaimedField } from '../../runtime/src/index.ts';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { ObjectManifest, Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { connectionReset, FaultInjector } from './fault-injector.ts';
import { conditions, defineTestOperator, drone, input, output, route } from './test-operators.ts';

const FIELD_CLAIMS = 'drones.autopilot.test/field-claims';
const to = (host: string): readonly object[] => [{ destination: { host }, weight: 100 }];

interface Route {
  readonly name?: string;
  readonly route?: readonly object[];
  readonly timeout?: string;
  readonly fault?: unknown;
}
interface RouteObject extends ObjectManifest {
  readonly spec: { readonly http: readonly Route[] };
}

describe('a claimed field that its owner changes', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  /** Claims what `spec.fields` says, or the route `split`. */
  const claiming = (): ReturnType<typeof defineTestOperator> =>
    defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [{ ...output.virtualservices, prune: true }],
        sync: ({ resource, inputs }) => {
          const path = ['spec', 'http', { name: 'split' }, 'route'];
          const { fields = [{ path, value: to('new') }] } = resource.spec as {
            readonly fields?: readonly ClaimedField[];
          };
          const found = inputs['virtualservices']?.require('web') as KubeObject;
          const claims = fields.length === 0 ? [] : [claimFields(found, fields)];
          return { next: 'A', outputs: { virtualservices: claims } };
        },
      },
    });
  async function start(): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(claiming().scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h' },
    });
  }
  const restart = (): Promise<void> =>
    sandbox.restart(claiming().scheduler, { wrapApi: faults.wrapApi });
  const setRoutes = (http: readonly Route[]): Promise<unknown> =>
    sandbox.patch('VirtualService', 'web', { spec: { http } });
  const setFields = (fields: readonly object[]): Promise<unknown> =>
    sandbox.patch('Drone', 'one', { spec: { fields } });
  const found = async (): Promise<RouteObject> =>
    (await sandbox.get('VirtualService', 'web')) as unknown as RouteObject;
  const routes = async (): Promise<readonly Route[]> => (await found()).spec.http;
  const claims = async (): Promise<readonly Record<string, unknown>[]> =>
    JSON.parse((await found()).metadata.annotations?.[FIELD_CLAIMS] ?? '[]') as never;
  const split = (host: string): Route => ({ name: 'split', route: to(host) });
  const at = (name: string, field: string): readonly unknown[] => ['spec', 'http', { name }, field];

  describe('gets the newest value of its owner back', () => {
    // @promise outputs/newest-original
    it('when the claim ends, also when the owner has changed the field more than once', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      for (const host of ['newer', 'newest']) {
        await setRoutes([split(host)]);
        expect(await routes()).to.deep.equal([split('new')]);
      }
      await sandbox.delete('Drone', 'one');
      expect(await routes()).to.deep.equal([split('newest')]);
    });

    it('when the owner has removed the field: it is absent again', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(
        drone('one', { fields: [{ path: at('split', 'timeout'), value: '9s' }] }),
      );
      await setRoutes([{ ...split('old'), timeout: '1s' }]);
      await setRoutes([split('old')]);
      expect(await routes()).to.deep.equal([{ ...split('old'), timeout: '9s' }]);
      await sandbox.delete('Drone', 'one');
      expect(await routes()).to.deep.equal([split('old')]);
    });

    it('when the worker wants another value in the same reconcile', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.stop();
      await setRoutes([split('newest')]);
      await setFields([{ path: at('split', 'route'), value: to('other') }]);
      await restart();
      expect(await routes()).to.deep.equal([split('other')]);
      await sandbox.delete('Drone', 'one');
      expect(await routes()).to.deep.equal([split('newest')]);
    });

    for (const when of ['before', 'after'] as const) {
      for (const patch of [1, 2]) {
        // @promise outputs/newest-original
        it(`when the operator dies ${when} patch ${patch} and the owner changes the field then`, async () => {
          await start();
          await sandbox.create(route('web', 'split'));
          await sandbox.create(drone('one'));
          dieAt(patch, when);
          await setFields([{ path: at('split', 'route'), value: to('other') }]);
          await sandbox.stop();
          await setRoutes([split('newest')]);
          faults.fault = () => undefined;
          await restart();
          expect(await routes()).to.deep.equal([split('other')]);
          await sandbox.delete('Drone', 'one');
          expect(await routes()).to.deep.equal([split('newest')]);
        });

        // @promise outputs/newest-original
        it(`and never the claimed value in its stored form, when the operator dies ${when} patch ${patch}`, async () => {
          await start();
          await sandbox.create(defaultingCrd());
          await sandbox.create(route('web', 'split'));
          dieAt(patch, when);
          await sandbox.create(drone('one'));
          faults.fault = () => undefined;
          await restart();
          await setFields([{ path: at('split', 'route'), value: to('other') }]);
          await sandbox.delete('Drone', 'one');
          expect((await routes())[0]?.route).to.deep.equal([
            { destination: { host: 'old', port: 80 }, weight: 100 },
          ]);
        });
      }
    }
  });

  describe('in a renamed list element', () => {
    const timeout = { path: at('split', 'timeout'), value: '9s' };

    // @promise outputs/renamed-element
    it('is followed to the new name, and restored there', async () => {
      await start();
      await sandbox.create(route('web', 'other', 'split'));
      await sandbox.create(drone('one', { fields: [timeout] }));
      const [other] = await routes();
      await setRoutes([other ?? {}, { ...split('old'), name: 'everything', timeout: '9s' }]);
      await setFields([]);
      expect(await routes()).to.deep.equal([other, { ...split('old'), name: 'everything' }]);
      expect(await claims()).to.deep.equal([]);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False A',
        'Reconciling=True A',
      ]);
    });

    it('is followed by a claim for the new name, which keeps the original value', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await setRoutes([{ ...split('new'), name: 'everything' }]);
      await setFields([{ path: at('everything', 'route'), value: to('newer') }]);
      expect(await claims()).to.have.length(1);
      await sandbox.delete('Drone', 'one');
      expect(await routes()).to.deep.equal([{ ...split('old'), name: 'everything' }]);
    });

    it('is not followed to an element that was there before and has the same value', async () => {
      await start();
      await sandbox.create(route('web', 'other', 'split'));
      await setRoutes([{ ...split('old'), name: 'other', timeout: '9s' }, split('old')]);
      await sandbox.create(drone('one', { fields: [timeout] }));
      const [other] = await routes();
      await setRoutes([other ?? {}]);
      await setFields([]);
      expect([await routes(), await claims()]).to.deep.equal([[other], []]);
    });

    // @promise outputs/renamed-element
    it('that cannot be told is kept, with a condition, until the element can be told', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one', { fields: [timeout] }));
      const renamed = { ...split('old'), timeout: '9s' };
      await setRoutes([
        { ...renamed, name: 'left' },
        { ...renamed, name: 'right' },
      ]);
      await setFields([]);
      expect(await claims()).to.have.length(1);
      const one = (await sandbox.get('Drone', 'one')) as unknown as {
        readonly status: { readonly conditions: readonly Record<string, unknown>[] };
      };
      expect(one.status.conditions.find(({ type }) => type === 'FieldClaimsUnresolved')).to.include(
        {
          status: 'True',
          reason: 'ElementRenamed',
          message:
            "VirtualService default/web: spec.http[split].timeout: spec.http has no element named 'split' (it has 'left', 'right'); the claimed value is in 'left', 'right'",
        },
      );
      await setRoutes([{ ...renamed, name: 'left' }, split('old')]);
      expect([await routes(), await claims()]).to.deep.equal([
        [{ ...split('old'), name: 'left' }, split('old')],
        [],
      ]);
      expect(conditions(await sandbox.get('Drone', 'one')).join()).not.to.contain('Unresolved');
    });

    it('is followed when another element gets its earlier name', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one', { fields: [timeout] }));
      await sandbox.stop();
      await setRoutes([split('other'), { ...split('old'), name: 'everything', timeout: '9s' }]);
      await setFields([]);
      await restart();
      expect(await routes()).to.deep.equal([
        split('other'),
        { ...split('old'), name: 'everything' },
      ]);
    });

    it('is kept when two elements have its name, until one of them has another name', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one', { fields: [timeout] }));
      await setRoutes([{ ...split('old'), timeout: '9s' }, split('other')]);
      await setFields([]);
      expect(await claims()).to.have.length(1);
      expect(conditions(await sandbox.get('Drone', 'one')).join()).to.contain('Unresolved');
      await setRoutes([
        { ...split('old'), timeout: '9s' },
        { ...split('other'), name: 'other' },
      ]);
      expect(await routes()).to.deep.equal([split('old'), { ...split('other'), name: 'other' }]);
    });

    it('that cannot be told does not keep the resource from being deleted', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one', { fields: [timeout] }));
      await setRoutes([{ route: to('old'), timeout: '9s' }]);
      await sandbox.delete('Drone', 'one');
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      expect(await claims()).to.deep.equal([]);
    });
  });

  describe('can be removed for good', () => {
    const removal = (name: string): object => ({
      path: at(name, 'timeout'),
      remove: 'permanently',
    });

    // @promise outputs/removed-for-good
    it('with the earlier claim of it, and does not come back', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await setRoutes([{ ...split('old'), timeout: '1s' }]);
      await sandbox.create(
        drone('one', { fields: [{ path: at('split', 'timeout'), value: '9s' }] }),
      );
      await setFields([removal('split')]);
      expect([await routes(), await claims()]).to.deep.equal([[split('old')], []]);
      await sandbox.delete('Drone', 'one');
      expect(await routes()).to.deep.equal([split('old')]);
    });

    it('without a request where it is absent already, and again when it comes back', async () => {
      await start();
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one', { fields: [removal('split'), removal('none')] }));
      expect(
        faults.requestsFor('VirtualService').filter((one) => one.includes('patch')),
      ).to.deep.equal([]);
      await setRoutes([{ ...split('old'), timeout: '1s' }]);
      expect([await routes(), await claims()]).to.deep.equal([[split('old')], []]);
    });
  });

  function dieAt(patch: number, when: 'before' | 'after'): void {
    let patches = 0;
    let isDead = false;
    faults.fault = ({ verb, kind }) => {
      patches += verb === 'patch' && kind === 'VirtualService' ? 1 : 0;
      if (patches === patch && !isDead) {
        isDead = true;
        return { when, error: connectionReset() };
      }
      return isDead ? { when: 'before', error: connectionReset() } : undefined;
    };
  }
});

/** VirtualServices whose destinations get a port by default. */
function defaultingCrd(): ObjectManifest {
  const text = { type: 'string' };
  const destination = {
    type: 'object',
    properties: { host: text, port: { type: 'integer', default: 80 } },
  };
  const entry = { type: 'object', properties: { weight: { type: 'integer' }, destination } };
  const items = {
    type: 'object',
    properties: { name: text, timeout: text, route: { type: 'array', items: entry } },
  };
  const properties = {
    hosts: { type: 'array', items: text },
    http: { type: 'array', items },
  };
  const openAPIV3Schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'virtualservices.networking.istio.io' },
    spec: {
      group: 'networking.istio.io',
      names: { kind: 'VirtualService', plural: 'virtualservices' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}
