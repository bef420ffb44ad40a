import { expect } from 'chai';
import type { Outcome } from '../../../runtime/src/workqueue/work-queue.ts';
import { WorkQueue } from '../../../runtime/src/workqueue/work-queue.ts';
import { seededRandom, VirtualClock } from '../../../sandbox/src/index.ts';

interface Run {
  readonly key: string;
  end(outcome?: Outcome): Promise<void>;
}

/** A queue whose runs end when the test says so. */
function manual(concurrency = 10): {
  queue: WorkQueue;
  clock: VirtualClock;
  runs: Run[];
  running: () => readonly string[];
} {
  const clock = new VirtualClock();
  const runs: Run[] = [];
  const open = new Set<string>();
  const process = (key: string): Promise<Outcome> => {
    expect(open.has(key), `two runs of ${key} at once`).to.equal(false);
    open.add(key);
    return new Promise((resolve) => {
      const end = async (outcome: Outcome = { type: 'done' }): Promise<void> => {
        open.delete(key);
        resolve(outcome);
        await turn();
      };
      runs.push({ key, end });
    });
  };
  return {
    queue: new WorkQueue({ clock, random: () => 0.5, concurrency, process }),
    clock,
    runs,
    running: () => [...open],
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function wait(clock: VirtualClock, ms: number): Promise<void> {
  const end = clock.monotonic() + ms;
  clock.moveTo(end);
  while (clock.fire()) {}
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

  // @promise queue/one-at-a-time
  it('never runs one key twice at once: an addition during a run means one more run', async () => {
    const { queue, runs } = manual();
    queue.start();
    for (let i = 0; i < 3; i++) {
      queue.add('a');
    }
    expect(runs).to.have.length(1);
    await runs[0]?.end();
    expect(runs).to.have.length(2);
    await runs[1]?.end();
    expect(runs).to.have.length(2);
  });

  // @promise queue/one-at-a-time
  it('runs at most `concurrency` keys together, in the order they came', async () => {
    const { queue, runs, running } = manual(2);
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) {
      queue.add(key);
    }
    expect(running()).to.deep.equal(['a', 'b']);
    await runs[1]?.end();
    expect(running()).to.deep.equal(['a', 'c']);
  });

  it('processes a key again after the requested time; a key that is added earlier is processed at once, and only once', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ type: 'after', ms: 1000 });
    await wait(clock, 999);
    expect(runs).to.have.length(1);
    await wait(clock, 1);
    expect(runs).to.have.length(2);
    await runs[1]?.end({ type: 'after', ms: 1000 });
    queue.add('a');
    await runs[2]?.end();
    await wait(clock, 5000);
    expect(runs).to.have.length(3);
  });

  // @promise queue/retry-backoff
  it('doubles the wait after each failure, from half a second to five minutes, and resets after a success', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await runs.at(-1)?.end({ type: 'failed' });
      const before = clock.monotonic();
      await wait(clock, (clock.next ?? 0) - before);
      waits.push(clock.monotonic() - before);
    }
    expect(waits).to.deep.equal([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
    await runs.at(-1)?.end();
    queue.add('a');
    await runs.at(-1)?.end({ type: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(500);
  });

  it('does not wait longer than a failure allows', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ type: 'failed', atMostMs: 100 });
    expect(clock.next).to.equal(100);
  });

  it('keeps the failures of a key that is added during backoff, unless it is a fresh start', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ type: 'failed' });
    queue.add('a');
    await runs[1]?.end({ type: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(1000);
    queue.add('a', { resetBackoff: true });
    await runs[2]?.end({ type: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic()).to.equal(500);
  });

  it('does not wait after a failure when an input or the spec changed during the run; any other addition waits for the backoff', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    queue.add('a', { cause: 'input' });
    await runs[0]?.end({ type: 'failed' });
    expect(runs).to.have.length(2);
    queue.add('a');
    await runs[1]?.end({ type: 'failed' });
    expect(runs).to.have.length(2);
    expect((clock.next ?? 0) - clock.monotonic(), 'the failure before counts').to.equal(1000);
    queue.add('a', { cause: 'input' });
    expect(runs, 'a backoff under way ends').to.have.length(3);
    queue.add('a', { resetBackoff: true });
    await runs[2]?.end({ type: 'failed' });
    expect(runs).to.have.length(4);
    await runs[3]?.end({ type: 'failed' });
    expect((clock.next ?? 0) - clock.monotonic(), 'a new spec resets the backoff').to.equal(1000);
  });

  // @promise queue/retry-backoff
  it('spreads retries of many keys: the jitter is half to one and a half', async () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({
      clock,
      random: seededRandom(7),
      concurrency: 100,
      process: async () => ({ type: 'failed' }),
    });
    queue.start();
    for (let i = 0; i < 100; i++) {
      queue.add(String(i));
    }
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

  // @promise queue/drain
  it('stops when the runs under way have ended, and starts no more', async () => {
    const { queue, clock, runs } = manual(1);
    queue.start();
    queue.add('a');
    queue.add('b');
    let stopped = false;
    const stop = queue.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).to.equal(false);
    await runs[0]?.end({ type: 'after', ms: 10 });
    await stop;
    await wait(clock, 1000);
    expect(runs.map(({ key }) => key)).to.deep.equal(['a']);
  });

  // @promise queue/no-leftover-state
  it('keeps no state of keys that are done', async () => {
    const { queue, runs } = manual();
    queue.start();
    queue.add('a');
    await runs[0]?.end({ type: 'forget' });
    expect(queue.size).to.equal(0);
  });

  it('processes changed keys before due keys, and a due key in every fifth run', async () => {
    const { queue, runs } = manual(1);
    for (let i = 0; i < 4; i++) {
      queue.add(`due${i}`, { priority: 'due' });
    }
    for (let i = 0; i < 8; i++) {
      queue.add(`changed${i}`);
    }
    queue.start();
    for (let i = 0; i < 11; i++) {
      await runs[i]?.end();
    }
    expect(runs.map(({ key }) => key)).to.deep.equal(
      'changed0 changed1 changed2 changed3 due0 changed4 changed5 changed6 changed7 due1 due2 due3'.split(
        ' ',
      ),
    );
  });

  it('moves a key that is due to the first line when it is changed, and runs it once', async () => {
    const { queue, runs } = manual(1);
    for (const key of ['a', 'b', 'c']) {
      queue.add(key, { priority: 'due' });
    }
    queue.add('c');
    queue.add('c', { priority: 'due' });
    queue.start();
    for (let i = 0; i < 3; i++) {
      await runs[i]?.end();
    }
    expect(runs.map(({ key }) => key)).to.deep.equal(['c', 'a', 'b']);
  });

  // @promise queue/new-resource-first
  it('delays a new resource by at most one reconcile while 5,000 are reconciled after a start', async () => {
    const clock = new VirtualClock();
    const ends = new Map<string, number>();
    const process = (key: string): Promise<Outcome> =>
      new Promise(
        (resolve) =>
          void clock.after(100, () => {
            if (!ends.has(key)) {
              ends.set(key, clock.monotonic());
            }
            resolve({ type: 'after', ms: 5000 });
          }),
      );
    const queue = new WorkQueue({ clock, random: () => 0.5, concurrency: 10, process });
    for (let i = 0; i < 5000; i++) {
      queue.add(`old${i}`, { priority: 'due' });
    }
    queue.start();
    const arrivals = new Map<string, number>();
    for (let second = 1; second <= 120; second++) {
      while (clock.next !== undefined && clock.next <= second * 1000) {
        clock.moveTo(clock.next);
        while (clock.fire()) {}
        await turn();
      }
      clock.moveTo(second * 1000);
      queue.add(`new${second}`);
      arrivals.set(`new${second}`, clock.monotonic());
    }
    const waits = [...arrivals].flatMap(([key, at]) =>
      ends.has(key) ? [(ends.get(key) ?? 0) - at] : [],
    );
    expect(waits.length).to.be.greaterThan(118);
    expect(Math.max(...waits)).to.be.at.most(300);
  }).timeout(20_000);

  it('does not starve what is due while more changes come than can be worked off', async () => {
    const { queue, runs } = manual(1);
    queue.add('due', { priority: 'due' });
    queue.start();
    await runs[0]?.end({ type: 'done' });
    queue.add('due again', { priority: 'due' });
    for (let i = 0; i < 20; i++) {
      queue.add(`c${i}`);
    }
    for (let i = 1; i < 8; i++) {
      queue.add(`more${i}`);
      await runs[i]?.end();
    }
    expect(runs.map(({ key }) => key)).to.include('due again');
  });

  it('reports how long keys waited and runs took', async () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    let end = (_: Outcome): void => undefined;
    const queue = new WorkQueue({
      clock,
      random: () => 0.5,
      concurrency: 1,
      process: () => new Promise((resolve) => (end = resolve)),
      observer: {
        added: () => void told.push('added'),
        began: (ms) => void told.push(`began ${ms}`),
        ended: (ms) => void told.push(`ended ${ms}`),
        retried: () => void told.push('retried'),
      },
    });
    queue.add('a');
    await wait(clock, 10);
    queue.start();
    await wait(clock, 30);
    expect(queue.unfinished).to.deep.equal([30]);
    end({ type: 'failed' });
    await turn();
    expect(told).to.deep.equal(['added', 'began 10', 'ended 30', 'retried']);
  });

  // @promise queue/retry-after
  it('runs a key that failed for a time not before it is over, whatever is added meanwhile', async () => {
    const { queue, clock, runs } = manual();
    queue.start();
    queue.add('a');
    queue.add('a', { cause: 'input' });
    await runs[0]?.end({ type: 'failed', atLeastMs: 400_000, atMostMs: 1_000 });
    queue.add('a', { resetBackoff: true });
    await wait(clock, 399_999);
    queue.add('a', { cause: 'input' });
    expect(runs).to.have.length(1);
    await wait(clock, 1);
    expect(runs).to.have.length(2);
    await runs[1]?.end();
    await wait(clock, 400_000);
    expect(runs).to.have.length(2);
  });
});
