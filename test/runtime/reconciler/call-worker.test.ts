import { expect } from 'chai';
import { call } from '../../../runtime/src/machine/call.ts';
import type { Call } from '../../../runtime/src/machine/call.ts';
import type { Reading } from '../../../runtime/src/machine/inputs.ts';
import type { SyncPorts } from '../../../runtime/src/machine/ports.ts';
import { drone } from '../../flights/machines.ts';

describe('calling a worker', () => {
  it('is not begun any more when its signal is aborted already: at shutdown nobody would wait for it', async () => {
    let called = false;
    const request: Call<object> = {
      uses: { title: 'A', inputs: [], outputs: [] } as unknown as Call<object>['uses'],
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
    } as unknown as SyncPorts;
    const error = await call(
      request,
      ports,
      {} as Reading,
      AbortSignal.abort(new Error('stopping')),
    ).catch((failure: Error) => failure.message);
    expect([called, error]).to.deep.equal([false, 'stopping']);
  });
});
