import { expect } from 'chai';
import type { Effect, Happening, State, Waiting } from '../../../runtime/src/cache/watching.ts';
import { START, step } from '../../../runtime/src/cache/watching.ts';
import { ApiError, ConnectionError } from '../../../runtime/src/kube/errors.ts';
import type { KubeObject } from '../../../runtime/src/kube/object.ts';

const half = (): number => 0.5;
const pod = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, resourceVersion },
});
const a = pod('a', '4');
const b = pod('b', '5');
const failed = (code: number, retryAfterSeconds?: number): Happening => ({
  what: 'failed',
  error: new ApiError({
    code,
    reason: '',
    message: `answered ${code}`,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }),
});
const reset: Happening = { what: 'failed', error: new ConnectionError('reset') };
const listing = (more: Partial<Extract<State, { name: 'listing' }>> = {}): State => ({
  ...START,
  ...more,
});
const watching = (failures = 0, moved = false): State => ({
  name: 'watching',
  resourceVersion: '7',
  moved,
  failures,
});
const waiting = (ms: number, then: State): State => ({
  name: 'waiting',
  ms,
  then: then as Waiting['then'],
});

describe('following a part of the cluster', () => {
  const page1 = listing({ pages: [[a]], continue: 't' });
  const cases: readonly [
    title: string,
    from: State,
    happening: Happening,
    to: State,
    effect?: Effect,
  ][] = [
    [
      'asks for the next page',
      START,
      { what: 'page', items: [a], resourceVersion: '7', continue: 't' },
      page1,
    ],
    [
      'swaps the store after the last page, and watches from there',
      page1,
      { what: 'page', items: [b], resourceVersion: '7' },
      watching(),
      { do: 'replace', items: [a, b], resourceVersion: '7' },
    ],
    [
      'lists without pages when a page has expired',
      page1,
      failed(410),
      listing({ whole: true, failures: 1 }),
    ],
    [
      'waits before it lists once more after that',
      listing({ whole: true, failures: 1 }),
      failed(410),
      waiting(1600, listing({ failures: 2 })),
    ],
    [
      'keeps its pages when the next one is refused for a while',
      page1,
      failed(429, 5),
      waiting(5500, listing({ pages: [[a]], continue: 't', failures: 1 })),
    ],
    [
      'keeps its pages when the connection breaks',
      page1,
      reset,
      waiting(800, listing({ pages: [[a]], continue: 't', failures: 1 })),
    ],
    [
      'keeps the store when it may not list',
      START,
      failed(403),
      waiting(800, listing({ failures: 1 })),
      { do: 'unavailable', reason: 'answered 403', absent: false },
    ],
    [
      'keeps the store when the kind is gone',
      watching(),
      failed(404),
      waiting(800, listing({ failures: 1 })),
      { do: 'unavailable', reason: 'answered 404', absent: true },
    ],
    [
      'tries again with other credentials after a 401',
      START,
      failed(401),
      waiting(800, listing({ failures: 1 })),
    ],
    [
      'goes on from each event',
      watching(3),
      { what: 'event', event: { type: 'ADDED', object: pod('c', '9') } },
      { name: 'watching', resourceVersion: '9', moved: true, failures: 0 },
      { do: 'take', event: { type: 'ADDED', object: pod('c', '9') } },
    ],
    [
      'goes on from each bookmark',
      watching(),
      { what: 'event', event: { type: 'BOOKMARK', resourceVersion: '12' } },
      { name: 'watching', resourceVersion: '12', moved: true, failures: 0 },
      { do: 'take', event: { type: 'BOOKMARK', resourceVersion: '12' } },
    ],
    [
      'opens the next watch at once when one that told something ends',
      watching(0, true),
      { what: 'ended' },
      watching(),
    ],
    [
      'opens the next watch at once after one quiet end',
      watching(),
      { what: 'ended' },
      watching(1),
    ],
    [
      'opens the next watch at once when one that stood for a while ends',
      watching(3),
      { what: 'ended', stood: true },
      watching(),
    ],
    [
      'waits as after the first failure when a watch breaks that stood for a while',
      watching(3),
      { ...reset, stood: true },
      waiting(800, watching(1)),
    ],
    [
      'waits when watches end at once again and again',
      watching(1),
      { what: 'ended' },
      waiting(1600, watching(2)),
    ],
    [
      'watches again from the same version when the watch breaks',
      watching(),
      reset,
      waiting(800, watching(1)),
    ],
    ['does so after a 500', watching(), failed(500), waiting(800, watching(1))],
    ['waits as long as a 429 asks', watching(), failed(429, 20), waiting(22_000, watching(1))],
    [
      'lists again at once when the version has expired',
      watching(0, true),
      failed(410),
      listing({ failures: 1 }),
    ],
    [
      'waits before it does so when nothing was told since the last time',
      watching(1),
      failed(410),
      waiting(1600, listing({ failures: 2 })),
    ],
    ['goes on after a wait', waiting(800, watching(1)), { what: 'waited' }, watching(1)],
    [
      'lists at once when it is doubted, whatever it does',
      waiting(800, watching(1)),
      { what: 'doubted' },
      listing({ failures: 1 }),
    ],
  ];
  for (const [title, from, happening, to, effect] of cases) {
    it(title, () => {
      expect(step(from, happening, half)).to.deep.equal(
        effect === undefined ? { state: to } : { state: to, effect },
      );
    });
  }

  // @promise watching/list-backoff
  it('waits longer after each failure, from 0.8 to 30 s, with jitter of a half', () => {
    const waits = (random: () => number): readonly number[] => {
      let state: State = watching();
      return Array.from({ length: 8 }, () => {
        const next = step(state, reset, random).state as Waiting;
        state = next.then;
        return next.ms;
      });
    };
    expect(waits(half)).to.deep.equal([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect([waits(() => 0)[0], waits(() => 0.999)[7]]).to.deep.equal([400, 44_970]);
  });

  it('waits longer and longer when it may list and not watch: no storm of lists', () => {
    let state: State = START;
    const waits: number[] = [];
    while (waits.length < 8) {
      const happening: Happening =
        state.name === 'listing'
          ? { what: 'page', items: [], resourceVersion: '7' }
          : state.name === 'watching'
            ? failed(403)
            : { what: 'waited' };
      state = step(state, happening, half).state;
      if (state.name === 'waiting') {
        waits.push(state.ms);
      }
    }
    expect(waits).to.deep.equal([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  });

  // @promise watching/list-backoff
  it('does not make a loop of lists when every watch says that the version has expired', () => {
    let state: State = START;
    let waits = 0;
    for (let i = 0; i < 20; i++) {
      const happening: Happening =
        state.name === 'listing'
          ? { what: 'page', items: [], resourceVersion: '7' }
          : state.name === 'watching'
            ? failed(410)
            : { what: 'waited' };
      state = step(state, happening, half).state;
      if (state.name === 'waiting') {
        waits++;
      }
    }
    expect(waits).to.be.greaterThan(4);
  });
});
