/**
 * Keeps one store equal to a part of the cluster. `watching.ts` decides; this makes the requests,
 * and takes for dead what is silent.
 *
 * Lists are consistent (no resourceVersion is sent: the API server answers with the newest state),
 * bookmarks keep the version fresh.
 */
import type { Clock, Random } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { KubeApi } from '../client/kube-api.ts';
import { ConnectionError } from '../client/errors.ts';
import type { ResourceType } from '../client/object.ts';
import type { RelistResult, Store } from './store.ts';
import type {
  StoreEffect,
  WatchStateInput,
  ListingState,
  WatchState,
  WatchingState,
} from './watch-state.ts';
import { INITIAL_STATE, nextWatchState } from './watch-state.ts';

/** client-go's page size (tools/pager). */
const PAGE_SIZE = 500;
/**
 * The API server sends a bookmark about each minute: a watch that brings nothing for two is dead.
 */
const SILENCE_TIMEOUT_MS = 120_000;
/**
 * A watch that was open for so long is none of a server that closes every watch at once, whatever
 * it has brought.
 */
const STABLE_AFTER_MS = 10_000;
/** For one page. */
const LIST_TIMEOUT_MS = 60_000;

export interface WatchScope {
  readonly type: ResourceType;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface ReflectorDeps {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ReflectorListener {
  /** Every step: `state` is what it does now. */
  stateChanged(state: WatchState): void;
  /**
   * The store was listed; `relist` is absent the first time. `began`: monotonic time of the list's
   * first request.
   */
  listed(began: number, relist: RelistResult | undefined): void;
  /** The watch brought something, a bookmark included. */
  eventReceived(): void;
  unavailable(reason: string, absent: boolean): void;
  failed(error: unknown): void;
  /** A watch is opened again, after it ended or broke. */
  watchRestarted(): void;
}

export interface Reflector {
  /** Lists again now; what is known stays meanwhile. */
  relist(): void;
  /** Ends when the signal is aborted. */
  readonly done: Promise<void>;
}

export function startReflector(
  scope: WatchScope,
  store: Store,
  deps: ReflectorDeps,
  listener: ReflectorListener,
  signal: AbortSignal,
): Reflector {
  const { api, clock, random } = deps;
  let state: WatchState = INITIAL_STATE;
  let relistRequest = new AbortController();
  let listStartedAt = clock.monotonic();
  let listCount = 0;
  let watchCount = 0;
  let watchOpenedAt = clock.monotonic();
  const isStable = (): boolean =>
    state.type === 'watching' && clock.monotonic() - watchOpenedAt >= STABLE_AFTER_MS;

  const applyEffect = (effect: StoreEffect): void => {
    switch (effect.type) {
      case 'replace': {
        const relist = store.replace(effect.items, effect.resourceVersion);
        listener.listed(listStartedAt, listCount++ > 0 ? relist : undefined);
        return;
      }
      case 'applyEvent':
        if (effect.event.type === 'BOOKMARK') {
          store.advanceTo(BigInt(effect.event.resourceVersion));
        } else if (effect.event.type === 'DELETED') {
          store.remove(effect.event.object);
        } else {
          store.put(effect.event.object);
        }
        return listener.eventReceived();
      case 'unavailable':
        return listener.unavailable(effect.reason, effect.isNotServed);
      default:
        effect satisfies never;
    }
  };
  const dispatch = (input: WatchStateInput): void => {
    const next = nextWatchState(state, input, random);
    state = next.state;
    if (next.effect !== undefined) {
      applyEffect(next.effect);
    }
    listener.stateChanged(state);
  };

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const interrupted = relistRequest.signal;
      const stopSignal = AbortSignal.any([signal, interrupted]);
      try {
        if (state.type === 'waiting') {
          await sleep(clock, state.ms, stopSignal);
          dispatch({ type: 'waited' });
        } else if (state.type === 'listing') {
          dispatch(await listPage(state, stopSignal));
        } else {
          if (watchCount++ > 0 && listCount > 0) {
            listener.watchRestarted();
          }
          watchOpenedAt = clock.monotonic();
          await readWatch(state, stopSignal);
          dispatch({ type: 'ended', wasStable: isStable() });
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!interrupted.aborted) {
          listener.failed(error);
          dispatch({ type: 'failed', error, wasStable: isStable() });
        }
      }
      // Also when it came in the moment of an answer.
      if (interrupted.aborted) {
        dispatch({ type: 'relistRequested' });
      }
    }
  }

  async function listPage(
    listing: ListingState,
    stopSignal: AbortSignal,
  ): Promise<WatchStateInput> {
    if (listing.pages.length === 0) {
      listStartedAt = clock.monotonic();
    }
    const options = {
      ...selection(scope),
      ...(listing.isUnpaged ? {} : { limit: PAGE_SIZE }),
      ...(listing.continue === undefined ? {} : { continue: listing.continue }),
    };
    const limit = silenceTimeout(LIST_TIMEOUT_MS, stopSignal);
    try {
      return { type: 'page', ...(await api.list(scope.type, options, limit.signal)) };
    } finally {
      limit.cancel();
    }
  }

  async function readWatch(
    { resourceVersion }: WatchingState,
    stopSignal: AbortSignal,
  ): Promise<void> {
    const timeoutSeconds = 300 + Math.floor(random() * 300);
    const limit = silenceTimeout(SILENCE_TIMEOUT_MS, stopSignal);
    try {
      for await (const event of api.watch(
        scope.type,
        { ...selection(scope), resourceVersion, timeoutSeconds },
        limit.signal,
      )) {
        limit.heard();
        dispatch({ type: 'event', event });
      }
    } finally {
      limit.cancel();
    }
  }

  /**
   * A signal that is aborted when nothing is heard for a time. One timer, set anew only when it
   * fires.
   */
  function silenceTimeout(
    ms: number,
    stopSignal: AbortSignal,
  ): { readonly signal: AbortSignal; heard(): void; cancel(): void } {
    const dead = new AbortController();
    let last = clock.monotonic();
    const check = (): void => {
      const left = last + ms - clock.monotonic();
      if (left > 0) {
        timer = clock.after(left, check);
      } else {
        dead.abort(
          new ConnectionError(`nothing was heard of ${scope.type.plural} for ${ms / 1000} s`),
        );
      }
    };
    let timer = clock.after(ms, check);
    return {
      signal: AbortSignal.any([stopSignal, dead.signal]),
      heard: () => void (last = clock.monotonic()),
      cancel: () => timer.cancel(),
    };
  }

  return {
    relist() {
      const before = relistRequest;
      relistRequest = new AbortController();
      before.abort(new Error('listing again'));
    },
    done: run(),
  };
}

function selection(scope: WatchScope): { namespace?: string; labelSelector?: string } {
  return {
    ...(scope.namespace === undefined ? {} : { namespace: scope.namespace }),
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
  };
}
