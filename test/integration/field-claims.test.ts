import { expect } from 'chai';
import type { FieldPathElement, FieldClaim } from '../../runtime/src/index.ts';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { Sandbox, ObjectManifest, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector, connectionReset, refusal } from './fault-injector.ts';
import type { TestPhase, TestOperator } from './test-operators.ts';
import {
  conditions,
  drone,
  input,
  defineTestOperator,
  output,
  readyMessage,
  route,
  VIRTUAL_SERVICES,
} from './test-operators.ts';

const EVENTS = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
const FIELD_CLAIMS = 'drones.autopilot.test/field-claims';
/** A change: the read of the owners, the change, and the request that finishes it. */
const CHANGE = ['get web', 'patch web', 'patch web'];
const to = (host: string): readonly object[] => [{ destination: { host }, weight: 100 }];

describe('a field claim in an object of another owner', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h' },
      ...options,
    });
  }
  /**
   * Sends the routes that `spec.routes` names to `spec.host`, in the VirtualService `spec.object`
   * (default: web).
   */
  const editor = (
    options: {
      readonly prune?: boolean;
      readonly path?: (name: string) => readonly FieldPathElement[];
    } = {},
    rest: TestPhase = {},
  ): TestOperator => {
    const { path = (name) => ['spec', 'http', { name }, 'route'], ...declared } = options;
    return defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [{ ...output.virtualservices, ...declared }],
        sync: ({ resource, inputs }) => {
          const {
            routes = ['split'],
            object = 'web',
            host = 'new',
          } = resource.spec as { routes?: readonly string[]; object?: string; host?: string };
          const found = inputs['virtualservices']?.require(object) as KubeObject;
          const edits: FieldClaim[] = routes.map((name) =>
            claimFields(found, [{ path: path(name), value: to(host) }]),
          );
          return { next: 'A', outputs: { virtualservices: edits } };
        },
        ...rest,
      },
    });
  };
  interface Route {
    readonly name?: string;
    readonly route: readonly object[];
  }
  const found = async (name = 'web') =>
    (await sandbox.get('VirtualService', name)) as ObjectManifest & {
      readonly spec: { readonly http: readonly Route[] };
    };
  const hosts = async (name = 'web'): Promise<readonly unknown[]> =>
    (await found(name)).spec.http.map(
      ({ route: [first] }) => (first as { destination: { host: string } }).destination.host,
    );
  const held = async (name = 'web'): Promise<readonly Record<string, unknown>[]> =>
    JSON.parse((await found(name)).metadata.annotations?.[FIELD_CLAIMS] ?? '[]') as never;
  const sent = (): readonly string[] =>
    faults.requestsFor('VirtualService').filter((request) => request.includes(' '));

  // @promise watching/deletions
  it('does not keep a deleted resource for a kind that went away while its watch was broken', async () => {
    await start(editor());
    await sandbox.create(route('web', 'other', 'split'));
    await sandbox.create(drone('one'));
    expect(await held()).to.have.length(1);
    faults.fault = ({ kind }) =>
      kind === 'VirtualService' ? { when: 'before', error: refusal(404, 'NotFound') } : undefined;
    faults.endWatches(connectionReset());
    await sandbox.advance('1m');
    await sandbox.delete('Drone', 'one');
    await sandbox.advance('10m');
    expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
  });

  // @promise outputs/field-claims
  it('sets the named route only, in one guarded request, and records the claimant and the original value', async () => {
    await start(editor());
    await sandbox.create(route('web', 'other', 'split'));
    const before = await found();
    const { metadata } = await sandbox.create(drone('one'));
    expect(sent()).to.deep.equal(CHANGE);
    const after = await found();
    expect(after.spec).to.deep.equal({
      ...before.spec,
      http: [before.spec.http[0], { name: 'split', route: to('new') }],
    });
    const [hold, ...more] = await held();
    expect(more).to.deep.equal([]);
    expect(hold).to.deep.include({
      path: ['spec', 'http', { name: 'split' }, 'route'],
      resource: 'Drone default/one',
      uid: metadata.uid,
      original: to('old'),
    });
    expect(hold?.['hash']).to.match(/^[0-9a-f]{10}$/);
    expect((await sandbox.get('VirtualService', 'web'))?.metadata.ownerReferences).to.equal(
      undefined,
    );
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False A');
  });

  it('costs no request when nothing has changed, also in a new process', async () => {
    const testOperator = editor({}, { interval: '10s' });
    await start(testOperator);
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    await sandbox.advance('5m');
    await sandbox.restart(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.advance('5m');
    expect(sent()).to.deep.equal(CHANGE);
  });

  it('follows what the worker wants, and keeps the value from before the first claim', async () => {
    await start(editor());
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    await sandbox.patch('Drone', 'one', { spec: { host: 'newer' } });
    expect(await hosts()).to.deep.equal(['newer']);
    expect((await held())[0]?.['original']).to.deep.equal(to('old'));
  });

  it('is set again when another client undoes it, and only for a change of this route', async () => {
    await start(editor());
    await sandbox.create(route('web', 'other', 'split'));
    await sandbox.create(drone('one'));
    await sandbox.patch('VirtualService', 'web', { spec: route('web', 'other', 'split')['spec'] });
    expect(await hosts()).to.deep.equal(['old', 'new']);
    await sandbox.patch('VirtualService', 'web', { metadata: { labels: { theirs: 'yes' } } });
    // The first read asks who has undone the claim.
    expect(sent()).to.deep.equal([...CHANGE, 'get web', ...CHANGE]);
  });

  // @promise outputs/field-claims
  it('is decided again when another client changes the route while the worker decides on it', async () => {
    let open = (): void => undefined;
    let slow = true;
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [output.virtualservices],
        sync: async ({ inputs }) => {
          const found = inputs['virtualservices']?.require('web') as KubeObject & {
            readonly spec: { readonly http: readonly Route[] };
          };
          if (slow) {
            await new Promise<void>((resolve) => (open = resolve));
          }
          const value = found.spec.http[0]?.route.map((entry) => ({ ...entry, weight: 100 }));
          return {
            next: 'A',
            outputs: {
              virtualservices: [
                claimFields(found, [{ path: ['spec', 'http', { name: 'split' }, 'route'], value }]),
              ],
            },
          };
        },
      },
    });
    await start(testOperator);
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    await sandbox.patch('VirtualService', 'web', {
      spec: { http: [{ name: 'split', route: to('moved') }] },
    });
    slow = false;
    open();
    await sandbox.advance('1s');
    expect(await hosts()).to.deep.equal(['moved']);
    expect((await held())[0]?.['original']).to.deep.equal(to('moved'));
  });

  it('is kept by a phase that prunes its own namespace, when another phase made it elsewhere', async () => {
    const all = { namespace: 'all' } as const;
    const edit = (namespace: string): FieldClaim =>
      claimFields(
        { ...route('web'), kind: 'VirtualService', metadata: { name: 'web', namespace } },
        [{ path: ['spec', 'http', { name: 'split' }, 'route'], value: to('new') }],
      );
    await start(
      defineTestOperator({
        A: {
          inputs: [{ ...input.virtualservices, ...all }],
          outputs: [{ ...output.virtualservices, ...all }],
          sync: () => ({ next: 'B', outputs: { virtualservices: [edit('far'), edit('default')] } }),
        },
        B: {
          inputs: [input.virtualservices],
          outputs: [{ ...output.virtualservices, prune: true }],
          sync: () => ({ next: 'B', outputs: { virtualservices: [] } }),
        },
      }),
    );
    await sandbox.create({ ...route('web', 'split'), metadata: { name: 'web', namespace: 'far' } });
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    const far = (await sandbox.get('VirtualService', 'web', 'far')) as unknown as {
      readonly spec: { readonly http: readonly Route[] };
    };
    expect([await hosts(), far.spec.http[0]?.route]).to.deep.equal([['old'], to('new')]);
  });

  // @promise outputs/field-claims
  it('follows the name when another client moves the route', async () => {
    await start(editor());
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    const { spec } = await found();
    await sandbox.patch('VirtualService', 'web', {
      spec: { http: [{ name: 'first', route: to('old') }, ...spec.http] },
    });
    await sandbox.delete('Drone', 'one');
    expect((await found()).spec.http.map(({ name }) => name)).to.deep.equal(['first', 'split']);
    expect(await hosts()).to.deep.equal(['old', 'old']);
  });

  describe('with a path that does not lead to one field', () => {
    const wrong: readonly [
      string,
      ObjectManifest,
      Partial<Parameters<typeof editor>[0]>,
      string,
    ][] = [
      [
        'a route that is not there',
        route('web', 'a', undefined, 'b', undefined),
        {},
        "spec.http[split].route of VirtualService default/web cannot be set: spec.http has no element named 'split' (it has 'a', 'b', 2 without a name)",
      ],
      [
        'a doubled name',
        route('web', 'split', 'a', 'split'),
        {},
        "spec.http[split].route of VirtualService default/web cannot be set: spec.http has 2 elements named 'split'",
      ],
      [
        'a list that is none',
        route('web', 'split'),
        { path: (name) => ['spec', { name }, 'route'] },
        'spec[split].route of VirtualService default/web cannot be set: spec is not a list',
      ],
      [
        'a field in nothing',
        route('web', 'split'),
        { path: () => ['spec', 'tls', 'route'] },
        'spec.tls.route of VirtualService default/web cannot be set: there is no spec.tls',
      ],
      [
        'status',
        route('web', 'split'),
        { path: () => ['status', 'x'] },
        "VirtualService default/web: 'status.x' cannot be claimed; name a field below spec or another top-level field, one label or one annotation",
      ],
      [
        'our own notes',
        route('web', 'split'),
        { path: () => ['metadata', 'annotations', FIELD_CLAIMS] },
        `VirtualService default/web: 'metadata.annotations.${FIELD_CLAIMS}' cannot be claimed; name a field below spec or another top-level field, one label or one annotation`,
      ],
    ];
    for (const [title, object, options, message] of wrong) {
      // @promise outputs/ambiguous-claims
      it(`is a permanent error that names what exists: ${title}`, async () => {
        await start(editor(options));
        await sandbox.create(object);
        await sandbox.create(drone('one'));
        expect(conditions(await sandbox.get('Drone', 'one'))[1]).to.match(/^Stalled=True /);
        expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
          `outputs.virtualservices of phase A: ${message}`,
        );
        expect(sent()).to.deep.equal([]);
      });
    }

    it('is tried again when the object changes', async () => {
      await start(editor());
      await sandbox.create(route('web', 'a'));
      await sandbox.create(drone('one'));
      await sandbox.patch('VirtualService', 'web', { spec: route('web', 'split')['spec'] });
      expect(await hosts()).to.deep.equal(['new']);
    });
  });

  // @promise outputs/ambiguous-claims
  it('of a kind that the phase does not read is a permanent error that says what to declare', async () => {
    await start(
      defineTestOperator({
        A: {
          outputs: [output.virtualservices],
          sync: () => ({
            next: 'A',
            outputs: { virtualservices: [claimFields(route('web') as never, [])] },
          }),
        },
      }),
    );
    await sandbox.create(drone('one'));
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'outputs.virtualservices of phase A claims fields of VirtualService web, which it does not read: declare virtualservices among the inputs of phase A too',
    );
  });

  describe('belongs to one resource', () => {
    // @promise outputs/one-claim-per-field
    it('so that a second resource gets OutputConflict, and the field when the first is deleted', async () => {
      await start(editor());
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.create(drone('two', { host: 'other' }));
      expect(conditions(await sandbox.get('Drone', 'two'))).to.deep.equal([
        'Ready=False OutputConflict',
        'Reconciling=True OutputConflict',
        'OutputConflict=True OutputConflict',
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'two'))).to.contain(
        'spec.http[split].route of VirtualService default/web is claimed by Drone default/one;',
      );
      await sandbox.delete('Drone', 'one');
      await sandbox.settle();
      expect(await hosts()).to.deep.equal(['other']);
      expect((await held())[0]).to.deep.include({
        resource: 'Drone default/two',
        original: to('old'),
      });
    });

    it('so that several resources claim different routes of one object, and each restores its own', async () => {
      await start(editor());
      await sandbox.create(route('web', 'a', 'b', 'c'));
      for (const name of ['a', 'b']) {
        await sandbox.create(drone(name, { routes: [name], host: name }));
      }
      expect(await hosts()).to.deep.equal(['a', 'b', 'old']);
      await sandbox.delete('Drone', 'a');
      expect(await hosts()).to.deep.equal(['old', 'b', 'old']);
      expect((await held()).map(({ resource }) => resource)).to.deep.equal(['Drone default/b']);
      await sandbox.delete('Drone', 'b');
      expect(await hosts()).to.deep.equal(['old', 'old', 'old']);
      expect((await found()).metadata.annotations).to.equal(undefined);
    });

    it('so that no resource claims a field inside the claim of another one', async () => {
      await start(defineTestOperator({ A: {} }));
      await sandbox.stop();
      await start(
        editor({
          path: (name) => (name === 'all' ? ['spec', 'http'] : ['spec', 'http', { name }, 'route']),
        }),
      );
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.create(drone('two', { routes: ['all'] }));
      expect(readyMessage(await sandbox.get('Drone', 'two'))).to.contain(
        'spec.http of VirtualService default/web is claimed by Drone default/one;',
      );
    });
  });

  describe('is released', () => {
    // @promise finalizer/cleanup-first
    it('when the resource is deleted, before its finalizer is removed', async () => {
      await start(editor());
      await sandbox.create(route('web', 'split', 'other'));
      const before = await found();
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      const { metadata, ...rest } = await found();
      const { metadata: old, ...contents } = before;
      expect(rest).to.deep.equal(contents);
      expect(metadata.annotations).to.equal(old.annotations);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      const last = faults.requests
        .filter(({ verb, kind }) => verb === 'patch' && kind !== 'Event')
        .map(({ kind, name }) => `${kind} ${name}`);
      expect(last.slice(-2)).to.deep.equal(['VirtualService web', 'Drone one']);
    });

    it('when the worker stops returning it and the output says prune', async () => {
      await start(editor({ prune: true }));
      await sandbox.create(route('web', 'a', 'b'));
      await sandbox.create(route('app', 'a'));
      await sandbox.create(drone('one', { routes: ['a', 'b'] }));
      await sandbox.patch('Drone', 'one', { spec: { routes: ['b'] } });
      expect(await hosts()).to.deep.equal(['old', 'new']);
      await sandbox.patch('Drone', 'one', { spec: { object: 'app', routes: ['a'] } });
      expect([await hosts(), await hosts('app')]).to.deep.equal([['old', 'old'], ['new']]);
      await sandbox.patch('Drone', 'one', { spec: { routes: [] } });
      expect([await hosts('app'), await held('app')]).to.deep.equal([['old'], []]);
    });

    it('not when the output does not say prune: the claim stays', async () => {
      await start(editor());
      await sandbox.create(route('web', 'a', 'b'));
      await sandbox.create(drone('one', { routes: ['a', 'b'] }));
      await sandbox.patch('Drone', 'one', { spec: { routes: ['b'] } });
      expect(await hosts()).to.deep.equal(['new', 'new']);
      await sandbox.delete('Drone', 'one');
      expect(await hosts()).to.deep.equal(['old', 'old']);
    });

    // @promise outputs/one-claim-per-field
    it('not where another client has changed it since: that value stays, with an Event', async () => {
      const testOperator = editor();
      await start(testOperator);
      await sandbox.create(route('web', 'a', 'b'));
      await sandbox.create(drone('one', { routes: ['a', 'b'] }));
      await sandbox.stop();
      const { spec } = await found();
      await sandbox.patch('VirtualService', 'web', {
        spec: { http: [{ ...spec.http[0], route: to('theirs') }, spec.http[1]] },
      });
      await sandbox.delete('Drone', 'one');
      await sandbox.restart(testOperator.scheduler, { wrapApi: faults.wrapApi });
      expect(await hosts()).to.deep.equal(['theirs', 'old']);
      expect((await found()).metadata.annotations).to.equal(undefined);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      const notes = (await sandbox.cluster.api.list(EVENTS)).items.map(
        (event) => (event as { note?: string }).note,
      );
      expect(notes).to.include(
        'spec.http[a].route of VirtualService default/web was not restored: another client has changed it since',
      );
    });

    // @promise finalizer/operator-stop
    it('not when the operator stops', async () => {
      await start(editor());
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.stop();
      expect(await hosts()).to.deep.equal(['new']);
    });

    it('by removal where the field, the first label or the first annotation was absent', async () => {
      const paths: readonly (readonly FieldPathElement[])[] = [
        ['spec', 'exportTo'],
        ['metadata', 'labels', 'a/b-c'],
        ['metadata', 'annotations', 'x'],
      ];
      const testOperator = defineTestOperator({
        A: {
          inputs: [input.virtualservices],
          outputs: [output.virtualservices],
          sync: ({ inputs }) => ({
            next: 'A',
            outputs: {
              virtualservices: [
                claimFields(
                  inputs['virtualservices']?.require('web') as KubeObject,
                  paths.map((path, index) => ({ path, value: index === 0 ? ['.'] : 'v' })),
                ),
              ],
            },
          }),
        },
      });
      await start(testOperator);
      await sandbox.create(route('web', 'split'));
      const before = await found();
      await sandbox.create(drone('one'));
      const { metadata, spec } = await found();
      expect([
        metadata.labels,
        metadata.annotations?.['x'],
        (spec as { exportTo?: unknown }).exportTo,
      ]).to.deep.equal([{ 'a/b-c': 'v' }, 'v', ['.']]);
      await sandbox.delete('Drone', 'one');
      const after = await found();
      expect([
        after.spec,
        after.metadata.labels ?? {},
        after.metadata.annotations ?? {},
      ]).to.deep.equal([before.spec, {}, {}]);
    });

    it('as it was before the claim: a field that the worker removed comes back', async () => {
      const testOperator = defineTestOperator({
        A: {
          inputs: [input.virtualservices],
          outputs: [output.virtualservices],
          sync: ({ inputs }) => ({
            next: 'A',
            outputs: {
              virtualservices: [
                claimFields(inputs['virtualservices']?.require('web') as KubeObject, [
                  { path: ['spec', 'hosts'], value: undefined },
                ]),
              ],
            },
          }),
        },
      });
      await start(testOperator);
      await sandbox.create(route('web', 'split'));
      const before = await found();
      await sandbox.create(drone('one'));
      expect((await found()).spec).not.to.have.property('hosts');
      await sandbox.delete('Drone', 'one');
      expect((await found()).spec).to.deep.equal(before.spec);
    });

    it('where the API server stores the value in another form than it was sent in', async () => {
      const crd = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'virtualservices.networking.istio.io' },
        spec: {
          group: 'networking.istio.io',
          names: { kind: 'VirtualService', plural: 'virtualservices' },
          scope: 'Namespaced',
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: {
                    spec: {
                      type: 'object',
                      properties: {
                        hosts: { type: 'array', items: { type: 'string' } },
                        http: {
                          type: 'array',
                          items: {
                            type: 'object',
                            properties: {
                              name: { type: 'string' },
                              route: {
                                type: 'array',
                                items: {
                                  type: 'object',
                                  properties: {
                                    weight: { type: 'integer' },
                                    destination: {
                                      type: 'object',
                                      properties: {
                                        host: { type: 'string' },
                                        port: { type: 'integer', default: 80 },
                                      },
                                    },
                                  },
                                },
                              },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          ],
        },
      };
      const testOperator = editor({}, { interval: '10s' });
      await start(testOperator);
      await sandbox.create(crd);
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.advance('1m');
      await sandbox.restart(testOperator.scheduler, { wrapApi: faults.wrapApi });
      await sandbox.advance('1m');
      expect(sent()).to.deep.equal(CHANGE);
      await sandbox.delete('Drone', 'one');
      expect(await hosts()).to.deep.equal(['old']);
    });
  });

  it('survives any request that gets no response, whether it was done or not', async () => {
    for (const when of ['before', 'after'] as const) {
      await start(editor());
      const hit = new Set<string>();
      faults.fault = ({ verb, kind, name }) => {
        const place = `${kind} ${name} ${sandbox.events.length > 3}`;
        if (verb !== 'patch' || hit.has(place)) {
          return undefined;
        }
        hit.add(place);
        return { when, error: connectionReset() };
      };
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.until(
        async () =>
          (await hosts())[0] === 'new' &&
          conditions(await sandbox.get('Drone', 'one'))[0] === 'Ready=False A',
        '5m',
      );
      expect((await held())[0]?.['original'], when).to.deep.equal(to('old'));
      await sandbox.delete('Drone', 'one');
      await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '5m');
      expect([await hosts(), await held()], when).to.deep.equal([['old'], []]);
      if (when === 'before') {
        await sandbox.stop();
      }
    }
  });

  it('uses the fresh object when another client changes it at the same time', async () => {
    await start(editor());
    let changes = 0;
    faults.fault = ({ verb, kind }) => {
      const body = { metadata: { labels: { theirs: 'yes' } } };
      if (verb === 'patch' && kind === 'VirtualService' && changes++ === 0) {
        void sandbox.cluster.api.patch(
          VIRTUAL_SERVICES,
          { namespace: 'default', name: 'web' },
          { type: 'merge', body },
        );
      }
      return undefined;
    };
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    await sandbox.advance('1s');
    expect(await hosts()).to.deep.equal(['new']);
    expect((await found()).metadata.labels).to.deep.equal({ theirs: 'yes' });
    expect(sandbox.events.filter(({ type }) => type === 'reconcileFailed')).to.deep.equal([]);
  });
});
