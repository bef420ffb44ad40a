import { expect } from 'chai';
import type { WorkerCall } from '../../../runtime/src/reconciler/call-worker.ts';
import { callWorker } from '../../../runtime/src/reconciler/call-worker.ts';
import type { ReconcileContext } from '../../../runtime/src/reconciler/reconcile-context.ts';
import { drone } from '../../integration/test-operators.ts';

describe('the call of a worker', () => {
  it('does not start when the signal is already aborted, as at shutdown', async () => {
    let called = false;
    const call: WorkerCall<object> = {
      definition: { title: 'A', inputs: [], outputs: [] },
      phaseStartedAt: undefined,
      lastStep: undefined,
      undone: [],
      timeoutMs: 1_000,
      run: () => ((called = true), {}),
    };
    const context = {
      resource: drone('one'),
      phase: { name: 'A' },
      deps: {
        clock: { now: () => 0, after: () => ({ cancel() {} }) },
        settings: () => ({ config: {} }),
        log: {},
      },
      signal: AbortSignal.abort(new Error('stopping')),
    } as unknown as ReconcileContext;
    const error = await callWorker(context, call).catch((failure: Error) => failure.message);
    expect([called, error]).to.deep.equal([false, 'stopping']);
  });
});
