/**
 * The fence: writes pass only while the lease is held. It is looked at when a write is called and,
 * over HTTP, again as the request is
 * handed to its socket; when the lease expires, writes that were not answered are given up. Reads
 * always pass.
 */
import type { GuardableKubeApi } from '../client/http-kube-api.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { LeaderElector } from './leader-elector.ts';

/**
 * A write was not made, because the lease is not held. Nothing to report about the resource:
 * another process goes on.
 */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

export interface WriteFence {
  readonly api: KubeApi;
  /** Resolves when no write is under way. */
  writesSettled(): Promise<void>;
}

/** @param lease undefined as long as there is no election: nothing passes then. */
export function createWriteFence(
  unfenced: GuardableKubeApi,
  leaderElector: () => Pick<LeaderElector, 'mayWrite' | 'leadershipSignal'> | undefined,
): WriteFence {
  const check = (): void => {
    if (leaderElector()?.mayWrite() !== true) {
      throw new NotLeaderError('the lease is not held any more: nothing was written');
    }
  };
  const api = unfenced.withWriteCheck?.(check) ?? unfenced;
  const pendingWrites = new Set<Promise<unknown>>();
  /** Nearly all writes have the same two signals: one composite for all of them. */
  let lastComposite:
    | {
        readonly signal: AbortSignal;
        readonly leadershipSignal: AbortSignal;
        readonly either: AbortSignal;
      }
    | undefined;
  function combineSignals(
    signal: AbortSignal | undefined,
    leadershipSignal: AbortSignal | undefined,
  ): AbortSignal | undefined {
    if (signal === undefined || leadershipSignal === undefined || signal === leadershipSignal) {
      return signal ?? leadershipSignal;
    }
    if (lastComposite?.signal !== signal || lastComposite.leadershipSignal !== leadershipSignal) {
      lastComposite = {
        signal,
        leadershipSignal,
        either: AbortSignal.any([signal, leadershipSignal]),
      };
    }
    return lastComposite.either;
  }
  async function write<T>(
    signal: AbortSignal | undefined,
    send: (limit: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    check();
    const pendingWrite = send(combineSignals(signal, leaderElector()?.leadershipSignal));
    pendingWrites.add(pendingWrite);
    try {
      return await pendingWrite;
    } finally {
      pendingWrites.delete(pendingWrite);
    }
  }
  return {
    api: {
      list: (...call) => api.list(...call),
      watch: (...call) => api.watch(...call),
      get: (...call) => api.get(...call),
      create: (type, object, options, signal) =>
        write(signal, (limit) => api.create(type, object, options, limit)),
      replace: (type, object, options, signal) =>
        write(signal, (limit) => api.replace(type, object, options, limit)),
      apply: (type, object, options, signal) =>
        write(signal, (limit) => api.apply(type, object, options, limit)),
      patch: (type, key, patch, options, signal) =>
        write(signal, (limit) => api.patch(type, key, patch, options, limit)),
      delete: (type, key, options, signal) =>
        write(signal, (limit) => api.delete(type, key, options, limit)),
    },
    async writesSettled() {
      while (pendingWrites.size > 0) {
        await Promise.allSettled(pendingWrites);
      }
    },
  };
}
