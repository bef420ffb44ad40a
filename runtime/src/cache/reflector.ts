/**
 * A reflector keeps one store equal to a part of the cluster, as client-go's reflector does
 * (tools/cache). `watch-state.ts` decides; the reflector makes the requests and applies the effects
 * to the store.
 *
 * Guarantees:
 * - Lists are consistent: no resourceVersion is sent, so the API server returns the newest state.
 * - A watch without any event for two minutes is closed and opened again. Bookmarks count as
 *   events.
 * - The reflector never gives up; failures are retried with backoff.
 */
import { ConnectionError, isConnectionError } from '../client/errors.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject, ResourceType } from '../client/object.ts';
import type { Clock, Random, Timer } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { RelistResult, Store } from './store.ts';
import { prepareObject } from './store.ts';
import type {
  ListingState,
  StoreEffect,
  WatchingState,
  WatchState,
  WatchStateInput,
} from './watch-state.ts';
import { INITIAL_STATE, nextWatchState } from './watch-state.ts';

/** Number of objects in one page of a list (client-go's tools/pager). */
const PAGE_SIZE = 500;
/**
 * Time without an event after which a watch counts as broken, in milliseconds. The API server sends
 * a bookmark about once a minute.
 */
const SILENCE_TIMEOUT_MS = 120_000;
/**
 * Time after which an open watch counts as stable, in milliseconds, whether or not it brought
 * events. A server that closes every watch at once never reaches it.
 */
const STABLE_AFTER_MS = 10_000;
/** Limit for one page of a list, in milliseconds. */
const LIST_TIMEOUT_MS = 60_000;
/** Bounds of the time after which the API server ends a watch, in seconds. */
const MIN_WATCH_TIMEOUT_S = 300;
const MAX_WATCH_TIMEOUT_S = 600;

/** The part of the cluster that one reflector follows. */
export interface WatchScope {
  /** Kind of the objects. */
  readonly type: ResourceType;
  /** Namespace of the objects. Absent: all namespaces. */
  readonly namespace?: string;
  /** Label selector in its wire form. Absent: all objects. */
  readonly labelSelector?: string;
}

/** What every reflector of a process shares. */
export interface ReflectorDeps {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Source of the jitter of pauses and watch timeouts. */
  readonly random: Random;
}

/** Callbacks through which a reflector reports what it does. */
export interface ReflectorListener {
  /** Called after every input of the state machine, with the new state. */
  stateChanged(state: WatchState): void;
  /**
   * The store holds a complete list.
   *
   * @param startedAt monotonic time at which the list's first request was sent.
   * @param relist what the list changed; undefined for the first list.
   */
  listed(startedAt: number, relist: RelistResult | undefined): void;
  /** The watch brought an event or a bookmark. */
  eventReceived(): void;
  /**
   * The kind cannot be read.
   *
   * @param isNotServed true: the API server does not serve the kind (404), so there are no objects.
   * False: reading is forbidden (403), so the objects are unknown.
   */
  unavailable(reason: string, isNotServed: boolean): void;
  /** A list of a kind that can be listed and not watched, and is listed every 30 seconds. */
  polled(reason: string): void;
  /** A list or a watch failed. The reflector retries. */
  failed(error: unknown): void;
  /** A watch is opened again after it ended or failed. */
  watchRestarted(): void;
}

/** What a reflector needs. */
export interface ReflectorOptions extends ReflectorDeps {
  readonly scope: WatchScope;
  /** The store to fill. */
  readonly store: Store;
  readonly listener: ReflectorListener;
}

/** Lists and watches one scope, and writes what it reads into a store. */
export class Reflector {
  readonly #options: ReflectorOptions;
  #state: WatchState = INITIAL_STATE;
  /** Aborted to interrupt the current request or pause with a new list. */
  #relistRequest = new AbortController();
  /** Monotonic time at which the current list's first request was sent. */
  #listStartedAt: number;
  /** Monotonic time at which the current watch was requested. */
  #watchOpenedAt: number;
  #listCount = 0;
  #watchCount = 0;

  /** @param options what the reflector needs; `run` starts it. */
  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#listStartedAt = options.clock.monotonic();
    this.#watchOpenedAt = options.clock.monotonic();
  }

  /** Lists again now. The store keeps its contents until the new list is complete. */
  relist(): void {
    const request = this.#relistRequest;
    this.#relistRequest = new AbortController();
    request.abort(new Error('interrupted by a request to list again'));
  }

  /** Lists and watches until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const relistRequested = this.#relistRequest.signal;
      try {
        await this.#step(AbortSignal.any([signal, relistRequested]));
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!relistRequested.aborted) {
          if (!this.#isPolling()) {
            this.#options.listener.failed(error);
          }
          this.#dispatch({
            type: 'failed',
            error,
            wasStable: this.#isOpenFor(STABLE_AFTER_MS),
            wasSilent: this.#isOpenFor(SILENCE_TIMEOUT_MS) && isConnectionError(error),
          });
        }
      }
      // A request to list again counts also when it came together with a response.
      if (relistRequested.aborted) {
        this.#dispatch({ type: 'relistRequested' });
      }
    }
  }

  /** One request or pause, as the state says. */
  async #step(signal: AbortSignal): Promise<void> {
    const { clock, listener } = this.#options;
    switch (this.#state.type) {
      case 'waiting':
        await sleep(clock, this.#state.ms, signal);
        this.#dispatch({ type: 'waited' });
        return;
      case 'listing':
        this.#dispatch(await this.#listPage(this.#state, signal));
        return;
      case 'watching':
        if (this.#watchCount++ > 0 && this.#listCount > 0) {
          listener.watchRestarted();
        }
        this.#watchOpenedAt = clock.monotonic();
        await this.#readWatch(this.#state, signal);
        this.#dispatch({ type: 'ended', wasStable: this.#isOpenFor(STABLE_AFTER_MS) });
        return;
      default:
        this.#state satisfies never;
    }
  }

  async #listPage(listing: ListingState, signal: AbortSignal): Promise<WatchStateInput> {
    const { api, clock, scope, store } = this.#options;
    if (listing.pages.length === 0) {
      this.#listStartedAt = clock.monotonic();
      store.beginList();
    }
    const options = {
      ...selectionOf(scope),
      ...(listing.isUnpaged ? {} : { limit: PAGE_SIZE }),
      ...(listing.continue === undefined ? {} : { continue: listing.continue }),
    };
    const timeout = this.#silenceTimeout(LIST_TIMEOUT_MS, signal);
    try {
      const page = await api.list(scope.type, options, timeout.signal);
      return { type: 'page', ...page, items: await this.#preparePage(page.items, signal) };
    } finally {
      timeout.cancel();
    }
  }

  /**
   * Prepares the objects of a page for the store, in parts of 500 with a turn of the event loop
   * between two of them. The store then takes a long list over at once without blocking the loop.
   */
  async #preparePage(
    items: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<readonly KubeObject[]> {
    const prepared: KubeObject[] = [];
    for (let start = 0; start < items.length; start += PAGE_SIZE) {
      if (start > 0) {
        await sleep(this.#options.clock, 0, signal);
      }
      for (const item of items.slice(start, start + PAGE_SIZE)) {
        prepared.push(prepareObject(item));
      }
    }
    return prepared;
  }

  async #readWatch({ resourceVersion }: WatchingState, signal: AbortSignal): Promise<void> {
    const { api, random, scope } = this.#options;
    const jitterS = Math.floor(random() * (MAX_WATCH_TIMEOUT_S - MIN_WATCH_TIMEOUT_S));
    const options = {
      ...selectionOf(scope),
      resourceVersion,
      timeoutSeconds: MIN_WATCH_TIMEOUT_S + jitterS,
    };
    const timeout = this.#silenceTimeout(SILENCE_TIMEOUT_MS, signal);
    try {
      for await (const event of api.watch(scope.type, options, timeout.signal)) {
        timeout.restart();
        this.#dispatch({ type: 'event', event });
      }
    } finally {
      timeout.cancel();
    }
  }

  #silenceTimeout(ms: number, signal: AbortSignal): SilenceTimeout {
    const { clock, scope } = this.#options;
    return new SilenceTimeout({ clock, ms, signal, plural: scope.type.plural });
  }

  #isOpenFor(ms: number): boolean {
    const openMs = this.#options.clock.monotonic() - this.#watchOpenedAt;
    return this.#state.type === 'watching' && openMs >= ms;
  }

  /** Whether the kind is read by lists alone, so that a refused watch is no failure. */
  #isPolling(): boolean {
    return this.#state.type === 'watching' && this.#state.watchRefusal !== undefined;
  }

  #dispatch(input: WatchStateInput): void {
    const { listener, random } = this.#options;
    const { state, effect } = nextWatchState(this.#state, input, random);
    this.#state = state;
    if (effect !== undefined) {
      this.#applyEffect(effect);
    }
    listener.stateChanged(state);
  }

  #applyEffect(effect: StoreEffect): void {
    const { listener, store } = this.#options;
    switch (effect.type) {
      case 'replace': {
        const relist = store.replace(effect.items, effect.resourceVersion);
        listener.listed(this.#listStartedAt, this.#listCount++ > 0 ? relist : undefined);
        if (effect.watchRefusal !== undefined) {
          listener.polled(effect.watchRefusal);
        }
        return;
      }
      case 'applyEvent':
        if (effect.event.type === 'BOOKMARK') {
          store.advanceTo(effect.event.resourceVersion);
        } else if (effect.event.type === 'DELETED') {
          store.remove(effect.event.object);
        } else {
          store.put(effect.event.object);
        }
        return listener.eventReceived();
      case 'unavailable':
        if (effect.isGone) {
          store.clear();
        }
        return listener.unavailable(effect.reason, effect.isNotServed);
      default:
        effect satisfies never;
    }
  }
}

interface SilenceTimeoutOptions {
  readonly clock: Clock;
  /** Time without a restart after which the signal is aborted, in milliseconds. */
  readonly ms: number;
  /** Aborts the timeout's signal as well. */
  readonly signal: AbortSignal;
  /** Plural of the kind, for the error message. */
  readonly plural: string;
}

/**
 * A signal that is aborted when the timeout was not restarted for a time. A restart only stores the
 * time, so that an event costs no timer.
 */
class SilenceTimeout {
  readonly signal: AbortSignal;
  readonly #options: SilenceTimeoutOptions;
  readonly #expired = new AbortController();
  #restartedAt: number;
  #timer: Timer;

  constructor(options: SilenceTimeoutOptions) {
    const { clock, ms, signal } = options;
    this.#options = options;
    this.signal = AbortSignal.any([signal, this.#expired.signal]);
    this.#restartedAt = clock.monotonic();
    this.#timer = clock.after(ms, () => this.#check());
  }

  restart(): void {
    this.#restartedAt = this.#options.clock.monotonic();
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #check(): void {
    const { clock, ms, plural } = this.#options;
    const msLeft = this.#restartedAt + ms - clock.monotonic();
    if (msLeft > 0) {
      this.#timer = clock.after(msLeft, () => this.#check());
      return;
    }
    this.#expired.abort(
      new ConnectionError(`${plural}: no response and no watch event for ${ms / 1000} s`),
    );
  }
}

function selectionOf(scope: WatchScope): { namespace?: string; labelSelector?: string } {
  return {
    ...(scope.namespace === undefined ? {} : { namespace: scope.namespace }),
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
  };
}
