/**
 * The API server as one process of an operator meets it: every request passes here, and some of
 * them fail.
 */
import type { KubeApi, KubeObject, ObjectKey, ResourceType } from 'autopilot-runtime/ports';
import { ApiError, ConnectionError, keyOf } from 'autopilot-runtime/ports';
import { behind } from './behind.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Process } from './process.ts';
import { never } from './process.ts';
import { stream } from './stream.ts';
import { isEvent, isLease } from './talk.ts';
import { nameOf } from './trace.ts';

type Verb = 'list' | 'get' | 'create' | 'replace' | 'apply' | 'patch' | 'delete';

interface Request {
  readonly verb: Verb | 'watch';
  readonly type: ResourceType;
  readonly key: ObjectKey | undefined;
  readonly subresource?: string | undefined;
}

const LATE_MS = 20_000;
const SLOW_MS = 3_000;

export function door(process: Process, ground: Ground): KubeApi {
  const api = behind(process, ground);

  async function call<T>(
    request: Request,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    await process.awake();
    const write = request.verb !== 'list' && request.verb !== 'get';
    const own = isLease(request.type);
    if (own && process.cutOff) {
      throw noAnswer();
    }
    if (own || isEvent(request.type)) {
      return answered(process, run());
    }
    signal?.throwIfAborted();
    const fault = process.counted ? ground.place('request', kindOf(request), write) : undefined;
    if (write) {
      ground.oracle.handedOver(process);
    }
    ground.trace.add(process.name, text(request), fault && FAULTS[fault.kind].says);
    const answer = await faulty(fault, request, run, signal);
    await process.awake();
    learn(request.verb, answer);
    return answer;
  }

  async function faulty<T>(
    fault: Fault | undefined,
    request: Request,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    switch (fault?.kind) {
      case 'crash-before':
        ground.kill(process);
        return never();
      case 'crash-after':
        await run().catch(() => undefined);
        ground.kill(process);
        return never();
      case 'crash-late':
        ground.kill(process);
        await ground.course.pass(LATE_MS);
        ground.trace.add(
          process.name,
          `${text(request)} arrives`,
          'sent before the operator was killed',
        );
        await run().catch(() => undefined);
        return never();
      case 'conflict':
        throw new ApiError({
          code: 409,
          reason: 'Conflict',
          message:
            'the object has been modified; please apply your changes to the latest version and try again',
        });
      case 'throttled':
        throw new ApiError({
          code: 429,
          reason: 'TooManyRequests',
          message: 'too many requests, please try again later',
          retryAfterSeconds: 2,
        });
      case 'server-error':
        throw new ApiError({
          code: 500,
          reason: 'InternalError',
          message: 'Internal error occurred: etcdserver: request timed out',
        });
      case 'reset':
        throw noAnswer();
      case 'answer-lost':
        await run();
        throw noAnswer();
      case 'slow':
        // It is on its way: whoever gives up waiting for the answer does not call it back.
        return abandonable(ground.course.pass(SLOW_MS).then(run), signal);
      default:
        return run();
    }
  }

  function learn(verb: Verb | 'watch', answer: unknown): void {
    if (verb === 'list') {
      for (const object of (answer as { items: readonly KubeObject[] }).items) {
        process.learn(object);
      }
    } else if (verb !== 'watch' && verb !== 'delete') {
      process.learn(answer as KubeObject);
    }
    if (['create', 'replace', 'apply', 'patch'].includes(verb)) {
      ground.oracle.answered(process, answer as KubeObject);
    }
  }

  const requestOf = (
    verb: Verb,
    type: ResourceType,
    key?: ObjectKey,
    subresource?: string,
  ): Request => ({ verb, type, key, subresource });
  return {
    list: (type, options, signal) =>
      call(requestOf('list', type), () => api.list(type, options), signal),
    get: (type, key, signal) => call(requestOf('get', type, key), () => api.get(type, key), signal),
    create: (type, object, options, signal) =>
      call(
        requestOf('create', type, keyOf(object)),
        () => api.create(type, object, options),
        signal,
      ),
    replace: (type, object, options, signal) =>
      call(
        requestOf('replace', type, keyOf(object), options?.subresource),
        () => api.replace(type, object, options),
        signal,
      ),
    apply: (type, object, options, signal) =>
      call(
        requestOf('apply', type, keyOf(object), options.subresource),
        () => api.apply(type, object, options),
        signal,
      ),
    patch: (type, key, patch, options, signal) =>
      call(
        requestOf('patch', type, key, options?.subresource),
        () => api.patch(type, key, patch, options),
        signal,
      ),
    delete: (type, key, options, signal) =>
      call(requestOf('delete', type, key), () => api.delete(type, key, options), signal),
    watch: (type, options, signal) => {
      const machine = !isLease(type) && !isEvent(type);
      return stream(
        process,
        ground,
        { type, machine, open: (inner) => api.watch(type, options, inner) },
        signal,
      );
    },
  };
}

async function answered<T>(process: Process, answer: Promise<T>): Promise<T> {
  const result = await answer;
  await process.awake();
  return result;
}

/** The answer, or the signal's reason when that comes first. */
function abandonable<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return answer;
  }
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', give, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}

function noAnswer(): Error {
  return new ConnectionError('the connection was reset');
}

function text({ verb, type, key, subresource }: Request): string {
  const what = key === undefined ? type.plural : nameOf(type.kind, key);
  return `${verb} ${what}${subresource === undefined ? '' : ` (${subresource})`}`;
}

function kindOf({ verb, type, subresource }: Request): string {
  return `${verb} ${type.kind}${subresource === undefined ? '' : ` (${subresource})`}`;
}
