import { expect } from 'chai';
import type { Outcome } from '../../../runtime/src/queue/queue.ts';
import { WorkQueue } from '../../../runtime/src/queue/queue.ts';
import { seeded, VirtualClock } from '../../../sandbox/src/index.ts';

interface Run {
  readonly key: string;
  end(outcome?: Outcome): Promise<void>;
}

/** A queue whose runs end when the test says so. */
function manual(concurrency = 10): { queue: WorkQueue; clock: VirtualClock; runs: Run[]; running: () => readonly string[] } {
  const clock = new VirtualClock();
  const runs: Run[] = [];
  const open = new Set<string>();
  const process = (key: string): Promise<Outcome> => {
    expect(open.has(key), `two runs of ${key} at once`).to.equal(false);
    open.add(key);
    return new Promise((resolve) => {
      const end = async (outcome: Outcome = { kind: 'done' }): Promise<void> => {
        open.delete(key);
        resolve(outcome);
        await turn();
      };
      runs.push({ key, end });
    });
  };
  return { queue: new WorkQueue({ clock, random: () => 0.5, concurrency, process }), clock, runs, running: () => [...open] };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function wait(clock: VirtualClock, ms: number): Promise<void> {
  const end = clock.monotonic() + ms;
  clock.moveTo(end);
  while (clock.fire());
  return turn();
}

describe('the queue', () => {
  it('starts nothing before it is started', () => {
    const { queue, runs } = manual();
    queue.add('a');
    expect(runs).to.deep.equal([]);
    queue.start();
    expect(runs).to.have.length(1);
  });

  it('never runs one key twice at once: an addition during a run means one more run', async () => {
    const { queue, runs } = manual();
    queue.start();
    for (let i = 0; i < 3; i++) queue.add('a');
    expect(runs).to.have.length(1);
    await runs[0]?.end();
    expect(runs).to.have.length(2);
    await runs[1]?.end();
    expect(runs).to.have.length(2);
  });

  it('runs at most `concurrency` keys together, in the order they came', async () => {
    const { queue, runs, running } = manual(2);
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    expect(running()).to.deep.equal(['a', 'b']);
    await runs[1]?.end();
    expect(running()).to.deep.equal(['a', 'c']);
  });

  it('comes again after the time that was asked for; an addition before that comes at once, and only one of both', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ kind: 'after', ms: 1000 });
    await wait(clock, 999);
    expect(runs).to.have.length(1);
    await wait(clock, 1);
    expect(runs).to.have.length(2);
    await runs[1]?.end({ kind: 'after', ms: 1000 });
    queue.add('a');
    await runs[2]?.end();
    await wait(clock, 5000);
    expect(runs).to.have.length(3);
  });

  it('doubles the wait after each failure, from half a second to five minutes, and begins anew after a success', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await runs.at(-1)?.end({ kind: 'failed' });
      const before = clock.monotonic();
      await wait(clock, (clock.next ?? 0) - before);
      waits.push(clock.monotonic() - before);
    }
    expect(waits).to.deep.equal([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
    await runs.at(-1)?.end();
    queue.add('a');
    await runs.at(-1)?.end({ kind: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(500);
  });

  it('does not wait longer than a failure allows', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ kind: 'failed', atMostMs: 100 });
    expect(clock.next).to.equal(100);
  });

  it('keeps the failures of a key that is added during backoff, unless it is a fresh start', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ kind: 'failed' });
    queue.add('a');
    await runs[1]?.end({ kind: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(1000);
    queue.add('a', true);
    await runs[2]?.end({ kind: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(500);
  });

  it('spreads retries of many keys: the jitter is half to one and a half', async () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({ clock, random: seeded(7), concurrency: 100, process: async () => ({ kind: 'failed' }) });
    queue.start();
    for (let i = 0; i < 100; i++) queue.add(String(i));
    await turn();
    const first = clock.next ?? 0;
    expect(first).to.be.within(250, 300);
    let last = 0;
    for (let next = clock.next; next !== undefined && next <= 750; next = clock.next) {
      last = next;
      clock.moveTo(next);
      clock.fire();
    }
    expect(last).to.be.within(700, 750);
  });

  it('stops when the runs under way have ended, and starts no more', async () => {
    const { queue, clock, runs } = manual(1);
    queue.start();
    queue.add('a');
    queue.add('b');
    let stopped = false;
    const stop = queue.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).to.equal(false);
    await runs[0]?.end({ kind: 'after', ms: 10 });
    await stop;
    await wait(clock, 1000);
    expect(runs.map(({ key }) => key)).to.deep.equal(['a']);
  });

  it('remembers nothing of keys that are done', async () => {
    const { queue, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ kind: 'forget' });
    expect(queue.size).to.equal(0);
  });
});
