/**
 * A watch of one simulated process. Events may be lost, late or merged, and the watch may break,
 * expire or stay silent.
 */
import type { KubeObject, ResourceType, WatchEvent } from 'autopilot-runtime';
import { ApiError, ConnectionError, keyString, sleep } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { OperatorProcess } from './operator-process.ts';
import { objectLabel } from './run-trace.ts';

const LATE_EVENT_MS = 5_000;
const MERGED_MS = 2_000;

type ObjectEvent = Extract<WatchEvent, { object: KubeObject }>;

/** A watch of the cluster. */
export interface WatchSource {
  /** Kind of the watched objects. */
  readonly type: ResourceType;
  /** True for the watches of informers, false for those of Leases and Events. */
  readonly isOperatorWatch: boolean;
  /** Opens the watch. The signal ends it. */
  open(signal: AbortSignal): AsyncIterable<WatchEvent>;
}

/**
 * Watches the cluster, with the faults of the run.
 *
 * @throws ApiError or ConnectionError, as a real watch does.
 */
export async function* faultyWatch(
  process: OperatorProcess,
  runContext: RunContext,
  source: WatchSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  await process.waitUntilRunning();
  if (source.isOperatorWatch) {
    visitWatchRequest(process, runContext, source.type);
    runContext.kindOutages.check(source.type);
  }
  const closed = new AbortController();
  const ended = AbortSignal.any([
    closed.signal,
    process.killController.signal,
    ...(signal === undefined ? [] : [signal]),
  ]);
  const inbox = new WatchInbox(source.open(ended));
  const breakWatch = (): void => inbox.end(connectionReset());
  process.watches.add(breakWatch);
  const removeWatch = runContext.kindOutages.addWatch(source.type, (error) => inbox.end(error));
  try {
    yield* source.isOperatorWatch
      ? operatorEvents({ process, runContext, inbox, ended })
      : leaseEvents(process, inbox);
  } catch (error) {
    await process.waitUntilRunning();
    throw error;
  } finally {
    process.watches.delete(breakWatch);
    removeWatch();
    closed.abort(new Error('the watch is closed'));
  }
}

/** Counts the request that opens a watch as a fault site. Throws the error of its fault. */
function visitWatchRequest(
  process: OperatorProcess,
  runContext: RunContext,
  { kind, plural }: ResourceType,
): void {
  const fault = process.countsFaultSites
    ? runContext.visitSite('request', `watch ${kind}`)
    : undefined;
  runContext.trace.add(process.name, `watch ${plural}`, fault && FAULTS[fault.kind].description);
  if (fault !== undefined) {
    throw refusalError(fault);
  }
}

/** Watches of Leases and Events have no fault sites. They break while the lease is unreachable. */
async function* leaseEvents(
  process: OperatorProcess,
  inbox: WatchInbox,
): AsyncGenerator<WatchEvent> {
  for (;;) {
    const event = await inbox.next();
    await process.waitUntilRunning();
    if (event === undefined) {
      return;
    }
    if (process.leaseUnreachable) {
      throw connectionReset();
    }
    yield event;
  }
}

interface OperatorWatch {
  readonly process: OperatorProcess;
  readonly runContext: RunContext;
  readonly inbox: WatchInbox;
  /** Aborted when the watch or its process ends. */
  readonly ended: AbortSignal;
}

/** Each event of an informer's watch is a fault site. */
async function* operatorEvents(watch: OperatorWatch): AsyncGenerator<WatchEvent> {
  const { process, runContext, inbox, ended } = watch;
  for (;;) {
    const event = await inbox.next();
    await process.waitUntilRunning();
    if (event === undefined) {
      return;
    }
    if (event.type === 'BOOKMARK') {
      yield event;
      continue;
    }
    if (process.watchDelayMs > 0) {
      await sleep(runContext.clock, process.watchDelayMs, ended);
    }
    const fault = visitEvent(process, runContext, event);
    for (const delivered of await deliverWithFault(fault, event, watch)) {
      await process.waitUntilRunning();
      process.recordSeen(delivered.object);
      yield delivered;
    }
  }
}

function visitEvent(
  process: OperatorProcess,
  runContext: RunContext,
  { type, object }: ObjectEvent,
): Fault | undefined {
  const fault = process.countsFaultSites
    ? runContext.visitSite('event', `receives ${type} ${object.kind}`)
    : undefined;
  runContext.trace.add(
    process.name,
    `receives ${type} ${objectLabel(object.kind, object.metadata)}`,
    fault && FAULTS[fault.kind].description,
  );
  return fault;
}

async function deliverWithFault(
  fault: Fault | undefined,
  event: ObjectEvent,
  { inbox, runContext: { eventLoop }, ended }: OperatorWatch,
): Promise<readonly ObjectEvent[]> {
  switch (fault?.kind) {
    case 'event-late':
      await eventLoop.delayForFault(LATE_EVENT_MS, ended);
      return [event];
    case 'event-lost':
      await eventLoop.delayForFault(LATE_EVENT_MS, ended);
      throw expiredError();
    case 'events-merged':
      await eventLoop.delayForFault(MERGED_MS, ended);
      return mergeEvents([event, ...inbox.takeAll()]);
    case 'watch-broken':
      throw connectionReset();
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

/** The last event of each object, in the order of their resourceVersions. */
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
  return connectionReset();
}

function connectionReset(): Error {
  return new ConnectionError('the connection was reset');
}

function expiredError(): Error {
  return new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
}

/** Events of a watch that were not taken yet. */
class WatchInbox {
  readonly #events: WatchEvent[] = [];
  readonly #iterator: AsyncIterator<WatchEvent>;
  /** Set when the watch has ended, with the error that ended it. */
  #end: { readonly error?: unknown } | undefined;
  #notifyReader: (() => void) | undefined;

  constructor(source: AsyncIterable<WatchEvent>) {
    this.#iterator = source[Symbol.asyncIterator]();
    void this.#fill();
  }

  /**
   * @returns the next event; undefined when the watch has ended.
   * @throws the error that ended the watch.
   */
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

  /** Takes all events so far. Drops bookmarks. */
  takeAll(): readonly ObjectEvent[] {
    return this.#events
      .splice(0)
      .filter((event): event is ObjectEvent => event.type !== 'BOOKMARK');
  }

  /** Ends the watch with an error, after the events that have already arrived. */
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
