/**
 * One kind as far as an operator sees it: one reflector for each watched namespace (or one for
 * all), shared by all phases that
 * declare the same kind and selector.
 */
import type { Clock } from '../clock.ts';
import { messageOf } from '../kube/errors.ts';
import type { KubeObject, ObjectKey } from '../kube/object.ts';
import { keyString } from '../kube/object.ts';
import { matchesSelector, parseSelector } from '../kube/selector.ts';
import type { Ports, Reflector, Scope } from './reflector.ts';
import { reflect } from './reflector.ts';
import type { Change, Relist } from './store.ts';
import { Store } from './store.ts';

/**
 * A list or watch that fails this long makes the process unready: longer than the API server needs
 * for a restart.
 */
const BROKEN_MS = 30_000;
/** A watch that has been open for so long is taken to work … */
const STANDS_MS = 25_000;
/**
 * … and did work when it lasted longer than an opening may go unanswered (30 s): it was only cut,
 * as balancers do.
 */
const STOOD_MS = 40_000;

export interface InformerObserver {
  relisted(kind: string, relist: Relist): void;
  watchRestarted(kind: string): void;
  watchFailed(kind: string, error: unknown): void;
}

interface Part {
  readonly scope: Scope;
  readonly store: Store;
  reflector: Reflector | undefined;
  /** Monotonic time at which the last list began; undefined before the first. */
  listed: number | undefined;
  /** Monotonic time at which the watch last brought something, or a list was taken. */
  heard: number | undefined;
  unavailable: { readonly reason: string; readonly absent: boolean } | undefined;
  broken: { readonly since: number; readonly reason: string } | undefined;
  /** Monotonic time since which the watch has been open, or opening. */
  open: number | undefined;
}

export class Informer {
  readonly scope: Omit<Scope, 'namespace'>;
  readonly #parts: readonly Part[];
  readonly #observer: InformerObserver;
  readonly #family: readonly Informer[];
  readonly #waiters = new Set<() => void>();
  #clock: Clock | undefined;

  /**
   * @param namespaces empty: the whole cluster. @param indexLabel label whose value `indexed` looks
   * up.
   * @param family all informers of this kind, this one included: a write enters each that it fits.
   */
  constructor(
    scope: Omit<Scope, 'namespace'>,
    namespaces: readonly string[],
    indexLabel: string,
    observer: InformerObserver,
    family: readonly Informer[] = [],
  ) {
    this.scope = scope;
    this.#observer = observer;
    this.#family = family;
    const requirements = parseSelector(scope.labelSelector ?? '');
    const fits = ({ metadata }: KubeObject): boolean =>
      matchesSelector(requirements, metadata.labels);
    const scopes: readonly Scope[] =
      namespaces.length === 0 || !scope.type.namespaced
        ? [scope]
        : namespaces.map((namespace) => ({ ...scope, namespace }));
    this.#parts = scopes.map((part) => ({
      scope: part,
      store: new Store({ indexLabel, fits }),
      reflector: undefined,
      listed: undefined,
      heard: undefined,
      unavailable: undefined,
      broken: undefined,
      open: undefined,
    }));
  }

  /** Runs until the signal is aborted. */
  async run(ports: Ports, signal: AbortSignal): Promise<void> {
    this.#clock = ports.clock;
    await Promise.all(
      this.#parts.map((part) => (part.reflector = this.#follow(part, ports, signal)).done),
    );
  }

  #follow(part: Part, ports: Ports, signal: AbortSignal): Reflector {
    const { kind } = this.scope.type;
    const { clock } = ports;
    const well = (): void => {
      part.heard = clock.monotonic();
      part.broken = undefined;
    };
    return reflect(
      part.scope,
      part.store,
      ports,
      {
        stepped: (state) =>
          void (part.open =
            state.name === 'watching' ? (part.open ?? clock.monotonic()) : undefined),
        listed: (began, relist) => {
          well();
          part.listed = began;
          part.unavailable = undefined;
          if (relist !== undefined) {
            this.#observer.relisted(kind, relist);
          }
          this.#wake();
        },
        heard: () => {
          well();
          if (this.#waiters.size > 0) {
            this.#wake();
          }
        },
        unavailable: (reason, absent) => {
          part.unavailable = { reason, absent };
          this.#wake();
        },
        failed: (error) => {
          const now = clock.monotonic();
          const before =
            part.open !== undefined && now - part.open >= STOOD_MS ? undefined : part.broken;
          part.broken = { since: before?.since ?? now, reason: messageOf(error) };
          this.#observer.watchFailed(kind, error);
        },
        restarted: () => this.#observer.watchRestarted(kind),
      },
      signal,
    );
  }

  subscribe(listener: (change: Change) => void): void {
    for (const part of this.#parts) {
      part.store.subscribe(listener);
    }
  }

  /** Resolves when every part was listed once, or is known to be unavailable. */
  filled(signal: AbortSignal): Promise<void> {
    return this.#until(
      (part) => part.listed !== undefined || part.unavailable !== undefined,
      signal,
    );
  }

  /**
   * Resolves when the caches are as new as the API server was at `since` (monotonic), or later:
   * listed after it, or else as far as a
   * consistent read of now. A kind that is unavailable holds nobody up.
   */
  async caughtUp(since: number, { api }: Pick<Ports, 'api'>, signal: AbortSignal): Promise<void> {
    const asOld = this.#parts.filter(
      (part) =>
        part.unavailable === undefined && (part.listed === undefined || part.listed < since),
    );
    await Promise.all(
      asOld.map(async (part) => {
        const { type, ...selection } = part.scope;
        const now = await api.list(type, { ...selection, limit: 1 }, signal).catch(() => undefined);
        if (now === undefined || part.store.progress < BigInt(now.resourceVersion)) {
          part.reflector?.doubt();
        } else {
          part.listed = since;
        }
      }),
    );
    await this.#until(
      (part) =>
        (part.listed !== undefined && part.listed >= since) || part.unavailable !== undefined,
      signal,
    );
  }

  #until(holds: (part: Part) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(check);
        reject(signal.reason as Error);
      };
      const check = (): void => {
        if (!this.#parts.every(holds)) {
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

  #wake(): void {
    for (const wake of this.#waiters) {
      wake();
    }
  }

  /** Why the kind cannot be read now; undefined when it can. */
  get unavailable(): string | undefined {
    return this.#parts.find((part) => part.unavailable !== undefined)?.unavailable?.reason;
  }

  /** The server does not serve the kind: "unavailable" means "there are none". */
  get absent(): boolean {
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
  get broken(): string | undefined {
    const now = this.#clock?.monotonic() ?? 0;
    const part = this.#parts.find(
      ({ broken, open, unavailable }) =>
        unavailable === undefined &&
        broken !== undefined &&
        now - broken.since >= BROKEN_MS &&
        (open === undefined || now - open < STANDS_MS),
    );
    return part?.broken === undefined
      ? undefined
      : `failing for ${Math.round((now - part.broken.since) / 1000)} s: ${part.broken.reason}`;
  }

  /**
   * Seconds since the part that was silent longest brought something; undefined before the first
   * list.
   */
  get silence(): number | undefined {
    const heard = this.#parts.map((part) => part.heard);
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

  get filledOnce(): boolean {
    return this.#parts.every((part) => part.listed !== undefined);
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

  indexed(value: string): readonly KubeObject[] {
    return this.#parts.flatMap((part) => part.store.indexed(value));
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
    const releases = this.#all().flatMap((informer) => informer.#storeOf(key)?.hold(key) ?? []);
    let answer: KubeObject | undefined;
    try {
      return (answer = await send());
    } finally {
      for (const release of releases) {
        release(answer, writer);
      }
    }
  }

  /** Takes an object that was read from the server, wherever it fits. */
  put(object: KubeObject, writer: string): void {
    for (const informer of this.#all()) {
      informer.#storeOf(object.metadata)?.put(object, writer);
    }
  }

  #all(): readonly Informer[] {
    return this.#family.includes(this) ? this.#family : [this, ...this.#family];
  }

  #storeOf(key: ObjectKey): Store | undefined {
    return this.#parts.find(
      ({ scope }) => scope.namespace === undefined || scope.namespace === key.namespace,
    )?.store;
  }
}
