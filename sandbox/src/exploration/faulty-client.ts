/**
 * The API server as one process of an operator meets it: every request passes here, and some of
 * them fail.
 */
import type { KubeApi, KubeObject, ObjectKey, ResourceType } from 'autopilot-runtime/internal';
import { ApiError, ConnectionError, keyOf } from 'autopilot-runtime/internal';
import { authorizedApi } from './authorized-api.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { OperatorProcess } from './operator-process.ts';
import { neverSettle } from './operator-process.ts';
import { faultyWatch } from './faulty-watch.ts';
import { isEvent, isLease } from './ignored-kinds.ts';
import { objectLabel } from './run-trace.ts';

type RequestVerb = 'list' | 'get' | 'create' | 'replace' | 'apply' | 'patch' | 'delete';

interface ProcessRequest {
  readonly verb: RequestVerb | 'watch';
  readonly type: ResourceType;
  readonly key: ObjectKey | undefined;
  readonly subresource?: string | undefined;
}

const LATE_ARRIVAL_MS = 20_000;
const SLOW_REQUEST_MS = 3_000;

export function faultyClient(process: OperatorProcess, runContext: RunContext): KubeApi {
  const api = authorizedApi(process, runContext);

  async function send<T>(
    request: ProcessRequest,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    await process.waitUntilRunning();
    const isWrite = request.verb !== 'list' && request.verb !== 'get';
    const isLeaseRequest = isLease(request.type);
    if (isLeaseRequest && process.leaseUnreachable) {
      throw connectionReset();
    }
    if (isLeaseRequest || isEvent(request.type)) {
      return awaitResponse(process, run());
    }
    signal?.throwIfAborted();
    const fault = process.countsFaultSites
      ? runContext.visitSite('request', requestSituation(request), isWrite)
      : undefined;
    if (isWrite) {
      runContext.invariantChecker.recordSend(process);
    }
    runContext.trace.add(
      process.name,
      formatRequest(request),
      fault && FAULTS[fault.kind].description,
    );
    const response = await sendWithFault(fault, request, run, signal);
    await process.waitUntilRunning();
    recordResponse(request.verb, response);
    return response;
  }

  async function sendWithFault<T>(
    fault: Fault | undefined,
    request: ProcessRequest,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    switch (fault?.kind) {
      case 'crash-before':
        runContext.killProcess(process);
        return neverSettle();
      case 'crash-after':
        await run().catch(() => undefined);
        runContext.killProcess(process);
        return neverSettle();
      case 'crash-late':
        runContext.killProcess(process);
        await runContext.eventLoop.delayForFault(LATE_ARRIVAL_MS);
        runContext.trace.add(
          process.name,
          `${formatRequest(request)} arrives`,
          'sent before the operator was killed',
        );
        await run().catch(() => undefined);
        return neverSettle();
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
        throw connectionReset();
      case 'response-lost':
        await run();
        throw connectionReset();
      case 'slow':
        // It is on its way: whoever gives up waiting for the answer does not call it back.
        return abortable(runContext.eventLoop.delayForFault(SLOW_REQUEST_MS).then(run), signal);
      default:
        return run();
    }
  }

  function recordResponse(verb: RequestVerb | 'watch', response: unknown): void {
    if (verb === 'list') {
      for (const object of (response as { items: readonly KubeObject[] }).items) {
        process.recordSeen(object);
      }
    } else if (verb !== 'watch' && verb !== 'delete') {
      process.recordSeen(response as KubeObject);
    }
    if (['create', 'replace', 'apply', 'patch'].includes(verb)) {
      runContext.invariantChecker.recordResponse(process, response as KubeObject);
    }
  }

  const requestOf = (
    verb: RequestVerb,
    type: ResourceType,
    key?: ObjectKey,
    subresource?: string,
  ): ProcessRequest => ({ verb, type, key, subresource });
  return {
    list: (type, options, signal) =>
      send(requestOf('list', type), () => api.list(type, options), signal),
    get: (type, key, signal) => send(requestOf('get', type, key), () => api.get(type, key), signal),
    create: (type, object, options, signal) =>
      send(
        requestOf('create', type, keyOf(object)),
        () => api.create(type, object, options),
        signal,
      ),
    replace: (type, object, options, signal) =>
      send(
        requestOf('replace', type, keyOf(object), options?.subresource),
        () => api.replace(type, object, options),
        signal,
      ),
    apply: (type, object, options, signal) =>
      send(
        requestOf('apply', type, keyOf(object), options.subresource),
        () => api.apply(type, object, options),
        signal,
      ),
    patch: (type, key, patch, options, signal) =>
      send(
        requestOf('patch', type, key, options?.subresource),
        () => api.patch(type, key, patch, options),
        signal,
      ),
    delete: (type, key, options, signal) =>
      send(requestOf('delete', type, key), () => api.delete(type, key, options), signal),
    watch: (type, options, signal) => {
      const isOperatorWatch = !isLease(type) && !isEvent(type);
      return faultyWatch(
        process,
        runContext,
        { type, isOperatorWatch, open: (inner) => api.watch(type, options, inner) },
        signal,
      );
    },
  };
}

async function awaitResponse<T>(process: OperatorProcess, response: Promise<T>): Promise<T> {
  const result = await response;
  await process.waitUntilRunning();
  return result;
}

/** The answer, or the signal's reason when that comes first. */
function abortable<T>(response: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return response;
  }
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    response.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function connectionReset(): Error {
  return new ConnectionError('the connection was reset');
}

function formatRequest({ verb, type, key, subresource }: ProcessRequest): string {
  const target = key === undefined ? type.plural : objectLabel(type.kind, key);
  return `${verb} ${target}${subresource === undefined ? '' : ` (${subresource})`}`;
}

function requestSituation({ verb, type, subresource }: ProcessRequest): string {
  return `${verb} ${type.kind}${subresource === undefined ? '' : ` (${subresource})`}`;
}
