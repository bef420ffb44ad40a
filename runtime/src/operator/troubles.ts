/** Says in the log why a kind cannot be listed or watched. Such failures come again with every attempt: one line each five minutes. */
import type { Clock } from '../clock.ts';
import { hasCode } from '../kube/errors.ts';
import type { Observer } from '../observe/observer.ts';
import type { Log } from '../worker.ts';

const AGAIN_MS = 300_000;

export function troubles(log: Log, clock: Clock): Pick<Observer, 'watchFailed'> {
  const last = new Map<string, { readonly reason: string; readonly at: number }>();
  return {
    watchFailed(kind, error) {
      // A version that is forgotten is no trouble: the kind is listed again.
      if (hasCode(error, 410)) return;
      const reason = error instanceof Error ? error.message : String(error);
      const before = last.get(kind);
      const now = clock.monotonic();
      if (before?.reason === reason && now - before.at < AGAIN_MS) return;
      last.set(kind, { reason, at: now });
      log.warn('a kind cannot be read', { kind, error: reason });
    },
  };
}
