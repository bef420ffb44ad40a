/**
 * Keeps one store equal to a part of the cluster. `watching.ts` decides; this makes the requests,
 * and takes for dead what is silent.
 *
 * Lists are consistent (no resourceVersion is sent: the API server answers with the newest state),
 * bookmarks keep the version fresh.
 */
import type { Clock, Random } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import { ConnectionError } from '../kube/errors.ts';
import type { ResourceType } from '../kube/object.ts';
import type { Relist, Store } from './store.ts';
import type { Effect, Happening, Listing, State, Watching } from './watching.ts';
import { START, step } from './watching.ts';

/** client-go's page size (tools/pager). */
const PAGE = 500;
/**
 * The API server sends a bookmark about each minute: a watch that brings nothing for two is dead.
 */
const SILENT_MS = 120_000;
/**
 * A watch that was open for so long is none of a server that closes every watch at once, whatever
 * it has brought.
 */
const STOOD_MS = 10_000;
/** For one page. */
const LIST_MS = 60_000;

export interface Scope {
  readonly type: ResourceType;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface Ports {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ReflectorEvents {
  /** Every step: `state` is what it does now. */
  stepped(state: State): void;
  /**
   * The store was listed; `relist` is absent the first time. `began`: monotonic time of the list's
   * first request.
   */
  listed(began: number, relist: Relist | undefined): void;
  /** The watch brought something, a bookmark included. */
  heard(): void;
  unavailable(reason: string, absent: boolean): void;
  failed(error: unknown): void;
  /** A watch is opened again, after it ended or broke. */
  restarted(): void;
}

export interface Reflector {
  /** Lists again now; what is known stays meanwhile. */
  doubt(): void;
  /** Ends when the signal is aborted. */
  readonly done: Promise<void>;
}

export function reflect(
  scope: Scope,
  store: Store,
  ports: Ports,
  events: ReflectorEvents,
  signal: AbortSignal,
): Reflector {
  const { api, clock, random } = ports;
  let state: State = START;
  let doubt = new AbortController();
  let began = clock.monotonic();
  let lists = 0;
  let watches = 0;
  let opened = clock.monotonic();
  const stood = (): boolean => state.name === 'watching' && clock.monotonic() - opened >= STOOD_MS;

  const take = (effect: Effect): void => {
    switch (effect.do) {
      case 'replace': {
        const relist = store.replace(effect.items, effect.resourceVersion);
        events.listed(began, lists++ > 0 ? relist : undefined);
        return;
      }
      case 'take':
        if (effect.event.type === 'BOOKMARK') {
          store.reached(BigInt(effect.event.resourceVersion));
        } else if (effect.event.type === 'DELETED') {
          store.remove(effect.event.object);
        } else {
          store.put(effect.event.object);
        }
        return events.heard();
      case 'unavailable':
        return events.unavailable(effect.reason, effect.absent);
      default:
        effect satisfies never;
    }
  };
  const happened = (happening: Happening): void => {
    const next = step(state, happening, random);
    state = next.state;
    if (next.effect !== undefined) {
      take(next.effect);
    }
    events.stepped(state);
  };

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const interrupted = doubt.signal;
      const either = AbortSignal.any([signal, interrupted]);
      try {
        if (state.name === 'waiting') {
          await sleep(clock, state.ms, either);
          happened({ what: 'waited' });
        } else if (state.name === 'listing') {
          happened(await page(state, either));
        } else {
          if (watches++ > 0 && lists > 0) {
            events.restarted();
          }
          opened = clock.monotonic();
          await follow(state, either);
          happened({ what: 'ended', stood: stood() });
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!interrupted.aborted) {
          events.failed(error);
          happened({ what: 'failed', error, stood: stood() });
        }
      }
      // Also when it came in the moment of an answer.
      if (interrupted.aborted) {
        happened({ what: 'doubted' });
      }
    }
  }

  async function page(listing: Listing, either: AbortSignal): Promise<Happening> {
    if (listing.pages.length === 0) {
      began = clock.monotonic();
    }
    const options = {
      ...selection(scope),
      ...(listing.whole ? {} : { limit: PAGE }),
      ...(listing.continue === undefined ? {} : { continue: listing.continue }),
    };
    const limit = silence(LIST_MS, either);
    try {
      return { what: 'page', ...(await api.list(scope.type, options, limit.signal)) };
    } finally {
      limit.cancel();
    }
  }

  async function follow({ resourceVersion }: Watching, either: AbortSignal): Promise<void> {
    const timeoutSeconds = 300 + Math.floor(random() * 300);
    const limit = silence(SILENT_MS, either);
    try {
      for await (const event of api.watch(
        scope.type,
        { ...selection(scope), resourceVersion, timeoutSeconds },
        limit.signal,
      )) {
        limit.heard();
        happened({ what: 'event', event });
      }
    } finally {
      limit.cancel();
    }
  }

  /**
   * A signal that is aborted when nothing is heard for a time. One timer, set anew only when it
   * fires.
   */
  function silence(
    ms: number,
    either: AbortSignal,
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
      signal: AbortSignal.any([either, dead.signal]),
      heard: () => void (last = clock.monotonic()),
      cancel: () => timer.cancel(),
    };
  }

  return {
    doubt() {
      const before = doubt;
      doubt = new AbortController();
      before.abort(new Error('listing again'));
    },
    done: run(),
  };
}

function selection(scope: Scope): { namespace?: string; labelSelector?: string } {
  return {
    ...(scope.namespace === undefined ? {} : { namespace: scope.namespace }),
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
  };
}
