import { expect } from 'chai';
import type { FieldClaim } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import { claimFields, PermanentError } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  defineTestOperator,
  drone,
  input,
  output,
  readyMessage,
  route,
  service,
} from './test-operators.ts';

let sandbox: Sandbox;
let faults: FaultInjector;

async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
  faults = new FaultInjector();
  sandbox = await startSandbox(scheduler, {
    wrapApi: faults.wrapApi,
    config: { workInterval: '1h', workerTimeout: '30s' },
    ...options,
  });
}
const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await sandbox.get('Drone', name));
const phase = async (name = 'one'): Promise<string> =>
  (await sandbox.get('Drone', name))?.status?.phase as string;

const claimOf = (found: KubeObject): FieldClaim =>
  claimFields(found, [
    {
      path: ['spec', 'http', { name: 'main' }, 'route'],
      value: [{ destination: { host: 'new' }, weight: 100 }],
    },
  ]);

describe('a paused resource', () => {
  afterEach(() => sandbox.stop());
  const PAUSED = 'drones.autopilot.test/paused';
  const pause = (value: 'true' | null): Promise<void> =>
    sandbox.patch('Drone', 'one', { metadata: { annotations: { [PAUSED]: value } } });

  // @promise reconcile/paused
  it('keeps the rest of its timeout until it is resumed', async () => {
    await start(
      defineTestOperator({
        A: { timeout: '60s', onTimeout: 'Late', interval: '5s', sync: () => ({ next: 'A' }) },
        Late: {},
      }),
    );
    await sandbox.create(drone('one'));
    await sandbox.advance('40s');
    await pause('true');
    await sandbox.advance('2h');
    expect([await phase(), (await said()).at(-1)]).to.deep.equal(['A', 'Paused=True Paused']);
    await pause(null);
    await sandbox.advance('19s');
    expect(await phase()).to.equal('A');
    await sandbox.advance('1s');
    expect(await phase()).to.equal('Late');
  });

  it('makes no step early: lastStep and phaseStartedAt are later by the pause, over restarts too', async () => {
    const seen: (readonly (number | undefined)[])[] = [];
    const testOperator = defineTestOperator({
      A: {
        interval: '10s',
        sync: ({ now, lastStep, phaseStartedAt }) => {
          const since = (time: Date | undefined): number | undefined =>
            time === undefined ? undefined : (now.getTime() - time.getTime()) / 1000;
          seen.push([since(phaseStartedAt), since(lastStep)]);
          return lastStep === undefined ? { next: 'A', step: true } : { next: 'A' };
        },
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('15s');
    await pause('true');
    await sandbox.advance('1h');
    await sandbox.restart(testOperator.scheduler);
    await sandbox.advance('1h');
    await pause(null);
    await sandbox.advance('12s');
    expect(seen).to.deep.equal([
      [0, undefined],
      [10, 10],
      [15, 15],
      [25, 25],
    ]);
    expect((await sandbox.get('Drone', 'one'))?.status.autopilot).not.to.have.property('pausedAt');
  });

  it('stays Ready when it was Ready, and not Ready otherwise', async () => {
    await start(
      defineTestOperator({
        A: { sync: () => ({ next: 'Steady' }) },
        Steady: { ready: true, sync: () => ({ next: 'Steady' }) },
      }),
    );
    await sandbox.create(drone('one'));
    await pause('true');
    expect(await said()).to.deep.equal(['Ready=True Steady', 'Paused=True Paused']);
    await sandbox.create(drone('two', {}, { annotations: { [PAUSED]: 'true' } }));
    expect(await said('two')).to.deep.equal(['Ready=False Paused', 'Paused=True Paused']);
  });

  // @promise reconcile/paused
  it('is Paused also when it was Stalled: its timeout stops, and the worker is called once more after it', async () => {
    const testOperator = defineTestOperator({
      A: {
        timeout: '60s',
        onTimeout: 'Late',
        sync: () => Promise.reject(new PermanentError('no such airport', 'NoAirport')),
      },
      Late: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('40s');
    await pause('true');
    expect(await said()).to.deep.equal(['Ready=False Paused', 'Paused=True Paused']);
    await sandbox.advance('2h');
    expect([await phase(), testOperator.calls.length]).to.deep.equal(['A', 1]);
    await pause(null);
    expect([await said(), testOperator.calls.length]).to.deep.equal([
      ['Ready=False NoAirport', 'Stalled=True NoAirport'],
      2,
    ]);
    await sandbox.advance('19s');
    expect(await phase()).to.equal('A');
    await sandbox.advance('1s');
    expect(await phase()).to.equal('Late');
  });

  // @promise reconcile/stop-switches
  it('is paused by every value of the annotation but an explicit no, and says which was read', async () => {
    for (const value of ['true', 'True', 'yes', '1', 'on', 'TRUE ', 'please', '']) {
      const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} });
      await start(testOperator);
      await sandbox.create(drone('one', {}, { annotations: { [PAUSED]: value } }));
      await sandbox.advance('1h');
      expect([testOperator.calls.length, await said()], value).to.deep.equal([
        0,
        ['Ready=False Paused', 'Paused=True Paused'],
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
        `paused by the annotation ${PAUSED}=${value}`,
      );
      await sandbox.stop();
    }
    for (const value of ['false', 'False', 'no', 'NO', 'off', '0', ' false']) {
      await start(defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} }));
      await sandbox.create(drone('one', {}, { annotations: { [PAUSED]: value } }));
      expect(await phase(), value).to.equal('B');
      await sandbox.stop();
    }
  });

  for (const whilePaused of ['keep', 'release'] as const) {
    // @promise reconcile/while-paused
    it(`does with its claims and prunable outputs what its phase says: ${whilePaused}`, async () => {
      await start(
        defineTestOperator({
          A: {
            whilePaused,
            inputs: [input.virtualservices],
            outputs: [
              output.virtualservices,
              { ...output.services, prune: true },
              output.configmaps,
            ],
            sync: ({ inputs }) => ({
              next: 'A',
              outputs: {
                virtualservices: [claimOf(inputs['virtualservices']!.require('web'))],
                services: [service('a')],
                configmaps: [configMap('kept')],
              },
            }),
          },
        }),
      );
      const look = async (): Promise<readonly unknown[]> => [
        (await sandbox.get('VirtualService', 'web'))?.spec.http[0].route[0].destination.host,
        (await sandbox.get('Service', 'a')) !== undefined,
        (await sandbox.get('ConfigMap', 'kept')) !== undefined,
      ];
      await sandbox.create(route('web', 'main'));
      await sandbox.create(drone('one'));
      await sandbox.advance('1s');
      expect(await look()).to.deep.equal(['new', true, true]);
      await pause('true');
      await sandbox.advance('1h');
      const isKept = whilePaused === 'keep';
      expect(await look(), 'paused').to.deep.equal([isKept ? 'new' : 'old', isKept, true]);
      expect(await said()).to.include('Paused=True Paused');
      await pause(null);
      await sandbox.advance('1s');
      expect(await look(), 'resumed').to.deep.equal(['new', true, true]);
    });
  }

  it('says in its condition in which objects claims are left, at most five by name', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    await start(
      defineTestOperator({
        A: {
          inputs: [input.virtualservices],
          outputs: [output.virtualservices],
          sync: ({ resource, inputs }) => ({
            next: 'A',
            outputs: {
              virtualservices: names
                .slice(0, (resource.spec as { readonly routes: number }).routes)
                .map((name) => claimOf(inputs['virtualservices']!.require(name))),
            },
          }),
        },
      }),
    );
    for (const name of names) {
      await sandbox.create(route(name, 'main'));
    }
    const PREFIX = `paused by the annotation ${PAUSED}=true`;
    for (const [routes, left] of [
      [0, ''],
      [1, '; field claims left in place: VirtualService default/a'],
      [
        7,
        `; field claims left in place: ${['a', 'b', 'c', 'd', 'e'].map((name) => `VirtualService default/${name}`).join(', ')} and 2 more`,
      ],
    ] as const) {
      await sandbox.create(drone('one', { routes }));
      await sandbox.advance('1s');
      await pause('true');
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(`${PREFIX}${left}`);
      await sandbox.delete('Drone', 'one');
      await sandbox.advance('1s');
    }
  });

  // @promise reconcile/paused
  it('is every resource while the configuration says so', async () => {
    const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} });
    await start(testOperator, { config: { paused: true } });
    await sandbox.create(drone('one'));
    await sandbox.advance('1h');
    expect([testOperator.calls.length, await said()]).to.deep.equal([
      0,
      ['Ready=False Paused', 'Paused=True Paused'],
    ]);
    await sandbox.restart(testOperator.scheduler);
    expect(await phase()).to.equal('B');
  });
});
