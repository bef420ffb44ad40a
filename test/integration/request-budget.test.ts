import { expect } from 'chai';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  route,
  service,
} from './test-operators.ts';

/** The read of the owners, the change of the fields, and the request that finishes the change. */
const CLAIM_CHANGE = [
  'get VirtualService web',
  'patch VirtualService web',
  'patch VirtualService web',
];

describe('the budget of requests', () => {
  let sandbox: Sandbox;
  const faults = new FaultInjector();
  beforeEach(() => void (faults.requests.length = 0));
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator): Promise<void> {
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '10s' },
    });
  }
  /** All requests since the last call, without Events. */
  function sent(): readonly string[] {
    return faults.requests
      .splice(0)
      .flatMap(({ verb, kind, name }) =>
        kind === 'Event' ? [] : [`${verb} ${kind}${name === undefined ? '' : ` ${name}`}`],
      );
  }

  // @promise inputs/one-informer
  it('is one list and one watch for each kind at the start', async () => {
    await start(
      defineTestOperator({
        A: {
          inputs: [input.configmaps, input.pods],
          outputs: [output.services, output.configmaps],
          sync: () => ({ next: 'B' }),
        },
        B: { inputs: [input.pods], outputs: [output.services], sync: () => ({ next: 'B' }) },
      }),
    );
    expect([...sent()].sort()).to.deep.equal(
      ['ConfigMap', 'Drone', 'Pod', 'Service']
        .flatMap((kind) => [`list ${kind}`, `watch ${kind}`])
        .sort(),
    );
  });

  // @promise reconcile/order-of-writes
  it('of one transition is one apply for each output that is new or different, and one patch of status', async () => {
    await start(
      defineTestOperator({
        A: {
          outputs: [output.services],
          sync: () => ({ next: 'B', outputs: { services: [service('a'), service('b')] } }),
        },
        B: {
          outputs: [output.services, output.configmaps],
          sync: () => ({
            next: 'C',
            outputs: {
              services: [service('a'), service('b', 81)],
              configmaps: [configMap('c', { a: '1' }) as never],
            },
          }),
        },
        C: {},
      }),
    );
    sent();
    await sandbox.create(drone('one'));
    expect(sent()).to.deep.equal([
      'apply Service a',
      'apply Service b',
      'patch Drone one',
      'apply Service b',
      'apply ConfigMap c',
      'patch Drone one',
    ]);
  });

  it('of one step of traffic is a read and two patches of the route and one patch of status; the finalizer costs one patch at the beginning', async () => {
    await start(
      defineTestOperator({
        A: {
          inputs: [input.virtualservices],
          outputs: [output.virtualservices],
          sync: ({ inputs, lastStep, now }) => {
            if (lastStep !== undefined && now.getTime() - lastStep.getTime() < 10_000) {
              return { next: 'A' };
            }
            const weight = Math.floor(now.getTime() / 10_000) % 100;
            const split = [
              { destination: { host: 'old' }, weight: 100 - weight },
              { destination: { host: 'new' }, weight },
            ];
            const edit = claimFields(inputs['virtualservices']?.require('web') as KubeObject, [
              { path: ['spec', 'http', { name: 'split' }, 'route'], value: split },
            ]);
            return { next: 'A', step: true, outputs: { virtualservices: [edit] } };
          },
        },
      }),
    );
    await sandbox.create(route('web', 'split'));
    sent();
    await sandbox.create(drone('one'));
    expect(sent()).to.deep.equal(['patch Drone one', ...CLAIM_CHANGE, 'patch Drone one']);
    await sandbox.advance('10s');
    expect(sent()).to.deep.equal([...CLAIM_CHANGE, 'patch Drone one']);
  });

  it('of staying is no request at all, for an hour', async () => {
    await start(
      defineTestOperator({
        A: {
          inputs: [input.configmaps],
          outputs: [output.services],
          sync: ({ inputs }) => (
            inputs['configmaps']?.list(),
            { next: 'A', outputs: { services: [service('a')] } }
          ),
        },
      }),
    );
    await sandbox.create(drone('one'));
    sent();
    await sandbox.advance('1h');
    expect(sent().filter((request) => !request.startsWith('watch'))).to.deep.equal([]);
  });

  // @promise reconcile/order-of-writes
  it('has no unneeded reconcile: the writes of a transition enqueue no resource', async () => {
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.configmaps],
        outputs: [output.services, output.configmaps],
        sync: ({ inputs }) => (
          inputs['configmaps']?.list(),
          {
            next: 'B',
            outputs: {
              services: [service('a')],
              configmaps: [configMap('c', { a: '1' }) as never],
            },
          }
        ),
      },
      B: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => (inputs['configmaps']?.get('c'), { next: 'B', requeueAfter: '1h' }),
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('30m');
    expect(testOperator.calls.map(({ phase }) => phase)).to.deep.equal(['A', 'B']);
  });
});
