/** The written list: what the runtime may rely on behind `KubeApi`. Each case runs on the sandbox and on a real API server. */
import { expect } from 'chai';
import type { World } from './world.ts';
import { CONFIG_MAPS, CRDS, DEPLOYMENTS, failure, fieldsOf, FLIGHTS, SERVICES } from './world.ts';

export interface Case {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  'create and get': [
    {
      name: 'gives a uid, a version, a time and generation 1',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        expect(metadata.uid).to.match(/^[0-9a-f-]{36}$/);
        expect(metadata.resourceVersion).to.match(/^[1-9]\d*$/);
        expect(metadata.creationTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(metadata.generation).to.equal(1);
      },
    },
    {
      name: 'drops status when the kind has a status subresource',
      async run(world) {
        const { status } = await world.create(FLIGHTS, { ...world.flight('a'), status: { phase: 'Landed' } });
        expect(status).to.equal(undefined);
      },
    },
    {
      name: 'refuses a second object of the name: 409 AlreadyExists',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        expect(await failure(world.create(FLIGHTS, world.flight('a')))).to.deep.equal({ code: 409, reason: 'AlreadyExists', message: 'flights.conformance.autopilot.test "a" already exists' });
      },
    },
    {
      name: 'refuses a resourceVersion: 500, as the real server does',
      async run(world) {
        const { code, message } = await failure(world.create(FLIGHTS, world.flight('a', {}, { resourceVersion: '5' })));
        expect([code, message]).to.deep.equal([500, 'resourceVersion should not be set on objects to be created']);
      },
    },
    {
      name: 'refuses a namespace that is not there: 404',
      async run(world) {
        const call = world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, { namespace: 'nowhere' }));
        expect(await failure(call)).to.deep.equal({ code: 404, reason: 'NotFound', message: 'namespaces "nowhere" not found' });
      },
    },
    {
      name: 'answers 404 for an object that is not there, in the core group and in others',
      async run(world) {
        expect(await failure(world.get(CONFIG_MAPS, 'a'))).to.deep.equal({ code: 404, reason: 'NotFound', message: 'configmaps "a" not found' });
        expect(await failure(world.get(DEPLOYMENTS, 'a'))).to.deep.equal({ code: 404, reason: 'NotFound', message: 'deployments.apps "a" not found' });
      },
    },
    {
      name: 'answers 404 for a kind that is not served',
      async run(world) {
        const type = { ...FLIGHTS, plural: 'balloons', kind: 'Balloon' };
        const { code, reason, message } = await failure(world.api.list(type, { namespace: world.namespace }));
        expect([code, reason]).to.deep.equal([404, '']);
        expect(message).to.contain('404 page not found');
      },
    },
    {
      name: 'makes a name of generateName',
      async run(world) {
        const { generateName: _, ...object } = { ...world.flight('x'), generateName: '' };
        const { name: __, ...metadata } = object.metadata;
        const created = await world.create(FLIGHTS, { ...object, metadata: { ...metadata, generateName: 'run-' } as never });
        expect(created.metadata.name).to.match(/^run-[a-z0-9]{5}$/);
      },
    },
    {
      name: 'writes nothing on a dry run',
      async run(world) {
        const made = await world.api.create(FLIGHTS, world.flight('a'), { dryRun: true });
        expect(made.metadata.uid).to.match(/^[0-9a-f-]{36}$/);
        expect((await failure(world.get(FLIGHTS, 'a'))).code).to.equal(404);
      },
    },
  ],
  'the schema of a CRD': [
    {
      name: 'fills in defaults, in items of lists too, and invents no parents',
      async run(world) {
        const { spec } = await world.create(FLIGHTS, world.flight('a', { legs: [{ name: 'one' }] }));
        expect(spec).to.deep.equal({ route: 'FRA-MUC', altitude: 100, legs: [{ name: 'one', hours: 1 }] });
      },
    },
    {
      name: 'refuses fields that are not declared: 400',
      async run(world) {
        const { code, message } = await failure(world.create(FLIGHTS, world.flight('a', { colour: 'red' })));
        expect([code, message]).to.deep.equal([400, 'Flight in version "v1" cannot be handled as a Flight: strict decoding error: unknown field "spec.colour"']);
      },
    },
    {
      name: 'refuses a wrong type: 422',
      async run(world) {
        expect(await failure(world.create(FLIGHTS, world.flight('a', { altitude: 'high' })))).to.deep.equal({
          code: 422,
          reason: 'Invalid',
          message: 'Flight.conformance.autopilot.test "a" is invalid: spec.altitude: Invalid value: "string": spec.altitude in body must be of type integer: "string"',
        });
      },
    },
    {
      name: 'refuses a required field that is missing: 422',
      async run(world) {
        const { code, message } = await failure(world.create(FLIGHTS, world.object(FLIGHTS, 'a', { spec: {} })));
        expect([code, message]).to.deep.equal([422, 'Flight.conformance.autopilot.test "a" is invalid: spec.route: Required value']);
      },
    },
    {
      name: 'says everything that is wrong: bounds, patterns, enums, lengths',
      async run(world) {
        const { message } = await failure(world.create(FLIGHTS, world.flight('a', { altitude: 501, mode: 'blind', note: 'much too long', route: 'x', stops: ['a', 'b', 'c', 'd'] })));
        const [, list = ''] = /is invalid: \[(.*)\]$/.exec(message) ?? [];
        for (const part of [
          'spec.altitude: Invalid value: 501: spec.altitude in body should be less than or equal to 500',
          'spec.mode: Unsupported value: "blind": supported values: "visual", "instrument"',
          'spec.note: Too long: may not be more than 10 bytes',
          "spec.route: Invalid value: \"x\": spec.route in body should match '^[A-Z]{3}-[A-Z]{3}$'",
          'spec.stops: Too many: 4: must have at most 3 items',
        ])
          expect(list).to.contain(part);
      },
    },
    {
      name: 'takes numbers and texts where both are allowed, null where it is, anything where the schema is open',
      async run(world) {
        const spec = { limit: '5%', note: null, extra: { deep: [{ any: 1 }] } };
        expect((await world.create(FLIGHTS, world.flight('a', spec))).spec).to.deep.include(spec);
        expect((await world.create(FLIGHTS, world.flight('b', { limit: 5 }))).spec.limit).to.equal(5);
      },
    },
  ],
  'replace and patch': [
    {
      name: 'counts changes of the spec in generation, of labels and status not',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        expect((await world.merge(FLIGHTS, 'a', { metadata: { labels: { x: 'y' } } })).metadata.generation).to.equal(1);
        expect((await world.merge(FLIGHTS, 'a', { status: { phase: 'Up' } }, { subresource: 'status' })).metadata.generation).to.equal(1);
        expect((await world.merge(FLIGHTS, 'a', { spec: { altitude: 200 } })).metadata.generation).to.equal(2);
      },
    },
    {
      name: 'keeps the version when nothing changes',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        expect((await world.merge(FLIGHTS, 'a', { spec: { altitude: 100 } })).metadata.resourceVersion).to.equal(metadata.resourceVersion);
      },
    },
    {
      name: 'refuses a stale version: 409 Conflict',
      async run(world) {
        const old = await world.create(FLIGHTS, world.flight('a'));
        await world.merge(FLIGHTS, 'a', { spec: { altitude: 200 } });
        const stale = { code: 409, reason: 'Conflict', message: 'Operation cannot be fulfilled on flights.conformance.autopilot.test "a": the object has been modified; please apply your changes to the latest version and try again' };
        expect(await failure(world.api.replace(FLIGHTS, old))).to.deep.equal(stale);
        expect(await failure(world.merge(FLIGHTS, 'a', { metadata: { resourceVersion: old.metadata.resourceVersion }, spec: { altitude: 300 } }))).to.deep.equal(stale);
      },
    },
    {
      name: 'writes through the status door only status, through the main door everything else',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        const both = { spec: { altitude: 300 }, status: { phase: 'Up' } };
        const status = await world.merge(FLIGHTS, 'a', both, { subresource: 'status' });
        expect([status.spec.altitude, status.status]).to.deep.equal([100, { phase: 'Up' }]);
        const main = await world.merge(FLIGHTS, 'a', { ...both, status: { phase: 'Down' } });
        expect([main.spec.altitude, main.status]).to.deep.equal([300, { phase: 'Up' }]);
      },
    },
    {
      name: 'replaces with another uid: 409, patches with another uid: 422',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        const uid = '00000000-0000-4000-8000-0000000000ff';
        const { code, message } = await failure(world.api.replace(FLIGHTS, world.flight('a', {}, { uid, resourceVersion: metadata.resourceVersion })));
        expect(code).to.equal(409);
        expect(message).to.contain(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
        expect((await failure(world.merge(FLIGHTS, 'a', { metadata: { uid } }))).code).to.equal(422);
      },
    },
    {
      name: 'refuses to replace a custom resource without a version: 422',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        const { code, message } = await failure(world.api.replace(FLIGHTS, world.flight('a', { altitude: 7 })));
        expect([code, message]).to.deep.equal([422, 'flights.conformance.autopilot.test "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update']);
      },
    },
    {
      name: 'removes a field that a merge patch sets to null',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a', { crew: { captain: 'Ada', cook: 'Bo' } }));
        expect((await world.merge(FLIGHTS, 'a', { spec: { crew: { cook: null } } })).spec.crew).to.deep.equal({ captain: 'Ada' });
      },
    },
    {
      name: 'does a JSON patch in order, and nothing of it when a test fails: 422',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a', { stops: ['NUE'] }));
        const key = { namespace: world.namespace, name: 'a' };
        const patched = await world.api.patch(FLIGHTS, key, { type: 'json', body: [{ op: 'add', path: '/spec/stops/0', value: 'STR' }, { op: 'replace', path: '/spec/altitude', value: 7 }] });
        expect(patched.spec).to.deep.include({ stops: ['STR', 'NUE'], altitude: 7 });
        const { code } = await failure(world.api.patch(FLIGHTS, key, { type: 'json', body: [{ op: 'remove', path: '/spec/stops' }, { op: 'test', path: '/spec/altitude', value: 8 }] }));
        expect(code).to.equal(422);
        expect((await world.get(FLIGHTS, 'a')).spec.stops).to.deep.equal(['STR', 'NUE']);
      },
    },
    {
      name: 'refuses two controlling owners: 422',
      async run(world) {
        const owner = { apiVersion: 'v1', kind: 'ConfigMap', controller: true };
        const ownerReferences = ['one', 'two'].map((name) => ({ ...owner, name, uid: `00000000-0000-4000-8000-${name.padStart(12, '0').replaceAll(/[^0-9a-f]/g, 'a')}` }));
        const { code, message } = await failure(world.create(FLIGHTS, world.flight('a', {}, { ownerReferences })));
        expect(code).to.equal(422);
        expect(message).to.contain('Only one reference can have Controller set to true. Found "true" in references for ConfigMap/one and ConfigMap/two');
      },
    },
  ],
  delete: [
    {
      name: 'is done at once without finalizers; a second one is a 404',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        const key = { namespace: world.namespace, name: 'a' };
        await world.api.delete(FLIGHTS, key);
        expect((await failure(world.api.delete(FLIGHTS, key))).code).to.equal(404);
      },
    },
    {
      name: 'waits for finalizers, counts as a change of the spec, and is done when the last one goes',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a', {}, { finalizers: ['autopilot.test/hold'] }));
        await world.api.delete(FLIGHTS, { namespace: world.namespace, name: 'a' });
        const { metadata } = await world.get(FLIGHTS, 'a');
        expect(metadata.deletionTimestamp).to.match(/Z$/);
        expect(metadata.generation).to.equal(2);
        await world.merge(FLIGHTS, 'a', { metadata: { finalizers: null } });
        expect((await failure(world.get(FLIGHTS, 'a'))).code).to.equal(404);
      },
    },
    {
      name: 'refuses new finalizers on an object that is being deleted: 422',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a', {}, { finalizers: ['autopilot.test/hold'] }));
        await world.api.delete(FLIGHTS, { namespace: world.namespace, name: 'a' });
        const { code, message } = await failure(world.merge(FLIGHTS, 'a', { metadata: { finalizers: ['autopilot.test/hold', 'autopilot.test/late'] } }));
        expect(code).to.equal(422);
        expect(message).to.contain('metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"autopilot.test/late"}');
      },
    },
    {
      name: 'refuses another uid or version than asked for: 409',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        const key = { namespace: world.namespace, name: 'a' };
        const other = '00000000-0000-4000-8000-0000000000ff';
        const refused = async (preconditions: { uid?: string; resourceVersion?: string }): Promise<unknown> => failure(world.api.delete(FLIGHTS, key, { preconditions }));
        const head = 'Operation cannot be fulfilled on Flight.conformance.autopilot.test "a": the';
        expect(await refused({ uid: other })).to.deep.equal({
          code: 409,
          reason: 'Conflict',
          message: `${head} UID in the precondition (${other}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
        });
        expect(await refused({ resourceVersion: '1' })).to.deep.equal({
          code: 409,
          reason: 'Conflict',
          message: `${head} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
        });
        await world.api.delete(FLIGHTS, key, { preconditions: { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' } });
      },
    },
  ],
  'server-side apply': [
    {
      name: 'creates, and remembers what was sent',
      async run(world) {
        const made = await world.apply(FLIGHTS, world.flight('a', { crew: { captain: 'Ada' }, legs: [{ name: 'one', from: 'FRA' }], tags: ['x'], stops: ['NUE'] }), 'tower');
        expect(fieldsOf(made, 'tower')).to.deep.equal({
          'f:spec': {
            'f:route': {},
            'f:crew': { 'f:captain': {} },
            'f:legs': { 'k:{"name":"one"}': { '.': {}, 'f:name': {}, 'f:from': {} } },
            'f:tags': { 'v:"x"': {} },
            'f:stops': {},
          },
        });
      },
    },
    {
      name: 'merges maps, lists by key and sets, and replaces other lists',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a', { crew: { captain: 'Ada' }, legs: [{ name: 'one', from: 'FRA' }], tags: ['x'], stops: ['NUE'] }));
        const { spec } = await world.apply(FLIGHTS, world.flight('a', { crew: { cook: 'Bo' }, legs: [{ name: 'two' }, { name: 'one', to: 'NUE' }], tags: ['y'], stops: ['STR'] }), 'tower', true);
        expect(spec.crew).to.deep.equal({ captain: 'Ada', cook: 'Bo' });
        expect(spec.legs).to.deep.equal([{ name: 'two', hours: 1 }, { name: 'one', from: 'FRA', to: 'NUE', hours: 1 }]);
        expect(spec.tags).to.deep.equal(['x', 'y']);
        expect(spec.stops).to.deep.equal(['STR']);
      },
    },
    {
      name: 'removes what the same manager no longer sends, and keeps what others own',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5, mode: 'visual', crew: { captain: 'Ada' }, legs: [{ name: 'one' }] }), 'tower');
        await world.apply(FLIGHTS, world.flight('a', { mode: 'visual', legs: [{ name: 'two' }] }), 'ground');
        const { spec } = await world.apply(FLIGHTS, world.flight('a'), 'tower');
        expect(spec).to.deep.equal({ route: 'FRA-MUC', altitude: 100, mode: 'visual', legs: [{ name: 'two', hours: 1 }] });
      },
    },
    {
      name: 'refuses to change what another applier owns: 409 with the manager and the field',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        expect(await failure(world.apply(FLIGHTS, world.flight('a', { altitude: 6 }), 'ground'))).to.deep.equal({ code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "tower": .spec.altitude' });
      },
    },
    {
      name: 'names all conflicts, by manager',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5, legs: [{ name: 'one', from: 'FRA' }] }), 'tower');
        expect((await failure(world.apply(FLIGHTS, world.flight('a', { altitude: 6, legs: [{ name: 'one', from: 'STR' }] }), 'ground'))).message).to.equal(
          'Apply failed with 2 conflicts: conflicts with "tower":\n- .spec.altitude\n- .spec.legs[name="one"].from',
        );
      },
    },
    {
      name: 'takes fields over when forced: they are no longer the other one’s',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        const forced = await world.apply(FLIGHTS, world.flight('a', { altitude: 6 }), 'ground', true);
        expect(fieldsOf(forced, 'tower')).to.deep.equal({ 'f:spec': { 'f:route': {} } });
        expect(fieldsOf(forced, 'ground')).to.deep.equal({ 'f:spec': { 'f:altitude': {}, 'f:route': {} } });
      },
    },
    {
      name: 'lets two managers own a field while they agree',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'ground');
        expect((await world.apply(FLIGHTS, world.flight('a'), 'tower')).spec.altitude).to.equal(5);
      },
    },
    {
      name: 'takes a field from its applier when somebody else updates it',
      async run(world) {
        await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        const changed = await world.merge(FLIGHTS, 'a', { spec: { altitude: 6 } }, { fieldManager: 'hand' });
        expect(fieldsOf(changed, 'tower')).to.deep.equal({ 'f:spec': { 'f:route': {} } });
        expect(fieldsOf(changed, 'hand')).to.deep.equal({ 'f:spec': { 'f:altitude': {} } });
      },
    },
    {
      name: 'keeps the version when the same is applied again',
      async run(world) {
        const first = await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        const second = await world.apply(FLIGHTS, world.flight('a', { altitude: 5 }), 'tower');
        expect(second.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
      },
    },
    {
      name: 'only creates when it carries version 1: 409 where the object exists',
      async run(world) {
        const guarded = world.flight('a', {}, { resourceVersion: '1' });
        await world.apply(FLIGHTS, guarded, 'tower');
        expect((await failure(world.apply(FLIGHTS, guarded, 'ground'))).code).to.equal(409);
        expect(fieldsOf(await world.get(FLIGHTS, 'a'), 'ground')).to.equal(undefined);
      },
    },
    {
      name: 'refuses a uid where nothing is: 409; another one than that of the object: 422, and 409 when the version is stale too',
      async run(world) {
        const uid = '00000000-0000-4000-8000-0000000000ff';
        expect((await failure(world.apply(FLIGHTS, world.flight('a', {}, { uid }), 'tower', true))).code).to.equal(409);
        await world.create(FLIGHTS, world.flight('b'));
        const { code, message } = await failure(world.apply(FLIGHTS, world.flight('b', {}, { uid }), 'tower', true));
        expect([code, message]).to.deep.equal([422, `Flight.conformance.autopilot.test "b" is invalid: metadata.uid: Invalid value: "${uid}": field is immutable`]);
        expect((await failure(world.apply(FLIGHTS, world.flight('b', {}, { uid, resourceVersion: '2' }), 'tower', true))).code).to.equal(409);
      },
    },
    {
      name: 'with version and uid of an object that is gone creates nothing: 409',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        await world.api.delete(FLIGHTS, { namespace: world.namespace, name: 'a' });
        const { uid, resourceVersion } = metadata;
        expect((await failure(world.apply(FLIGHTS, world.flight('a', {}, { uid, resourceVersion }), 'tower', true))).code).to.equal(409);
        expect((await failure(world.get(FLIGHTS, 'a'))).code).to.equal(404);
      },
    },
    {
      name: 'refuses fields that the schema does not declare: 500, as the real server does',
      async run(world) {
        const { code, message } = await failure(world.apply(FLIGHTS, world.flight('a', { colour: 'red' }), 'tower'));
        expect(code).to.equal(500);
        expect(message).to.contain('.spec.colour: field not declared in schema');
      },
    },
    {
      name: 'knows how lists of built-in kinds merge: ports of a Service by port and protocol, TCP unless said',
      async run(world) {
        const service = (ports: readonly object[]): Parameters<World['apply']>[1] => world.object(SERVICES, 'web', { spec: { ports } });
        await world.apply(SERVICES, service([{ port: 80, name: 'http' }]), 'tower');
        const { spec } = await world.apply(SERVICES, service([{ port: 81, name: 'admin' }]), 'ground');
        expect(spec.ports.map(({ port }: { port: number }) => port)).to.deep.equal([80, 81]);
        expect(fieldsOf(await world.get(SERVICES, 'web'), 'tower')).to.deep.equal({ 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } } });
      },
    },
    {
      name: 'drops a key of a ConfigMap that its manager no longer sends',
      async run(world) {
        await world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { one: '1', two: '2' } }), 'tower');
        expect((await world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { two: '2' } }), 'tower')).data).to.deep.equal({ two: '2' });
      },
    },
    {
      name: 'merges owners by uid',
      async run(world) {
        const owner = (name: string, digit: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid: `00000000-0000-4000-8000-00000000000${digit}` });
        await world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [owner('x', '1')] }), 'tower');
        const { metadata } = await world.apply(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}, { ownerReferences: [owner('y', '2')] }), 'ground');
        expect(metadata.ownerReferences?.map(({ name }) => name)).to.deep.equal(['x', 'y']);
      },
    },
    {
      name: 'applies status through its door only',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        const { api } = world;
        const object = world.object(FLIGHTS, 'a', { status: { phase: 'Up' } });
        const applied = await api.apply(FLIGHTS, object, { fieldManager: 'tower', subresource: 'status' });
        expect(applied.status).to.deep.equal({ phase: 'Up' });
        expect(fieldsOf(applied, 'tower')).to.deep.equal({ 'f:status': { 'f:phase': {} } });
      },
    },
  ],
  'list and watch': [
    {
      name: 'lists by label, sorted by name, with apiVersion and kind on each item',
      async run(world) {
        for (const [name, colour] of [['c', 'red'], ['a', 'red'], ['b', 'blue']] as const) await world.create(FLIGHTS, world.flight(name, {}, { labels: { colour } }));
        const { items } = await world.api.list(FLIGHTS, { namespace: world.namespace, labelSelector: 'colour in (red,green)' });
        expect(items.map(({ metadata, kind }) => `${kind} ${metadata.name}`)).to.deep.equal(['Flight a', 'Flight c']);
      },
    },
    {
      name: 'lists by the field metadata.name',
      async run(world) {
        for (const name of ['a', 'b']) await world.create(FLIGHTS, world.flight(name));
        const { items } = await world.api.list(FLIGHTS, { namespace: world.namespace, fieldSelector: 'metadata.name=b' });
        expect(items.map(({ metadata }) => metadata.name)).to.deep.equal(['b']);
      },
    },
    {
      name: 'gives pages of one moment: what comes meanwhile is not in them',
      async run(world) {
        for (const name of ['a', 'b', 'c']) await world.create(FLIGHTS, world.flight(name));
        const first = await world.api.list(FLIGHTS, { namespace: world.namespace, limit: 2 });
        await world.create(FLIGHTS, world.flight('bb'));
        await world.create(FLIGHTS, world.flight('d'));
        const second = await world.api.list(FLIGHTS, { namespace: world.namespace, limit: 2, continue: first.continue ?? '' });
        expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).to.deep.equal(['a', 'b', 'c']);
        expect(second.continue).to.equal(undefined);
        expect(second.resourceVersion).to.equal(first.resourceVersion);
      },
    },
    {
      name: 'watches from a list on: what happened between list and watch is told',
      async run(world) {
        await world.create(FLIGHTS, world.flight('a'));
        const { resourceVersion } = await world.api.list(FLIGHTS, { namespace: world.namespace });
        await world.create(FLIGHTS, world.flight('b'));
        await world.merge(FLIGHTS, 'a', { spec: { altitude: 7 } });
        await world.api.delete(FLIGHTS, { namespace: world.namespace, name: 'a' });
        expect(await world.watched(FLIGHTS, { resourceVersion }, 3)).to.deep.equal(['ADDED b', 'MODIFIED a', 'DELETED a']);
      },
    },
    {
      name: 'tells a deletion with a version of its own, newer than the last change',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        await world.api.delete(FLIGHTS, { namespace: world.namespace, name: 'a' });
        for await (const event of world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion: metadata.resourceVersion ?? '' })) {
          if (event.type === 'BOOKMARK') continue;
          expect(event.type).to.equal('DELETED');
          expect(Number(event.object.metadata.resourceVersion)).to.be.greaterThan(Number(metadata.resourceVersion));
          break;
        }
      },
    },
    {
      name: 'tells a watch with a selector that an object begins and ends to match as added and deleted',
      async run(world) {
        const { metadata } = await world.create(FLIGHTS, world.flight('a'));
        await world.merge(FLIGHTS, 'a', { metadata: { labels: { colour: 'red' } } });
        await world.merge(FLIGHTS, 'a', { spec: { altitude: 8 } });
        await world.merge(FLIGHTS, 'a', { metadata: { labels: { colour: 'blue' } } });
        expect(await world.watched(FLIGHTS, { resourceVersion: metadata.resourceVersion ?? '', labelSelector: 'colour=red' }, 3)).to.deep.equal(['ADDED a', 'MODIFIED a', 'DELETED a']);
      },
    },
    {
      name: 'says nothing of a write that changed nothing',
      async run(world) {
        const { metadata } = await world.apply(FLIGHTS, world.flight('a'), 'tower');
        await world.apply(FLIGHTS, world.flight('a'), 'tower');
        await world.create(FLIGHTS, world.flight('b'));
        expect(await world.watched(FLIGHTS, { resourceVersion: metadata.resourceVersion ?? '' }, 1)).to.deep.equal(['ADDED b']);
      },
    },
    {
      name: 'ends a watch after its time, without a failure',
      async run(world) {
        const { resourceVersion } = await world.api.list(FLIGHTS, { namespace: world.namespace });
        const events: string[] = [];
        for await (const { type } of world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion, timeoutSeconds: 1 })) if (type !== 'BOOKMARK') events.push(type);
        expect(events).to.deep.equal([]);
      },
    },
    {
      name: 'ends a watch with the reason of its signal',
      async run(world) {
        const stop = new AbortController();
        const reason = new Error('enough');
        const { resourceVersion } = await world.api.list(FLIGHTS, { namespace: world.namespace });
        const watching = (async () => {
          for await (const _ of world.api.watch(FLIGHTS, { namespace: world.namespace, resourceVersion }, stop.signal)) stop.abort(reason);
        })();
        await world.create(FLIGHTS, world.flight('a'));
        expect(await watching.catch((error: unknown) => error)).to.equal(reason);
      },
    },
    {
      name: 'serves a new CRD, and no longer when it is deleted',
      async run(world) {
        const group = `${world.namespace}.conformance.autopilot.test`;
        const type = { group, version: 'v1', kind: 'Kite', plural: 'kites', namespaced: true };
        const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
        const names = { kind: 'Kite', plural: 'kites', singular: 'kite', listKind: 'KiteList' };
        const spec = { group, names, scope: 'Namespaced', versions: [{ name: 'v1', served: true, storage: true, schema }] };
        await world.api.create(CRDS, { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `kites.${group}` }, spec });
        await eventually(() => world.create(type, world.object(type, 'a', {})));
        await world.api.delete(CRDS, { name: `kites.${group}` });
        await eventually(async () => expect((await failure(world.get(type, 'a'))).message).to.contain('404 page not found'));
      },
    },
  ],
};

async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }
}
