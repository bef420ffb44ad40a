/**
 * Starts an operator whose API client, clock and randomness are given: by `run` for a process, by
 * the sandbox for a test.
 *
 * Order of the start: first attempt to acquire the lease, initial lists, election, catching up with
 * the API server, reconciles. A lease that is free is acquired before the initial lists, so that
 * they need not be repeated. Order of the stop: no new reconciles, running reconciles, Events,
 * watches, lease.
 */
import type { Clock, Random } from '../util/clock.ts';
import { LeaderElector } from '../leader-election/leader-elector.ts';
import type { GuardableKubeApi } from '../client/http-kube-api.ts';
import { WriteFence } from '../leader-election/write-fence.ts';
import { leaseName } from '../client/well-known-names.ts';
import type { KubeObject } from '../client/object.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import type { DeferredResource } from '../controller/controller.ts';
import { Controller } from '../controller/controller.ts';
import { logEvents } from '../observability/operator-event.ts';
import type { OperatorEvent } from '../observability/operator-event.ts';
import type { Observer } from '../observability/observer.ts';
import { combineObservers } from '../observability/observer.ts';
import type { Trace } from '../observability/trace.ts';
import { tracedApi, untraced } from '../observability/trace.ts';
import { createMetricsQueries, createPrometheusClient } from '../queries/prometheus-client.ts';
import type { QueryMetrics } from '../queries/prometheus-client.ts';
import type { Scheduler } from '../api/scheduler.ts';
import { validateUserConfig } from '../api/config-schema.ts';
import type { Logger } from '../api/worker.ts';
import { settingsOf } from './config.ts';
import type { LiveSettings, OperatorConfig, OperatorSettings } from './config.ts';
import { createThrottledWarnings } from './throttled-warnings.ts';
import type { ThrottledWarnings } from './throttled-warnings.ts';

/**
 * Drain timeout. 30 s and the 5 s that a worker has after its signal must stay below the 45 s of
 * the chart's `terminationGracePeriodSeconds`.
 */
const DRAIN_TIMEOUT_MS = 30_000;
/**
 * Time in milliseconds within which a process that holds the lease must lead. Afterwards it gives
 * the lease back, so that another replica can lead.
 */
const LEAD_WITHIN_MS = 60_000;
/** Longest time in milliseconds for which the lease is kept to send an Event. */
const EVENT_TIME_MS = 5_000;

/** What an operator needs from its surroundings. */
export interface OperatorOptions {
  /** The phases and their workers: `src/generated/scheduler.ts` of a project. */
  readonly scheduler: Scheduler;
  /** Client of the API server. */
  readonly api: GuardableKubeApi;
  /** Wall clock, monotonic clock and timers. */
  readonly clock: Clock;
  /** Source of randomness, for jitter and tokens. */
  readonly random: Random;
  /** Logger of the operator and of its workers. */
  readonly log: Logger;
  /**
   * Fields of autopilot-operator.yaml, over the defaults. Leader election is off unless
   * `enableLeaderElection` is true here.
   */
  readonly config?: OperatorConfig;
  /** Name of this replica in the Lease and in Events. Default: `autopilot`. */
  readonly identity?: string;
  /** Called for each transition, write and failure. Must not throw. */
  readonly onEvent?: (event: OperatorEvent) => void;
  /** Called for everything that metrics count. Default: nothing is called. */
  readonly observer?: Partial<Observer>;
  /** Makes spans. Default: no spans. */
  readonly trace?: Trace;
  /** Resources whose worker blocked the previous process. Their first reconcile is delayed. */
  readonly deferredResources?: readonly DeferredResource[];
  /** Executes metrics queries. Default: queries Prometheus at `config.metrics.address`. */
  readonly queryMetrics?: QueryMetrics;
}

/** A running operator. */
export interface Operator {
  /**
   * Resolves when the initial lists are complete and reconciles run; on a standby, when the initial
   * lists are complete. Rejects when the operator is stopped before.
   */
  readonly ready: Promise<void>;
  /** Resolves when the lease was lost. The process must then end. */
  readonly lost: Promise<void>;
  /** Whether this replica reconciles. */
  isLeading(): boolean;
  /**
   * Number of reconciles that are running or due now. A sandbox is quiescent when this is 0 and
   * every event has been delivered.
   */
  pendingCount(): number;
  /** The controller's counters, for metrics, readiness checks and tests. */
  readonly controller: Pick<
    Controller,
    | 'phaseCounts'
    | 'unavailableKinds'
    | 'queue'
    | 'informers'
    | 'quarantinedCount'
    | 'contestedCount'
    | 'entryCounts'
  >;
  /** Identity of the leader, as last seen. Undefined without leader election. */
  holder(): string | undefined;
  /** Records whether the configuration file is in effect: in an Event and for `configProblem`. */
  reportConfig(problem: string | undefined): void;
  /** Why the configuration file is not in effect. Undefined: it is. */
  configProblem(): string | undefined;
  /** Why this replica cannot lead. Undefined: it leads, stands by, or is starting. */
  leadershipProblem(): string | undefined;
  /** Changes settings of the running operator: intervals, timeouts, pause, the user's config. */
  configure(changes: Partial<LiveSettings>): void;
  /**
   * Starts no new reconciles, waits for running ones (after 30 s their signals are aborted), ends
   * the watches and releases the lease.
   */
  stop(): Promise<void>;
}

/**
 * Starts an operator.
 *
 * @throws Error when a field of `options.config` is unknown or has a wrong value.
 */
export function startOperator(options: OperatorOptions): Operator {
  const config = { enableLeaderElection: false, ...options.config };
  return startWithSettings(options, settingsOf(config, options.scheduler.config));
}

/**
 * Starts an operator whose configuration has been read already.
 *
 * @param options `options.config` is ignored.
 */
export function startWithSettings(options: OperatorOptions, settings: OperatorSettings): Operator {
  const operator = new RunningOperator(options, settings);
  operator.start();
  return operator;
}

class RunningOperator implements Operator {
  readonly #options: OperatorOptions;
  readonly #identity: string;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<void>();
  readonly #fence: WriteFence | undefined;
  readonly #eventRecorder: EventRecorder;
  readonly #controller: Controller;
  #settings: OperatorSettings;
  #leaderElector: LeaderElector | undefined;
  #isLeading = false;
  #leadershipProblem: string | undefined;
  #configProblem: string | undefined;
  ready: Promise<void> = Promise.resolve();

  constructor(options: OperatorOptions, settings: OperatorSettings) {
    const { api, scheduler, clock, log, identity = 'autopilot' } = options;
    this.#options = options;
    this.#settings = settings;
    this.#identity = identity;
    this.#fence = settings.leaderElection
      ? new WriteFence(api, () => this.#leaderElector)
      : undefined;
    const warnings = createThrottledWarnings(log, clock);
    const observer = observerOf(options, warnings);
    this.#eventRecorder = new EventRecorder({
      // Without spans: an Event is sent when there is time, outside of any reconcile.
      api: this.#fence?.api ?? api,
      clock,
      operatorName: scheduler.operatorName,
      instance: identity,
      isBusy: () => {
        const { changed, due } = this.#controller.queue.depth;
        return changed + due > 0;
      },
      onResult: (result) => observer.eventHandled(result),
    });
    this.#controller = this.#createController(observer, warnings);
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get controller(): Controller {
    return this.#controller;
  }

  start(): void {
    this.ready = this.#start();
    this.ready.catch(() => undefined);
  }

  isLeading(): boolean {
    return this.#isLeading;
  }

  pendingCount(): number {
    return this.#controller.pendingCount();
  }

  holder(): string | undefined {
    return this.#leaderElector?.holder();
  }

  configProblem(): string | undefined {
    return this.#configProblem;
  }

  reportConfig(problem: string | undefined): void {
    this.#configProblem = problem;
    if (problem !== undefined && this.#leaderElector !== undefined) {
      this.#eventRecorder.record(this.#lease(), 'Warning', 'ConfigRefused', problem);
    }
  }

  leadershipProblem(): string | undefined {
    return this.#leadershipProblem;
  }

  configure(changes: Partial<LiveSettings>): void {
    const { paused } = this.#settings;
    const settings = { ...this.#settings, ...changes };
    const config = validateUserConfig(this.#options.scheduler.config, settings.config);
    this.#settings = { ...settings, config };
    if (paused !== settings.paused && this.#isLeading) {
      this.#controller.enqueueAll();
    }
  }

  async stop(): Promise<void> {
    await this.#controller.stop(DRAIN_TIMEOUT_MS);
    await this.#eventRecorder.stop();
    await this.#fence?.writesSettled();
    this.#stopping.abort(new Error('the operator is stopping'));
    await this.#leaderElector?.release();
    this.#isLeading = false;
  }

  #createController(observer: Observer, warnings: ThrottledWarnings): Controller {
    const { scheduler, api, clock, random, log, trace = untraced } = this.#options;
    const { watchNamespaces, maxConcurrentReconciles } = this.#settings;
    const queryMetrics =
      this.#options.queryMetrics ??
      createPrometheusClient(
        () => this.#settings.metrics,
        (warning) => warnings.prometheusWarned(warning),
      );
    return new Controller({
      scheduler,
      api: tracedApi(this.#fence?.api ?? api, trace),
      clock,
      random,
      log,
      observer,
      trace,
      recordEvent: (...event) => this.#eventRecorder.record(...event),
      watchNamespaces,
      maxConcurrentReconciles,
      mayWrite: () => this.#fence === undefined || this.#leaderElector?.mayWrite() === true,
      settings: () => this.#settings,
      metricsQueriesFor: (resource, signal) =>
        createMetricsQueries(scheduler.queries, resource.metadata.namespace, queryMetrics, signal),
    });
  }

  async #start(): Promise<void> {
    if (this.#settings.leaderElection) {
      await this.#startElection();
    }
    const synced = this.#controller.startInformers();
    if (this.#leaderElector !== undefined) {
      // Not awaited: a standby is ready as soon as its initial lists are complete.
      void this.#leadWhenElected(this.#leaderElector, synced).catch((error: Error) => {
        if (!this.#stopping.signal.aborted) {
          this.#options.log.error('cannot start the controller', { error: error.message });
        }
      });
      return synced;
    }
    await synced;
    this.#startLeading();
  }

  /** Leads with the lease. A process that cannot lead gives it back, and stands again later. */
  async #leadWhenElected(elector: LeaderElector, synced: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const acquiredAt = await elector.acquired;
    const late = Promise.withResolvers<false>();
    const timer = clock.after(LEAD_WITHIN_MS, () => late.resolve(false));
    const canLead = synced
      .then(() => this.#controller.waitUntilCaughtUp(acquiredAt))
      .then(() => true);
    const isInTime = await Promise.race([canLead, late.promise]).finally(() => timer.cancel());
    if (isInTime) {
      this.#leadershipProblem = undefined;
      return this.#startLeading();
    }
    canLead.catch(() => undefined);
    await this.#giveBackLease(elector);
    await this.#controller.waitUntilOwnKindIsRead(clock.monotonic());
    const next = await this.#startElection();
    return this.#leadWhenElected(next, synced);
  }

  async #giveBackLease(elector: LeaderElector): Promise<void> {
    const { clock, log } = this.#options;
    const problem = this.#controller.ownKindProblem ?? 'the caches are not filled in time';
    this.#leadershipProblem = problem;
    log.error('this replica cannot lead and gives the lease back', { error: problem });
    const note = `${this.#identity} cannot lead and gives the lease back: ${problem}`;
    this.#eventRecorder.record(this.#lease(), 'Warning', 'CannotLead', note);
    const limit = Promise.withResolvers<void>();
    const timer = clock.after(EVENT_TIME_MS, () => limit.resolve());
    await Promise.race([this.#eventRecorder.sent(), limit.promise]);
    timer.cancel();
    await elector.release();
  }

  /** The Lease, for Events about the operator itself. */
  #lease(): KubeObject {
    const { leaderElectionNamespace: namespace = 'default', watchNamespaces } = this.#settings;
    const name = leaseName(this.#options.scheduler.operatorName, watchNamespaces);
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } };
  }

  /** Resolves after the first attempt to acquire the lease. */
  async #startElection(): Promise<LeaderElector> {
    const { api, clock, random, log, scheduler } = this.#options;
    const { leaderElectionNamespace: namespace, watchNamespaces } = this.#settings;
    if (namespace === undefined) {
      throw new Error(
        'leader election has no namespace: set leaderElectionNamespace, or enableLeaderElection: false',
      );
    }
    const identity = this.#identity;
    const key = { namespace, name: leaseName(scheduler.operatorName, watchNamespaces) };
    const lease = `${namespace}/${key.name}`;
    const onNewLeader = (holder: string): void =>
      log.info('another replica holds the lease; standing by', { lease, holder });
    const onError = (error: string): void =>
      log.warn('cannot read or write the lease', { lease, error });
    const elector = new LeaderElector({
      api,
      clock,
      random,
      key,
      identity,
      onNewLeader,
      onError,
    });
    void elector.run(this.#stopping.signal);
    this.#leaderElector = elector;
    void elector.acquired.then(() => log.info('lease acquired', { lease, identity }));
    void elector.lost.then(() => {
      this.#isLeading = false;
      this.#controller.abort();
      log.error('lease lost; no further writes', { lease });
      this.#lost.resolve();
    });
    await elector.firstAttempt;
    return elector;
  }

  #startLeading(): void {
    if (this.#stopping.signal.aborted) {
      return;
    }
    this.#isLeading = true;
    this.#controller.start(this.#options.deferredResources);
  }
}

function observerOf(options: OperatorOptions, warnings: ThrottledWarnings): Observer {
  const { observer = {}, log, onEvent } = options;
  return combineObservers(
    observer,
    { event: logEvents(log) },
    warnings,
    onEvent === undefined ? {} : { event: onEvent },
  );
}
