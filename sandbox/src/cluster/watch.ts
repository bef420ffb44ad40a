/** Watches: history from a version on, then changes as they come, bookmarks each minute. */
import type { Clock, WatchEvent, WatchOptions } from 'autopilot-runtime/ports';
import { expired, internal, notServed } from './errors.ts';
import { keep } from './frozen.ts';
import type { Kind } from './kinds.ts';
import type { Matches } from './lists.ts';
import type { Change, Records } from './records.ts';
import { inVersion } from './records.ts';

const BOOKMARK_MS = 60_000;

/**
 * Events that a watch was told and nobody has taken yet, over all watches: a flight is not quiet
 * before this is 0.
 */
export interface Backlog {
  undelivered: number;
}

type End = { readonly error?: unknown };

export async function* watch(
  kind: Kind | undefined,
  options: WatchOptions,
  matches: Matches,
  records: Records,
  clock: Clock,
  backlog: Backlog,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (kind === undefined) {
    throw notServed();
  }
  const waiting: WatchEvent[] = [];
  let wake: (() => void) | undefined;
  let end: End | undefined;
  const say = (event: WatchEvent): void => {
    waiting.push(event);
    backlog.undelivered++;
    wake?.();
  };
  const finish = (how: End): void => {
    end ??= how;
    wake?.();
  };
  const tell = (change: Change): void => {
    if (change.kind.group !== kind.group || change.kind.plural !== kind.plural) {
      return;
    }
    const event = eventOf(change, kind, matches);
    if (event !== undefined) {
      say(event);
    }
  };

  const from = Number(options.resourceVersion);
  if (!Number.isInteger(from)) {
    throw internal(
      `resourceVersion: Invalid value: ${JSON.stringify(options.resourceVersion)}: invalid syntax`,
    );
  }
  if (from === 0) {
    for (const { object, served } of records.list(kind)) {
      if (matches(object)) {
        say({ type: 'ADDED', object: inVersion(served, kind) });
      }
    }
  }
  const missed = from === 0 ? [] : records.since(kind, from);
  if (missed === undefined) {
    throw expired(`too old resource version: ${from} (${records.oldest(kind)})`);
  }
  for (const change of missed) {
    tell(change);
  }

  const unsubscribe = records.subscribe(tell);
  const bookmark = (): void => {
    say({ type: 'BOOKMARK', resourceVersion: String(records.version) });
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
        backlog.undelivered--;
        yield event;
      } else if (end !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    backlog.undelivered -= waiting.length;
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
function eventOf(
  { before, after, served, version }: Change,
  kind: Kind,
  matches: Matches,
): WatchEvent | undefined {
  const was = before !== undefined && matches(before);
  const is = after !== undefined && matches(after);
  if (is) {
    return { type: was ? 'MODIFIED' : 'ADDED', object: inVersion(served, kind) };
  }
  if (!was) {
    return undefined;
  }
  const last =
    after === undefined
      ? served
      : keep({ ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
  return { type: 'DELETED', object: inVersion(last, kind) };
}
