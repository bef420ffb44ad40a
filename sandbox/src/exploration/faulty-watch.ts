/**
 * A watch as one process hears it: events may be lost, late or merged, and the watch may break,
 * expire or fall silent.
 */
import type { KubeObject, ResourceType, WatchEvent } from 'autopilot-runtime/internal';
import { ApiError, ConnectionError, keyString, sleep } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { OperatorProcess } from './operator-process.ts';
import { objectLabel } from './run-trace.ts';

const LATE_EVENT_MS = 5_000;
const MERGED_MS = 2_000;

type ObjectEvent = Extract<WatchEvent, { object: KubeObject }>;

export interface WatchSource {
  readonly type: ResourceType;
  /** Is it one of the machine's own watches? */
  readonly isOperatorWatch: boolean;
  open(signal: AbortSignal): AsyncIterable<WatchEvent>;
}

export async function* faultyWatch(
  process: OperatorProcess,
  runContext: RunContext,
  source: WatchSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  await process.waitUntilRunning();
  const { type } = source;
  const watchFault =
    source.isOperatorWatch && process.countsFaultSites
      ? runContext.visitSite('request', `watch ${type.kind}`)
      : undefined;
  if (source.isOperatorWatch) {
    runContext.trace.add(
      process.name,
      `watch ${type.plural}`,
      watchFault && FAULTS[watchFault.kind].description,
    );
  }
  if (watchFault !== undefined) {
    throw refusalError(watchFault);
  }
  const closed = new AbortController();
  const ended = AbortSignal.any([
    closed.signal,
    process.killController.signal,
    ...(signal === undefined ? [] : [signal]),
  ]);
  const inbox = new WatchInbox(source.open(ended));
  const breakWatch = (): void => inbox.end(new ConnectionError('the connection was reset'));
  process.watches.add(breakWatch);
  try {
    for (;;) {
      const event = await inbox.next();
      await process.waitUntilRunning();
      if (event === undefined) {
        return;
      }
      if (event.type === 'BOOKMARK' || !source.isOperatorWatch) {
        if (process.leaseUnreachable && !source.isOperatorWatch) {
          throw new ConnectionError('the connection was reset');
        }
        yield event;
        continue;
      }
      if (process.watchDelayMs > 0) {
        await sleep(runContext.clock, process.watchDelayMs, ended);
      }
      const { object } = event;
      const fault = process.countsFaultSites
        ? runContext.visitSite('event', `hears ${event.type} ${object.kind}`)
        : undefined;
      runContext.trace.add(
        process.name,
        `hears ${event.type} ${objectLabel(object.kind, object.metadata)}`,
        fault && FAULTS[fault.kind].description,
      );
      for (const delivered of await deliverWithFault(fault, event, inbox, runContext, ended)) {
        await process.waitUntilRunning();
        process.recordSeen(delivered.object);
        yield delivered;
      }
    }
  } catch (error) {
    await process.waitUntilRunning();
    throw error;
  } finally {
    process.watches.delete(breakWatch);
    closed.abort(new Error('closed'));
  }
}

async function deliverWithFault(
  fault: Fault | undefined,
  event: ObjectEvent,
  inbox: WatchInbox,
  runContext: RunContext,
  ended: AbortSignal,
): Promise<readonly ObjectEvent[]> {
  switch (fault?.kind) {
    case 'event-late':
      await runContext.eventLoop.delayForFault(LATE_EVENT_MS, ended);
      return [event];
    case 'event-lost':
      await runContext.eventLoop.delayForFault(LATE_EVENT_MS, ended);
      throw expiredError();
    case 'events-merged':
      await runContext.eventLoop.delayForFault(MERGED_MS, ended);
      return mergeEvents([event, ...inbox.takeAll()]);
    case 'watch-broken':
      throw new ConnectionError('the connection was reset');
    case 'watch-silent':
      return new Promise((_, reject) =>
        ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }),
      );
    case 'watch-expired':
      throw expiredError();
    default:
      return [event];
  }
}

/** The last event of each object, in the order of their versions. */
function mergeEvents(events: readonly ObjectEvent[]): readonly ObjectEvent[] {
  const last = new Map<string, ObjectEvent>();
  for (const event of events) {
    const key = keyString(event.object.metadata);
    last.delete(key);
    last.set(key, event);
  }
  return [...last.values()];
}

function refusalError({ kind }: Fault): Error {
  if (kind === 'throttled') {
    return new ApiError({
      code: 429,
      reason: 'TooManyRequests',
      message: 'too many requests',
      retryAfterSeconds: 2,
    });
  }
  if (kind === 'server-error') {
    return new ApiError({ code: 500, reason: 'InternalError', message: 'Internal error occurred' });
  }
  return new ConnectionError('the connection was reset');
}

function expiredError(): Error {
  return new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
}

/** What has come and was not taken yet. */
class WatchInbox {
  readonly #events: WatchEvent[] = [];
  readonly #iterator: AsyncIterator<WatchEvent>;
  #end: { readonly error?: unknown } | undefined;
  #notifyReader: (() => void) | undefined;

  constructor(source: AsyncIterable<WatchEvent>) {
    this.#iterator = source[Symbol.asyncIterator]();
    void this.#fill();
  }

  /** Undefined when the watch has ended. @throws what ended it */
  async next(): Promise<WatchEvent | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        return event;
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) {
          throw this.#end.error;
        }
        return undefined;
      }
      await new Promise<void>((resolve) => (this.#notifyReader = resolve));
    }
  }

  /** Everything that has come so far, but for bookmarks. */
  takeAll(): readonly ObjectEvent[] {
    return this.#events
      .splice(0)
      .filter((event): event is ObjectEvent => event.type !== 'BOOKMARK');
  }

  /** What has come is still told; after it, this. */
  end(error: Error): void {
    this.#end ??= { error };
    this.#notifyReader?.();
  }

  async #fill(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (done === true || this.#end !== undefined) {
          break;
        }
        this.#events.push(value);
        this.#notifyReader?.();
      }
      this.#end ??= {};
    } catch (error) {
      this.#end ??= { error };
    }
    this.#notifyReader?.();
  }
}
