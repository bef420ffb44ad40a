/**
 * One kind as far as an operator sees it: one reflector for each watched namespace (or one for
 * all), shared by all phases that
 * declare the same kind and selector.
 */
import type { Clock } from '../util/clock.ts';
import { messageOf } from '../client/errors.ts';
import type { KubeObject, ObjectKey } from '../client/object.ts';
import { keyString } from '../client/object.ts';
import { matchesSelector, parseSelector } from '../client/label-selector.ts';
import type { ReflectorDeps, Reflector, WatchScope } from './reflector.ts';
import { startReflector } from './reflector.ts';
import type { StoreChange, RelistResult } from './store.ts';
import { Store } from './store.ts';

/**
 * A list or watch that fails this long makes the process unready: longer than the API server needs
 * for a restart.
 */
const FAILING_AFTER_MS = 30_000;
/** A watch that has been open for so long is taken to work … */
const HEALTHY_AFTER_MS = 25_000;
/**
 * … and did work when it lasted longer than an opening may go unanswered (30 s): it was only cut,
 * as balancers do.
 */
const CUT_WHEN_HEALTHY_MS = 40_000;

export interface InformerObserver {
  relisted(kind: string, relist: RelistResult): void;
  watchRestarted(kind: string): void;
  watchFailed(kind: string, error: unknown): void;
}

interface InformerPart {
  readonly scope: WatchScope;
  readonly store: Store;
  reflector: Reflector | undefined;
  /** Monotonic time at which the last list began; undefined before the first. */
  listedAt: number | undefined;
  /** Monotonic time at which the watch last brought something, or a list was taken. */
  lastEventAt: number | undefined;
  unavailable: { readonly reason: string; readonly absent: boolean } | undefined;
  failing: { readonly since: number; readonly reason: string } | undefined;
  /** Monotonic time since which the watch has been open, or opening. */
  openSince: number | undefined;
}

export class Informer {
  readonly scope: Omit<WatchScope, 'namespace'>;
  readonly #parts: readonly InformerPart[];
  readonly #observer: InformerObserver;
  readonly #sameKind: readonly Informer[];
  readonly #waiters = new Set<() => void>();
  #clock: Clock | undefined;

  /**
   * @param namespaces empty: the whole cluster. @param indexLabel label whose value `indexed` looks
   * up.
   * @param family all informers of this kind, this one included: a write enters each that it fits.
   */
  constructor(
    scope: Omit<WatchScope, 'namespace'>,
    namespaces: readonly string[],
    indexLabel: string,
    observer: InformerObserver,
    family: readonly Informer[] = [],
  ) {
    this.scope = scope;
    this.#observer = observer;
    this.#sameKind = family;
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
      lastEventAt: undefined,
      unavailable: undefined,
      failing: undefined,
      openSince: undefined,
    }));
  }

  /** Runs until the signal is aborted. */
  async run(deps: ReflectorDeps, signal: AbortSignal): Promise<void> {
    this.#clock = deps.clock;
    await Promise.all(
      this.#parts.map((part) => (part.reflector = this.#startReflector(part, deps, signal)).done),
    );
  }

  #startReflector(part: InformerPart, deps: ReflectorDeps, signal: AbortSignal): Reflector {
    const { kind } = this.scope.type;
    const { clock } = deps;
    const markHealthy = (): void => {
      part.lastEventAt = clock.monotonic();
      part.failing = undefined;
    };
    return startReflector(
      part.scope,
      part.store,
      deps,
      {
        stateChanged: (state) =>
          void (part.openSince =
            state.type === 'watching' ? (part.openSince ?? clock.monotonic()) : undefined),
        listed: (began, relist) => {
          markHealthy();
          part.listedAt = began;
          part.unavailable = undefined;
          if (relist !== undefined) {
            this.#observer.relisted(kind, relist);
          }
          this.#notifyWaiters();
        },
        eventReceived: () => {
          markHealthy();
          if (this.#waiters.size > 0) {
            this.#notifyWaiters();
          }
        },
        unavailable: (reason, absent) => {
          part.unavailable = { reason, absent };
          this.#notifyWaiters();
        },
        failed: (error) => {
          const now = clock.monotonic();
          const before =
            part.openSince !== undefined && now - part.openSince >= CUT_WHEN_HEALTHY_MS
              ? undefined
              : part.failing;
          part.failing = { since: before?.since ?? now, reason: messageOf(error) };
          this.#observer.watchFailed(kind, error);
        },
        watchRestarted: () => this.#observer.watchRestarted(kind),
      },
      signal,
    );
  }

  subscribe(listener: (change: StoreChange) => void): void {
    for (const part of this.#parts) {
      part.store.subscribe(listener);
    }
  }

  /** Resolves when every part was listed once, or is known to be unavailable. */
  waitForSync(signal: AbortSignal): Promise<void> {
    return this.#waitUntil(
      (part) => part.listedAt !== undefined || part.unavailable !== undefined,
      signal,
    );
  }

  /**
   * Resolves when the caches are as new as the API server was at `since` (monotonic), or later:
   * listed after it, or else as far as a
   * consistent read of now. A kind that is unavailable holds nobody up.
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
    await Promise.all(
      outdated.map(async (part) => {
        const { type, ...selection } = part.scope;
        const now = await api.list(type, { ...selection, limit: 1 }, signal).catch(() => undefined);
        if (now === undefined || part.store.progress < BigInt(now.resourceVersion)) {
          part.reflector?.relist();
        } else {
          part.listedAt = since;
        }
      }),
    );
    await this.#waitUntil(
      (part) =>
        (part.listedAt !== undefined && part.listedAt >= since) || part.unavailable !== undefined,
      signal,
    );
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

  /** Why the kind cannot be read now; undefined when it can. */
  get unavailableReason(): string | undefined {
    return this.#parts.find((part) => part.unavailable !== undefined)?.unavailable?.reason;
  }

  /** The server does not serve the kind: "unavailable" means "there are none". */
  get isNotServed(): boolean {
    return this.#parts.every((part) => part.unavailable?.absent === true);
  }

  /** Is the place watched? What is not watched is unknown, not absent. */
  covers(key: ObjectKey): boolean {
    return this.#storeOf(key) !== undefined;
  }

  /**
   * Why its lists and watches have failed for a while; undefined when they work, or the kind is
   * unavailable.
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
   * Seconds since the part that was silent longest brought something; undefined before the first
   * list.
   */
  get secondsSinceLastEvent(): number | undefined {
    const heard = this.#parts.map((part) => part.lastEventAt);
    if (this.#clock === undefined || heard.some((time) => time === undefined)) {
      return undefined;
    }
    return (this.#clock.monotonic() - Math.min(...(heard as number[]))) / 1000;
  }

  /**
   * The version up to which the part that is furthest behind was told everything; -1 before the
   * first list.
   */
  get progress(): number {
    return Math.min(...this.#parts.map(({ store }) => Number(store.progress)));
  }

  get hasSynced(): boolean {
    return this.#parts.every((part) => part.listedAt !== undefined);
  }

  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.store.size, 0);
  }

  get(key: ObjectKey): KubeObject | undefined {
    for (const part of this.#parts) {
      const found = part.store.get(key);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** Objects of a namespace (absent: all), sorted by namespace and name. */
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

  byIndex(value: string): readonly KubeObject[] {
    return this.#parts.flatMap((part) => part.store.byIndex(value));
  }

  /**
   * Makes a write and takes its answer into every cache of this kind that it fits, before anything
   * else is heard of the object
   * (`Store.write`).
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

  /** Takes an object that was read from the server, wherever it fits. */
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
