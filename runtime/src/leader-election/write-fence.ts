/**
 * The fence: writes pass only while the lease is held. It is looked at when a write is called and,
 * over HTTP, again as the request is
 * handed to its socket; when the lease expires, writes that were not answered are given up. Reads
 * always pass.
 */
import type { KubeApi } from './api.ts';
import type { Election } from './campaign.ts';

/** A door that can look once more, in the moment a write leaves. */
export interface Guardable extends KubeApi {
  /** The same door; `check` refuses a write by throwing. */
  guarded?(check: () => void): KubeApi;
}

/**
 * A write was not made, because the lease is not held. Nothing to report about the resource:
 * another process goes on.
 */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}

export interface Fenced {
  readonly api: KubeApi;
  /** Resolves when no write is under way. */
  settled(): Promise<void>;
}

/** @param lease undefined as long as there is no election: nothing passes then. */
export function fenced(
  door: Guardable,
  lease: () => Pick<Election, 'valid' | 'held'> | undefined,
): Fenced {
  const check = (): void => {
    if (lease()?.valid() !== true) {
      throw new NotLeading('the lease is not held any more: nothing was written');
    }
  };
  const api = door.guarded?.(check) ?? door;
  const underWay = new Set<Promise<unknown>>();
  /** Nearly all writes have the same two signals: one composite for all of them. */
  let last:
    | { readonly signal: AbortSignal; readonly held: AbortSignal; readonly either: AbortSignal }
    | undefined;
  function eitherOf(
    signal: AbortSignal | undefined,
    held: AbortSignal | undefined,
  ): AbortSignal | undefined {
    if (signal === undefined || held === undefined || signal === held) {
      return signal ?? held;
    }
    if (last?.signal !== signal || last.held !== held) {
      last = { signal, held, either: AbortSignal.any([signal, held]) };
    }
    return last.either;
  }
  async function write<T>(
    signal: AbortSignal | undefined,
    send: (limit: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    check();
    const sent = send(eitherOf(signal, lease()?.held));
    underWay.add(sent);
    try {
      return await sent;
    } finally {
      underWay.delete(sent);
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
    async settled() {
      while (underWay.size > 0) {
        await Promise.allSettled(underWay);
      }
    },
  };
}
