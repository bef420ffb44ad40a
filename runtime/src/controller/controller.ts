/**
 * Runs a scheduler over all resources: informers in, syncs out.
 */
import type { Informer } from '../cache/informer.ts';
import type { Clock, Random } from '../util/clock.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import { keyOf, parseKey, keyString } from '../client/object.ts';
import type { RecordEvent } from '../client/event-recorder.ts';
import { runInReconcile } from '../observability/reconcile-context.ts';
import type { Observer, ResultLabel } from '../observability/observer.ts';
import type { Trace } from '../observability/trace.ts';
import { untraced } from '../observability/trace.ts';
import type { MetricsQueries } from '../api/metrics-queries.ts';
import type { Outcome, QueueObserver } from '../workqueue/work-queue.ts';
import { backoffMs, WorkQueue } from '../workqueue/work-queue.ts';
import type { Scheduler } from '../api/scheduler.ts';
import type { Logger } from '../api/worker.ts';
import { SharedInformers } from './shared-informers.ts';
import { DEFERRAL_MAX_AGE_MS } from '../reconciler/deferral.ts';
import type { ReconcileResult } from '../reconciler/update-status.ts';
import type { ResourceState } from '../reconciler/resource-state.ts';
import { newResourceState } from '../reconciler/resource-state.ts';
import { OutputApplier } from '../reconciler/outputs/apply-outputs.ts';
import type { ReconcileDeps, ReconcileSettings } from '../reconciler/reconcile-deps.ts';
import type { PhaseCounts } from './phase-counts.ts';
import { countPhases } from './phase-counts.ts';
import { phaseOf, stallFingerprintOf, msUntilTimeout } from '../reconciler/phase.ts';
import { FieldClaims } from '../reconciler/field-claims/apply-claims.ts';
import { pauseReason, reconcile } from '../reconciler/reconcile.ts';
import { Enqueuer } from '../reconciler/dependencies/enqueue.ts';

/**
 * A lease that only seems to have run out (the wall clock jumped) is renewed within two seconds.
 */
const NOT_LEADER_RETRY_MS = 2_000;

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
  readonly watchNamespaces: readonly string[];
  readonly maxConcurrentReconciles: number;
  /**
   * May this process write now? Without it no sync begins: a process that has stood still hears
   * news before it knows that it lost its lease.
   */
  readonly mayWrite: () => boolean;
  readonly settings: () => ReconcileSettings;
  readonly metricsQueriesFor: (resource: KubeObject, signal: AbortSignal) => MetricsQueries;
}

/** A resource whose worker ended the last process. */
export interface DeferredResource {
  /** `namespace/name` */
  readonly resource: string;
  /** It waits as after so many failures. */
  readonly failures: number;
  /** For an Event and a condition. */
  readonly reason: string;
  /**
   * When that process was ended, by the wall clock: after an hour it says nothing any more, also to
   * a process that leads only then.
   */
  readonly at: number;
}

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
    });
    this.#primary.subscribe((change) => this.#enqueuer.resourceChanged(change, this.#isStarted));
    for (const informer of this.#informers.all) {
      informer.subscribe((change) => this.#enqueuer.objectChanged(informer, change));
    }
  }

  /** Starts to watch. Resolves when every cache is filled (or known to be unavailable). */
  async startInformers(): Promise<void> {
    const { api, clock, random } = this.#options;
    const { signal } = this.#stop;
    this.#running = this.#informers.run({ api, clock, random }, signal);
    await this.#informers.waitForSync(signal);
  }

  /**
   * Resolves when every cache is at least as new as the API server was at `since` (monotonic): what
   * a new leader starts from.
   */
  async waitUntilCaughtUp(since: number): Promise<void> {
    await this.#informers.waitUntilCaughtUp(since, this.#options, this.#stop.signal);
  }

  /**
   * Starts to sync: every resource once, then by need. @param heldBack resources whose worker is
   * called later than those of all others
   */
  start(deferredResources: readonly DeferredResource[] = []): void {
    const { scheduler, clock, random, recordEvent } = this.#options;
    this.#isStarted = true;
    this.enqueueAll();
    for (const { resource: key, failures, reason, at } of deferredResources) {
      const resource = this.#primary.get(parseKey(key));
      if (resource === undefined || clock.now() - at >= DEFERRAL_MAX_AGE_MS) {
        continue;
      }
      const until = clock.monotonic() + backoffMs(failures, random);
      this.#resourceStates.set(key, {
        ...newResourceState(resource.metadata.uid),
        deferral: {
          message: reason,
          until,
          stallFingerprint: stallFingerprintOf(resource, scheduler),
        },
      });
      recordEvent(resource, 'Warning', 'WorkerBlocked', reason);
    }
    this.#queue.start();
  }

  enqueueAll(): void {
    for (const resource of this.#primary.list()) {
      this.#queue.add(keyString(keyOf(resource)), { priority: 'due', cause: 'start' });
    }
  }

  /** Syncs under way or due now. */
  pendingCount(): number {
    return this.#queue.pending;
  }

  /** Kinds that cannot be read now, with the reason. */
  unavailableKinds(): readonly { readonly kind: string; readonly reason: string }[] {
    return this.#informers.unavailableKinds();
  }

  /** How the resources stand in each phase. */
  phaseCounts(): ReadonlyMap<string, PhaseCounts> {
    return countPhases(this.#options.scheduler, this.#primary.list(), this.#options.clock.now());
  }

  get queue(): Pick<WorkQueue, 'depth' | 'unfinished'> {
    return this.#queue;
  }

  /** Resources whose worker did not end when it was told to. */
  get quarantinedCount(): number {
    return [...this.#resourceStates.values()].filter(({ isQuarantined }) => isQuarantined).length;
  }

  /** How many entries are kept, of what: with the resources that they are of, all of them go. */
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

  /** All caches, for readiness and metrics. */
  get informers(): Iterable<Informer> {
    return this.#informers.all;
  }

  /**
   * No new syncs; waits for those under way for `drainMs`, then aborts them and ends the watches.
   */
  async stop(drainMs: number): Promise<void> {
    const drained = this.#queue.stop();
    const timer = this.#options.clock.after(drainMs, () =>
      this.#stop.abort(new Error('the operator is stopping')),
    );
    await drained;
    timer.cancel();
    this.#stop.abort(new Error('the operator is stopping'));
    await this.#running;
  }

  /** At once: the lease is lost, nothing may be written any more. */
  abort(): void {
    this.#stop.abort(new Error('the lease is lost'));
  }

  #clearStall(key: string): void {
    const state = this.#resourceStates.get(key);
    if (state !== undefined) {
      state.stallFingerprint = undefined;
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { scheduler, observer, clock, mayWrite } = this.#options;
    if (!mayWrite()) {
      return { type: 'after', ms: NOT_LEADER_RETRY_MS };
    }
    const resource = this.#primary.get(parseKey(key));
    const known = this.#resourceStates.get(key);
    if (resource === undefined) {
      if (known?.isQuarantined !== true) {
        this.#resourceStates.delete(key);
      }
      this.#enqueuer.forget(key);
      return { type: 'forget' };
    }
    const state =
      known !== undefined && known.uid === resource.metadata.uid
        ? known
        : newResourceState(resource.metadata.uid);
    if (state.isQuarantined) {
      return { type: 'done' };
    }
    this.#resourceStates.set(key, state);
    const current = phaseOf(scheduler, resource);
    const msLeft =
      current === undefined ? undefined : msUntilTimeout(resource, current, clock.now());
    const isStalled =
      state.stallFingerprint === stallFingerprintOf(resource, scheduler) && msLeft !== 0;
    const isPaused =
      resource.metadata.deletionTimestamp === undefined &&
      pauseReason(resource, this.#deps) !== undefined;
    if (isStalled && !isPaused) {
      return msLeft === undefined ? { type: 'done' } : { type: 'after', ms: msLeft };
    }
    const started = clock.monotonic();
    const tracker = this.#enqueuer.beginReconcile(key);
    observer.reconcileStarted();
    const phase = current?.name ?? 'unknown';
    const { trace = untraced } = this.#options;
    const end = await runInReconcile(
      { resource: key, phase, reconcileId: String(++this.#reconcileCount) },
      () =>
        // Of its own: what woke it may be the write of another one's sync, and a chain of those has
        // no end.
        trace(
          'reconcile',
          { 'autopilot.resource': key, 'autopilot.phase': phase },
          async (span) => {
            const result = await reconcile(resource, this.#deps, state, tracker, this.#stop.signal);
            span.set({ 'autopilot.outcome': result.outcome.type });
            if (result.error !== undefined || resultLabelOf(result) === 'error') {
              span.fail(result.error ?? 'it could not be ended, and comes again');
            }
            return result;
          },
          'root',
        ),
    );
    const changedMeanwhile = this.#enqueuer.endReconcile(key, tracker, end.allReadsSeen === true);
    // Of the resource as the worker saw it: what has changed since is still to be acted on.
    state.stallFingerprint =
      end.stalled === true && !changedMeanwhile
        ? stallFingerprintOf(resource, scheduler)
        : undefined;
    if (end.stuckWorker !== undefined) {
      this.#quarantine(key, state, end.stuckWorker);
    }
    const errorType =
      end.stalled === true ? 'stalled' : end.stuckWorker === undefined ? undefined : 'timeout';
    observer.reconcileEnded(
      phase,
      resultLabelOf(end),
      (clock.monotonic() - started) / 1000,
      errorType,
    );
    return end.outcome;
  }

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

function resultLabelOf({ outcome, stalled }: ReconcileResult): ResultLabel {
  if (outcome.type === 'failed' || stalled === true) {
    return 'error';
  }
  return outcome.type === 'after'
    ? 'requeue_after'
    : outcome.type === 'again'
      ? 'requeue'
      : 'success';
}
