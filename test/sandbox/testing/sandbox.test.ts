import { expect } from 'chai';
import { startSandbox } from '../../../sandbox/src/index.ts';
import { createScheduler } from '../../exploration/seeded/lift.ts';
import type { TestOperator } from '../../integration/test-operators.ts';
import { defineTestOperator, drone } from '../../integration/test-operators.ts';

interface Drone {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly size: number };
}

describe('Sandbox', () => {
  it('reads objects of the type that a test names', async () => {
    const sandbox = await startSandbox(createScheduler(), { config: { workInterval: '10m' } });
    const manifest = {
      apiVersion: 'drones.autopilot.test/v1',
      kind: 'Drone',
      metadata: { name: 'one' },
      spec: { size: 2 },
    };
    await sandbox.create(manifest);
    const drone = await sandbox.get<Drone>('Drone', 'one');
    const size: number | undefined = drone?.spec.size;
    expect(size).to.equal(2);
    const names: readonly string[] = (await sandbox.list<Drone>('Drone')).map(
      ({ metadata }) => metadata.name,
    );
    expect(names).to.deep.equal(['one']);
    await sandbox.stop();
  });

  const WHALES = {
    group: 'whales.autopilot.test',
    version: 'v1',
    kind: 'Whale',
    plural: 'whales',
    namespaced: true,
  };
  const whale = {
    apiVersion: 'whales.autopilot.test/v1',
    kind: 'Whale',
    metadata: { name: 'moby' },
    spec: { color: 'white' },
  };
  const reading = (optional: boolean): TestOperator =>
    defineTestOperator({
      Reading: {
        inputs: [{ name: 'whales', type: WHALES, namespace: 'own', optional }],
        sync: ({ inputs }) => ({
          next: 'Reading',
          statusInfo: { whales: inputs['whales']?.list().length ?? -1 },
        }),
      },
      Done: {},
    });

  it('serves the kinds that an operator declares, so that its workers are called', async () => {
    const sandbox = await startSandbox(reading(false).scheduler, { objects: [whale] });
    await sandbox.create(drone('one'));
    expect((await sandbox.get('Drone', 'one'))?.status.whales).to.equal(1);
    await sandbox.stop();
  });

  it('does not serve the kind of an optional input, which may be missing in a cluster', async () => {
    const sandbox = await startSandbox(reading(true).scheduler);
    const error = await sandbox.create(whale).catch((caught: Error) => caught);
    expect(error).to.have.property('message').that.contains('does not serve Whale');
    await sandbox.stop();
  });
});
