/**
 * Kubernetes Events about resources: best effort, and never in the way of work. One is sent at a
 * time, and while resources wait for their
 * sync only a few in a second; when too many wait, new ones are dropped. What is repeated within
 * six minutes becomes a series, not another Event; a resource that has much to say is slowed down.
 * (events.k8s.io/v1, with client-go's limits: tools/events and tools/record.)
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
const SERIES_MS = 360_000;
/** A series is brought up to date at most so often. */
const SERIES_UPDATE_MS = 60_000;
const BURST = 25;
const REFILL_MS = 300_000;
const MAX_QUEUED = 100;
/** Between two Events while there is work to do. */
const BUSY_DELAY_MS = 200;
const MAX_REMEMBERED = 2_000;
/** In bytes (pkg/apis/core/validation of the API server). */
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
  /** Sends nothing more; resolves when the Event under way was answered. */
  stop(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly operatorName: string;
  /** The process: a Pod's name. */
  readonly instance: string;
  /** Do resources wait for their sync? */
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

  /** A series whose Event is not in the cluster begins anew with what is said next. */
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

  /** Tells the cluster how often, now or when it was told a minute ago. */
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

/** As many whole characters as fit. */
function truncateBytes(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}

/** Puts at the end, and forgets the oldest when there are too many. */
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
