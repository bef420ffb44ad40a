/** Watches: the changes since a version, then each new change, and a bookmark every minute. */
import type { Clock, WatchEvent, WatchOptions } from 'autopilot-runtime/internal';
import { expired, internal, notServed } from './api-errors.ts';
import { freezeJson } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import type { ObjectMatcher } from './list.ts';
import type { ObjectChange, ObjectStore, StoredObject } from './object-store.ts';
import { toVersion } from './object-store.ts';

const BOOKMARK_MS = 60_000;

/**
 * Number of events that watches have queued and no client has read, over all watches. A sandbox is
 * not quiescent before the number is 0.
 */
export interface WatchBacklog {
  undeliveredEvents: number;
}

/** What a watch reads. */
export interface WatchSource {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly backlog: WatchBacklog;
}

type WatchEnd = { readonly error?: unknown };

/**
 * A watch of one kind.
 *
 * Guarantees: every change after `resourceVersion` is delivered once and in order. From version 0
 * the present objects are delivered first, as ADDED.
 *
 * Caveats: the watch ends with `timeoutSeconds`, without an error. An aborted signal ends it with
 * the signal's reason.
 *
 * @param kind undefined for a kind that is not served
 * @throws ApiError 404 for a kind that is not served, 410 for a compacted version
 */
export async function* watchObjects(
  kind: Kind | undefined,
  options: WatchOptions & { readonly matches: ObjectMatcher },
  source: WatchSource,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (kind === undefined) {
    throw notServed();
  }
  const { store, clock, backlog } = source;
  const queue = new WatchQueue(kind, options.matches, backlog);
  replay(queue, kind, store, options.resourceVersion);
  const unsubscribe = store.subscribe((change) => queue.pushChange(change));
  const bookmark = (): void => {
    queue.push({ type: 'BOOKMARK', resourceVersion: String(store.version) });
    timer = clock.after(BOOKMARK_MS, bookmark);
  };
  let timer = clock.after(BOOKMARK_MS, bookmark);
  const limit =
    options.timeoutSeconds === undefined
      ? undefined
      : clock.after(options.timeoutSeconds * 1000, () => queue.end({}));
  const abort = (): void => queue.end({ error: signal?.reason });
  signal?.addEventListener('abort', abort, { once: true });
  try {
    yield* queue.events();
  } finally {
    queue.discard();
    unsubscribe();
    timer.cancel();
    limit?.cancel();
    signal?.removeEventListener('abort', abort);
  }
}

/** Queues what lies between the version that the client knows and the present. */
function replay(queue: WatchQueue, kind: Kind, store: ObjectStore, resourceVersion: string): void {
  const from = Number(resourceVersion);
  if (!Number.isInteger(from)) {
    throw internal(
      `resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
  }
  if (from === 0) {
    for (const stored of store.list(kind)) {
      queue.pushExisting(stored);
    }
    return;
  }
  const changes = store.changesSince(kind, from);
  if (changes === undefined) {
    throw expired(`too old resource version: ${from} (${store.oldestVersion(kind)})`);
  }
  for (const change of changes) {
    queue.pushChange(change);
  }
}

/** Events of one watch that its client has not read yet. */
class WatchQueue {
  readonly #kind: Kind;
  readonly #matches: ObjectMatcher;
  readonly #backlog: WatchBacklog;
  readonly #events: WatchEvent[] = [];
  #notifyReader: (() => void) | undefined;
  #end: WatchEnd | undefined;

  constructor(kind: Kind, matches: ObjectMatcher, backlog: WatchBacklog) {
    this.#kind = kind;
    this.#matches = matches;
    this.#backlog = backlog;
  }

  push(event: WatchEvent): void {
    this.#events.push(event);
    this.#backlog.undeliveredEvents++;
    this.#notifyReader?.();
  }

  pushExisting({ object, served }: StoredObject): void {
    if (this.#matches(object)) {
      this.push({ type: 'ADDED', object: toVersion(served, this.#kind) });
    }
  }

  pushChange(change: ObjectChange): void {
    if (change.kind.group !== this.#kind.group || change.kind.plural !== this.#kind.plural) {
      return;
    }
    const event = toWatchEvent(change, this.#kind, this.#matches);
    if (event !== undefined) {
      this.push(event);
    }
  }

  /** Ends the watch. The first end counts. An error is thrown before queued events are read. */
  end(end: WatchEnd): void {
    this.#end ??= end;
    this.#notifyReader?.();
  }

  async *events(): AsyncGenerator<WatchEvent> {
    for (;;) {
      if (this.#end !== undefined && 'error' in this.#end) {
        throw this.#end.error;
      }
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#backlog.undeliveredEvents--;
        yield event;
      } else if (this.#end !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#notifyReader = resolve));
      }
    }
  }

  /** Takes the unread events out of the backlog. */
  discard(): void {
    this.#backlog.undeliveredEvents -= this.#events.length;
  }
}

/**
 * A change as one watch sees it: an object that begins to match is ADDED, an object that no longer
 * matches is DELETED.
 */
function toWatchEvent(
  { before, after, served, version }: ObjectChange,
  kind: Kind,
  matches: ObjectMatcher,
): WatchEvent | undefined {
  const was = before !== undefined && matches(before);
  const is = after !== undefined && matches(after);
  if (is) {
    return { type: was ? 'MODIFIED' : 'ADDED', object: toVersion(served, kind) };
  }
  if (!was) {
    return undefined;
  }
  const last =
    after === undefined
      ? served
      : freezeJson({
          ...before,
          metadata: { ...before.metadata, resourceVersion: String(version) },
        });
  return { type: 'DELETED', object: toVersion(last, kind) };
}
