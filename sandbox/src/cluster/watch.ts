/** Watches: history from a version on, then changes as they come, bookmarks each minute. */
import type { Clock, WatchEvent, WatchOptions } from 'autopilot-runtime/internal';
import { expired, internal, notServed } from './api-errors.ts';
import { freezeJson } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import type { ObjectMatcher } from './list.ts';
import type { ObjectChange, ObjectStore } from './object-store.ts';
import { toVersion } from './object-store.ts';

const BOOKMARK_MS = 60_000;

/**
 * Events that a watch was told and nobody has taken yet, over all watches: a flight is not quiet
 * before this is 0.
 */
export interface WatchBacklog {
  undeliveredEvents: number;
}

type WatchEnd = { readonly error?: unknown };

export async function* watchObjects(
  kind: Kind | undefined,
  options: WatchOptions,
  matches: ObjectMatcher,
  store: ObjectStore,
  clock: Clock,
  backlog: WatchBacklog,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (kind === undefined) {
    throw notServed();
  }
  const waiting: WatchEvent[] = [];
  let notifyReader: (() => void) | undefined;
  let end: WatchEnd | undefined;
  const emit = (event: WatchEvent): void => {
    waiting.push(event);
    backlog.undeliveredEvents++;
    notifyReader?.();
  };
  const finish = (how: WatchEnd): void => {
    end ??= how;
    notifyReader?.();
  };
  const emitChange = (change: ObjectChange): void => {
    if (change.kind.group !== kind.group || change.kind.plural !== kind.plural) {
      return;
    }
    const event = toWatchEvent(change, kind, matches);
    if (event !== undefined) {
      emit(event);
    }
  };

  const from = Number(options.resourceVersion);
  if (!Number.isInteger(from)) {
    throw internal(
      `resourceVersion: Invalid value: ${JSON.stringify(options.resourceVersion)}: invalid syntax`,
    );
  }
  if (from === 0) {
    for (const { object, served } of store.list(kind)) {
      if (matches(object)) {
        emit({ type: 'ADDED', object: toVersion(served, kind) });
      }
    }
  }
  const missed = from === 0 ? [] : store.changesSince(kind, from);
  if (missed === undefined) {
    throw expired(`too old resource version: ${from} (${store.oldestVersion(kind)})`);
  }
  for (const change of missed) {
    emitChange(change);
  }

  const unsubscribe = store.subscribe(emitChange);
  const bookmark = (): void => {
    emit({ type: 'BOOKMARK', resourceVersion: String(store.version) });
    timer = clock.after(BOOKMARK_MS, bookmark);
  };
  let timer = clock.after(BOOKMARK_MS, bookmark);
  const limit =
    options.timeoutSeconds === undefined
      ? undefined
      : clock.after(options.timeoutSeconds * 1000, () => finish({}));
  const aborted = (): void => finish({ error: signal?.reason });
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    for (;;) {
      if (end !== undefined && 'error' in end) {
        throw end.error;
      }
      const event = waiting.shift();
      if (event !== undefined) {
        backlog.undeliveredEvents--;
        yield event;
      } else if (end !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => (notifyReader = resolve));
      }
    }
  } finally {
    backlog.undeliveredEvents -= waiting.length;
    unsubscribe();
    timer.cancel();
    limit?.cancel();
    signal?.removeEventListener('abort', aborted);
  }
}

/**
 * What a change is to one watch: an object that begins to match was added, one that no longer does
 * was deleted.
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
