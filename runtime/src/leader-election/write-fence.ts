/**
 * The write fence lets writes pass only while this process holds the leader lease.
 *
 * Guarantees:
 * - A write is checked when it is called. Over HTTP the write is checked again immediately before
 *   the request is handed to its socket.
 * - When the lease is lost, writes that are under way are aborted.
 * - Reads always pass.
 */
import type { GuardableKubeApi } from '../client/http-kube-api.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { LeaderElector } from './leader-elector.ts';

/**
 * A write was refused because this process does not hold the lease. Not an error of the resource:
 * the new leader goes on with the work.
 */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

/** Returns the leader elector; undefined as long as there is no election. Nothing passes then. */
export type LeaderElectorSource = () =>
  | Pick<LeaderElector, 'mayWrite' | 'leadershipSignal'>
  | undefined;

/** Two signals, and the signal that is aborted with either of them. */
interface CombinedSignal {
  readonly signal: AbortSignal;
  readonly leadershipSignal: AbortSignal;
  readonly either: AbortSignal;
}

/** A client whose writes need the leader lease. */
export class WriteFence {
  /** The fenced client. Its writes reject with `NotLeaderError` while the lease is not held. */
  readonly api: KubeApi;
  readonly #leaderElector: LeaderElectorSource;
  readonly #pendingWrites = new Set<Promise<unknown>>();
  /** The last combined signal. Nearly all writes have the same two signals, so one is enough. */
  #combined: CombinedSignal | undefined;

  /** @param unfenced the client that sends the requests. */
  constructor(unfenced: GuardableKubeApi, leaderElector: LeaderElectorSource) {
    this.#leaderElector = leaderElector;
    this.api = this.#fence(unfenced.withWriteCheck?.(() => this.#check()) ?? unfenced);
  }

  /** Resolves when no write is under way. */
  async writesSettled(): Promise<void> {
    while (this.#pendingWrites.size > 0) {
      await Promise.allSettled(this.#pendingWrites);
    }
  }

  #fence(api: KubeApi): KubeApi {
    return {
      list: (...call) => api.list(...call),
      watch: (...call) => api.watch(...call),
      get: (...call) => api.get(...call),
      create: (type, object, options, signal) =>
        this.#write(signal, (limit) => api.create(type, object, options, limit)),
      replace: (type, object, options, signal) =>
        this.#write(signal, (limit) => api.replace(type, object, options, limit)),
      apply: (type, object, options, signal) =>
        this.#write(signal, (limit) => api.apply(type, object, options, limit)),
      // oxlint-disable-next-line max-params -- the parameters of KubeApi.patch
      patch: (type, key, patch, options, signal) =>
        this.#write(signal, (limit) => api.patch(type, key, patch, options, limit)),
      delete: (type, key, options, signal) =>
        this.#write(signal, (limit) => api.delete(type, key, options, limit)),
    };
  }

  async #write<T>(
    signal: AbortSignal | undefined,
    send: (limit: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    this.#check();
    const limit = this.#combine(signal, this.#leaderElector()?.leadershipSignal);
    const pendingWrite = send(limit);
    this.#pendingWrites.add(pendingWrite);
    try {
      return await pendingWrite;
    } finally {
      this.#pendingWrites.delete(pendingWrite);
    }
  }

  /** @throws NotLeaderError when this process may not write. */
  #check(): void {
    if (this.#leaderElector()?.mayWrite() !== true) {
      throw new NotLeaderError(
        'write not sent: this process does not hold the leader lease (any more)',
      );
    }
  }

  #combine(
    signal: AbortSignal | undefined,
    leadershipSignal: AbortSignal | undefined,
  ): AbortSignal | undefined {
    if (signal === undefined || leadershipSignal === undefined || signal === leadershipSignal) {
      return signal ?? leadershipSignal;
    }
    const isSame =
      this.#combined?.signal === signal && this.#combined.leadershipSignal === leadershipSignal;
    if (this.#combined === undefined || !isSame) {
      const either = AbortSignal.any([signal, leadershipSignal]);
      this.#combined = { signal, leadershipSignal, either };
    }
    return this.#combined.either;
  }
}
