import { expect } from 'chai';
import { createThrottledWarnings } from '../../../runtime/src/operator/throttled-warnings.ts';
import { ApiError } from '../../../runtime/src/internal.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

describe('a recurring warning', () => {
  it('is logged once in five minutes, and at once when its reason changes', () => {
    const clock = new VirtualClock();
    const said: string[] = [];
    const warn = (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void said.push([message, ...Object.values(fields)].join(' '));
    const told = createThrottledWarnings({ debug() {}, info() {}, warn, error() {} }, clock);
    const failing = (minutes: number, reason: string): void => {
      for (let minute = 0; minute < minutes; minute++) {
        told.watchFailed('Pod', new Error(reason));
        told.prometheusWarned('partial');
        clock.moveTo(clock.monotonic() + 60_000);
      }
    };
    failing(6, 'refused');
    failing(1, 'reset');
    told.watchFailed('Pod', new ApiError({ code: 410, reason: 'Expired', message: 'too old' }));
    expect(said).to.deep.equal([
      'cannot list or watch a kind Pod refused',
      'warning from Prometheus partial',
      'cannot list or watch a kind Pod refused',
      'warning from Prometheus partial',
      'cannot list or watch a kind Pod reset',
    ]);
  });
});
