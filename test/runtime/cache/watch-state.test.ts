import { expect } from 'chai';
import type {
  StoreEffect,
  WatchStateInput,
  WatchState,
  WaitingState,
} from '../../../runtime/src/cache/watch-state.ts';
import { INITIAL_STATE, nextWatchState } from '../../../runtime/src/cache/watch-state.ts';
import { ApiError, ConnectionError } from '../../../runtime/src/client/errors.ts';
import type { KubeObject } from '../../../runtime/src/client/object.ts';

const half = (): number => 0.5;
const pod = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, resourceVersion },
});
const a = pod('a', '4');
const b = pod('b', '5');
const failed = (code: number, retryAfterSeconds?: number): WatchStateInput => ({
  type: 'failed',
  error: new ApiError({
    code,
    reason: '',
    message: `answered ${code}`,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }),
});
const reset: WatchStateInput = { type: 'failed', error: new ConnectionError('reset') };
const listing = (more: Partial<Extract<WatchState, { type: 'listing' }>> = {}): WatchState => ({
  ...INITIAL_STATE,
  ...more,
});
const watching = (failures = 0, receivedEvents = false): WatchState => ({
  type: 'watching',
  resourceVersion: '7',
  receivedEvents,
  failures,
});
/** After so many watches without an event. */
const fruitless = (state: WatchState, fruitlessWatches: number): WatchState =>
  ({ ...state, fruitlessWatches }) as WatchState;
const NO_VERSION = 'the lists of this kind have no resourceVersion to watch from';
const waiting = (ms: number, then: WatchState): WatchState => ({
  type: 'waiting',
  ms,
  resume: then as WaitingState['resume'],
});

/** The input of a server whose lists succeed and whose watches fail with the code. */
function inputOf(state: WatchState, watchCode: number): WatchStateInput {
  if (state.type === 'listing') {
    return { type: 'page', items: [], resourceVersion: '7' };
  }
  return state.type === 'watching' ? failed(watchCode) : { type: 'waited' };
}

describe('the state machine of a reflector', () => {
  const page1 = listing({ pages: [[a]], continue: 't' });
  const cases: readonly [
    title: string,
    from: WatchState,
    input: WatchStateInput,
    to: WatchState,
    effect?: StoreEffect,
  ][] = [
    [
      'asks for the next page',
      INITIAL_STATE,
      { type: 'page', items: [a], resourceVersion: '7', continue: 't' },
      page1,
    ],
    [
      'swaps the store after the last page, and watches from there',
      page1,
      { type: 'page', items: [b], resourceVersion: '7' },
      watching(),
      { type: 'replace', items: [a, b], resourceVersion: '7' },
    ],
    [
      'lists without pages when a page has expired',
      page1,
      failed(410),
      listing({ isUnpaged: true, failures: 1 }),
    ],
    [
      'waits before it lists once more after that',
      listing({ isUnpaged: true, failures: 1 }),
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
      INITIAL_STATE,
      failed(403),
      waiting(800, listing({ failures: 1 })),
      { type: 'unavailable', reason: 'answered 403', isNotServed: false, isGone: false },
    ],
    [
      'lists when the watch is refused, because the list decides whether the kind can be read',
      watching(),
      failed(404),
      waiting(800, listing({ failures: 1, watchRefusal: 'answered 404' })),
    ],
    [
      'keeps the store when the list says once that the kind is not served',
      listing({ failures: 1 }),
      failed(404),
      waiting(1600, listing({ failures: 2 })),
      { type: 'unavailable', reason: 'answered 404', isNotServed: true, isGone: false },
    ],
    [
      'gives up the objects when the kind is not served three times in a row',
      listing({ failures: 2 }),
      failed(404),
      waiting(3200, listing({ failures: 3 })),
      { type: 'unavailable', reason: 'answered 404', isNotServed: true, isGone: true },
    ],
    [
      'tries the watch once more after the list of a kind whose watch was refused',
      listing({ failures: 1, watchRefusal: 'no' }),
      { type: 'page', items: [a], resourceVersion: '7' },
      {
        type: 'watching',
        resourceVersion: '7',
        receivedEvents: false,
        failures: 1,
        watchRefusal: 'no',
      },
      { type: 'replace', items: [a], resourceVersion: '7', watchRefusal: 'no' },
    ],
    [
      'lists every 30 seconds when the watch is refused again',
      { ...(watching(1) as object), watchRefusal: 'no' } as WatchState,
      failed(405),
      waiting(30_000, listing({ failures: 2, watchRefusal: 'answered 405' })),
    ],
    [
      'lists every 30 seconds when the lists have no version to watch from',
      INITIAL_STATE,
      { type: 'page', items: [a], resourceVersion: '' },
      waiting(30_000, listing({ watchRefusal: NO_VERSION })),
      { type: 'replace', items: [a], resourceVersion: '', watchRefusal: NO_VERSION },
    ],
    [
      'keeps its version at a bookmark that has none',
      watching(),
      { type: 'event', event: { type: 'BOOKMARK', resourceVersion: '' } },
      watching(0, true),
      { type: 'applyEvent', event: { type: 'BOOKMARK', resourceVersion: '' } },
    ],
    [
      'lists when the reason is Expired and the code is missing',
      watching(),
      { type: 'failed', error: new ApiError({ code: 500, reason: 'Expired', message: 'x' }) },
      listing({ failures: 1 }),
    ],
    [
      'lists when the API server has not reached the version, because it was restored',
      watching(),
      {
        type: 'failed',
        error: new ApiError({
          code: 504,
          reason: 'Timeout',
          message: 'Too large resource version',
          details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
        }),
      },
      listing({ failures: 1 }),
    ],
    [
      'waits about 30 seconds when a proxy asks for a day',
      watching(),
      failed(503, 86_400),
      waiting(33_000, fruitless(watching(1), 1)),
    ],
    [
      'gives up a version from which five watches were refused',
      fruitless(watching(4), 4),
      failed(500),
      waiting(12_800, listing({ failures: 5 })),
    ],
    [
      'keeps the version while the API server asks for patience',
      fruitless(watching(4), 4),
      failed(429),
      waiting(12_800, fruitless(watching(5), 4)),
    ],
    [
      'keeps the version while the API server cannot be reached',
      fruitless(watching(4), 4),
      reset,
      waiting(12_800, fruitless(watching(5), 4)),
    ],
    [
      'gives up a version from which two watches stayed silent',
      fruitless(watching(0), 1),
      { ...reset, wasStable: true, wasSilent: true },
      waiting(800, listing({ failures: 1 })),
    ],
    [
      'gives up a version from which five open watches were cut',
      fruitless(watching(0), 4),
      { ...reset, wasStable: true },
      waiting(800, listing({ failures: 1 })),
    ],
    [
      'tries again with other credentials after a 401',
      INITIAL_STATE,
      failed(401),
      waiting(800, listing({ failures: 1 })),
    ],
    [
      'goes on from each event',
      watching(3),
      { type: 'event', event: { type: 'ADDED', object: pod('c', '9') } },
      { type: 'watching', resourceVersion: '9', receivedEvents: true, failures: 0 },
      { type: 'applyEvent', event: { type: 'ADDED', object: pod('c', '9') } },
    ],
    [
      'goes on from each bookmark',
      watching(),
      { type: 'event', event: { type: 'BOOKMARK', resourceVersion: '12' } },
      { type: 'watching', resourceVersion: '12', receivedEvents: true, failures: 0 },
      { type: 'applyEvent', event: { type: 'BOOKMARK', resourceVersion: '12' } },
    ],
    [
      'opens the next watch at once when one that told something ends',
      watching(0, true),
      { type: 'ended' },
      watching(),
    ],
    [
      'opens the next watch at once after one quiet end',
      watching(),
      { type: 'ended' },
      fruitless(watching(1), 1),
    ],
    [
      'opens the next watch at once when one that stood for a while ends',
      watching(3),
      { type: 'ended', wasStable: true },
      watching(),
    ],
    [
      'waits as after the first failure when a watch breaks that stood for a while',
      watching(3),
      { ...reset, wasStable: true },
      waiting(800, fruitless(watching(1), 1)),
    ],
    [
      'waits when watches end at once again and again',
      watching(1),
      { type: 'ended' },
      waiting(1600, fruitless(watching(2), 1)),
    ],
    [
      'watches again from the same version when the watch breaks',
      watching(),
      reset,
      waiting(800, watching(1)),
    ],
    ['does so after a 500', watching(), failed(500), waiting(800, fruitless(watching(1), 1))],
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
    ['goes on after a wait', waiting(800, watching(1)), { type: 'waited' }, watching(1)],
    [
      'lists at once when it is doubted, whatever it does',
      waiting(800, watching(1)),
      { type: 'relistRequested' },
      listing({ failures: 1 }),
    ],
  ];
  for (const [title, from, input, to, effect] of cases) {
    it(title, () => {
      expect(nextWatchState(from, input, half)).to.deep.equal(
        effect === undefined ? { state: to } : { state: to, effect },
      );
    });
  }

  // @promise watching/list-backoff
  it('waits longer after each failure, from 0.8 to 30 s, with a jitter of 50 %', () => {
    const waits = (random: () => number): readonly number[] => {
      let state: WatchState = watching();
      return Array.from({ length: 8 }, () => {
        const next = nextWatchState(state, reset, random).state as WaitingState;
        state = next.resume;
        return next.ms;
      });
    };
    expect(waits(half)).to.deep.equal([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect([waits(() => 0)[0], waits(() => 0.999)[7]]).to.deep.equal([400, 44_970]);
  });

  it('lists every 30 seconds when lists succeed and watches are forbidden', () => {
    let state: WatchState = INITIAL_STATE;
    const waits: number[] = [];
    while (waits.length < 8) {
      state = nextWatchState(state, inputOf(state, 403), half).state;
      if (state.type === 'waiting') {
        waits.push(state.ms);
      }
    }
    expect(waits).to.deep.equal([800, ...Array.from({ length: 7 }, () => 30_000)]);
  });

  // @promise watching/list-backoff
  it('backs off when every watch reports an expired version', () => {
    let state: WatchState = INITIAL_STATE;
    let waits = 0;
    for (let i = 0; i < 20; i++) {
      state = nextWatchState(state, inputOf(state, 410), half).state;
      if (state.type === 'waiting') {
        waits++;
      }
    }
    expect(waits).to.be.greaterThan(4);
  });
});
