import { expect } from 'chai';
import { seededRandom, VirtualClock } from '../../sandbox/src/index.ts';

describe('virtual time', () => {
  it('moves only when it is told to, and never back', () => {
    const clock = new VirtualClock(1000);
    clock.moveTo(500);
    clock.moveTo(200);
    expect([clock.now(), clock.monotonic()]).to.deep.equal([1500, 500]);
  });

  it('runs timers in the order they are due, those of one instant in the order they were set', () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    for (const [name, ms] of [
      ['late', 20],
      ['first', 10],
      ['second', 10],
    ] as const) {
      clock.after(ms, () => order.push(name));
    }
    clock.moveTo(20);
    while (clock.fire()) {}
    expect(order).to.deep.equal(['first', 'second', 'late']);
  });

  it('does not run a timer that was cancelled, or is not due', () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(10, () => order.push('cancelled')).cancel();
    clock.after(11, () => order.push('later'));
    clock.moveTo(10);
    expect([clock.fire(), order, clock.next]).to.deep.equal([false, [], 11]);
  });

  it('runs a timer set by a timer at the same instant', () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(0, () => {
      order.push('outer');
      clock.after(0, () => order.push('inner'));
    });
    while (clock.fire()) {}
    expect(order).to.deep.equal(['outer', 'inner']);
  });
});

describe('seeded chance', () => {
  it('repeats for a seed and differs between seeds, in [0, 1)', () => {
    const draw = (seed: number): readonly number[] =>
      Array.from({ length: 1000 }, seededRandom(seed));
    expect(draw(1)).to.deep.equal(draw(1));
    expect(draw(1)).not.to.deep.equal(draw(2));
    expect(Math.min(...draw(1))).to.be.at.least(0);
    expect(Math.max(...draw(1))).to.be.below(1);
    expect(draw(1).reduce((sum, value) => sum + value, 0) / 1000).to.be.within(0.45, 0.55);
  });
});
