/**
 * The leader elector acquires a Lease, renews it and releases it, with client-go's algorithm and
 * timings (tools/leaderelection). `lease-state.ts` decides; the leader elector makes the requests.
 *
 * Guarantees:
 * - At most one process may write at a time. `mayWrite()` turns false two seconds before another
 *   process may acquire the lease, also when the API server does not respond.
 * - A lease that was lost is never acquired again by the same elector. The process ends, and its
 *   successor stands for election.
 * - A released lease is acquired at once by a standby that may watch Leases, else after at most
 *   2.4 seconds.
 *
 * Assumptions:
 * - `identity` is unique: two processes with one identity would both lead.
 * - The monotonic clocks of two processes run at nearly the same speed. Wall clocks may differ.
 *
 * Caveats:
 * - A write that is sent while the lease is held may reach the API server after the lease has
 *   expired. `write-fence.ts` keeps this window small.
 * - When a client deletes the Lease, a process that has seen no holder may acquire it at once. The
 *   leader stops writing as soon as its watch reports the deletion.
 */
import { hasCode } from '../client/errors.ts';
import type { KubeApi, WatchEvent } from '../client/kube-api.ts';
import type { KubeObject, ObjectKey } from '../client/object.ts';
import type { Clock, Random, Timer } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import { LeaseLock } from './lease-lock.ts';
import type { ClockReading, LeaseState, LeaseStateInput } from './lease-state.ts';
import {
  acquiredSpec,
  msUntilExpiry,
  msUntilFree,
  nextLeaseState,
  releasedSpec,
  RENEW_DEADLINE_MS,
  RETRY_PERIOD_MS,
  specOf,
} from './lease-state.ts';
import { LeaseWatch } from './lease-watch.ts';

/** Greatest share of the retry period that a standby adds to its pause as jitter. */
const STANDBY_JITTER = 0.2;

/** What a leader elector needs. */
export interface LeaderElectorOptions {
  /** Client for requests to Leases. It must not be fenced. */
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Source of the jitter between two attempts of a standby. */
  readonly random: Random;
  /** Namespace and name of the Lease. */
  readonly key: ObjectKey & { readonly namespace: string };
  /** Identity of this process. No other process, earlier or later, may have the same. */
  readonly identity: string;
  /** Called when another process holds the lease, and again when the holder changes. */
  readonly onNewLeader?: (holder: string) => void;
  /**
   * Called when the lease cannot be read or written. Called once for each reason until a request
   * succeeds. Conflicts are not reported.
   */
  readonly onError?: (reason: string) => void;
}

/** Stands for election, and leads until the lease is lost or released. */
export class LeaderElector {
  /** Aborted as soon as this process may not write any more. */
  readonly leadershipSignal: AbortSignal;
  /** Resolves after the first attempt: a lease without a holder is acquired by then. */
  readonly firstAttempt: Promise<void>;
  /** Resolves when this process acquires the lease, with the monotonic time of the response. */
  readonly acquired: Promise<number>;
  /** Resolves when this process loses the lease. Never resolves after a release. */
  readonly lost: Promise<void>;

  readonly #options: LeaderElectorOptions;
  readonly #lock: LeaseLock;
  readonly #leadership = new AbortController();
  readonly #firstAttempt = Promise.withResolvers<void>();
  readonly #acquired = Promise.withResolvers<number>();
  readonly #lost = Promise.withResolvers<void>();
  #state: LeaseState;
  /** The Lease as last read or written. Its resourceVersion guards the next write. */
  #lease: KubeObject | undefined;
  /** uid of the Lease that was deleted while this process held it. */
  #deletedUid: string | undefined;
  /** Last holder that `onNewLeader` was told. */
  #reportedLeader: string | undefined;
  /** Last reason that `onError` was told; undefined after a success. */
  #reportedError: string | undefined;
  /** Fires when the lease expires without a renewal. */
  #expiryTimer: Timer | undefined;
  /** Aborted to end the current pause between two attempts. */
  #pause = new AbortController();

  /** @param options what the elector needs; `run` starts it. */
  constructor(options: LeaderElectorOptions) {
    const { api, clock, key } = options;
    this.#options = options;
    this.#lock = new LeaseLock({ api, clock, key });
    this.#state = { type: 'standby', spec: undefined, unchangedSince: clock.monotonic() };
    this.leadershipSignal = this.#leadership.signal;
    this.firstAttempt = this.#firstAttempt.promise;
    this.acquired = this.#acquired.promise;
    this.lost = this.#lost.promise;
  }

  /** Whether this process may write now. */
  mayWrite(): boolean {
    if (this.#lease === undefined) {
      return false;
    }
    const isDeleted =
      this.#deletedUid !== undefined && this.#lease.metadata.uid === this.#deletedUid;
    return !isDeleted && msUntilExpiry(this.#state, this.#now()) > 0;
  }

  /** Identity of the process that holds the lease, as last seen. */
  holder(): string | undefined {
    return this.#state.type === 'released'
      ? undefined
      : (this.#state.spec?.holderIdentity ?? undefined);
  }

  /**
   * Stands for election and renews the lease.
   *
   * @param signal ends the election. The lease is kept: call `release` to give it back.
   * @returns resolves when the lease is lost or released, or the signal is aborted.
   */
  async run(signal: AbortSignal): Promise<void> {
    const retrying = this.#retryLoop(signal);
    void this.#watchLease(signal);
    await retrying;
  }

  /**
   * Releases the lease, so that a standby acquires it without waiting for its expiry. Call after
   * the last write has settled: `mayWrite()` is false from here on. Never rejects; a lease that
   * cannot be released expires.
   */
  async release(): Promise<void> {
    const wasLeading = this.#state.type === 'leading';
    const lease = this.#lease;
    this.#dispatch({ type: 'released' });
    if (wasLeading && lease !== undefined) {
      await this.#releaseHeld(lease).catch(() => undefined);
    }
  }

  async #releaseHeld(lease: KubeObject): Promise<void> {
    const release = (current: KubeObject): Promise<KubeObject> =>
      this.#lock.update(current, releasedSpec(specOf(current), this.#now()));
    try {
      await release(lease);
    } catch (error) {
      if (!hasCode(error, 409)) {
        return;
      }
      // The Lease has changed: by a renewal whose response was lost, or by another client that kept
      // the holder. Release it only if this process still holds it.
      const current = await this.#lock.get();
      if (current !== undefined && specOf(current).holderIdentity === this.#options.identity) {
        await release(current);
      }
    }
  }

  /** Attempts to acquire or renew the lease until it is lost or released. */
  async #retryLoop(signal: AbortSignal): Promise<void> {
    do {
      await this.#attempt(signal);
      this.#firstAttempt.resolve();
      if (signal.aborted) {
        return;
      }
      this.#dispatch({ type: 'tick' });
      if (this.#state.type === 'lost' || this.#state.type === 'released') {
        return;
      }
      const until = AbortSignal.any([signal, this.#pause.signal]);
      await sleep(this.#options.clock, this.#msUntilNextAttempt(), until).catch(() => undefined);
    } while (!signal.aborted);
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    try {
      await this.#tryAcquireOrRenew(signal);
      this.#reportedError = undefined;
    } catch (error) {
      if (!signal.aborted) {
        this.#reportError(error as Error);
      }
    }
  }

  /**
   * One attempt, as client-go's `tryAcquireOrRenew`. A standby reads the Lease, and writes it when
   * the lease is free. The leader writes it without reading, which is one request per renewal.
   */
  async #tryAcquireOrRenew(signal: AbortSignal): Promise<void> {
    switch (this.#state.type) {
      case 'standby':
        await this.#read(signal);
        if (this.#isFree()) {
          await this.#write(signal);
        }
        return;
      case 'leading':
        await this.#renew(signal);
        return;
      case 'lost':
      case 'released':
        return;
      default:
        this.#state satisfies never;
    }
  }

  /**
   * Renews the lease. After a failure the Lease decides: another client may have written it, or the
   * response of the last renewal was lost.
   */
  async #renew(signal: AbortSignal): Promise<void> {
    try {
      await this.#write(signal);
    } catch {
      await this.#read(signal);
      if (this.#state.type === 'leading') {
        await this.#write(signal);
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    this.#observe(await this.#lock.get(signal));
  }

  async #write(signal: AbortSignal): Promise<void> {
    const before = this.#lease;
    const requestedAt = this.#now();
    const spec = acquiredSpec(before && specOf(before), this.#options.identity, requestedAt);
    const written =
      before === undefined
        ? await this.#lock.create(spec, signal)
        : await this.#lock.update(before, spec, signal);
    this.#lease = written;
    this.#dispatch({ type: 'written', spec: specOf(written), requestedAt });
  }

  /** Pause until the next attempt, in milliseconds. A standby attempts when the lease expires. */
  #msUntilNextAttempt(): number {
    const { random, identity } = this.#options;
    if (this.#state.type !== 'standby') {
      return RETRY_PERIOD_MS;
    }
    const pause = RETRY_PERIOD_MS * (1 + random() * STANDBY_JITTER);
    const msLeft = msUntilFree(this.#state, identity, this.#now());
    return msLeft > 0 ? Math.min(pause, msLeft) : pause;
  }

  #endPause(): void {
    const ended = this.#pause;
    this.#pause = new AbortController();
    ended.abort(new Error('the lease has changed'));
  }

  async #watchLease(signal: AbortSignal): Promise<void> {
    const { api, clock, key } = this.#options;
    await this.firstAttempt;
    const watch = new LeaseWatch({
      api,
      clock,
      key,
      resourceVersion: () => this.#lease?.metadata.resourceVersion,
      onEvent: (event) => this.#handleWatchEvent(event),
    });
    await watch.run(AbortSignal.any([signal, this.leadershipSignal]));
  }

  /**
   * Handles a change of the Lease between two attempts. Most events that the leader receives are
   * its own renewals, which arrive after the response and change nothing.
   */
  #handleWatchEvent({ type, object }: Exclude<WatchEvent, { readonly type: 'BOOKMARK' }>): void {
    if (this.#state.type === 'standby') {
      this.#observe(type === 'DELETED' ? undefined : object);
      if (this.#isFree()) {
        this.#endPause();
      }
      return;
    }
    const { uid } = object.metadata;
    if (uid !== this.#lease?.metadata.uid) {
      return;
    }
    if (type === 'DELETED') {
      // Another process may acquire the lease now. Stop writing until the Lease is created again.
      this.#deletedUid = uid;
      this.#endPause();
    } else if (specOf(object).holderIdentity !== this.#options.identity) {
      this.#observe(object);
    }
  }

  /** Whether this process is a standby and may acquire the lease now. */
  #isFree(): boolean {
    return (
      this.#state.type === 'standby' &&
      msUntilFree(this.#state, this.#options.identity, this.#now()) === 0
    );
  }

  #observe(lease: KubeObject | undefined): void {
    this.#lease = lease;
    this.#dispatch({ type: 'seen', spec: lease && specOf(lease) });
  }

  #dispatch(input: LeaseStateInput): void {
    const before = this.#state;
    const { identity } = this.#options;
    this.#state = nextLeaseState(before, input, identity, this.#now());
    this.#expiryTimer?.cancel();
    if (this.#state.type === 'leading') {
      this.#startExpiryTimer(this.#state);
      if (before.type !== 'leading') {
        this.#acquired.resolve(this.#options.clock.monotonic());
      }
    } else if (before.type === 'leading') {
      this.#leadership.abort(new Error('the leader lease is not held any more'));
      if (this.#state.type === 'lost') {
        this.#lost.resolve();
      }
    }
    this.#reportNewLeader();
  }

  #startExpiryTimer(state: Extract<LeaseState, { readonly type: 'leading' }>): void {
    const { clock } = this.#options;
    const msUntilDeadline = state.renewedAt.monotonic + RENEW_DEADLINE_MS - clock.monotonic();
    const ms = Math.min(msUntilExpiry(state, this.#now()), msUntilDeadline);
    this.#expiryTimer = clock.after(ms, () => this.#dispatch({ type: 'tick' }));
  }

  #reportNewLeader(): void {
    const holder = this.holder();
    if (!holder || holder === this.#options.identity || holder === this.#reportedLeader) {
      return;
    }
    this.#reportedLeader = holder;
    this.#options.onNewLeader?.(holder);
  }

  #reportError(error: Error): void {
    // A 409 says that another client wrote the Lease first. The next attempt shows who holds it.
    if (hasCode(error, 409) || error.message === this.#reportedError) {
      return;
    }
    this.#reportedError = error.message;
    this.#options.onError?.(error.message);
  }

  #now(): ClockReading {
    const { clock } = this.#options;
    return { monotonic: clock.monotonic(), wall: clock.now() };
  }
}
