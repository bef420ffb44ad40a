/**
 * Warnings about problems that recur, such as a kind that cannot be listed. The same warning is
 * logged at most once in five minutes.
 */
import type { Clock } from '../util/clock.ts';
import { hasCode, messageOf } from '../client/errors.ts';
import type { Observer } from '../observability/observer.ts';
import type { Logger } from '../api/worker.ts';

const REPEAT_AFTER_MS = 300_000;
/** Maximum of remembered warnings. At the maximum all are forgotten, and may be logged again. */
const MAX_REMEMBERED = 1_000;

/** The operator's recurring problems. */
export interface ThrottledWarnings extends Pick<Observer, 'watchFailed' | 'watchUnsupported'> {
  /** Logs a warning that Prometheus sent with a response. */
  prometheusWarned(warning: string): void;
}

interface Warning {
  readonly message: string;
  /** What the warning is about. A warning is repeated early when its reason changes. */
  readonly subject: string;
  readonly reason: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @param log where warnings are logged. */
export function createThrottledWarnings(log: Logger, clock: Clock): ThrottledWarnings {
  const lastByKey = new Map<string, { readonly reason: string; readonly at: number }>();
  function warn({ message, subject, reason, fields }: Warning): void {
    const key = `${message} ${subject}`;
    const last = lastByKey.get(key);
    const now = clock.monotonic();
    if (last?.reason === reason && now - last.at < REPEAT_AFTER_MS) {
      return;
    }
    if (lastByKey.size >= MAX_REMEMBERED) {
      lastByKey.clear();
    }
    lastByKey.set(key, { reason, at: now });
    log.warn(message, fields);
  }
  return {
    watchFailed(kind, error) {
      // 410 Gone is normal: the resourceVersion has expired, and the kind is listed again.
      if (hasCode(error, 410)) {
        return;
      }
      const reason = messageOf(error);
      const fields = { kind, error: reason };
      warn({ message: 'cannot list or watch a kind', subject: kind, reason, fields });
    },
    watchUnsupported(kind, reason) {
      const message = 'a kind cannot be watched; it is listed every 30 seconds';
      warn({ message, subject: kind, reason, fields: { kind, error: reason } });
    },
    prometheusWarned(warning) {
      const fields = { warning };
      warn({ message: 'warning from Prometheus', subject: warning, reason: warning, fields });
    },
  };
}
