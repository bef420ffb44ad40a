import { expect } from 'chai';
import type { Flight } from '../../sandbox/src/index.ts';
import { fly } from '../../sandbox/src/index.ts';
import { Faults, noAnswer, refusal } from './faults.ts';
import type { TestMachine } from './machines.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  machine,
  output,
  readyMessage,
  service,
  SERVICES,
} from './machines.ts';

const OWNER = 'flights.autopilot.test/owner-uid';

describe('outputs', () => {
  let flight: Flight;
  let faults: Faults;
  afterEach(() => flight.stop());

  async function start({ scheduler }: TestMachine): Promise<void> {
    faults = new Faults();
    flight = await fly(scheduler, {
      through: faults.through,
      config: { workIntervalMs: 3_600_000 },
    });
  }
  const names = async (kind = 'Service'): Promise<readonly string[]> =>
    (await flight.list(kind)).map(({ metadata }) => metadata.name);

  /** Writes the Services that `spec.services` names, and stays. */
  const writer = (options: { readonly prune?: boolean } = {}): TestMachine =>
    machine({
      A: {
        outputs: [{ ...output.services, ...options }],
        sync: ({ resource }) => {
          const { services, port } = resource.spec as {
            services?: readonly string[];
            port?: number;
          };
          return {
            next: 'A',
            ...(services !== undefined && {
              outputs: { services: services.map((name) => service(name, port ?? 80)) },
            }),
          };
        },
      },
    });

  // @promise outputs/ownership-marks
  it('carry who made them: a controlling owner, the owner’s uid and the operator’s name', async () => {
    await start(writer());
    const { metadata } = await flight.create(drone('one', { services: ['a'] }));
    const made = await flight.get('Service', 'a');
    expect(made?.metadata.ownerReferences).to.deep.equal([
      {
        apiVersion: 'flights.autopilot.test/v1',
        kind: 'Drone',
        name: 'one',
        uid: metadata.uid,
        controller: true,
      },
    ]);
    expect(made?.metadata.labels).to.deep.equal({
      'app.kubernetes.io/managed-by': 'drone-operator',
      [OWNER]: metadata.uid,
    });
  });

  // @promise outputs/drift
  it('cost one request each when they are new, and none when nothing has changed', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a', 'b'] }));
    expect(faults.of('Service')).to.deep.equal(['list', 'watch', 'apply a', 'apply b']);
    await flight.advance('3h');
    expect(faults.of('Service').filter((request) => request.includes(' '))).to.deep.equal([
      'apply a',
      'apply b',
    ]);
  });

  // @promise outputs/foreign-objects
  it('are seen by the next phase also when the answer to their creation was lost and their event is late', async () => {
    const services = { name: 'services', type: output.services.type, namespace: 'own' } as const;
    const flown = machine({
      A: {
        outputs: [output.services],
        sync: () => ({ next: 'B', outputs: { services: [service('a')] } }),
      },
      B: {
        inputs: [services],
        sync: ({ inputs }) => ({ next: inputs['services']?.get('a') === undefined ? 'A' : 'B' }),
      },
    });
    await start(flown);
    let lost = false;
    faults.fault = ({ verb, kind }) => {
      if (kind !== 'Service' || !['apply', 'watch'].includes(verb) || (lost && verb === 'apply')) {
        return undefined;
      }
      if (verb === 'apply') {
        lost = true;
        faults.endWatches(noAnswer());
      }
      return { when: verb === 'apply' ? 'after' : 'before', error: noAnswer() };
    };
    await flight.create(drone('one'));
    await flight.advance('3s');
    expect(flown.calls.map(({ phase }) => phase)).to.deep.equal(['A', 'A', 'B']);
  });

  // @promise outputs/foreign-objects
  it('do not touch an object of somebody else, and say whose it is', async () => {
    await start(writer());
    await flight.create({
      ...service('a', 1),
      metadata: { name: 'a', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    } as never);
    const before = await flight.get('Service', 'a');
    await flight.create(drone('one', { services: ['a'] }));
    expect(await flight.get('Service', 'a')).to.deep.equal(before);
    expect(conditions(await flight.get('Drone', 'one'))[0]).to.equal('Ready=False OutputConflict');
    expect(readyMessage(await flight.get('Drone', 'one'))).to.equal(
      "Service default/a exists and belongs to 'Helm'; give the output another name, or delete it",
    );
  });

  // @promise outputs/foreign-objects
  it('are not shared by two resources: the second one is told', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a'] }));
    await flight.create(drone('two', { services: ['a'] }));
    expect(conditions(await flight.get('Drone', 'one'))[0]).to.equal('Ready=False A');
    expect(readyMessage(await flight.get('Drone', 'two'))).to.contain('belongs to Drone one');
  });

  // @promise outputs/adoption
  it('are made as soon as what stood in their place is gone, however long that took', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a'] }));
    await flight.create(drone('two', { services: ['a'] }));
    await flight.advance('1h');
    await flight.remove('Drone', 'one');
    await flight.advance('1s');
    expect((await flight.get('Service', 'a'))?.metadata.ownerReferences?.[0]?.name).to.equal('two');
    expect(conditions(await flight.get('Drone', 'two'))[0]).to.equal('Ready=False A');
  });

  // @promise outputs/drift
  it('are made again when somebody deletes or changes them', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a'] }));
    await flight.remove('Service', 'a');
    expect(await names()).to.deep.equal(['a']);
    await flight.patch('Service', 'a', { spec: { ports: [{ port: 99 }] } });
    expect((await flight.get('Service', 'a'))?.spec.ports).to.deep.include({
      port: 80,
      protocol: 'TCP',
      targetPort: 80,
    });
  });

  // @promise outputs/own-manager
  it('are applied under a manager of each resource, so that none erases what another one set', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a', 'b'] }));
    await flight.create(drone('two', { services: ['c'] }));
    const manager = async (name: string): Promise<unknown> => {
      const { metadata } = await flight.cluster.api.get(SERVICES, { namespace: 'default', name });
      return (metadata as { managedFields?: readonly { manager: string }[] }).managedFields?.[0]
        ?.manager;
    };
    const [a, b, c] = [await manager('a'), await manager('b'), await manager('c')];
    expect(a).to.match(/^drone-operator-/);
    expect(b).to.equal(a);
    expect(c)
      .to.match(/^drone-operator-/)
      .and.not.equal(a);
  });

  // @promise outputs/output-only-kinds
  it('that no phase reads are watched by the label of their operator only', async () => {
    const asked: unknown[] = [];
    faults = new Faults();
    flight = await fly(writer().scheduler, {
      through: (api) => ({
        ...faults.through(api),
        list: (type, options, ...rest) => {
          if (type.kind === 'Service') {
            asked.push(options?.labelSelector);
          }
          return api.list(type, options, ...rest);
        },
        watch: (type, options, ...rest) => {
          if (type.kind === 'Service') {
            asked.push(options.labelSelector);
          }
          return api.watch(type, options, ...rest);
        },
      }),
    });
    const selector = 'app.kubernetes.io/managed-by=drone-operator';
    expect(asked).to.deep.equal([selector, selector]);
  });

  // @promise outputs/foreign-status
  it('wake nobody when others change their status', async () => {
    const flown = writer();
    await start(flown);
    await flight.create(drone('one', { services: ['a'] }));
    const before = flown.calls.length;
    const body = {
      status: {
        conditions: [
          {
            type: 'Seen',
            status: 'True',
            reason: 'Seen',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
    };
    await flight.cluster.api.patch(
      SERVICES,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body },
      { subresource: 'status' },
    );
    await flight.advance('1m');
    expect((await flight.get('Service', 'a'))?.status).to.deep.include(body.status);
    expect(flown.calls).to.have.length(before);
    await flight.patch('Service', 'a', { metadata: { annotations: { theirs: 'yes' } } });
    await flight.advance('1m');
    expect(flown.calls).to.have.length(before + 1);
  });

  // @promise outputs/own-writes
  it('wake every other resource that has read them, and not the one that made them', async () => {
    const flown = machine({
      A: {
        inputs: [input.configmaps],
        outputs: [output.configmaps],
        sync: ({ resource, inputs }) => {
          if ((resource.spec as { reads?: true }).reads === true) {
            return (inputs['configmaps']?.get('c'), { next: 'A' });
          }
          return {
            next: 'A',
            outputs: {
              configmaps: [
                configMap('c', { at: String((resource.spec as { at: number }).at) }) as never,
              ],
            },
          };
        },
      },
    });
    await start(flown);
    await flight.create(drone('reader', { reads: true }));
    await flight.create(drone('one', { at: 1 }));
    await flight.patch('Drone', 'one', { spec: { at: 2 } });
    await flight.advance('1m');
    expect(flown.calls.map(({ resource }) => resource)).to.deep.equal([
      'reader',
      'one',
      'reader',
      'one',
      'reader',
    ]);
  });

  // @promise outputs/drift
  it('leave fields alone that others set', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a'] }));
    await flight.patch('Service', 'a', {
      metadata: { annotations: { theirs: 'yes' } },
      spec: { sessionAffinity: 'ClientIP' },
    });
    await flight.patch('Drone', 'one', { spec: { port: 81 } });
    const { metadata, spec } = (await flight.get('Service', 'a')) ?? {};
    expect([metadata?.annotations?.['theirs'], spec.sessionAffinity, spec.ports]).to.deep.equal([
      'yes',
      'ClientIP',
      [{ port: 81, protocol: 'TCP', targetPort: 81 }],
    ]);
  });

  // @promise outputs/prune
  it('that are left out stay, unless the output says prune', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a', 'b'] }));
    await flight.patch('Drone', 'one', { spec: { services: ['b'] } });
    expect(await names()).to.deep.equal(['a', 'b']);
  });

  // @promise outputs/prune
  it('are pruned to the list that is returned: all of them when it is empty, none when there is no list', async () => {
    await start(writer({ prune: true }));
    await flight.create(drone('one', { services: ['a', 'b', 'c'] }));
    await flight.patch('Drone', 'one', { spec: { services: ['b'] } });
    expect(await names()).to.deep.equal(['b']);
    await flight.patch('Drone', 'one', { spec: { services: null } });
    expect(await names()).to.deep.equal(['b']);
    await flight.patch('Drone', 'one', { spec: { services: [] } });
    expect(await names()).to.deep.equal([]);
  });

  // @promise outputs/prune
  it('are pruned in the namespaces of that output only: what another phase made elsewhere stays', async () => {
    const elsewhere = { ...service('far'), metadata: { name: 'far', namespace: 'elsewhere' } };
    await start(
      machine({
        A: {
          outputs: [{ ...output.services, namespace: 'all' }],
          sync: () => ({ next: 'B', outputs: { services: [elsewhere, service('near')] } }),
        },
        B: {
          outputs: [{ ...output.services, prune: true }],
          sync: () => ({ next: 'B', outputs: { services: [] } }),
        },
      }),
    );
    await flight.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } });
    await flight.create(drone('one'));
    expect(await names()).to.deep.equal(['far']);
  });

  // @promise outputs/prune
  it('are pruned when everything new is there, and before status says so', async () => {
    await start(writer({ prune: true }));
    await flight.create(drone('one', { services: ['a', 'b'] }));
    faults.requests.length = 0;
    await flight.patch('Drone', 'one', { spec: { services: ['c', 'd'] } });
    const writes = faults.requests
      .filter(({ kind }) => kind !== 'Event')
      .map(({ verb, name }) => `${verb} ${name}`);
    expect(writes).to.deep.equal(['apply c', 'apply d', 'delete a', 'delete b', 'patch one']);
  });

  // @promise outputs/known-by-owner
  it('are known by their owner when somebody takes our label away: they are taken up again, and no conflict', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a'] }));
    const [before] = await flight.list('Service');
    await flight.patch('Service', 'a', {
      metadata: { labels: { 'app.kubernetes.io/managed-by': null } },
    });
    const [after] = await flight.list('Service');
    expect(after?.metadata.labels).to.deep.equal(before?.metadata.labels);
    expect(after?.metadata.uid).to.equal(before?.metadata.uid);
    expect(conditions(await flight.get('Drone', 'one'))).to.deep.equal([
      'Ready=False A',
      'Reconciling=True A',
    ]);
  });

  // @promise outputs/prune
  it('of others that carry copies of our marks are not pruned: a controller made them from an output', async () => {
    await start(writer({ prune: true }));
    await flight.create(drone('one', { services: ['a'] }));
    const made = await flight.get('Service', 'a');
    const { uid = '', labels, annotations } = made?.metadata ?? {};
    const copied = {
      labels,
      annotations,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'a', uid }],
    };
    await flight.create({ ...service('copy'), metadata: { name: 'copy', ...copied } } as never);
    await flight.patch('Drone', 'one', { spec: { services: ['a', 'b'] } });
    expect(await names()).to.deep.equal(['a', 'b', 'copy']);
  });

  it('of a cluster-scoped kind have no namespace, whatever is written: they are found again, and not pruned', async () => {
    const flown = machine({
      A: {
        outputs: [{ ...output.namespaces, prune: true }],
        interval: '10s',
        sync: () => ({
          next: 'A',
          outputs: {
            namespaces: [
              {
                apiVersion: 'v1',
                kind: 'Namespace',
                metadata: { name: 'made', namespace: 'default' },
              },
            ],
          },
        }),
      },
    });
    await start(flown);
    await flight.create(drone('one'));
    const { uid } = (await flight.get('Namespace', 'made'))?.metadata ?? {};
    expect(uid).not.to.equal(undefined);
    await flight.advance('1m');
    await flight.restart(flown.scheduler, { through: faults.through });
    await flight.advance('1m');
    expect((await flight.get('Namespace', 'made'))?.metadata.uid).to.equal(uid);
    expect(faults.of('Namespace').filter((request) => request.endsWith('made'))).to.deep.equal([
      'apply made',
    ]);
  });

  it('in a namespace that the operator does not watch are refused: it could never find them again', async () => {
    faults = new Faults();
    const sync = () => ({
      next: 'A',
      outputs: { services: [{ ...service('a'), metadata: { name: 'a', namespace: 'far' } }] },
    });
    const { scheduler } = machine({
      A: { outputs: [{ ...output.services, namespace: 'all' }], sync },
    });
    flight = await fly(scheduler, {
      through: faults.through,
      config: { watchNamespaces: ['default'] },
    });
    await flight.create(configMap('makes-the-namespace', {}, { namespace: 'far' }));
    await flight.create(drone('one'));
    expect(await flight.list('Service')).to.deep.equal([]);
    expect(readyMessage(await flight.get('Drone', 'one'))).to.equal(
      'outputs.services of phase A: Service far/a lies in a namespace that the operator does not watch',
    );
  });

  // @promise outputs/prune
  it('that are pruned wake nobody, also where another input shows some of their kind', async () => {
    const some = { ...input.configmaps, selector: 'app=x' };
    const labelled = (name: string) => configMap(name, {}, { labels: { app: 'x' } }) as never;
    const flown = machine({
      A: {
        inputs: [some],
        outputs: [{ ...output.configmaps, prune: true }],
        sync: ({ resource }) => ({
          next: 'A',
          outputs: {
            configmaps: ((resource.spec as { names?: string[] }).names ?? []).map(labelled),
          },
        }),
      },
    });
    await start(flown);
    await flight.create(drone('one', { names: ['a', 'b'] }));
    const before = flown.calls.length;
    await flight.patch('Drone', 'one', { spec: { names: ['b'] } });
    expect(await names('ConfigMap')).to.deep.equal(['b']);
    expect(flown.calls.length - before).to.equal(1);
  });

  // @promise outputs/prune
  it('of others are never pruned', async () => {
    await start(writer({ prune: true }));
    await flight.create(drone('two', { services: ['other'] }));
    await flight.create(service('free') as never);
    await flight.create(drone('one', { services: ['a'] }));
    await flight.patch('Drone', 'one', { spec: { services: [] } });
    expect(await names()).to.deep.equal(['free', 'other']);
  });

  // @promise reconcile/order-of-writes
  it('are applied in declared order, and before status', async () => {
    const both = machine({
      A: {
        outputs: [output.configmaps, output.services],
        sync: () => ({
          next: 'B',
          outputs: { services: [service('s')], configmaps: [configMap('c') as never] },
        }),
      },
      B: {},
    });
    await start(both);
    await flight.create(drone('one'));
    const writes = faults.requests
      .filter(({ verb, kind }) => (verb === 'apply' || verb === 'patch') && kind !== 'Event')
      .map(({ verb, name }) => `${verb} ${name}`);
    expect(writes.slice(0, 3)).to.deep.equal(['apply c', 'apply s', 'patch one']);
  });

  it('that the API server refuses are tried again with backoff; the phase is kept, and status names object and reason', async () => {
    await start(writer());
    let refused = true;
    faults.fault = ({ verb, kind }) =>
      refused && verb === 'apply' && kind === 'Service'
        ? { when: 'before', error: refusal(422, 'Invalid') }
        : undefined;
    await flight.create(drone('one', { services: ['a'] }));
    expect(conditions(await flight.get('Drone', 'one'))).to.deep.equal([
      'Ready=False OutputRefused',
      'Reconciling=True OutputRefused',
      'OutputsApplied=False OutputRefused',
    ]);
    expect(readyMessage(await flight.get('Drone', 'one'))).to.equal(
      'Service default/a was refused: refused with 422',
    );
    refused = false;
    await flight.advance('2s');
    expect(await names()).to.deep.equal(['a']);
    expect(conditions(await flight.get('Drone', 'one'))[0]).to.equal('Ready=False A');
  });

  it('go with their resource', async () => {
    await start(writer());
    await flight.create(drone('one', { services: ['a', 'b'] }));
    await flight.remove('Drone', 'one');
    expect(await names()).to.deep.equal([]);
  });
});
