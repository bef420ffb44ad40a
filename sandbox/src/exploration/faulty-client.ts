/**
 * The Kubernetes client of one simulated process. Each request is a fault site, is limited to the
 * operator's RBAC rules, and is recorded for the invariants.
 */
import type { KubeApi, KubeObject, ResourceType } from 'autopilot-runtime';
import type { ObjectKey } from 'autopilot-runtime/internal';
import { ApiError, ConnectionError, keyOf } from 'autopilot-runtime/internal';
import type { PolicyRule } from '../cluster/rbac.ts';
import { withPolicyRules } from '../cluster/rbac.ts';
import { isEvent, isLease } from './cluster-snapshot.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import { faultyWatch } from './faulty-watch.ts';
import type { OperatorProcess } from './operator-process.ts';
import { neverSettle } from './operator-process.ts';
import type { RunContext } from './run-context.ts';
import { objectLabel } from './run-trace.ts';

/** A request of the operator. */
interface ProcessRequest {
  readonly verb: 'list' | 'get' | 'create' | 'replace' | 'apply' | 'patch' | 'delete';
  readonly type: ResourceType;
  readonly key?: ObjectKey | undefined;
  readonly subresource?: string | undefined;
}

const LATE_ARRIVAL_MS = 20_000;
const SLOW_REQUEST_MS = 3_000;

/**
 * The rule for leader election. The chart grants one Lease by its name, which a run does not know,
 * so exploration grants all Leases.
 */
const LEASE_RULE: PolicyRule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['*'],
};

/** @returns the client of one process, with the faults of the run. */
export function faultyClient(process: OperatorProcess, runContext: RunContext): KubeApi {
  const api = authorizedApi(process, runContext);
  const sender = new RequestSender(process, runContext);
  return {
    list: (type, options, signal) =>
      sender.send({ verb: 'list', type }, () => api.list(type, options), signal),
    get: (type, key, signal) =>
      sender.send({ verb: 'get', type, key }, () => api.get(type, key), signal),
    create: (type, object, options, signal) =>
      sender.send(
        { verb: 'create', type, key: keyOf(object) },
        () => api.create(type, object, options),
        signal,
      ),
    replace: (type, object, options, signal) =>
      sender.send(
        { verb: 'replace', type, key: keyOf(object), subresource: options?.subresource },
        () => api.replace(type, object, options),
        signal,
      ),
    apply: (type, object, options, signal) =>
      sender.send(
        { verb: 'apply', type, key: keyOf(object), subresource: options.subresource },
        () => api.apply(type, object, options),
        signal,
      ),
    // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
    patch: (type, key, patch, options, signal) =>
      sender.send(
        { verb: 'patch', type, key, subresource: options?.subresource },
        () => api.patch(type, key, patch, options),
        signal,
      ),
    delete: (type, key, options, signal) =>
      sender.send({ verb: 'delete', type, key }, () => api.delete(type, key, options), signal),
    watch: (type, options, signal) => {
      const isOperatorWatch = !isLease(type) && !isEvent(type);
      const open = (ended: AbortSignal): ReturnType<KubeApi['watch']> =>
        api.watch(type, options, ended);
      return faultyWatch(process, runContext, { type, isOperatorWatch, open }, signal);
    },
  };
}

/** The cluster, limited to the operator's RBAC rules. Records which process made each write. */
function authorizedApi(
  process: OperatorProcess,
  { cluster, invariantChecker, people, policyRules }: RunContext,
): KubeApi {
  const { api } = cluster;
  const attributed = <T>(verb: string, type: ResourceType, write: () => Promise<T>): Promise<T> =>
    isLease(type) || isEvent(type)
      ? write()
      : invariantChecker.attributeWrites({ process, verb }, write);
  const attributedApi: KubeApi = {
    list: (type, options) => api.list(type, options),
    get: (type, key) => api.get(type, key),
    watch: (type, options, signal) => api.watch(type, options, signal),
    create: (type, object, options) =>
      attributed('create', type, () => api.create(type, object, options)),
    replace: (type, object, options) =>
      attributed('replace', type, () => api.replace(type, object, options)),
    apply: (type, object, options) => {
      people.recordApply(object);
      return attributed('apply', type, () => api.apply(type, object, options));
    },
    patch: (type, key, patch, options) =>
      attributed('patch', type, () => api.patch(type, key, patch, options)),
    delete: (type, key, options) =>
      attributed('delete', type, () => api.delete(type, key, options)),
  };
  if (policyRules === undefined) {
    return attributedApi;
  }
  const onRefused = (message: string): void =>
    invariantChecker.report('the operator has every permission that it needs', message);
  return withPolicyRules(
    { api: attributedApi, typeOf: (object) => cluster.typeOf(object) },
    { ...policyRules, cluster: [...(policyRules.cluster ?? []), LEASE_RULE] },
    { user: 'the operator', onRefused },
  );
}

/** Sends the requests of one process and injects the faults of the run. */
class RequestSender {
  readonly #process: OperatorProcess;
  readonly #runContext: RunContext;

  constructor(process: OperatorProcess, runContext: RunContext) {
    this.#process = process;
    this.#runContext = runContext;
  }

  /**
   * @param run sends the request to the cluster.
   * @throws ApiError or ConnectionError, as a real client does.
   */
  async send<T>(
    request: ProcessRequest,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    await this.#process.waitUntilRunning();
    const isLeaseRequest = isLease(request.type);
    if (isLeaseRequest && this.#process.leaseUnreachable) {
      throw connectionReset();
    }
    if (isLeaseRequest || isEvent(request.type)) {
      const response = await run();
      await this.#process.waitUntilRunning();
      return response;
    }
    signal?.throwIfAborted();
    const fault = this.#visitSite(request);
    this.#visitKind(request.type);
    this.#runContext.kindOutages.check(request.type);
    const response = await this.#sendWithFault(fault, request, run, signal);
    await this.#process.waitUntilRunning();
    this.#recordResponse(request, response);
    return response;
  }

  /** Counts the site of a kind, and begins its outage. */
  #visitKind(type: ResourceType): void {
    const { kindOutages, scheduler, trace } = this.#runContext;
    if (!this.#process.countsFaultSites) {
      return;
    }
    const mayGo = type.kind !== scheduler.resource.kind && kindOutages.canGoAway(type);
    const fault = this.#runContext.visitOnce('kind', mayGo ? 'custom' : 'built-in', type.kind);
    if (fault !== undefined && (fault.kind !== 'kind-gone' || mayGo)) {
      trace.add('cluster', `requests for ${type.plural}`, FAULTS[fault.kind].description);
      kindOutages.begin(fault.kind, type);
    }
  }

  /** Counts the fault site of a request, checks who sends it, and adds it to the trace. */
  #visitSite(request: ProcessRequest): Fault | undefined {
    const isWrite = request.verb !== 'list' && request.verb !== 'get';
    const fault = this.#process.countsFaultSites
      ? this.#runContext.visitSite('request', requestSituation(request), isWrite)
      : undefined;
    if (isWrite) {
      this.#runContext.invariantChecker.recordSend(this.#process);
    }
    this.#runContext.trace.add(
      this.#process.name,
      formatRequest(request),
      fault && FAULTS[fault.kind].description,
    );
    return fault;
  }

  async #sendWithFault<T>(
    fault: Fault | undefined,
    request: ProcessRequest,
    run: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    switch (fault?.kind) {
      case 'crash-before':
        this.#runContext.killProcess(this.#process);
        return neverSettle();
      case 'crash-after':
        await run().catch(() => undefined);
        this.#runContext.killProcess(this.#process);
        return neverSettle();
      case 'crash-late':
        return this.#crashAndSendLate(request, run);
      case 'response-lost':
        await run();
        throw connectionReset();
      case 'slow':
        // The request is on its way: a client that gives up does not cancel it.
        return abortable(
          this.#runContext.eventLoop.delayForFault(SLOW_REQUEST_MS).then(run),
          signal,
        );
      case 'conflict':
      case 'throttled':
      case 'server-error':
      case 'reset':
        throw refusalError(fault);
      default:
        return run();
    }
  }

  async #crashAndSendLate<T>(request: ProcessRequest, run: () => Promise<T>): Promise<never> {
    this.#runContext.killProcess(this.#process);
    await this.#runContext.eventLoop.delayForFault(LATE_ARRIVAL_MS);
    this.#runContext.trace.add(
      this.#process.name,
      `${formatRequest(request)} arrives`,
      'the request was sent before the operator was killed',
    );
    await run().catch(() => undefined);
    return neverSettle();
  }

  #recordResponse({ verb }: ProcessRequest, response: unknown): void {
    if (verb === 'list') {
      for (const object of (response as { items: readonly KubeObject[] }).items) {
        this.#process.recordSeen(object);
      }
      return;
    }
    if (verb === 'delete') {
      return;
    }
    this.#process.recordSeen(response as KubeObject);
    if (verb !== 'get') {
      this.#runContext.invariantChecker.recordResponse(this.#process, response as KubeObject);
    }
  }
}

/** @returns the response, or rejects with the signal's reason if the signal is aborted first. */
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

/** The error of a fault that refuses a request. The messages are those of a real API server. */
function refusalError({ kind }: Fault): Error {
  switch (kind) {
    case 'conflict':
      return new ApiError({
        code: 409,
        reason: 'Conflict',
        message:
          'the object has been modified; please apply your changes to the latest version and try again',
      });
    case 'throttled':
      return new ApiError({
        code: 429,
        reason: 'TooManyRequests',
        message: 'too many requests, please try again later',
        retryAfterSeconds: 2,
      });
    case 'server-error':
      return new ApiError({
        code: 500,
        reason: 'InternalError',
        message: 'Internal error occurred: etcdserver: request timed out',
      });
    default:
      return connectionReset();
  }
}

function connectionReset(): Error {
  return new ConnectionError('the connection was reset');
}

function formatRequest({ verb, type, key, subresource }: ProcessRequest): string {
  const target = key === undefined ? type.plural : objectLabel(type.kind, key);
  return `${verb} ${target}${formatSubresource(subresource)}`;
}

function requestSituation({ verb, type, subresource }: ProcessRequest): string {
  return `${verb} ${type.kind}${formatSubresource(subresource)}`;
}

function formatSubresource(subresource: string | undefined): string {
  return subresource === undefined ? '' : ` (${subresource})`;
}
