import { expect } from 'chai';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import { conditions, defineTestOperator, DRONE_CRD, drone, DRONES } from './test-operators.ts';

/** A CRD whose status has a default and drops what it does not know. */
const STRICT_CRD = {
  ...DRONE_CRD,
  spec: {
    ...DRONE_CRD.spec,
    versions: DRONE_CRD.spec.versions.map((version) => ({
      ...version,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            status: {
              type: 'object',
              properties: {
                phase: { type: 'string' },
                observedGeneration: { type: 'integer' },
                conditions: {
                  type: 'array',
                  items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
                autopilot: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                tries: { type: 'integer', default: 3 },
                stable: {
                  type: 'object',
                  properties: { color: { type: 'string', default: 'blue' } },
                },
              },
            },
          },
        },
      },
    })),
  },
};

describe('status that the API server stores in another form', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  for (const [what, statusInfo] of [
    ['a default for a field that the worker removes', { tries: null }],
    ['a default inside of a field', { stable: {} }],
  ] as const) {
    // @promise reconcile/no-endless-patch
    it(`is sent once: ${what}`, async () => {
      const faults = new FaultInjector();
      const testOperator = defineTestOperator({
        A: { interval: '5s', sync: () => ({ next: 'A', statusInfo: statusInfo }) },
      });
      sandbox = await startSandbox(testOperator.scheduler, {
        crd: STRICT_CRD,
        wrapApi: faults.wrapApi,
      });
      await sandbox.create(drone('one'));
      await sandbox.advance('1m');
      const patches = (): number =>
        faults.requestsFor('Drone').filter((request) => request === 'patch one').length;
      const before = patches();
      await sandbox.advance('10m');
      expect(patches() - before, 'patches in ten minutes').to.equal(0);
      expect(testOperator.calls.length).to.be.greaterThan(100);
    });
  }

  it('is compared again after a change by another client', async () => {
    const testOperator = defineTestOperator({
      A: { interval: '5s', sync: () => ({ next: 'A', statusInfo: { stable: { color: 'red' } } }) },
    });
    sandbox = await startSandbox(testOperator.scheduler, { crd: STRICT_CRD });
    await sandbox.create(drone('one'));
    await sandbox.cluster.api.patch(
      DRONES,
      { namespace: 'default', name: 'one' },
      { type: 'merge', body: { status: { stable: { color: 'green' } } } },
      { subresource: 'status' },
    );
    await sandbox.advance('6s');
    const one = await sandbox.get('Drone', 'one');
    expect(one?.status.stable).to.deep.equal({ color: 'red' });
  });

  it('names the place of a number that JSON does not have', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'A', statusInfo: { rates: [1, Number.NaN] } }) },
    });
    sandbox = await startSandbox(testOperator.scheduler);
    await sandbox.create(drone('one'));
    const one = await sandbox.get('Drone', 'one');
    expect(conditions(one)).to.include('Stalled=True PermanentError');
    expect(JSON.stringify(one?.status)).to.include('statusInfo.rates[1] is NaN');
  });
});
