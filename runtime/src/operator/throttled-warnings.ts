/**
 * Says what comes again and again, such as why a kind cannot be listed or watched, with one line
 * each five minutes.
 */
import type { Clock } from '../util/clock.ts';
import { hasCode, messageOf } from '../client/errors.ts';
import type { Observer } from '../observability/observer.ts';
import type { Logger } from '../api/worker.ts';

const REPEAT_AFTER_MS = 300_000;
/** What is older is forgotten: told once more, if it is still so. */
const MAX_REMEMBERED = 1_000;

export interface ThrottledWarnings extends Pick<Observer, 'watchFailed'> {
  /** What Prometheus says beside an answer. */
  prometheusWarned(warning: string): void;
}

export function createThrottledWarnings(log: Logger, clock: Clock): ThrottledWarnings {
  const last = new Map<string, { readonly reason: string; readonly at: number }>();
  function warn(
    message: string,
    about: string,
    reason: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const key = `${message} ${about}`;
    const before = last.get(key);
    const now = clock.monotonic();
    if (before?.reason === reason && now - before.at < REPEAT_AFTER_MS) {
      return;
    }
    if (last.size >= MAX_REMEMBERED) {
      last.clear();
    }
    last.set(key, { reason, at: now });
    log.warn(message, fields);
  }
  return {
    watchFailed(kind, error) {
      // A version that is forgotten is no trouble: the kind is listed again.
      if (hasCode(error, 410)) {
        return;
      }
      const reason = messageOf(error);
      warn('a kind cannot be read', kind, reason, { kind, error: reason });
    },
    prometheusWarned: (warning) => warn('Prometheus warns', warning, warning, { warning }),
  };
}
