/**
 * A watch as one process hears it: events may be lost, late or merged, and the watch may break,
 * expire or fall silent.
 */
import type { KubeObject, ResourceType, WatchEvent } from 'autopilot-runtime/ports';
import { ApiError, ConnectionError, keyString, sleep } from 'autopilot-runtime/ports';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Process } from './process.ts';
import { nameOf } from './trace.ts';

const LATE_MS = 5_000;
const MERGED_MS = 2_000;

type ObjectEvent = Extract<WatchEvent, { object: KubeObject }>;

export interface Source {
  readonly type: ResourceType;
  /** Is it one of the machine's own watches? */
  readonly machine: boolean;
  open(signal: AbortSignal): AsyncIterable<WatchEvent>;
}

export async function* stream(
  process: Process,
  ground: Ground,
  source: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  await process.awake();
  const { type } = source;
  const refused =
    source.machine && process.counted ? ground.place('request', `watch ${type.kind}`) : undefined;
  if (source.machine) {
    ground.trace.add(process.name, `watch ${type.plural}`, refused && FAULTS[refused.kind].says);
  }
  if (refused !== undefined) {
    throw refusal(refused);
  }
  const closed = new AbortController();
  const end = AbortSignal.any([
    closed.signal,
    process.death.signal,
    ...(signal === undefined ? [] : [signal]),
  ]);
  const from = new Inbox(source.open(end));
  const cut = (): void => from.end(new ConnectionError('the connection was reset'));
  process.watches.add(cut);
  try {
    for (;;) {
      const event = await from.next();
      await process.awake();
      if (event === undefined) {
        return;
      }
      if (event.type === 'BOOKMARK' || !source.machine) {
        if (process.cutOff && !source.machine) {
          throw new ConnectionError('the connection was reset');
        }
        yield event;
        continue;
      }
      if (process.lag > 0) {
        await sleep(ground.clock, process.lag, end);
      }
      const { object } = event;
      const fault = process.counted
        ? ground.place('event', `hears ${event.type} ${object.kind}`)
        : undefined;
      ground.trace.add(
        process.name,
        `hears ${event.type} ${nameOf(object.kind, object.metadata)}`,
        fault && FAULTS[fault.kind].says,
      );
      for (const told of await faulty(fault, event, from, ground, end)) {
        await process.awake();
        process.learn(told.object);
        yield told;
      }
    }
  } catch (error) {
    await process.awake();
    throw error;
  } finally {
    process.watches.delete(cut);
    closed.abort(new Error('closed'));
  }
}

async function faulty(
  fault: Fault | undefined,
  event: ObjectEvent,
  from: Inbox,
  ground: Ground,
  end: AbortSignal,
): Promise<readonly ObjectEvent[]> {
  switch (fault?.kind) {
    case 'event-late':
      await ground.course.pass(LATE_MS, end);
      return [event];
    case 'event-lost':
      await ground.course.pass(LATE_MS, end);
      throw expired();
    case 'events-merged':
      await ground.course.pass(MERGED_MS, end);
      return merged([event, ...from.take()]);
    case 'watch-broken':
      throw new ConnectionError('the connection was reset');
    case 'watch-silent':
      return new Promise((_, reject) =>
        end.addEventListener('abort', () => reject(end.reason as Error), { once: true }),
      );
    case 'watch-expired':
      throw expired();
    default:
      return [event];
  }
}

/** The last event of each object, in the order of their versions. */
function merged(events: readonly ObjectEvent[]): readonly ObjectEvent[] {
  const last = new Map<string, ObjectEvent>();
  for (const event of events) {
    const key = keyString(event.object.metadata);
    last.delete(key);
    last.set(key, event);
  }
  return [...last.values()];
}

function refusal({ kind }: Fault): Error {
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

function expired(): Error {
  return new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
}

/** What has come and was not taken yet. */
class Inbox {
  readonly #events: WatchEvent[] = [];
  readonly #iterator: AsyncIterator<WatchEvent>;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

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
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Everything that has come so far, but for bookmarks. */
  take(): readonly ObjectEvent[] {
    return this.#events
      .splice(0)
      .filter((event): event is ObjectEvent => event.type !== 'BOOKMARK');
  }

  /** What has come is still told; after it, this. */
  end(error: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async #fill(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (done === true || this.#end !== undefined) {
          break;
        }
        this.#events.push(value);
        this.#wake?.();
      }
      this.#end ??= {};
    } catch (error) {
      this.#end ??= { error };
    }
    this.#wake?.();
  }
}
