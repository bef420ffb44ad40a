import { expect } from 'chai';
import { PermanentError, timeUntil } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector, connectionReset, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  DRONES,
  input,
  defineTestOperator,
  output,
  readyMessage,
  service,
  SERVICES,
} from './test-operators.ts';

const FINALIZER = 'drones.autopilot.test/drone-operator';

describe('the finalizer', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h', workerTimeout: '30s' },
      ...options,
    });
  }
  const finalizers = async (name = 'one') =>
    (await sandbox.get('Drone', name))?.metadata.finalizers;
  const writes = (): readonly string[] =>
    faults.requests
      .filter(({ verb, kind }) => kind !== 'Event' && ['apply', 'patch', 'delete'].includes(verb))
      .map(({ verb, kind, name }) => `${verb} ${kind} ${name}`);

  /**
   * Writes a Service into its own namespace and one into another, which no owner reference reaches.
   */
  const acrossNamespaces = (): TestOperator =>
    defineTestOperator({
      A: {
        outputs: [{ ...output.services, namespace: 'all' }],
        sync: () => ({
          next: 'B',
          outputs: {
            services: [
              service('here'),
              { ...service('there'), metadata: { name: 'there', namespace: 'far' } },
            ],
          },
        }),
      },
      B: {},
    });
  const far = configMap('makes-the-namespace', {}, { namespace: 'far' });

  describe('is present', () => {
    // @promise finalizer/added-first
    it('before the first worker runs, when the operator can write into other namespaces', async () => {
      const seen: unknown[] = [];
      await start(
        defineTestOperator({
          A: {
            outputs: [{ ...output.services, namespace: 'all' }],
            sync: ({ resource }) => (seen.push(resource.metadata.finalizers), { next: 'A' }),
          },
        }),
      );
      await sandbox.create(drone('one'));
      expect(seen).to.deep.equal([[FINALIZER]]);
    });
    it('when the operator can write cluster-scoped objects', async () => {
      await start(
        defineTestOperator({ A: { outputs: [output.namespaces], sync: () => ({ next: 'A' }) } }),
      );
      await sandbox.create(drone('one'));
      expect(await finalizers()).to.deep.equal([FINALIZER]);
    });
    it('when a phase reads and writes one kind, so that it can claim fields', async () => {
      await start(
        defineTestOperator({
          A: {
            inputs: [input.configmaps],
            outputs: [output.configmaps],
            sync: () => ({ next: 'A' }),
          },
        }),
      );
      await sandbox.create(drone('one'));
      expect(await finalizers()).to.deep.equal([FINALIZER]);
    });
    it('when one is declared, beside those of others', async () => {
      await start(defineTestOperator({ A: { sync: () => ({ next: 'A' }) } }, {}));
      await sandbox.create(drone('one', {}, { finalizers: ['example.com/other'] }));
      expect(await finalizers()).to.deep.equal(['example.com/other', FINALIZER]);
    });
    it('not when owner references reach everything', async () => {
      await start(
        defineTestOperator({
          A: {
            outputs: [output.services],
            sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
          },
        }),
      );
      await sandbox.create(drone('one'));
      expect(await finalizers()).to.equal(undefined);
    });
    // @promise finalizer/added-first
    it('no longer when the operator does not need it: it is removed, also in a final phase', async () => {
      await start(defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} }, {}));
      await sandbox.create(drone('one', {}, { finalizers: ['example.com/other'] }));
      await sandbox.restart(
        defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} }).scheduler,
      );
      expect(await finalizers()).to.deep.equal(['example.com/other']);
    });
    // @promise finalizer/added-first
    it('also when another client changes the resource at the same time', async () => {
      await start(defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} }, {}));
      const key = { namespace: 'default', name: 'one' };
      let changes = 0;
      faults.fault = ({ verb, kind }) => {
        const body = { metadata: { labels: { hurry: 'yes' } } };
        if (verb === 'patch' && kind === 'Drone' && changes++ === 0) {
          void sandbox.cluster.api.patch(DRONES, key, { type: 'merge', body });
        }
        return undefined;
      };
      await sandbox.create(drone('one'));
      await sandbox.advance('1s');
      expect(sandbox.events.filter(({ type }) => type === 'reconcileFailed')).to.deep.equal([]);
      expect([await finalizers(), (await sandbox.get('Drone', 'one'))?.status.phase]).to.deep.equal(
        [[FINALIZER], 'B'],
      );
    });
  });

  describe('when a resource is deleted', () => {
    // @promise finalizer/cleanup-first
    it('deletes what no owner reference reaches before the finalizer is removed', async () => {
      await start(acrossNamespaces());
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      expect(await sandbox.get('Service', 'there', 'far')).not.to.equal(undefined);
      await sandbox.delete('Drone', 'one');
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      expect(await sandbox.list('Service')).to.deep.equal([]);
      expect(writes().slice(-2)).to.deep.equal(['delete Service there', 'patch Drone one']);
    });

    it('is added exactly when the scheduler table says that it is required', async () => {
      const { scheduler, calls } = defineTestOperator({ A: { sync: () => ({ next: 'A' }) } });
      await start({ scheduler: { ...scheduler, finalizerRequired: true }, calls });
      await sandbox.create(drone('one'));
      expect(await finalizers()).to.deep.equal([FINALIZER]);
      await sandbox.restart({ ...scheduler, finalizerRequired: false });
      expect(await finalizers()).to.equal(undefined);
    });

    // @promise finalizer/cleanup-first
    it('is not removed as long as something cannot be deleted; status names it', async () => {
      await start(acrossNamespaces());
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      faults.fault = ({ verb }) =>
        verb === 'delete' ? { when: 'before', error: refusal(403, 'Forbidden') } : undefined;
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('5m');
      expect(await finalizers()).to.deep.equal([FINALIZER]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
        'Service far/there was refused: refused with 403',
      );
      faults.fault = () => undefined;
      await sandbox.advance('10m');
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });

    it('is removed although a deleted output waits for the finalizer of another controller', async () => {
      await start(acrossNamespaces());
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      await sandbox.patch(
        'Service',
        'there',
        { metadata: { finalizers: ['example.com/other'] } },
        'far',
      );
      await sandbox.delete('Drone', 'one');
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
      expect((await sandbox.get('Service', 'there', 'far'))?.metadata).to.have.property(
        'deletionTimestamp',
      );
    });

    it('continues after each request that gets no response, whether it was done or not', async () => {
      for (const when of ['before', 'after'] as const) {
        await start(acrossNamespaces());
        await sandbox.create(far);
        await sandbox.create(drone('one'));
        const hit = new Set<string>();
        faults.fault = ({ verb, kind, name }) => {
          const place = `${verb} ${kind} ${name}`;
          if (!['patch', 'delete'].includes(verb) || hit.has(place)) {
            return undefined;
          }
          hit.add(place);
          return { when, error: connectionReset() };
        };
        await sandbox.delete('Drone', 'one');
        await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '10m');
        expect(await sandbox.list('Service'), when).to.deep.equal([]);
        if (when === 'before') {
          await sandbox.stop();
        }
      }
    });

    it('knows what an earlier process has created', async () => {
      await start(acrossNamespaces());
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      await sandbox.stop();
      await sandbox.delete('Drone', 'one');
      expect(await finalizers()).to.deep.equal([FINALIZER]);
      await sandbox.restart(acrossNamespaces().scheduler);
      expect(await sandbox.list('Service')).to.deep.equal([]);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });

    it('stays while a kind of its outputs cannot be read', async () => {
      await start(acrossNamespaces());
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      await sandbox.stop();
      await sandbox.delete('Drone', 'one');
      let blind = true;
      faults.fault = ({ verb, kind }) =>
        blind && verb === 'list' && kind === 'Service'
          ? { when: 'before', error: refusal(403, 'Forbidden') }
          : undefined;
      await sandbox.restart(acrossNamespaces().scheduler, { wrapApi: faults.wrapApi });
      await sandbox.advance('1m');
      expect(await finalizers()).to.deep.equal([FINALIZER]);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.include(
        'InputUnavailable=True InputUnavailable',
      );
      blind = false;
      await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '10m');
      expect(await sandbox.list('Service')).to.deep.equal([]);
    });

    // @promise finalizer/namespace-deletion
    it('is removed in a namespace that is being deleted, whatever its worker would still write there', async () => {
      const testOperator = defineTestOperator(
        {
          A: {
            outputs: [{ ...output.services, namespace: 'all' }],
            sync: ({ resource }) => ({
              next: 'A',
              outputs: { services: [service(`a-${(resource.spec as { port: number }).port}`)] },
            }),
          },
        },
        {},
      );
      await start(testOperator);
      await sandbox.create(far);
      await sandbox.create(
        drone('one', { port: 80 }, { namespace: 'far', finalizers: ['example.com/other'] }),
      );
      await sandbox.create(drone('two', { port: 81 }, { namespace: 'far' }));
      await sandbox.delete('Namespace', 'far');
      await sandbox.patch('Drone', 'one', { metadata: { finalizers: null } }, 'far');
      await sandbox.until(async () => (await sandbox.get('Namespace', 'far')) === undefined, '1m');
    });

    it('does nothing for a resource that only another finalizer keeps: no worker runs, nothing is written', async () => {
      const testOperator = defineTestOperator({
        A: { sync: () => ({ next: 'A', requeueAfter: '1s' }) },
      });
      await start(testOperator);
      await sandbox.create(drone('one', {}, { finalizers: ['example.com/other'] }));
      const before = [testOperator.calls.length, writes().length];
      await sandbox.delete('Drone', 'one');
      await sandbox.patch('Drone', 'one', { metadata: { annotations: { x: 'y' } } });
      await sandbox.advance('1m');
      expect([testOperator.calls.length, writes().length]).to.deep.equal(before);
    });

    it('restores a lost owner reference for garbage collection, which needs no delete permission', async () => {
      await start(
        defineTestOperator(
          {
            A: {
              outputs: [output.services],
              sync: () => ({ next: 'B', outputs: { services: [service('a'), service('b')] } }),
            },
            B: {},
          },
          {},
        ),
      );
      await sandbox.create(drone('one'));
      await sandbox.patch('Service', 'a', { metadata: { ownerReferences: null } });
      await sandbox.create(configMap('other'));
      const other = (await sandbox.get('ConfigMap', 'other'))?.metadata.uid ?? '';
      const adopted = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'other',
        uid: other,
        controller: true,
      };
      await sandbox.patch('Service', 'b', { metadata: { ownerReferences: [adopted] } });
      faults.fault = ({ verb }) =>
        verb === 'delete' ? { when: 'before', error: refusal(403, 'Forbidden') } : undefined;
      await sandbox.delete('Drone', 'one');
      await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '10m');
      expect(
        (await sandbox.list('Service')).map(({ metadata }) => [
          metadata.name,
          metadata.ownerReferences,
        ]),
      ).to.deep.equal([['b', [adopted]]]);
      expect(writes().slice(-3)).to.deep.equal([
        'patch Service a',
        'patch Service b',
        'patch Drone one',
      ]);
    });

    it('reads again when such an object changes at the same time, and keeps the change', async () => {
      await start(
        defineTestOperator(
          {
            A: {
              outputs: [output.services],
              sync: () => ({ next: 'B', outputs: { services: [service('a')] } }),
            },
            B: {},
          },
          {},
        ),
      );
      await sandbox.create(drone('one'));
      await sandbox.create(configMap('other'));
      const uid = (await sandbox.get('ConfigMap', 'other'))?.metadata.uid ?? '';
      const body = {
        metadata: {
          ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid }],
        },
      };
      await sandbox.patch('Service', 'a', { metadata: { ownerReferences: null } });
      let patches = 0;
      faults.fault = ({ verb, kind }) => {
        if (verb === 'patch' && kind === 'Service' && patches++ === 0) {
          void sandbox.cluster.api.patch(
            SERVICES,
            { namespace: 'default', name: 'a' },
            { type: 'merge', body },
          );
        }
        return undefined;
      };
      await sandbox.delete('Drone', 'one');
      await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined, '10m');
      expect([
        patches,
        (await sandbox.get('Service', 'a'))?.metadata.ownerReferences,
      ]).to.deep.equal([2, body.metadata.ownerReferences]);
    });

    it('calls no worker during deletion, also for a paused resource', async () => {
      const testOperator = acrossNamespaces();
      await start(testOperator);
      await sandbox.create(far);
      await sandbox.create(
        drone('one', {}, { annotations: { 'drones.autopilot.test/paused': 'true' } }),
      );
      await sandbox.delete('Drone', 'one');
      expect(testOperator.calls).to.deep.equal([]);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });
  });

  describe('of the user', () => {
    // @promise finalizer/until-done
    it('is called until it is done: again after requeueAfter, and when something changes that it read', async () => {
      const at: number[] = [];
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        {
          inputs: [input.configmaps],
          finalize: ({ inputs, now, phaseStartedAt }) => (
            at.push((now.getTime() - phaseStartedAt.getTime()) / 1000),
            {
              done: inputs['configmaps']?.get('landed') !== undefined,
              requeueAfter: '40s',
              message: 'still in the air',
            }
          ),
        },
      );
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('90s');
      expect(at).to.deep.equal([0, 40, 80]);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False Finalizing',
        'Reconciling=True Finalizing',
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal('still in the air');
      await sandbox.create(configMap('landed'));
      expect(at).to.deep.equal([0, 40, 80, 90]);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });

    it('has the time of its first successful call as phaseStartedAt, over failures, restarts and other writes', async () => {
      const at: number[] = [];
      let well = false;
      const testOperator = defineTestOperator(
        {
          A: {
            outputs: [{ ...output.services, namespace: 'all' }],
            sync: () => ({
              next: 'A',
              outputs: {
                services: [{ ...service('there'), metadata: { name: 'there', namespace: 'far' } }],
              },
            }),
          },
        },
        {
          finalize: (context) => {
            at.push((context.now.getTime() - context.phaseStartedAt.getTime()) / 1000);
            if (!well) {
              throw new Error('not yet');
            }
            const requeueAfter = timeUntil(context, '40s');
            return requeueAfter === undefined ? { done: true } : { done: false, requeueAfter };
          },
        },
      );
      await start(testOperator, { objects: [far] });
      await sandbox.create(drone('one'));
      faults.fault = ({ verb }) =>
        verb === 'delete' ? { when: 'before', error: refusal(403) } : undefined;
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('10m');
      expect(at, 'what the operator itself takes away comes first').to.deep.equal([]);
      faults.fault = () => undefined;
      await sandbox.until(() => at.length >= 2);
      expect(at.every((seconds) => seconds === 0)).to.equal(true);
      well = true;
      at.length = 0;
      await sandbox.until(() => at.length === 1);
      await sandbox.advance('19s');
      await sandbox.restart(testOperator.scheduler);
      await sandbox.patch('Drone', 'one', { metadata: { labels: { touched: 'yes' } } });
      await sandbox.advance('30s');
      expect([at[0], at.at(-1)]).to.deep.equal([0, 40]);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });

    it('writes its outputs; those that no owner reference reaches are deleted in the end', async () => {
      let done = false;
      const there = { ...service('notice'), metadata: { name: 'notice', namespace: 'far' } };
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        {
          outputs: [{ ...output.services, namespace: 'all' }],
          finalize: () => ({ done, outputs: { services: [there] }, requeueAfter: '10s' }),
        },
      );
      await start(testOperator);
      await sandbox.create(far);
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('30s');
      expect(writes().filter((write) => write.includes('notice'))).to.deep.equal([
        'apply Service notice',
      ]);
      done = true;
      await sandbox.advance('10s');
      expect(await sandbox.list('Service')).to.deep.equal([]);
      expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
    });

    // @promise finalizer/namespace-deletion
    it('is removed although the namespace is being deleted and refuses its outputs', async () => {
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        {
          outputs: [output.services],
          finalize: () => ({ done: true, outputs: { services: [service('notice')] } }),
        },
      );
      await start(testOperator);
      await sandbox.create(configMap('makes-the-namespace', {}, { namespace: 'far' }));
      await sandbox.create(drone('one', {}, { namespace: 'far' }));
      await sandbox.delete('Namespace', 'far');
      await sandbox.until(async () => (await sandbox.get('Namespace', 'far')) === undefined, '1m');
      expect(sandbox.events.filter(({ type }) => type === 'reconcileFailed')).to.deep.equal([]);
    });

    it('stays when its outputs are refused for another reason', async () => {
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        {
          outputs: [output.services],
          finalize: () => ({ done: true, outputs: { services: [service('notice')] } }),
        },
      );
      await start(testOperator);
      await sandbox.create(drone('one'));
      faults.fault = ({ verb, kind }) =>
        verb === 'apply' && kind === 'Service'
          ? { when: 'before', error: refusal(403, 'Forbidden') }
          : undefined;
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('1m');
      expect([await finalizers(), readyMessage(await sandbox.get('Drone', 'one'))]).to.deep.equal([
        [FINALIZER],
        'Service default/notice was refused: refused with 403',
      ]);
    });

    // @promise inputs/unknown-is-not-absent
    it('is not called while one of its inputs cannot be read', async () => {
      let refused = true;
      let calls = 0;
      faults = new FaultInjector();
      faults.fault = ({ verb, kind }) =>
        refused && verb === 'list' && kind === 'ConfigMap'
          ? { when: 'before', error: refusal(403) }
          : undefined;
      const finalize = (): { done: boolean } => (calls++, { done: true });
      const { scheduler } = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        { inputs: [input.configmaps], finalize },
      );
      sandbox = await startSandbox(scheduler, { wrapApi: faults.wrapApi });
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('1m');
      expect([calls, readyMessage(await sandbox.get('Drone', 'one'))]).to.deep.equal([
        0,
        'the resource cannot be deleted yet: input configmaps cannot be read: refused with 403',
      ]);
      refused = false;
      await sandbox.until(async () => (await sandbox.get('Drone', 'one')) === undefined);
      expect(calls).to.equal(1);
    });

    it('is never called again after its removal, however late the DELETED event arrives', async () => {
      for (const lost of [false, true]) {
        let calls = 0;
        const there = { ...service('notice'), metadata: { name: 'notice', namespace: 'far' } };
        const testOperator = defineTestOperator(
          { A: { sync: () => ({ next: 'A' }) } },
          {
            inputs: [input.configmaps],
            outputs: [{ ...output.services, namespace: 'all' }],
            finalize: ({ inputs }) => (
              calls++,
              {
                done: inputs['configmaps']?.get('landed') !== undefined,
                outputs: { services: [there] },
                requeueAfter: '1h',
              }
            ),
          },
        );
        await start(testOperator);
        await sandbox.create(far);
        await sandbox.create(drone('one'));
        await sandbox.delete('Drone', 'one');
        let hit = false;
        faults.fault = ({ verb, kind }) => {
          if (verb === 'watch' && kind === 'Drone') {
            return { when: 'before', error: connectionReset() };
          }
          if (!lost || hit || verb !== 'patch' || kind !== 'Drone') {
            return undefined;
          }
          hit = true;
          return { when: 'after', error: connectionReset() };
        };
        faults.endWatches(connectionReset());
        await sandbox.advance('5s');
        await sandbox.create(configMap('landed'));
        expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
        await sandbox.patch('ConfigMap', 'landed', { data: { x: 'y' } });
        await sandbox.advance('10s');
        expect([calls, await sandbox.list('Service')], `answer lost: ${lost}`).to.deep.equal([
          2,
          [],
        ]);
        faults.fault = () => undefined;
        if (!lost) {
          await sandbox.stop();
        }
      }
    });

    it('that throws is called again with growing backoff; its error is a condition', async () => {
      let calls = 0;
      await start(
        defineTestOperator(
          { A: { sync: () => ({ next: 'A' }) } },
          { finalize: () => (calls++, Promise.reject(new Error('no wind'))) },
        ),
      );
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('1m');
      expect(calls).to.be.within(5, 10);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False WorkerError',
        'Reconciling=True WorkerError',
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal('no wind');
      expect(await finalizers()).to.deep.equal([FINALIZER]);
    });

    it('that throws PermanentError is Stalled, and called again for the annotation and by a new process', async () => {
      let calls = 0;
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        { finalize: () => (calls++, Promise.reject(new PermanentError('lost at sea'))) },
      );
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('1h');
      expect(calls).to.equal(1);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
        'Ready=False PermanentError',
        'Stalled=True PermanentError',
      ]);
      await sandbox.patch('Drone', 'one', {
        metadata: { annotations: { 'drones.autopilot.test/retry': 'now' } },
      });
      expect(calls).to.equal(2);
      await sandbox.restart(testOperator.scheduler);
      expect(calls).to.equal(3);
    });

    it('may take as long as its own timeout says', async () => {
      const testOperator = defineTestOperator(
        { A: { sync: () => ({ next: 'A' }) } },
        {
          timeout: '7s',
          finalize: ({ signal }) =>
            new Promise<never>((_, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason as Error)),
            ),
        },
      );
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('7s');
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
        'the worker took longer than 7 s',
      );
    });

    it('that returns a wrong value, or an undeclared output, has an error that names it', async () => {
      for (const [result, message] of [
        [{}, 'the finalizer returned {}; it must return { done: true } or { done: false }'],
        [
          { done: true, outputs: { services: [] } },
          'the finalizer returned outputs.services, which autopilot.yaml does not declare (declared: none)',
        ],
      ] as const) {
        await start(
          defineTestOperator(
            { A: { sync: () => ({ next: 'A' }) } },
            { finalize: () => result as never },
          ),
        );
        await sandbox.create(drone('one'));
        await sandbox.delete('Drone', 'one');
        expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(message);
        expect(await finalizers()).to.deep.equal([FINALIZER]);
        if (!('done' in result)) {
          await sandbox.stop();
        }
      }
    });
  });
});
