import { expect } from 'chai';
import { callWorker } from '../../../runtime/src/reconciler/call-worker.ts';
import type { WorkerCall } from '../../../runtime/src/reconciler/call-worker.ts';
import type { ReadTracker } from '../../../runtime/src/reconciler/dependencies/input-view.ts';
import type { ReconcileDeps } from '../../../runtime/src/reconciler/reconcile-deps.ts';
import { drone } from '../../integration/test-operators.ts';

describe('calling a worker', () => {
  it('is not begun any more when its signal is aborted already: at shutdown nobody would wait for it', async () => {
    let called = false;
    const request: WorkerCall<object> = {
      definition: {
        title: 'A',
        inputs: [],
        outputs: [],
      } as unknown as WorkerCall<object>['definition'],
      phase: 'A',
      resource: drone('one'),
      phaseStartedAt: undefined,
      lastStep: undefined,
      timeoutMs: 1_000,
      run: () => ((called = true), {}),
    };
    const ports = {
      clock: { now: () => 0, after: () => ({ cancel() {} }) },
      settings: () => ({ config: {} }),
      log: {},
    } as unknown as ReconcileDeps;
    const error = await callWorker(
      request,
      ports,
      {} as ReadTracker,
      AbortSignal.abort(new Error('stopping')),
    ).catch((failure: Error) => failure.message);
    expect([called, error]).to.deep.equal([false, 'stopping']);
  });
});
