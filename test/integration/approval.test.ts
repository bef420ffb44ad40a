import { expect } from 'chai';
import { defineScheduler } from '../../runtime/src/generated.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import {
  conditions,
  drone,
  defineTestOperator,
  output,
  readyMessage,
  service,
} from './test-operators.ts';

const APPROVE = 'drones.autopilot.test/approve';

describe('a phase that waits for approval', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  /** Waits in A until `spec.go` names a phase; B and C are approved, Back is not. */
  const promoter = (ready = false) =>
    defineTestOperator({
      A: {
        ready,
        outputs: [output.services],
        interval: '10s',
        sync: ({ resource }) => ({
          next:
            (resource.status as { go?: string } | undefined)?.go ??
            (resource.metadata.annotations?.['go'] || 'A'),
          outputs: { services: [service('baseline')] },
          statusInfo: { looked: true },
        }),
      },
      B: {
        approval: 'required',
        sync: ({ resource }) => ({
          next: resource.metadata.annotations?.['go'] === 'Back' ? 'Back' : 'B',
        }),
      },
      C: { approval: 'required', sync: () => ({ next: 'C' }) },
      Back: {
        sync: ({ resource }) => ({
          next: resource.metadata.annotations?.['go'] === 'Back' ? 'Back' : 'A',
        }),
      },
    });
  const start = async (options: { readonly ready?: boolean } = {}) => {
    const made = promoter(options.ready);
    sandbox = await startSandbox(made.scheduler);
    return made;
  };
  const go = (phase: string): Promise<void> =>
    sandbox.patch('Drone', 'one', { metadata: { annotations: { go: phase } } });
  const approve = (value: string): Promise<void> =>
    sandbox.patch('Drone', 'one', { metadata: { annotations: { [APPROVE]: value } } });
  const status = async () => (await sandbox.get('Drone', 'one'))?.status;
  /** The annotation that the condition shows. */
  const asked = async (): Promise<string> =>
    /approve=(\S+)$/.exec(readyMessage(await sandbox.get('Drone', 'one')) ?? '')?.[1] ?? '';

  it('is not entered: outputs and the user’s status are written, the phase is kept, and the condition says how to approve', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    expect((await status()).phase).to.equal('A');
    expect((await status()).looked).to.equal(true);
    expect(await sandbox.get('Service', 'baseline')).not.to.equal(undefined);
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False AwaitingApproval',
      'Reconciling=True AwaitingApproval',
      'AwaitingApproval=True AwaitingApproval',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.match(
      /^B waits for approval: kubectl annotate --overwrite drones\.drones\.autopilot\.test one -n default drones\.autopilot\.test\/approve=B@[0-9a-f]{8}$/,
    );
  });

  // @promise reconcile/approval
  it('is entered immediately when a user sets the annotation that the condition shows', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    await approve(await asked());
    expect((await status()).phase).to.equal('B');
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False B',
      'Reconciling=True B',
    ]);
    expect((await status()).autopilot).not.to.have.property('pendingApproval');
  });

  it('is not entered for another token, another phase, or none', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const token = (await asked()).split('@')[1] ?? '';
    for (const value of ['B', `C@${token}`, `B@${token}0`, token, 'true', `b@${token}`]) {
      await approve(value);
    }
    expect((await status()).phase).to.equal('A');
    await approve(`B@${token}`);
    expect((await status()).phase).to.equal('B');
  });

  it('calls the worker again while it waits, and keeps the token', async () => {
    const { calls } = await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const first = await asked();
    const { version } = sandbox.cluster;
    await sandbox.advance('35s');
    expect(calls.map(({ at }) => at)).to.deep.equal([0, 10, 20, 30]);
    expect(await asked()).to.equal(first);
    expect(sandbox.cluster.version).to.equal(version);
  });

  // @promise reconcile/approval
  it('keeps its token over a restart', async () => {
    const { scheduler } = await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const first = await asked();
    await sandbox.restart(scheduler, { seed: 99 });
    expect(await asked()).to.equal(first);
  });

  // @promise reconcile/pending-approval
  it('lets the worker choose another phase; the next pending approval has a new token', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const first = await asked();
    await go('A');
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False A',
      'Reconciling=True A',
    ]);
    await approve(first);
    await go('B');
    expect(await asked())
      .to.match(/^B@/)
      .and.not.equal(first);
    expect((await status()).phase).to.equal('A');
    await go('C');
    expect(await asked()).to.match(/^C@/);
    await go('Back');
    expect((await status()).phase).to.equal('Back');
  });

  it('asks again when the spec changes, because the approval was for the earlier spec', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const first = await asked();
    await sandbox.patch('Drone', 'one', { spec: { image: 'v2' } });
    expect(await asked()).not.to.equal(first);
    await approve(first);
    expect((await status()).phase).to.equal('A');
  });

  // @promise reconcile/approval
  it('is not entered a second time by the annotation of the first time', async () => {
    await start();
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    const value = await asked();
    await approve(value);
    await go('Back');
    await go('B');
    expect((await status()).phase).to.equal('A');
    expect((await status()).autopilot.approved).to.equal(value);
    expect(await asked())
      .to.match(/^B@/)
      .and.not.equal(value);
    await approve(await asked());
    expect((await status()).phase).to.equal('B');
  });

  it('keeps a ready phase Ready while it waits', async () => {
    await start({ ready: true });
    await sandbox.create(drone('one', {}, { annotations: { go: 'B' } }));
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=True A',
      'AwaitingApproval=True AwaitingApproval',
    ]);
  });

  it('cannot be the initial phase or the target of onTimeout or onSpecChange', async () => {
    await start();
    const base = { inputs: [], outputs: [], worker: () => ({ next: 'A' }) };
    const scheduler = promoter().scheduler;
    const define =
      (...phases: readonly object[]) =>
      () =>
        defineScheduler({ ...scheduler, phases: phases as never });
    expect(define({ ...base, name: 'A', initial: true, approval: 'required' })).to.throw(
      'phase A is initial, so its approval cannot be required',
    );
    for (const [field, move] of [
      ['onTimeout', { timeout: '1s', onTimeout: 'B' }],
      ['onSpecChange', { onSpecChange: 'B' }],
    ] as const) {
      expect(
        define(
          { ...base, name: 'A', initial: true, ...move },
          { ...base, name: 'B', approval: 'required' },
        ),
      ).to.throw(
        `phase A: ${field} names B, whose approval is required; only a worker's transition can wait for an approval`,
      );
    }
  });
});
