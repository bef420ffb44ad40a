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

/**
 * Records an Event about a resource. Returns at once: the request is made later, or dropped.
 */
export type RecordEvent = (
  regarding: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  note: string,
) => void;
type EventType = Parameters<RecordEvent>[1];

/** Options of {@link EventRecorder}. */
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

interface TokenBucket {
  readonly tokens: number;
  /** Monotonic time at which the number of tokens was computed. */
  readonly at: number;
}

/** Records Events about resources, within the limits that this file's comment lists. */
export class EventRecorder {
  readonly #api: KubeApi;
  readonly #clock: Clock;
  readonly #operatorName: string;
  readonly #instance: string;
  readonly #isBusy: () => boolean;
  readonly #onResult: (result: 'sent' | 'failed' | 'dropped') => void;
  /** Key: UID, type, reason and note. */
  readonly #series = new Map<string, EventSeries>();
  /** Key: UID. */
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #queue: (() => Promise<unknown>)[] = [];
  readonly #stopping = new AbortController();
  /** Resolves when the queue is empty. Undefined while nothing is sent. */
  #sending: Promise<void> | undefined;

  constructor({
    api,
    clock,
    operatorName,
    instance,
    isBusy = () => false,
    onResult = () => undefined,
  }: EventRecorderOptions) {
    this.#api = api;
    this.#clock = clock;
    this.#operatorName = operatorName;
    this.#instance = instance;
    this.#isBusy = isBusy;
    this.#onResult = onResult;
  }

  /** Queues an Event, counts it in its series, or drops it. */
  record(regarding: KubeObject, type: EventType, reason: string, note: string): void {
    if (this.#stopping.signal.aborted) {
      return;
    }
    const { uid = '' } = regarding.metadata;
    const seriesKey = `${uid} ${type} ${reason} ${note}`;
    const now = this.#clock.now();
    const existing = this.#series.get(seriesKey);
    if (existing !== undefined && now - existing.lastSeenAt < SERIES_MS) {
      existing.count++;
      existing.lastSeenAt = now;
      this.#updateSeries(seriesKey, existing);
      return;
    }
    if (!this.#takeToken(uid)) {
      this.#onResult('dropped');
      return;
    }
    this.#startSeries(seriesKey, now, { regarding, type, reason, note });
  }

  /** Resolves when all queued requests have ended. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  /** Sends nothing more. Resolves when the request under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the operator is stopping'));
    this.#queue.length = 0;
    for (const { flushTimer } of this.#series.values()) {
      flushTimer?.cancel();
    }
    await this.#sending;
  }

  /** Takes one token of a resource. Returns false when the resource has none left. */
  #takeToken(uid: string): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(uid) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    setBounded(this.#buckets, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  /** Creates an Event, and remembers it as a series unless the Event is dropped. */
  #startSeries(seriesKey: string, now: number, details: EventDetails): void {
    const { name, namespace } = details.regarding.metadata;
    const key = {
      namespace: namespace ?? 'default',
      name: `${name.slice(0, 200).replace(/[-.]+$/, '')}.${shortHash(`${seriesKey} ${now}`)}`,
    };
    const series: EventSeries = {
      key,
      count: 1,
      reportedCount: 1,
      lastSeenAt: now,
      lastSentAt: this.#clock.monotonic(),
      flushTimer: undefined,
    };
    const event = eventOf(key, now, {
      ...details,
      operatorName: this.#operatorName,
      instance: this.#instance,
    });
    const queued = this.#enqueue(() =>
      this.#api.create(EVENT, event).catch((error: unknown) => {
        this.#forgetSeries(seriesKey, series);
        throw error;
      }),
    );
    if (queued) {
      setBounded(this.#series, seriesKey, series);
    }
  }

  /** Sends the count of a series, at most once a minute. */
  #updateSeries(seriesKey: string, series: EventSeries): void {
    if (series.flushTimer !== undefined) {
      return;
    }
    const left = series.lastSentAt + SERIES_UPDATE_MS - this.#clock.monotonic();
    if (left <= 0) {
      this.#flushSeries(seriesKey, series);
      return;
    }
    series.flushTimer = this.#clock.after(left, () => {
      series.flushTimer = undefined;
      this.#flushSeries(seriesKey, series);
    });
  }

  /** Sends the count of a series now, unless the cluster knows it. */
  #flushSeries(seriesKey: string, series: EventSeries): void {
    if (series.reportedCount === series.count) {
      return;
    }
    series.lastSentAt = this.#clock.monotonic();
    series.reportedCount = series.count;
    const body = {
      series: { count: series.count, lastObservedTime: formatMicroTime(series.lastSeenAt) },
    };
    this.#enqueue(() =>
      this.#api.patch(EVENT, series.key, { type: 'merge', body }).catch((error: unknown) => {
        if (hasCode(error, 404)) {
          this.#forgetSeries(seriesKey, series);
        }
        throw error;
      }),
    );
  }

  /** Forgets a series whose Event is not in the cluster. The next Event starts a new series. */
  #forgetSeries(seriesKey: string, series: EventSeries): void {
    if (this.#series.get(seriesKey) === series) {
      this.#series.delete(seriesKey);
    }
  }

  /** Queues a request. Returns false when the request is dropped. */
  #enqueue(request: () => Promise<unknown>): boolean {
    if (this.#stopping.signal.aborted || this.#queue.length >= MAX_QUEUED) {
      this.#onResult('dropped');
      return false;
    }
    this.#queue.push(request);
    this.#sending ??= this.#sendQueued();
    return true;
  }

  async #sendQueued(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await next().then(
        () => this.#onResult('sent'),
        () => this.#onResult('failed'),
      );
      if (this.#isBusy()) {
        await sleep(this.#clock, BUSY_DELAY_MS, this.#stopping.signal).catch(() => undefined);
      }
    }
    this.#sending = undefined;
  }
}

interface EventDetails {
  readonly regarding: KubeObject;
  readonly type: EventType;
  readonly reason: string;
  readonly note: string;
}

interface ReportingProcess {
  readonly operatorName: string;
  readonly instance: string;
}

function eventOf(
  metadata: KubeObject['metadata'],
  now: number,
  { operatorName, instance, regarding, type, reason, note }: EventDetails & ReportingProcess,
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
