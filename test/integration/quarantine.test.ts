import { expect } from 'chai';
import type { AnyResult } from '../../runtime/src/internal.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  drone,
  DRONES,
  defineTestOperator,
  output,
  readyMessage,
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

describe('a worker that does not end', () => {
  afterEach(() => sandbox.stop());
  /** Workers of `stuck` end when the test says so, whatever their signal says. */
  function stuck(
    result: AnyResult = {
      next: 'B',
      outputs: { services: [service('late')] },
      statusInfo: { late: true },
    },
    rest: object = {},
  ) {
    const ends: (() => void)[] = [];
    let hanging = true;
    const testOperator = defineTestOperator({
      A: {
        outputs: [output.services],
        sync: ({ resource }) => {
          if (resource.metadata.name !== 'stuck' || !hanging) {
            return { next: 'B' };
          }
          return new Promise<AnyResult>((resolve) => ends.push(() => resolve(result)));
        },
        ...rest,
      },
      B: { sync: () => ({ next: 'B' }) },
      Late: {},
    });
    return {
      testOperator,
      end: async () => (
        (hanging = false),
        ends.splice(0).forEach((end) => end()),
        sandbox.settle()
      ),
    };
  }

  it('keeps the phase of its resource when a late request of a stopped process has moved it meanwhile', async () => {
    const { testOperator, end } = stuck();
    await start(testOperator);
    await sandbox.create(drone('stuck'));
    const key = { namespace: 'default', name: 'stuck' };
    await sandbox.cluster.api.patch(
      DRONES,
      key,
      { type: 'merge', body: { status: { phase: 'B' } } },
      { subresource: 'status' },
    );
    await sandbox.advance('36s');
    expect([await phase('stuck'), (await said('stuck'))[0]]).to.deep.equal([
      'B',
      'Ready=False Quarantined',
    ]);
    await end();
    expect(await phase('stuck')).to.equal('B');
  });

  // @promise queue/quarantine
  it('has its signal aborted after the timeout, and its resource is Quarantined 5 s later until it ends', async () => {
    const { testOperator, end } = stuck();
    await start(testOperator, { config: { workerTimeout: '30s', maxConcurrentReconciles: 1 } });
    await sandbox.create(drone('stuck'));
    await sandbox.create(drone('other'));
    await sandbox.advance('34s');
    expect([await phase('other'), await said('stuck')]).to.deep.equal([undefined, []]);
    await sandbox.advance('1s');
    expect(await phase('other')).to.equal('B');
    expect(await said('stuck')).to.deep.equal([
      'Ready=False Quarantined',
      'Reconciling=True Quarantined',
      'Quarantined=True Quarantined',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'stuck'))).to.equal(
      'the worker took longer than 30 s and did not stop within 5 s after its signal was aborted; the resource is quarantined until the worker ends. Pass context.signal to everything that the worker awaits',
    );
    await sandbox.patch('Drone', 'stuck', { spec: { changed: true } });
    await sandbox.advance('1h');
    expect(testOperator.calls.filter(({ resource }) => resource === 'stuck')).to.have.length(1);
    await end();
    expect(
      testOperator.calls.filter(({ resource }) => resource === 'stuck').map((call) => call.phase),
    ).to.deep.equal(['A', 'A', 'B']);
    expect(await said('stuck')).to.deep.equal(['Ready=False B', 'Reconciling=True B']);
  });

  // @promise queue/quarantine
  it('has no effect any more: nothing of a late result is written', async () => {
    const { testOperator, end } = stuck({
      next: 'Late',
      outputs: { services: [service('late')] },
      statusInfo: { late: true },
    });
    await start(testOperator);
    await sandbox.create(drone('stuck'));
    await sandbox.advance('1m');
    const before = faults.requests.length;
    await end();
    await sandbox.advance('1m');
    expect(await sandbox.list('Service')).to.deep.equal([]);
    expect(faults.requests.slice(before).filter(({ verb }) => verb === 'apply')).to.deep.equal([]);
    expect((await sandbox.get('Drone', 'stuck'))?.status).not.to.have.property('late');
    expect(await phase('stuck')).to.equal('B');
  });

  it('delays the timeout of its phase, because no other worker of its resource may run beside it', async () => {
    const { testOperator, end } = stuck(undefined, { timeout: '50s', onTimeout: 'Late' });
    await start(testOperator);
    await sandbox.create(drone('stuck'));
    await sandbox.advance('10m');
    expect(await phase('stuck')).to.equal('A');
    await end();
    expect(await phase('stuck')).to.equal('Late');
  });

  it('does not hide a change of the spec: the transition of onSpecChange follows when it has ended', async () => {
    const ends: (() => void)[] = [];
    let calls = 0;
    const sync = (): AnyResult | Promise<AnyResult> =>
      ++calls === 1
        ? { next: 'A', requeueAfter: '1s' }
        : new Promise((resolve) => ends.push(() => resolve({ next: 'A' })));
    await start(
      defineTestOperator({ A: { onSpecChange: 'B', sync }, B: { sync: () => ({ next: 'B' }) } }),
    );
    await sandbox.create(drone('one'));
    await sandbox.advance('2s');
    await sandbox.patch('Drone', 'one', { spec: { other: true } });
    await sandbox.advance('40s');
    expect((await said())[0]).to.equal('Ready=False Quarantined');
    ends.forEach((end) => end());
    await sandbox.settle();
    expect(await phase()).to.equal('B');
  });

  it('does not delay a resource that is created again under the same name', async () => {
    const ends: (() => void)[] = [];
    const testOperator = defineTestOperator({
      A: {
        sync: ({ resource }) =>
          (resource.spec as object) && 'good' in (resource.spec as object)
            ? { next: 'B' }
            : new Promise((resolve) => ends.push(() => resolve({ next: 'Late' }))),
      },
      B: {},
      Late: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    await sandbox.delete('Drone', 'one');
    await sandbox.create(drone('one', { good: true }));
    expect([await phase(), await said()]).to.deep.equal(['B', ['Ready=True B']]);
    for (const end of ends) {
      end();
    }
    await sandbox.settle();
    expect(await phase()).to.equal('B');
  });

  it('delays the deletion of its resource too', async () => {
    const { testOperator, end } = stuck();
    const scheduler = {
      ...testOperator.scheduler,
      finalizer: { inputs: [], outputs: [], finalize: () => ({ done: true }) },
    };
    await start({ ...testOperator, scheduler });
    await sandbox.create(drone('stuck'));
    await sandbox.advance('1m');
    await sandbox.delete('Drone', 'stuck');
    expect(await sandbox.get('Drone', 'stuck')).not.to.equal(undefined);
    await end();
    expect(await sandbox.get('Drone', 'stuck')).to.equal(undefined);
  });
});
