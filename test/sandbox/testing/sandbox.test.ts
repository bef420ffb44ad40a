import { expect } from 'chai';
import { startSandbox } from '../../../sandbox/src/index.ts';
import { createScheduler } from '../../exploration/seeded/lift.ts';

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
});
