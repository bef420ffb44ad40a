/**
 * Kubernetes Events about resources: best effort, and never in the way of work. One is sent at a
 * time, and while resources wait for their
 * sync only a few in a second; when too many wait, new ones are dropped. What is repeated within
 * six minutes becomes a series, not another Event; a resource that has much to say is slowed down.
 * (events.k8s.io/v1, with client-go's limits: tools/events and tools/record.)
 */
import type { Clock, Timer } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { KubeApi } from './api.ts';
import { hasCode } from './errors.ts';
import { shortHash } from './names.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import { microTime } from './time.ts';

const EVENT: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
const SERIES_MS = 360_000;
/** A series is brought up to date at most so often. */
const UPDATE_MS = 60_000;
const BURST = 25;
const REFILL_MS = 300_000;
const WAITING = 100;
/** Between two Events while there is work to do. */
const BUSY_MS = 200;
const REMEMBERED = 2_000;
/** In bytes (pkg/apis/core/validation of the API server). */
const NOTE_BYTES = 1_024;
const INSTANCE_BYTES = 128;

export type Recorder = (
  regarding: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  note: string,
) => void;

export interface Events {
  readonly record: Recorder;
  /** Sends nothing more; resolves when the Event under way was answered. */
  stop(): Promise<void>;
}

export interface EventsOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly operatorName: string;
  /** The process: a Pod's name. */
  readonly instance: string;
  /** Do resources wait for their sync? */
  readonly busy?: () => boolean;
  readonly onEnd?: (result: 'sent' | 'failed' | 'dropped') => void;
}

interface Series {
  readonly key: ObjectKey & { readonly namespace: string };
  count: number;
  /** The count that the cluster knows. */
  told: number;
  last: number;
  /** Monotonic time of the last request. */
  sent: number;
  flush: Timer | undefined;
}

export function events({
  api,
  clock,
  operatorName,
  instance,
  busy = () => false,
  onEnd = () => undefined,
}: EventsOptions): Events {
  const series = new Map<string, Series>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  const waiting: (() => Promise<unknown>)[] = [];
  let sending: Promise<void> | undefined;
  const stop = new AbortController();

  function send(request: () => Promise<unknown>): boolean {
    if (stop.signal.aborted || waiting.length >= WAITING) {
      onEnd('dropped');
      return false;
    }
    waiting.push(request);
    sending ??= work();
    return true;
  }
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await next().then(
        () => onEnd('sent'),
        () => onEnd('failed'),
      );
      if (busy()) {
        await sleep(clock, BUSY_MS, stop.signal).catch(() => undefined);
      }
    }
    sending = undefined;
  }

  function allowed(uid: string): boolean {
    const now = clock.monotonic();
    const bucket = buckets.get(uid) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    remember(buckets, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  /** A series whose Event is not in the cluster begins anew with what is said next. */
  function forget(mark: string, known: Series, error: unknown, absent = true): never {
    if (absent && series.get(mark) === known) {
      series.delete(mark);
    }
    throw error;
  }

  /** Tells the cluster how often, now or when it was told a minute ago. */
  function repeat(mark: string, known: Series): void {
    if (known.flush !== undefined) {
      return;
    }
    const update = (): void => {
      known.flush = undefined;
      if (known.told === known.count) {
        return;
      }
      known.sent = clock.monotonic();
      known.told = known.count;
      const body = { series: { count: known.count, lastObservedTime: microTime(known.last) } };
      send(() =>
        api
          .patch(EVENT, known.key, { type: 'merge', body })
          .catch((error: unknown) => forget(mark, known, error, hasCode(error, 404))),
      );
    };
    const left = known.sent + UPDATE_MS - clock.monotonic();
    if (left <= 0) {
      update();
    } else {
      known.flush = clock.after(left, update);
    }
  }

  return {
    record(regarding, type, reason, note) {
      if (stop.signal.aborted) {
        return;
      }
      const { name, uid = '' } = regarding.metadata;
      const mark = `${uid} ${type} ${reason} ${note}`;
      const now = clock.now();
      const known = series.get(mark);
      if (known !== undefined && now - known.last < SERIES_MS) {
        known.count++;
        known.last = now;
        return repeat(mark, known);
      }
      if (!allowed(uid)) {
        return onEnd('dropped');
      }
      const key = {
        namespace: regarding.metadata.namespace ?? 'default',
        name: `${name.slice(0, 200).replace(/[-.]+$/, '')}.${shortHash(`${mark} ${now}`)}`,
      };
      const begun: Series = {
        key,
        count: 1,
        told: 1,
        last: now,
        sent: clock.monotonic(),
        flush: undefined,
      };
      const event = eventOf(key, now, { operatorName, instance, regarding, type, reason, note });
      if (
        send(() => api.create(EVENT, event).catch((error: unknown) => forget(mark, begun, error)))
      ) {
        remember(series, mark, begun);
      }
    },
    async stop() {
      stop.abort(new Error('the operator is stopping'));
      waiting.length = 0;
      for (const { flush } of series.values()) {
        flush?.cancel();
      }
      await sending;
    },
  };
}

interface What {
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
  { operatorName, instance, regarding, type, reason, note }: What,
): KubeObject {
  const { name, namespace, uid, resourceVersion } = regarding.metadata;
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata,
    eventTime: microTime(now),
    reportingController: operatorName,
    reportingInstance: cut(instance, INSTANCE_BYTES),
    action: 'Sync',
    type,
    reason,
    note: cut(note, NOTE_BYTES),
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
function cut(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}

/** Puts at the end, and forgets the oldest when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) {
    return;
  }
  const [oldest] = map.keys();
  if (oldest !== undefined) {
    map.delete(oldest);
  }
}
