import { expect } from 'chai';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { KubeApi, KubeObject } from '../../runtime/src/internal.ts';
import { FaultInjector, connectionReset, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  readyMessage,
  service,
  SERVICES,
} from './test-operators.ts';

const OWNER = 'drones.autopilot.test/owner-uid';

/** A mutating webhook: `2000m` is stored as `2`. */
function withCanonicalQuantities(api: KubeApi): KubeApi {
  const mutate = (object: KubeObject): KubeObject =>
    JSON.parse(JSON.stringify(object).replaceAll('"2000m"', '"2"')) as KubeObject;
  return {
    ...api,
    list: (...request) => api.list(...request),
    apply: (type, object, ...rest) => api.apply(type, mutate(object), ...rest),
  };
}

describe('outputs', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h' },
    });
  }
  const names = async (kind = 'Service'): Promise<readonly string[]> =>
    (await sandbox.list(kind)).map(({ metadata }) => metadata.name);

  /** Writes the Services that `spec.services` names, and stays. */
  const writer = (options: { readonly prune?: boolean } = {}): TestOperator =>
    defineTestOperator({
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
  it('carry a controller owner reference, the uid of the resource and the name of the operator', async () => {
    await start(writer());
    const { metadata } = await sandbox.create(drone('one', { services: ['a'] }));
    const made = await sandbox.get('Service', 'a');
    expect(made?.metadata.ownerReferences).to.deep.equal([
      {
        apiVersion: 'drones.autopilot.test/v1',
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
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    expect(faults.requestsFor('Service')).to.deep.equal(['list', 'watch', 'apply a', 'apply b']);
    await sandbox.advance('3h');
    expect(faults.requestsFor('Service').filter((request) => request.includes(' '))).to.deep.equal([
      'apply a',
      'apply b',
    ]);
  });

  // @promise outputs/foreign-objects
  it('are seen by the next phase also when the response to their creation was lost and their event is late', async () => {
    const services = { name: 'services', type: output.services.type, namespace: 'own' } as const;
    const testOperator = defineTestOperator({
      A: {
        outputs: [output.services],
        sync: () => ({ next: 'B', outputs: { services: [service('a')] } }),
      },
      B: {
        inputs: [services],
        sync: ({ inputs }) => ({ next: inputs['services']?.get('a') === undefined ? 'A' : 'B' }),
      },
    });
    await start(testOperator);
    let lost = false;
    faults.fault = ({ verb, kind }) => {
      if (kind !== 'Service' || !['apply', 'watch'].includes(verb) || (lost && verb === 'apply')) {
        return undefined;
      }
      if (verb === 'apply') {
        lost = true;
        faults.endWatches(connectionReset());
      }
      return { when: verb === 'apply' ? 'after' : 'before', error: connectionReset() };
    };
    await sandbox.create(drone('one'));
    await sandbox.advance('3s');
    expect(testOperator.calls.map(({ phase }) => phase)).to.deep.equal(['A', 'A', 'B']);
  });

  // @promise outputs/foreign-objects
  it('do not touch an object of another owner, and name the owner', async () => {
    await start(writer());
    await sandbox.create({
      ...service('a', 1),
      metadata: { name: 'a', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    } as never);
    const before = await sandbox.get('Service', 'a');
    await sandbox.create(drone('one', { services: ['a'] }));
    expect(await sandbox.get('Service', 'a')).to.deep.equal(before);
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False OutputConflict');
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      "Service default/a exists and belongs to 'Helm'; give the output another name, or delete it",
    );
  });

  // @promise outputs/foreign-objects
  it('are not shared by two resources: the second one gets OutputConflict', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.create(drone('two', { services: ['a'] }));
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False A');
    expect(readyMessage(await sandbox.get('Drone', 'two'))).to.contain('belongs to Drone one');
  });

  // @promise outputs/adoption
  it('are created as soon as the object in their place is deleted, however long that takes', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.create(drone('two', { services: ['a'] }));
    await sandbox.advance('1h');
    await sandbox.delete('Drone', 'one');
    await sandbox.advance('1s');
    expect((await sandbox.get('Service', 'a'))?.metadata.ownerReferences?.[0]?.name).to.equal(
      'two',
    );
    expect(conditions(await sandbox.get('Drone', 'two'))[0]).to.equal('Ready=False A');
  });

  // @promise outputs/stored-form
  it('that a webhook stores in another form cost no request in a new process', async () => {
    const { scheduler } = defineTestOperator({
      A: {
        outputs: [output.configmaps],
        sync: () => ({
          next: 'A',
          outputs: { configmaps: [configMap('a', { cpu: '2000m' }) as KubeObject] },
        }),
      },
    });
    faults = new FaultInjector();
    const options = {
      wrapApi: (api: KubeApi) => faults.wrapApi(withCanonicalQuantities(api)),
      config: { workInterval: '1h' },
    };
    sandbox = await startSandbox(scheduler, options);
    await sandbox.create(drone('one'));
    const applies = (): number =>
      faults.requestsFor('ConfigMap').filter((request) => request === 'apply a').length;
    const count = applies();
    await sandbox.restart(scheduler, options);
    await sandbox.advance('2h');
    expect(applies()).to.equal(count);
    await sandbox.patch('ConfigMap', 'a', { data: { cpu: '3' } });
    expect(applies()).to.be.above(count);
    const live = (await sandbox.get('ConfigMap', 'a')) as { readonly data?: unknown };
    expect(live.data).to.deep.equal({ cpu: '2' });
  });

  it('are applied again when a Date in them is another point of time', async () => {
    await start(
      defineTestOperator({
        A: {
          interval: '1h',
          outputs: [output.configmaps],
          sync: ({ now }) => ({
            next: 'A',
            outputs: { configmaps: [configMap('a', { until: now }) as KubeObject] },
          }),
        },
      }),
    );
    await sandbox.create(drone('one'));
    const until = async (): Promise<unknown> => {
      const live = (await sandbox.get('ConfigMap', 'a')) as { readonly data?: { until: unknown } };
      return live.data?.until;
    };
    const first = await until();
    await sandbox.advance('1h');
    expect(Date.parse(String(await until())) - Date.parse(String(first))).to.equal(3_600_000);
  });

  // @promise outputs/drift
  it('are restored when another client deletes or changes them', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.delete('Service', 'a');
    expect(await names()).to.deep.equal(['a']);
    await sandbox.patch('Service', 'a', { spec: { ports: [{ port: 99 }] } });
    expect((await sandbox.get('Service', 'a'))?.spec.ports).to.deep.include({
      port: 80,
      protocol: 'TCP',
      targetPort: 80,
    });
  });

  it('that another client deletes are created again only after a read of the resource: the garbage collector may have deleted them', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a'] }));
    faults.requests.length = 0;
    await sandbox.delete('Service', 'a');
    expect(
      faults.requests.flatMap(({ verb, kind }) => (kind === 'Event' ? [] : [`${verb} ${kind}`])),
    ).to.deep.equal(['get Drone', 'apply Service']);
    expect(await names()).to.deep.equal(['a']);
  });

  // @promise outputs/own-manager
  it('are applied under a manager of each resource, so that none erases what another one set', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    await sandbox.create(drone('two', { services: ['c'] }));
    const manager = async (name: string): Promise<unknown> => {
      const { metadata } = await sandbox.cluster.api.get(SERVICES, { namespace: 'default', name });
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
    faults = new FaultInjector();
    sandbox = await startSandbox(writer().scheduler, {
      wrapApi: (api) => ({
        ...faults.wrapApi(api),
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
  it('enqueue no resource when their status changes', async () => {
    const testOperator = writer();
    await start(testOperator);
    await sandbox.create(drone('one', { services: ['a'] }));
    const before = testOperator.calls.length;
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
    await sandbox.cluster.api.patch(
      SERVICES,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body },
      { subresource: 'status' },
    );
    await sandbox.advance('1m');
    expect((await sandbox.get('Service', 'a'))?.status).to.deep.include(body.status);
    expect(testOperator.calls).to.have.length(before);
    await sandbox.patch('Service', 'a', { metadata: { annotations: { theirs: 'yes' } } });
    await sandbox.advance('1m');
    expect(testOperator.calls).to.have.length(before + 1);
  });

  // @promise outputs/own-writes
  it('enqueue every other resource that has read them, and not their owner', async () => {
    const testOperator = defineTestOperator({
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
    await start(testOperator);
    await sandbox.create(drone('reader', { reads: true }));
    await sandbox.create(drone('one', { at: 1 }));
    await sandbox.patch('Drone', 'one', { spec: { at: 2 } });
    await sandbox.advance('1m');
    expect(testOperator.calls.map(({ resource }) => resource)).to.deep.equal([
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
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.patch('Service', 'a', {
      metadata: { annotations: { theirs: 'yes' } },
      spec: { sessionAffinity: 'ClientIP' },
    });
    await sandbox.patch('Drone', 'one', { spec: { port: 81 } });
    const { metadata, spec } = (await sandbox.get('Service', 'a')) ?? {};
    expect([metadata?.annotations?.['theirs'], spec.sessionAffinity, spec.ports]).to.deep.equal([
      'yes',
      'ClientIP',
      [{ port: 81, protocol: 'TCP', targetPort: 81 }],
    ]);
  });

  // @promise outputs/prune
  it('that are left out stay, unless the output says prune', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    await sandbox.patch('Drone', 'one', { spec: { services: ['b'] } });
    expect(await names()).to.deep.equal(['a', 'b']);
  });

  // @promise outputs/prune
  it('are pruned to the list that is returned: all of them when it is empty, none when there is no list', async () => {
    await start(writer({ prune: true }));
    await sandbox.create(drone('one', { services: ['a', 'b', 'c'] }));
    await sandbox.patch('Drone', 'one', { spec: { services: ['b'] } });
    expect(await names()).to.deep.equal(['b']);
    await sandbox.patch('Drone', 'one', { spec: { services: null } });
    expect(await names()).to.deep.equal(['b']);
    await sandbox.patch('Drone', 'one', { spec: { services: [] } });
    expect(await names()).to.deep.equal([]);
  });

  // @promise outputs/prune
  it('are pruned in the namespaces of that output only: what another phase made elsewhere stays', async () => {
    const elsewhere = { ...service('far'), metadata: { name: 'far', namespace: 'elsewhere' } };
    await start(
      defineTestOperator({
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
    await sandbox.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } });
    await sandbox.create(drone('one'));
    expect(await names()).to.deep.equal(['far']);
  });

  // @promise outputs/prune
  it('are pruned after everything is applied, and before status is written', async () => {
    await start(writer({ prune: true }));
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    faults.requests.length = 0;
    await sandbox.patch('Drone', 'one', { spec: { services: ['c', 'd'] } });
    const writes = faults.requests
      .filter(({ kind }) => kind !== 'Event')
      .map(({ verb, name }) => `${verb} ${name}`);
    expect(writes).to.deep.equal(['apply c', 'apply d', 'delete a', 'delete b', 'patch one']);
  });

  // @promise outputs/known-by-owner
  it('are known by their owner reference when a client removes the label, without a conflict', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a'] }));
    const [before] = await sandbox.list('Service');
    await sandbox.patch('Service', 'a', {
      metadata: { labels: { 'app.kubernetes.io/managed-by': null } },
    });
    const [after] = await sandbox.list('Service');
    expect(after?.metadata.labels).to.deep.equal(before?.metadata.labels);
    expect(after?.metadata.uid).to.equal(before?.metadata.uid);
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False A',
      'Reconciling=True A',
    ]);
  });

  // @promise outputs/prune
  it('with copied labels and another owner are not pruned: a controller made them from an output', async () => {
    await start(writer({ prune: true }));
    await sandbox.create(drone('one', { services: ['a'] }));
    const made = await sandbox.get('Service', 'a');
    const { uid = '', labels, annotations } = made?.metadata ?? {};
    const copied = {
      labels,
      annotations,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'a', uid }],
    };
    await sandbox.create({ ...service('copy'), metadata: { name: 'copy', ...copied } } as never);
    await sandbox.patch('Drone', 'one', { spec: { services: ['a', 'b'] } });
    expect(await names()).to.deep.equal(['a', 'b', 'copy']);
  });

  it('of a cluster-scoped kind have no namespace, whatever is written: they are found again, and not pruned', async () => {
    const testOperator = defineTestOperator({
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
    await start(testOperator);
    await sandbox.create(drone('one'));
    const { uid } = (await sandbox.get('Namespace', 'made'))?.metadata ?? {};
    expect(uid).not.to.equal(undefined);
    await sandbox.advance('1m');
    await sandbox.restart(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.advance('1m');
    expect((await sandbox.get('Namespace', 'made'))?.metadata.uid).to.equal(uid);
    expect(
      faults.requestsFor('Namespace').filter((request) => request.endsWith('made')),
    ).to.deep.equal(['apply made']);
  });

  it('in a namespace that the operator does not watch are refused', async () => {
    faults = new FaultInjector();
    const sync = () => ({
      next: 'A',
      outputs: { services: [{ ...service('a'), metadata: { name: 'a', namespace: 'far' } }] },
    });
    const { scheduler } = defineTestOperator({
      A: { outputs: [{ ...output.services, namespace: 'all' }], sync },
    });
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { watchNamespace: 'default' },
    });
    await sandbox.create(configMap('makes-the-namespace', {}, { namespace: 'far' }));
    await sandbox.create(drone('one'));
    expect(await sandbox.list('Service')).to.deep.equal([]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'outputs.services of phase A: Service far/a is in a namespace that the operator does not watch',
    );
  });

  // @promise outputs/prune
  it('that are pruned enqueue no resource, also where another input has some of their kind', async () => {
    const some = { ...input.configmaps, selector: 'app=x' };
    const labelled = (name: string) => configMap(name, {}, { labels: { app: 'x' } }) as never;
    const testOperator = defineTestOperator({
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
    await start(testOperator);
    await sandbox.create(drone('one', { names: ['a', 'b'] }));
    const before = testOperator.calls.length;
    await sandbox.patch('Drone', 'one', { spec: { names: ['b'] } });
    expect(await names('ConfigMap')).to.deep.equal(['b']);
    expect(testOperator.calls.length - before).to.equal(1);
  });

  // @promise outputs/prune
  it('of others are never pruned', async () => {
    await start(writer({ prune: true }));
    await sandbox.create(drone('two', { services: ['other'] }));
    await sandbox.create(service('free') as never);
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.patch('Drone', 'one', { spec: { services: [] } });
    expect(await names()).to.deep.equal(['free', 'other']);
  });

  // @promise reconcile/order-of-writes
  it('are applied in declared order, and before status', async () => {
    const both = defineTestOperator({
      A: {
        outputs: [output.configmaps, output.services],
        sync: () => ({
          next: 'B',
          outputs: { services: [service('s')], configmaps: [configMap('c', { a: '1' }) as never] },
        }),
      },
      B: {},
    });
    await start(both);
    await sandbox.create(drone('one'));
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
    await sandbox.create(drone('one', { services: ['a'] }));
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False OutputRefused',
      'Reconciling=True OutputRefused',
      'OutputsApplied=False OutputRefused',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'Service default/a was refused: refused with 422',
    );
    refused = false;
    await sandbox.advance('2s');
    expect(await names()).to.deep.equal(['a']);
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False A');
  });

  it('go with their resource', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    await sandbox.delete('Drone', 'one');
    expect(await names()).to.deep.equal([]);
  });
});
