/**
 * An informer keeps the objects of one kind and selector in memory. All phases that declare the
 * same kind and selector share one informer.
 *
 * An informer has one part for each watched namespace, or one part for the whole cluster. Each part
 * has a store and a reflector.
 */
import { messageOf } from '../client/errors.ts';
import { matchesSelector, parseSelector } from '../client/label-selector.ts';
import type { KubeObject, ObjectKey } from '../client/object.ts';
import { keyString } from '../client/object.ts';
import type { Clock, Timer } from '../util/clock.ts';
import type { ReflectorDeps, ReflectorListener, WatchScope } from './reflector.ts';
import { Reflector } from './reflector.ts';
import type { RelistResult, StoreChange } from './store.ts';
import { Store } from './store.ts';

/**
 * Time of failing lists or watches after which the process is unready, in milliseconds. Longer than
 * a restart of the API server takes.
 */
const FAILING_AFTER_MS = 30_000;
/** Time after which an open watch counts as working although it failed before, in milliseconds. */
const HEALTHY_AFTER_MS = 25_000;
/**
 * Time after which a watch that ends had certainly been open, in milliseconds: longer than a watch
 * may wait for its first response (30 s). A load balancer that cuts such a watch is not a failure
 * that goes on.
 */
const CERTAINLY_OPEN_MS = 40_000;
/**
 * Time after which no response is under way any more, in milliseconds: longer than the limit of a
 * request (30 s). Responses from before a restore of the API server are not in a list after it.
 */
const LATE_RESPONSES_MS = 35_000;

/**
 * Time in milliseconds for which a start waits for a kind whose lists fail, or bring nothing. The
 * kind then counts as one that cannot be read, until it is listed.
 */
const PATIENCE_MS = 15_000;
/** Pause between two looks at a kind that a start waits for, in milliseconds. */
const LOOK_MS = 1_000;

/** Callbacks through which an informer reports what its reflectors do. */
export interface InformerObserver {
  /** A list after the first was taken over into the store. */
  relisted(kind: string, relist: RelistResult): void;
  /** A watch is opened again after it ended or failed. */
  watchRestarted(kind: string): void;
  /** A list or a watch failed. */
  watchFailed(kind: string, error: unknown): void;
  /** The kind is listed every 30 seconds, because it can be listed and not watched. */
  watchUnsupported(kind: string, reason: string): void;
}

/** What an informer needs beside its scope. */
export interface InformerOptions {
  /** Watched namespaces. Empty: the whole cluster. */
  readonly namespaces: readonly string[];
  /** Label whose values `byIndex` looks up. */
  readonly indexLabel: string;
  readonly observer: InformerObserver;
  /**
   * All informers of this kind; the array may grow later. A response to a write is put into each of
   * them whose selector matches. Default: none but this informer.
   */
  readonly sameKind?: readonly Informer[];
}

/** One namespace of an informer, or the whole cluster. */
interface InformerPart {
  readonly scope: WatchScope;
  readonly store: Store;
  reflector: Reflector | undefined;
  /** Monotonic time at which the last complete list was requested; undefined before the first. */
  listedAt: number | undefined;
  /** Monotonic time that a list must not be older than, for a new leader. */
  requiredSince: number;
  /** Monotonic time of the last answer of the API server, pages of a list included. */
  answeredAt: number | undefined;
  /** Monotonic time of the last event, bookmark or complete list. */
  lastEventAt: number | undefined;
  /** Why the kind cannot be read; undefined when it can. */
  unavailable: { readonly reason: string; readonly isNotServed: boolean } | undefined;
  /** Monotonic time of the first of the consecutive failures, and the reason of the last one. */
  failing: { readonly since: number; readonly reason: string } | undefined;
  /** Monotonic time since which the watch has been open or opening. */
  openSince: number | undefined;
}

/**
 * A cache of one kind.
 *
 * Guarantees:
 * - Objects are deeply frozen and carry no managedFields.
 * - Objects are never older than the last write that this process made through `write`.
 *
 * Caveats: an object outside of the watched namespaces is unknown, not absent. Ask `covers`.
 */
export class Informer {
  /** Kind and label selector. */
  readonly scope: Omit<WatchScope, 'namespace'>;
  readonly #parts: readonly InformerPart[];
  readonly #observer: InformerObserver;
  readonly #sameKind: readonly Informer[];
  readonly #waiters = new Set<() => void>();
  readonly #availabilityListeners: ((isAvailable: boolean) => void)[] = [];
  #clock: Clock | undefined;

  /**
   * @param scope kind and label selector.
   * @param options namespaces, index and observer.
   */
  constructor(scope: Omit<WatchScope, 'namespace'>, options: InformerOptions) {
    const { namespaces, indexLabel, observer, sameKind = [] } = options;
    this.scope = scope;
    this.#observer = observer;
    this.#sameKind = sameKind;
    const requirements = parseSelector(scope.labelSelector ?? '');
    const matches = ({ metadata }: KubeObject): boolean =>
      matchesSelector(requirements, metadata.labels);
    const scopes: readonly WatchScope[] =
      namespaces.length === 0 || !scope.type.namespaced
        ? [scope]
        : namespaces.map((namespace) => ({ ...scope, namespace }));
    this.#parts = scopes.map((part) => ({
      scope: part,
      store: new Store({ indexLabel, matches }),
      reflector: undefined,
      listedAt: undefined,
      requiredSince: -Infinity,
      answeredAt: undefined,
      lastEventAt: undefined,
      unavailable: undefined,
      failing: undefined,
      openSince: undefined,
    }));
  }

  /** Lists and watches until the signal is aborted. */
  async run(deps: ReflectorDeps, signal: AbortSignal): Promise<void> {
    this.#clock = deps.clock;
    await Promise.all(
      this.#parts.map((part) => {
        const { scope, store } = part;
        const listener = this.#listenerOf(part, deps.clock);
        part.reflector = new Reflector({ ...deps, scope, store, listener });
        return part.reflector.run(signal);
      }),
    );
  }

  #listenerOf(part: InformerPart, clock: Clock): ReflectorListener {
    const { kind } = this.scope.type;
    const markHealthy = (): void => {
      part.lastEventAt = clock.monotonic();
      part.failing = undefined;
    };
    return {
      stateChanged: ({ type }) => {
        part.answeredAt = clock.monotonic();
        part.openSince = type === 'watching' ? (part.openSince ?? clock.monotonic()) : undefined;
      },
      listed: (startedAt, relist) => {
        markHealthy();
        this.#changeAvailability(() => {
          part.listedAt = startedAt;
          part.unavailable = undefined;
        });
        if (relist !== undefined) {
          this.#observer.relisted(kind, relist);
        }
        if (relist?.wentBack === true) {
          clock.after(LATE_RESPONSES_MS, () => part.reflector?.relist());
        }
        this.#notifyWaiters();
      },
      eventReceived: () => {
        markHealthy();
        this.#notifyWaiters();
      },
      unavailable: (reason, isNotServed) => {
        this.#changeAvailability(() => {
          part.unavailable = { reason, isNotServed };
        });
        this.#notifyWaiters();
      },
      failed: (error) => {
        const now = clock.monotonic();
        const hadWorked = part.openSince !== undefined && now - part.openSince >= CERTAINLY_OPEN_MS;
        const since = hadWorked ? now : (part.failing?.since ?? now);
        part.failing = { since, reason: messageOf(error) };
        this.#observer.watchFailed(kind, error);
      },
      watchRestarted: () => this.#observer.watchRestarted(kind),
      polled: (reason) => this.#observer.watchUnsupported(kind, reason),
    };
  }

  /** Tells the listeners when the whole kind becomes available or unavailable. */
  #changeAvailability(change: () => void): void {
    const wasAvailable = this.unavailableReason === undefined;
    change();
    const isAvailable = this.unavailableReason === undefined;
    if (isAvailable !== wasAvailable) {
      this.#availabilityListeners.forEach((listener) => listener(isAvailable));
    }
  }

  /**
   * Calls `listener` when the kind can be read again, after the store has its objects, and when it
   * can be read no longer.
   */
  subscribeAvailability(listener: (isAvailable: boolean) => void): void {
    this.#availabilityListeners.push(listener);
  }

  /** Calls `listener` for each later change of any part, after the store has it. */
  subscribe(listener: (change: StoreChange) => void): void {
    for (const part of this.#parts) {
      part.store.subscribe(listener);
    }
  }

  /**
   * Resolves when every part was listed once, is known to be unavailable, or has been failing for
   * 15 seconds.
   */
  async waitForSync(signal: AbortSignal): Promise<void> {
    const startedAt = this.#clock?.monotonic() ?? 0;
    await this.#waitPatiently(
      (part) =>
        isCurrent(part) || part.unavailable !== undefined || this.#isHopeless(part, startedAt),
      signal,
    );
  }

  /** Resolves when every part was listed, however long that takes. */
  waitUntilRead(signal: AbortSignal): Promise<void> {
    return this.#waitUntil(isRead, signal);
  }

  /**
   * Resolves when every part is at least as new as the API server was at a time. A part that was
   * listed later is new enough. For any other part one consistent read tells the present version,
   * and the part lists again when its watch is behind. Unavailable kinds are not waited for, and a
   * kind that has been failing for 15 seconds neither: it cannot be read until it is listed.
   *
   * @param since monotonic time.
   */
  async waitUntilCaughtUp(
    since: number,
    { api }: Pick<ReflectorDeps, 'api'>,
    signal: AbortSignal,
  ): Promise<void> {
    const outdated = this.#parts.filter(
      (part) =>
        part.unavailable === undefined && (part.listedAt === undefined || part.listedAt < since),
    );
    const startedAt = this.#clock?.monotonic() ?? 0;
    this.#changeAvailability(() => outdated.forEach((part) => (part.requiredSince = since)));
    for (const part of outdated) {
      void this.#catchUp(part, since, { api, signal });
    }
    await this.#waitPatiently(
      (part) =>
        isCurrent(part) || part.unavailable !== undefined || this.#isHopeless(part, startedAt),
      signal,
    );
  }

  /** Compares a part with the API server, and lists again when the part is behind. */
  async #catchUp(
    part: InformerPart,
    since: number,
    { api, signal }: Pick<ReflectorDeps, 'api'> & { readonly signal: AbortSignal },
  ): Promise<void> {
    const { type, ...selection } = part.scope;
    const newest = await api.list(type, { ...selection, limit: 1 }, signal).catch(() => undefined);
    if (newest === undefined || part.store.isBehind(newest.resourceVersion)) {
      part.reflector?.relist();
      return;
    }
    this.#changeAvailability(() => (part.listedAt = since));
    this.#notifyWaiters();
  }

  /** Have the lists of a part failed, or brought nothing, for too long for a start to wait? */
  #isHopeless({ failing, answeredAt }: InformerPart, startedAt: number): boolean {
    const now = this.#clock?.monotonic() ?? 0;
    const silentSince = Math.max(answeredAt ?? startedAt, startedAt);
    const stuckSince = failing === undefined ? silentSince : Math.max(failing.since, startedAt);
    return now - stuckSince >= PATIENCE_MS;
  }

  /** Waits like `#waitUntil`, and looks again every second. */
  async #waitPatiently(
    isReached: (part: InformerPart) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    let timer: Timer | undefined;
    const look = (): void => {
      this.#notifyWaiters();
      timer = this.#clock?.after(LOOK_MS, look);
    };
    timer = this.#clock?.after(LOOK_MS, look);
    try {
      await this.#waitUntil(isReached, signal);
    } finally {
      timer?.cancel();
    }
  }

  #waitUntil(isReached: (part: InformerPart) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(check);
        reject(signal.reason as Error);
      };
      const check = (): void => {
        if (!this.#parts.every(isReached)) {
          return;
        }
        this.#waiters.delete(check);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      if (signal.aborted) {
        return stop();
      }
      this.#waiters.add(check);
      signal.addEventListener('abort', stop, { once: true });
      check();
    });
  }

  #notifyWaiters(): void {
    for (const check of this.#waiters) {
      check();
    }
  }

  /** Why the kind cannot be read; undefined when it can. */
  get unavailableReason(): string | undefined {
    return (
      this.#parts.find((part) => part.unavailable !== undefined)?.unavailable?.reason ??
      this.unreadReason
    );
  }

  /** Why the cache does not have the kind yet; undefined when it has, or may not read it. */
  get unreadReason(): string | undefined {
    const unread = this.#parts.find((part) => part.unavailable === undefined && !isCurrent(part));
    const cause = unread?.failing?.reason;
    return unread && (cause === undefined ? 'not read yet' : `not read yet: ${cause}`);
  }

  /** Whether the API server does not serve the kind. There are no objects then. */
  get isNotServed(): boolean {
    return this.#parts.every((part) => part.unavailable?.isNotServed === true);
  }

  /** Whether the object's namespace is watched. */
  covers(key: ObjectKey): boolean {
    return this.#storeOf(key) !== undefined;
  }

  /**
   * Why lists and watches have failed for 30 seconds or longer; undefined when they work or the
   * kind is unavailable.
   */
  get failureReason(): string | undefined {
    const now = this.#clock?.monotonic() ?? 0;
    const part = this.#parts.find(
      ({ failing, openSince, unavailable }) =>
        unavailable === undefined &&
        failing !== undefined &&
        now - failing.since >= FAILING_AFTER_MS &&
        (openSince === undefined || now - openSince < HEALTHY_AFTER_MS),
    );
    return part?.failing === undefined
      ? undefined
      : `failing for ${Math.round((now - part.failing.since) / 1000)} s: ${part.failing.reason}`;
  }

  /**
   * Seconds since the last event, of the part without an event for the longest time; undefined
   * before every part was listed once.
   */
  get secondsSinceLastEvent(): number | undefined {
    const times = this.#parts.flatMap(({ lastEventAt }) => lastEventAt ?? []);
    if (this.#clock === undefined || times.length < this.#parts.length) {
      return undefined;
    }
    return (this.#clock.monotonic() - Math.min(...times)) / 1000;
  }

  /**
   * The version up to which every event has arrived, of the part that is furthest behind; -1 before
   * the first list.
   */
  get progress(): number {
    return Math.min(...this.#parts.map(({ store }) => Number(store.progress)));
  }

  /** Whether every part was listed once. */
  get hasSynced(): boolean {
    return this.#parts.every((part) => part.listedAt !== undefined);
  }

  /** Number of objects. */
  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.store.size, 0);
  }

  /** The object with this key; undefined when there is none or its namespace is not watched. */
  get(key: ObjectKey): KubeObject | undefined {
    for (const part of this.#parts) {
      const found = part.store.get(key);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /**
   * Objects sorted by namespace and name.
   *
   * @param namespace namespace of the objects. Absent: all watched namespaces.
   */
  list(namespace?: string): readonly KubeObject[] {
    const found: KubeObject[] = [];
    for (const part of this.#parts) {
      for (const object of part.store.values()) {
        if (namespace === undefined || object.metadata.namespace === namespace) {
          found.push(object);
        }
      }
    }
    return found.sort((a, b) => (keyString(a.metadata) < keyString(b.metadata) ? -1 : 1));
  }

  /** Objects whose index label has this value. */
  byIndex(value: string): readonly KubeObject[] {
    return this.#parts.flatMap((part) => part.store.byIndex(value));
  }

  /**
   * Sends a write, and puts its response into every informer of this kind whose selector matches,
   * before later events of the object (see `Store.beginWrite`).
   *
   * @param key key of the object that is written.
   * @param writer key string of the resource on whose behalf the write is made.
   * @param send sends the request.
   */
  async write(
    key: ObjectKey,
    writer: string,
    send: () => Promise<KubeObject>,
  ): Promise<KubeObject> {
    const endWrites = this.#allOfKind().flatMap(
      (informer) => informer.#storeOf(key)?.beginWrite(key) ?? [],
    );
    let response: KubeObject | undefined;
    try {
      return (response = await send());
    } finally {
      for (const release of endWrites) {
        release(response, writer);
      }
    }
  }

  /**
   * Puts an object that was read from the API server into every informer of this kind whose
   * selector matches.
   *
   * @param writer key string of the resource on whose behalf the object was read.
   */
  put(object: KubeObject, writer: string): void {
    for (const informer of this.#allOfKind()) {
      informer.#storeOf(object.metadata)?.put(object, writer);
    }
  }

  #allOfKind(): readonly Informer[] {
    return this.#sameKind.includes(this) ? this.#sameKind : [this, ...this.#sameKind];
  }

  #storeOf(key: ObjectKey): Store | undefined {
    return this.#parts.find(
      ({ scope }) => scope.namespace === undefined || scope.namespace === key.namespace,
    )?.store;
  }
}

/** Has the part been listed, and recently enough for a new leader? */
function isCurrent({ listedAt, requiredSince }: InformerPart): boolean {
  return listedAt !== undefined && listedAt >= requiredSince;
}

/** Can the part be read, and is it current? */
function isRead(part: InformerPart): boolean {
  return part.unavailable === undefined && isCurrent(part);
}
