import { expect } from 'chai';
import type { FieldClaim } from '../../runtime/src/index.ts';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { ObjectManifest, Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { connectionReset, FaultInjector, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  defineTestOperator,
  drone,
  input,
  output,
  route,
  VIRTUAL_SERVICES,
} from './test-operators.ts';

const FIELD_CLAIMS = 'drones.autopilot.test/field-claims';
const OPERATOR = 'drone-operator';
const to = (host: string): readonly object[] => [{ destination: { host }, weight: 100 }];

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: unknown;
}
interface Claimed extends ObjectManifest {
  readonly spec: {
    readonly http: readonly { readonly name: string; readonly route: readonly object[] }[];
    readonly exportTo?: readonly string[];
  };
}

describe('the owner of an object in which fields are claimed', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  /** Claims the route `spec.route` and, with `spec.exported`, the absent field `exportTo`. */
  const claiming = (): TestOperator =>
    defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [{ ...output.virtualservices, prune: true }],
        sync: ({ resource, inputs }) => {
          const spec = resource.spec as { route?: string; exported?: boolean; idle?: boolean };
          const found = inputs['virtualservices']?.require('web') as KubeObject;
          const name = spec.route ?? 'split';
          const exported = [{ path: ['spec', 'exportTo'], value: ['.'] }];
          const claims: readonly FieldClaim[] = [
            claimFields(found, [
              { path: ['spec', 'http', { name }, 'route'], value: to('new') },
              ...(spec.exported === true ? exported : []),
            ]),
          ];
          return { next: 'A', outputs: { virtualservices: spec.idle === true ? [] : claims } };
        },
      },
    });
  const start = async (): Promise<void> => {
    faults = new FaultInjector();
    sandbox = await startSandbox(claiming().scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h' },
    });
  };
  const restart = (): Promise<void> =>
    sandbox.restart(claiming().scheduler, { wrapApi: faults.wrapApi });
  const apply = (object: ObjectManifest): Promise<KubeObject> =>
    sandbox.cluster.api.apply(
      VIRTUAL_SERVICES,
      { ...object, metadata: { namespace: 'default', ...object.metadata } } as KubeObject,
      { fieldManager: 'team' },
    );
  const found = async (): Promise<Claimed> =>
    (await sandbox.get('VirtualService', 'web')) as unknown as Claimed;
  const hosts = async (): Promise<readonly unknown[]> =>
    (await found()).spec.http.map(
      ({ route: [first] }) => (first as { destination: { host: string } }).destination.host,
    );
  const entries = async (): Promise<readonly Entry[]> =>
    (
      ((await sandbox.cluster.api.get(VIRTUAL_SERVICES, { namespace: 'default', name: 'web' }))
        .metadata.managedFields ?? []) as readonly Entry[]
    ).map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }));
  const claims = async (): Promise<readonly Record<string, unknown>[]> =>
    JSON.parse((await found()).metadata.annotations?.[FIELD_CLAIMS] ?? '[]') as never;
  const annotationOnly: Entry = {
    manager: OPERATOR,
    operation: 'Update',
    fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {}, [`f:${FIELD_CLAIMS}`]: {} } } },
  };

  // @promise outputs/ownership-stays
  it('keeps every field: the claims own their annotation only, and nothing when they have ended', async () => {
    await start();
    await apply(route('web', 'other', 'split'));
    const before = await entries();
    await sandbox.create(drone('one', { exported: true }));
    expect((await found()).spec.exportTo).to.deep.equal(['.']);
    expect(await entries()).to.have.deep.members([...before, annotationOnly]);
    await sandbox.patch('Drone', 'one', { spec: { idle: true } });
    expect([await hosts(), await entries()]).to.deep.equal([['old', 'old'], before]);
    await sandbox.patch('Drone', 'one', { spec: { idle: null } });
    await sandbox.delete('Drone', 'one');
    expect([await hosts(), await entries()]).to.deep.equal([['old', 'old'], before]);
    expect((await found()).spec.exportTo).to.equal(undefined);
  });

  // @promise outputs/ownership-stays
  it('applies without a conflict during the claim, whose value is set again, and after the claim', async () => {
    await start();
    await apply(route('web', 'other', 'split'));
    await sandbox.create(drone('one'));
    await apply(route('web', 'other', 'split', 'third'));
    await sandbox.settle();
    expect(await hosts()).to.deep.equal(['old', 'new', 'old']);
    await sandbox.delete('Drone', 'one');
    expect(await hosts()).to.deep.equal(['old', 'old', 'old']);
    await apply(route('web', 'split'));
    expect(await hosts()).to.deep.equal(['old']);
    expect((await entries()).map(({ manager }) => manager)).to.deep.equal(['team']);
  });

  it('keeps fields that it wrote by updates too', async () => {
    await start();
    await sandbox.create(route('web', 'split'));
    const before = await entries();
    await sandbox.create(drone('one'));
    expect(await entries()).to.have.deep.members([...before, annotationOnly]);
    await sandbox.delete('Drone', 'one');
    expect(await entries()).to.deep.equal(before);
  });

  it('has no entry afterwards when it had none before', async () => {
    await start();
    await sandbox.create(route('web', 'split'));
    const body = { metadata: { managedFields: [{}] } };
    const key = { namespace: 'default', name: 'web' };
    await sandbox.cluster.api.patch(VIRTUAL_SERVICES, key, { type: 'merge', body });
    await sandbox.create(drone('one'));
    expect([await hosts(), await entries()]).to.deep.equal([['new'], []]);
    await sandbox.delete('Drone', 'one');
    expect([await hosts(), await entries()]).to.deep.equal([['old'], []]);
  });

  it('keeps a list that two resources claim parts of, whichever ends first', async () => {
    await start();
    await apply(route('web', 'a', 'b'));
    const before = await entries();
    await sandbox.create(drone('one', { route: 'a' }));
    await sandbox.create(drone('two', { route: 'b' }));
    expect([await hosts(), await entries()]).to.deep.equal([
      ['new', 'new'],
      [...before, annotationOnly],
    ]);
    await sandbox.delete('Drone', 'one');
    expect([await hosts(), await entries()]).to.deep.equal([
      ['old', 'new'],
      [...before, annotationOnly],
    ]);
    await sandbox.delete('Drone', 'two');
    expect([await hosts(), await entries()]).to.deep.equal([['old', 'old'], before]);
  });

  for (const when of ['before', 'after'] as const) {
    for (const patch of [1, 2]) {
      // @promise outputs/ownership-stays
      it(`keeps every field when the operator dies ${when} patch ${patch} of a claim, and of its release`, async () => {
        await start();
        await apply(route('web', 'split'));
        const before = await entries();
        let patches = 0;
        const dieAt = (): void => {
          patches = 0;
          let isDead = false;
          faults.fault = ({ verb, kind }) => {
            patches += verb === 'patch' && kind === 'VirtualService' ? 1 : 0;
            if (patches === patch && !isDead) {
              isDead = true;
              return { when, error: connectionReset() };
            }
            return isDead ? { when: 'before', error: connectionReset() } : undefined;
          };
        };
        dieAt();
        await sandbox.create(drone('one'));
        faults.fault = () => undefined;
        await restart();
        expect([await hosts(), await entries()]).to.deep.equal([
          ['new'],
          [...before, annotationOnly],
        ]);
        expect((await claims())[0]).to.not.have.property('unfinished');
        expect((await claims())[0]?.['original']).to.deep.equal(to('old'));
        dieAt();
        await sandbox.delete('Drone', 'one');
        faults.fault = () => undefined;
        await restart();
        await sandbox.settle();
        expect([await hosts(), await entries()]).to.deep.equal([['old'], before]);
        expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      });
    }
  }

  it('keeps every field when the API server refuses the second request of a release for a while', async () => {
    await start();
    await apply(route('web', 'split'));
    const before = await entries();
    await sandbox.create(drone('one'));
    let patches = 0;
    faults.fault = ({ verb, kind }) => {
      patches += verb === 'patch' && kind === 'VirtualService' ? 1 : 0;
      const isRefused = verb === 'patch' && patches > 1 && patches < 5;
      return isRefused ? { when: 'before', error: refusal(503) } : undefined;
    };
    await sandbox.delete('Drone', 'one');
    await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '10m');
    expect(patches).to.equal(5);
    expect([await hosts(), await entries()]).to.deep.equal([['old'], before]);
  });

  it('keeps every field when another client writes between the two requests', async () => {
    await start();
    await apply(route('web', 'split'));
    const before = await entries();
    let patches = 0;
    faults.fault = ({ verb, kind }) => {
      if (verb === 'patch' && kind === 'VirtualService' && ++patches === 2) {
        const body = { metadata: { labels: { theirs: 'yes' } } };
        const key = { namespace: 'default', name: 'web' };
        void sandbox.cluster.api.patch(VIRTUAL_SERVICES, key, { type: 'merge', body });
      }
      return undefined;
    };
    await sandbox.create(drone('one'));
    await sandbox.advance('1s');
    expect(await hosts()).to.deep.equal(['new']);
    expect((await entries()).filter(({ manager }) => manager !== 'unknown')).to.deep.equal([
      ...before,
      annotationOnly,
    ]);
  });
});
