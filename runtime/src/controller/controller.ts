/**
 * The controller of the operator's kind: work queue, shared informers and reconciler.
 *
 * Guarantees
 * - At most one reconcile of a resource at a time, and at most `maxConcurrentReconciles` together.
 * - No reconcile starts while the process may not write.
 */
import type { Scheduler } from '../api/scheduler.ts';
import type { Logger } from '../api/worker.ts';
import type { Informer } from '../cache/informer.ts';
import type { RecordEvent } from '../client/event-recorder.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, keyString, parseKey } from '../client/object.ts';
import type { Observer, ResultLabel } from '../observability/observer.ts';
import { runInReconcile } from '../observability/reconcile-context.ts';
import type { Span, Trace } from '../observability/trace.ts';
import { untraced } from '../observability/trace.ts';
import type { MetricsQueries } from '../api/metrics-queries.ts';
import { DEFERRAL_MAX_AGE_MS } from '../reconciler/deferral.ts';
import { Enqueuer } from '../reconciler/dependencies/enqueue.ts';
import { FieldClaims } from '../reconciler/field-claims/apply-claims.ts';
import { OutputApplier } from '../reconciler/outputs/apply-outputs.ts';
import { msUntilTimeout, phaseOf, stallFingerprintOf } from '../reconciler/phase.ts';
import { pauseReason, reconcile } from '../reconciler/reconcile.ts';
import type { ReconcileRequest } from '../reconciler/reconcile-context.ts';
import { toError } from '../reconciler/reconcile-errors.ts';
import type { ReconcileDeps, ReconcileSettings } from '../reconciler/reconcile-deps.ts';
import type { ReconcileResult } from '../reconciler/reconcile-result.ts';
import type { ResourceState } from '../reconciler/resource-state.ts';
import { newResourceState } from '../reconciler/resource-state.ts';
import { contestedRecords } from '../reconciler/undone/repair-records.ts';
import type { Clock, Random } from '../util/clock.ts';
import type { Outcome, QueueObserver } from '../workqueue/work-queue.ts';
import { backoffMs, WorkQueue } from '../workqueue/work-queue.ts';
import type { PhaseCounts } from './phase-counts.ts';
import { countPhases } from './phase-counts.ts';
import { SharedInformers } from './shared-informers.ts';

/**
 * Delay in milliseconds of a reconcile while the process may not write. A lease that only seems to
 * have expired, because the wall clock jumped, is renewed within that time.
 */
const NOT_LEADER_RETRY_MS = 2_000;

/** Options of a controller. */
export interface ControllerOptions {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: Observer;
  /** Default: no spans. */
  readonly trace?: Trace;
  readonly recordEvent: RecordEvent;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  readonly maxConcurrentReconciles: number;
  /**
   * May this process write now? After a suspend (SIGSTOP, a paused virtual machine) events may be
   * delivered before the lease timer fires; reconciles must not start then.
   */
  readonly mayWrite: () => boolean;
  readonly settings: () => ReconcileSettings;
  readonly metricsQueriesFor: (resource: KubeObject, signal: AbortSignal) => MetricsQueries;
}

/** A resource whose worker blocked the event loop of the previous process. */
export interface DeferredResource {
  /** `namespace/name` */
  readonly resource: string;
  /**
   * Number of processes that the worker has ended. The delay is the backoff after as many failures.
   */
  readonly failures: number;
  /** Message of the Event and of the condition. */
  readonly reason: string;
  /** Wall time in milliseconds at which the process ended. Ignored after one hour. */
  readonly at: number;
}

/** A reconcile of one resource, as the controller records it. */
interface ReconcileRecord {
  readonly key: string;
  /** Phase at the begin; `unknown` for an unknown phase. */
  readonly phase: string;
  readonly request: ReconcileRequest;
}

/** Runs the scheduler for all resources of the operator's kind. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #informers: SharedInformers;
  readonly #primary: Informer;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #enqueuer: Enqueuer;
  readonly #resourceStates = new Map<string, ResourceState>();
  readonly #deps: ReconcileDeps;
  #reconcileCount = 0;
  #isStarted = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ControllerOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#informers = new SharedInformers(options);
    const { primary, forInput, forOutput } = this.#informers;
    this.#primary = primary;
    const fieldClaims = new FieldClaims({ ...options, informerOf: forInput });
    const outputs = new OutputApplier({ ...options, fieldClaims, informerOf: forOutput });
    const concurrency = options.maxConcurrentReconciles;
    this.#queue = new WorkQueue({
      clock,
      random,
      concurrency,
      process: (key) => this.#reconcile(key),
      observer: queueObserverOf(options.observer),
    });
    this.#deps = { ...options, primary, informers: this.#informers, outputs, fieldClaims };
    this.#enqueuer = new Enqueuer({
      group: options.scheduler.resource.group,
      outputs,
      isForOutputs: (informer) => this.#informers.isForOutputs(informer),
      enqueue: (key, add) => this.#queue.add(key, add),
      clearStall: (key) => this.#clearStall(key),
      requireReread: (key) => this.#requireReread(key),
    });
    this.#primary.subscribe((change) => this.#enqueuer.resourceChanged(change, this.#isStarted));
    for (const informer of this.#informers.all) {
      informer.subscribe((change) => this.#enqueuer.objectChanged(informer, change));
      informer.subscribeAvailability(() => this.#availabilityChanged(informer));
    }
  }

  /** Starts the watches. Resolves when every cache is synced, or its kind known as unavailable. */
  async startInformers(): Promise<void> {
    const { api, clock, random } = this.#options;
    const { signal } = this.#stop;
    this.#running = this.#informers.run({ api, clock, random }, signal);
    await this.#informers.waitForSync(signal);
  }

  /**
   * Resolves when every cache has the state that the API server had at `since`, for a new leader.
   *
   * @param since monotonic time in milliseconds
   */
  async waitUntilCaughtUp(since: number): Promise<void> {
    await this.#informers.waitUntilCaughtUp(since, this.#options, this.#stop.signal);
  }

  /** Why the operator's own kind cannot be read. Undefined: it can. */
  get ownKindProblem(): string | undefined {
    const { unavailableReason, scope } = this.#primary;
    return unavailableReason && `${scope.type.kind} cannot be read: ${unavailableReason}`;
  }

  /** Resolves when a read of the operator's own kind succeeds after `since`. */
  async waitUntilOwnKindIsRead(since: number): Promise<void> {
    const { signal } = this.#stop;
    await this.#primary.waitUntilCaughtUp(since, this.#options, signal);
    await this.#primary.waitUntilRead(signal);
  }

  /**
   * Starts the reconciles: every resource once, then on changes and timers.
   *
   * @param deferredResources resources whose worker is called later than those of all others
   */
  start(deferredResources: readonly DeferredResource[] = []): void {
    this.#isStarted = true;
    this.enqueueAll();
    for (const deferred of deferredResources) {
      this.#defer(deferred);
    }
    this.#queue.start();
  }

  #defer({ resource: key, failures, reason, at }: DeferredResource): void {
    const { scheduler, clock, random, recordEvent } = this.#options;
    const resource = this.#primary.get(parseKey(key));
    if (resource === undefined || clock.now() - at >= DEFERRAL_MAX_AGE_MS) {
      return;
    }
    const deferral = {
      message: reason,
      until: clock.monotonic() + backoffMs(failures, random),
      stallFingerprint: stallFingerprintOf(resource, scheduler),
    };
    this.#resourceStates.set(key, { ...newResourceState(resource.metadata.uid), deferral });
    recordEvent(resource, 'Warning', 'WorkerBlocked', reason);
  }

  /** Enqueues all resources with low priority. */
  enqueueAll(): void {
    for (const resource of this.#primary.list()) {
      this.#queue.add(keyString(keyOf(resource)), { priority: 'due', cause: 'start' });
    }
  }

  /** Number of reconciles under way or due now. */
  pendingCount(): number {
    return this.#queue.pending;
  }

  /** Kinds that cannot be read now, each with the reason. */
  unavailableKinds(): readonly { readonly kind: string; readonly reason: string }[] {
    return this.#informers.unavailableKinds();
  }

  /** Counts of the resources in each phase, for metrics. */
  phaseCounts(): ReadonlyMap<string, PhaseCounts> {
    return countPhases(this.#options.scheduler, this.#primary.list(), this.#options.clock.now());
  }

  /** The work queue, for metrics. */
  get queue(): Pick<WorkQueue, 'depth' | 'unfinished'> {
    return this.#queue;
  }

  /** Number of resources whose worker did not stop after its signal was aborted. */
  get quarantinedCount(): number {
    return [...this.#resourceStates.values()].filter(({ isQuarantined }) => isQuarantined).length;
  }

  /** Number of objects that other clients set back again and again, or that are given up. */
  get contestedCount(): number {
    const now = this.#options.clock.monotonic();
    return [...this.#resourceStates.values()].reduce(
      (sum, { undone }) => sum + contestedRecords(undone, now).length,
      0,
    );
  }

  /** Sizes of all per-resource maps, by name. All are 0 when all resources are deleted. */
  get entryCounts(): Readonly<Record<string, number>> {
    const { outputs, fieldClaims } = this.#deps;
    const cached = [...this.#informers.all].reduce((sum, { size }) => sum + size, 0);
    return {
      cached,
      queued: this.#queue.size,
      resourceStates: this.#resourceStates.size,
      enqueuer: this.#enqueuer.size,
      outputs: outputs.size,
      fieldClaims: fieldClaims.size,
    };
  }

  /** All informers, for readiness and metrics. */
  get informers(): Iterable<Informer> {
    return this.#informers.all;
  }

  /**
   * Stops the controller: starts no more reconciles, waits for those under way, then stops the
   * watches.
   *
   * @param drainMs drain timeout in milliseconds, after which running reconciles are aborted
   */
  async stop(drainMs: number): Promise<void> {
    const abort = (): void => this.#stop.abort(new Error('the operator is stopping'));
    const drained = this.#queue.stop();
    const timer = this.#options.clock.after(drainMs, abort);
    await drained;
    timer.cancel();
    abort();
    await this.#running;
  }

  /** Aborts everything immediately: the lease is lost, so nothing may be written. */
  abort(): void {
    this.#stop.abort(new Error('the lease is lost'));
  }

  /**
   * Enqueues every resource whose phase reads a kind that can be read again, or no longer. A kind
   * that phases write enqueues all: an earlier phase may have left objects or claims in it. Also
   * enqueues the resources that are being deleted, because outputs of any kind are deleted first.
   */
  #availabilityChanged(informer: Informer): void {
    if (!this.#isStarted) {
      return;
    }
    const { scheduler } = this.#options;
    for (const resource of this.#primary.list()) {
      const inputs = phaseOf(scheduler, resource)?.inputs ?? [];
      const readsKind = inputs.some((input) => this.#informers.forInput(input) === informer);
      const mayHaveLeftSomething = this.#informers.isForOutputs(informer);
      if (readsKind || mayHaveLeftSomething || resource.metadata.deletionTimestamp !== undefined) {
        const key = keyString(keyOf(resource));
        this.#clearStall(key);
        this.#queue.add(key, { cause: 'input', priority: 'due', resetBackoff: true });
      }
    }
  }

  #clearStall(key: string): void {
    const state = this.#resourceStates.get(key);
    if (state !== undefined) {
      state.stallFingerprint = undefined;
    }
  }

  #requireReread(key: string): void {
    const state = this.#resourceStates.get(key);
    if (state !== undefined) {
      state.mustReread = true;
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    if (!this.#options.mayWrite()) {
      return { type: 'after', ms: NOT_LEADER_RETRY_MS };
    }
    const resource = this.#primary.get(parseKey(key));
    if (resource === undefined) {
      return this.#forget(key);
    }
    try {
      return await this.#reconcileResource(key, resource);
    } catch (error) {
      this.#reportUnexpected(key, resource, error);
      return { type: 'failed' };
    }
  }

  /** The last resort: a reconcile never throws, so this is a defect of the runtime. */
  #reportUnexpected(key: string, resource: KubeObject, thrown: unknown): void {
    const { log, observer, recordEvent, scheduler } = this.#options;
    const { message, stack } = toError(thrown);
    log.error('unexpected error in a reconcile', { resource: key, error: message, stack });
    const phase = phaseOf(scheduler, resource)?.name ?? 'unknown';
    observer.event({ type: 'reconcileFailed', resource: keyOf(resource), phase, message });
    recordEvent(resource, 'Warning', 'InternalError', message);
  }

  async #reconcileResource(key: string, resource: KubeObject): Promise<Outcome> {
    const state = this.#stateOf(key, resource);
    const skipped = this.#shouldSkip(resource, state);
    if (skipped !== undefined) {
      return skipped;
    }
    const record: ReconcileRecord = {
      key,
      phase: phaseOf(this.#options.scheduler, resource)?.name ?? 'unknown',
      request: {
        resource,
        deps: this.#deps,
        state,
        tracker: this.#enqueuer.beginReconcile(key),
        signal: this.#stop.signal,
      },
    };
    return this.#reconcileRecorded(record);
  }

  /** Drops everything about a deleted resource. A quarantined resource keeps its state. */
  #forget(key: string): Outcome {
    if (this.#resourceStates.get(key)?.isQuarantined !== true) {
      this.#resourceStates.delete(key);
    }
    this.#enqueuer.forget(key);
    return { type: 'forget' };
  }

  /**
   * The state of a resource; a new one for a resource that was created again. While the worker of
   * the earlier resource still runs, the new state replaces the quarantined one.
   */
  #stateOf(key: string, { metadata }: KubeObject): ResourceState {
    const known = this.#resourceStates.get(key);
    const state = known?.uid === metadata.uid ? known : undefined;
    const current = state ?? newResourceState(metadata.uid);
    this.#resourceStates.set(key, current);
    return current;
  }

  /**
   * Decides whether the resource needs a reconcile now. A stalled resource needs none until its
   * phase times out. A paused resource is reconciled although stalled, so that status says Paused.
   *
   * @returns the outcome without a reconcile. Undefined: reconcile
   */
  #shouldSkip(resource: KubeObject, state: ResourceState): Outcome | undefined {
    const { scheduler, clock } = this.#options;
    if (state.isQuarantined) {
      return { type: 'done' };
    }
    const phase = phaseOf(scheduler, resource);
    const timeLeft = phase && msUntilTimeout(resource, phase, clock.now());
    const isStalled = state.stallFingerprint === stallFingerprintOf(resource, scheduler);
    if (!isStalled || timeLeft === 0) {
      return undefined;
    }
    const isDeleting = resource.metadata.deletionTimestamp !== undefined;
    if (!isDeleting && pauseReason(resource, this.#deps) !== undefined) {
      return undefined;
    }
    return timeLeft === undefined ? { type: 'done' } : { type: 'after', ms: timeLeft };
  }

  /** Reconciles, then updates the dependency index, the resource state and the metrics. */
  async #reconcileRecorded(record: ReconcileRecord): Promise<Outcome> {
    const { observer, clock } = this.#options;
    const started = clock.monotonic();
    observer.reconcileStarted();
    const result = await this.#reconcileTraced(record).catch((error: unknown) => {
      this.#reportUnexpected(record.key, record.request.resource, error);
      return { outcome: { type: 'failed' }, error: toError(error).message } as const;
    });
    this.#recordResult(record, result);
    observer.reconcileEnded(
      record.phase,
      resultLabelOf(result),
      (clock.monotonic() - started) / 1000,
      errorTypeOf(result),
    );
    return result.outcome;
  }

  /**
   * Reconciles in a trace of its own: the enqueuing write belongs to the trace of another resource,
   * and a chain of such traces would have no end.
   */
  #reconcileTraced({ key, phase, request }: ReconcileRecord): Promise<ReconcileResult> {
    const { trace = untraced } = this.#options;
    const attributes = { 'autopilot.resource': key, 'autopilot.phase': phase };
    const run = async (span: Span): Promise<ReconcileResult> => {
      const result = await reconcile(request);
      span.set({ 'autopilot.outcome': result.outcome.type });
      if (result.error !== undefined || resultLabelOf(result) === 'error') {
        span.fail(result.error ?? 'the reconcile is retried with backoff');
      }
      return result;
    };
    const reconcileId = String(++this.#reconcileCount);
    return runInReconcile({ resource: key, phase, reconcileId }, () =>
      trace('reconcile', attributes, run, 'root'),
    );
  }

  /**
   * The resource is stalled in the form in which the worker saw it. When something that the worker
   * has read changed meanwhile, the resource is not stalled.
   */
  #recordResult({ key, request }: ReconcileRecord, result: ReconcileResult): void {
    const { resource, state, tracker } = request;
    const { stalled = false, allReadsSeen = false, stuckWorker } = result;
    const changedMeanwhile = this.#enqueuer.endReconcile(key, tracker, allReadsSeen);
    state.stallFingerprint =
      stalled && !changedMeanwhile
        ? stallFingerprintOf(resource, this.#options.scheduler)
        : undefined;
    if (stuckWorker !== undefined) {
      this.#quarantine(key, state, stuckWorker);
    }
  }

  /** No reconcile of the resource until its worker ends. */
  #quarantine(key: string, state: ResourceState, stuck: Promise<unknown>): void {
    state.isQuarantined = true;
    void stuck.finally(() => {
      state.isQuarantined = false;
      this.#queue.add(key, { cause: 'released' });
    });
  }
}

function queueObserverOf(observer: Observer): QueueObserver {
  return {
    added: (cause) => {
      observer.queueAdded();
      observer.enqueued(cause);
    },
    began: (ms) => observer.queueBegan(ms),
    ended: (ms) => observer.queueEnded(ms),
    retried: () => observer.queueRetried(),
  };
}

/** The label `result` of the metrics, with the values of controller-runtime. */
function resultLabelOf({ outcome, stalled }: ReconcileResult): ResultLabel {
  if (stalled === true) {
    return 'error';
  }
  switch (outcome.type) {
    case 'failed':
      return 'error';
    case 'after':
      return 'requeue_after';
    case 'again':
      return 'requeue';
    case 'done':
    case 'forget':
      return 'success';
    default:
      return outcome satisfies never;
  }
}

function errorTypeOf({ stalled, stuckWorker }: ReconcileResult): 'stalled' | 'timeout' | undefined {
  if (stalled === true) {
    return 'stalled';
  }
  return stuckWorker === undefined ? undefined : 'timeout';
}
