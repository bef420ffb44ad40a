import { expect } from 'chai';
import { systemClock } from '../../../runtime/src/util/clock.ts';

describe('the clock of the process', () => {
  it('does not fire at once when it is to wait for longer than a timer of Node can: about 25 days', async () => {
    let fired = false;
    const timers = [30, 400_000].map((days) =>
      systemClock.after(days * 86_400_000, () => (fired = true)),
    );
    await new Promise<void>((resolve) => void systemClock.after(20, resolve));
    for (const timer of timers) {
      timer.cancel();
    }
    expect(fired).to.equal(false);
  });
});
