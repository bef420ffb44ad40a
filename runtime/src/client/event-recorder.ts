/**
 * Recorder of Kubernetes Events (events.k8s.io/v1), with client-go's limits (tools/events and
 * tools/record).
 *
 * Guarantees:
 * - One request at a time; five per second at most while resources wait for a reconcile.
 * - An Event that is repeated within six minutes becomes a series. The series is updated at most
 *   once a minute.
 * - A resource may send 25 Events at once, and one more every five minutes.
 *
 * Caveats: Events are best effort. New Events are dropped while 100 are queued, and failed requests
 * are not repeated.
 */
import type { Clock, Timer } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { KubeApi } from './kube-api.ts';
import { hasCode } from './errors.ts';
import { shortHash } from '../util/json.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import { formatMicroTime } from './object.ts';

const EVENT: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
/** Time within which a repeated Event belongs to the same series, in milliseconds. */
const SERIES_MS = 360_000;
/** Shortest time between two updates of a series, in milliseconds. */
const SERIES_UPDATE_MS = 60_000;
/** Number of Events that one resource may send at once. */
const BURST = 25;
/** Time after which a resource may send one more Event, in milliseconds. */
const REFILL_MS = 300_000;
/** Number of queued requests above which new Events are dropped. */
const MAX_QUEUED = 100;
/** Pause between two requests while resources wait for a reconcile, in milliseconds. */
const BUSY_DELAY_MS = 200;
/** Number of series, and of resources, that are kept in memory. */
const MAX_REMEMBERED = 2_000;
/** Greatest lengths in bytes (pkg/apis/core/validation of the API server). */
const NOTE_BYTES = 1_024;
const INSTANCE_BYTES = 128;

export type RecordEvent = (
  regarding: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  note: string,
) => void;

export interface EventRecorder {
  readonly record: RecordEvent;
  /** Sends nothing more. Resolves when the request under way has ended. */
  stop(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly operatorName: string;
  /** The process: a Pod's name. */
  readonly instance: string;
  /** Whether resources wait for a reconcile. Default: never. */
  readonly isBusy?: () => boolean;
  readonly onResult?: (result: 'sent' | 'failed' | 'dropped') => void;
}

interface EventSeries {
  readonly key: ObjectKey & { readonly namespace: string };
  count: number;
  /** The count that the cluster knows. */
  reportedCount: number;
  lastSeenAt: number;
  /** Monotonic time of the last request. */
  lastSentAt: number;
  flushTimer: Timer | undefined;
}

export function createEventRecorder({
  api,
  clock,
  operatorName,
  instance,
  isBusy = () => false,
  onResult = () => undefined,
}: EventRecorderOptions): EventRecorder {
  const series = new Map<string, EventSeries>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  const queue: (() => Promise<unknown>)[] = [];
  let sending: Promise<void> | undefined;
  const stop = new AbortController();

  function send(request: () => Promise<unknown>): boolean {
    if (stop.signal.aborted || queue.length >= MAX_QUEUED) {
      onResult('dropped');
      return false;
    }
    queue.push(request);
    sending ??= work();
    return true;
  }
  async function work(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await next().then(
        () => onResult('sent'),
        () => onResult('failed'),
      );
      if (isBusy()) {
        await sleep(clock, BUSY_DELAY_MS, stop.signal).catch(() => undefined);
      }
    }
    sending = undefined;
  }

  function takeToken(uid: string): boolean {
    const now = clock.monotonic();
    const bucket = buckets.get(uid) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    setBounded(buckets, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  /**
   * Forgets a series whose Event is not in the cluster, so that the next Event starts a new one.
   */
  function dropSeries(
    seriesKey: string,
    existing: EventSeries,
    error: unknown,
    absent = true,
  ): never {
    if (absent && series.get(seriesKey) === existing) {
      series.delete(seriesKey);
    }
    throw error;
  }

  /** Sends the count of a series, at most once a minute. */
  function updateSeries(seriesKey: string, existing: EventSeries): void {
    if (existing.flushTimer !== undefined) {
      return;
    }
    const update = (): void => {
      existing.flushTimer = undefined;
      if (existing.reportedCount === existing.count) {
        return;
      }
      existing.lastSentAt = clock.monotonic();
      existing.reportedCount = existing.count;
      const body = {
        series: { count: existing.count, lastObservedTime: formatMicroTime(existing.lastSeenAt) },
      };
      send(() =>
        api
          .patch(EVENT, existing.key, { type: 'merge', body })
          .catch((error: unknown) => dropSeries(seriesKey, existing, error, hasCode(error, 404))),
      );
    };
    const left = existing.lastSentAt + SERIES_UPDATE_MS - clock.monotonic();
    if (left <= 0) {
      update();
    } else {
      existing.flushTimer = clock.after(left, update);
    }
  }

  return {
    record(regarding, type, reason, note) {
      if (stop.signal.aborted) {
        return;
      }
      const { name, uid = '' } = regarding.metadata;
      const seriesKey = `${uid} ${type} ${reason} ${note}`;
      const now = clock.now();
      const existing = series.get(seriesKey);
      if (existing !== undefined && now - existing.lastSeenAt < SERIES_MS) {
        existing.count++;
        existing.lastSeenAt = now;
        return updateSeries(seriesKey, existing);
      }
      if (!takeToken(uid)) {
        return onResult('dropped');
      }
      const key = {
        namespace: regarding.metadata.namespace ?? 'default',
        name: `${name.slice(0, 200).replace(/[-.]+$/, '')}.${shortHash(`${seriesKey} ${now}`)}`,
      };
      const newSeries: EventSeries = {
        key,
        count: 1,
        reportedCount: 1,
        lastSeenAt: now,
        lastSentAt: clock.monotonic(),
        flushTimer: undefined,
      };
      const event = eventOf(key, now, { operatorName, instance, regarding, type, reason, note });
      if (
        send(() =>
          api
            .create(EVENT, event)
            .catch((error: unknown) => dropSeries(seriesKey, newSeries, error)),
        )
      ) {
        setBounded(series, seriesKey, newSeries);
      }
    },
    async stop() {
      stop.abort(new Error('the operator is stopping'));
      queue.length = 0;
      for (const { flushTimer } of series.values()) {
        flushTimer?.cancel();
      }
      await sending;
    },
  };
}

interface EventDetails {
  readonly operatorName: string;
  readonly instance: string;
  readonly regarding: KubeObject;
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

function eventOf(
  metadata: KubeObject['metadata'],
  now: number,
  { operatorName, instance, regarding, type, reason, note }: EventDetails,
): KubeObject {
  const { name, namespace, uid, resourceVersion } = regarding.metadata;
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata,
    eventTime: formatMicroTime(now),
    reportingController: operatorName,
    reportingInstance: truncateBytes(instance, INSTANCE_BYTES),
    action: 'Reconcile',
    type,
    reason,
    note: truncateBytes(note, NOTE_BYTES),
    regarding: {
      apiVersion: regarding.apiVersion,
      kind: regarding.kind,
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
  };
  return event;
}

/** The longest prefix of whole characters that fits into a number of bytes. */
function truncateBytes(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}

/** Sets an entry as the newest one, and deletes the oldest entry of a map that is full. */
function setBounded<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) {
    return;
  }
  const [oldest] = map.keys();
  if (oldest !== undefined) {
    map.delete(oldest);
  }
}
