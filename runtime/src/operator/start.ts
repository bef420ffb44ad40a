/**
 * An operator behind its ports: the same start for the process (`run`) and for the sandbox.
 *
 * Start: a first look at the lease, caches, election, a look at how far the API server is, syncs. A
 * lease that nobody holds is won before
 * the caches are filled, so that they need no second look. Stop: no new syncs, those under way,
 * Events, watches, the lease last.
 */
import type { Clock, Random } from '../util/clock.ts';
import type { LeaderElector } from '../leader-election/leader-elector.ts';
import { startLeaderElector } from '../leader-election/leader-elector.ts';
import type { GuardableKubeApi } from '../leader-election/write-fence.ts';
import { createWriteFence } from '../leader-election/write-fence.ts';
import { leaseName } from '../client/well-known-names.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
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
import { DEFAULT_CONFIG } from './config.ts';
import type { OperatorConfig } from './config.ts';
import { createThrottledWarnings } from './throttled-warnings.ts';

export type { OperatorConfig } from './config.ts';
export type { OperatorEvent } from '../observability/operator-event.ts';

/**
 * With the five seconds that a worker has after its signal it is less than the 45 that the chart
 * gives a Pod to end.
 */
const DRAIN_TIMEOUT_MS = 30_000;

export interface OperatorOptions {
  readonly scheduler: Scheduler;
  readonly api: GuardableKubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Over the defaults of `DEFAULT_CONFIG`; election is off unless it is asked for here. */
  readonly config?: Partial<OperatorConfig>;
  /** Name in the Lease and in Events; default: `autopilot`. */
  readonly identity?: string;
  readonly onEvent?: (event: OperatorEvent) => void;
  readonly observer?: Partial<Observer>;
  /** Spans; default: none. */
  readonly trace?: Trace;
  /** Resources whose worker blocked the last process: their first sync waits. */
  readonly deferredResources?: readonly DeferredResource[];
  /** Answers metrics queries; default: Prometheus as `config.metrics` says. */
  readonly queryMetrics?: QueryMetrics;
}

export interface Operator {
  /**
   * Resolves when all caches are filled and syncs run (a standby: when caches are filled). Rejects
   * when stopped before.
   */
  readonly ready: Promise<void>;
  /** Resolves when the lease was lost: the process must end. */
  readonly lost: Promise<void>;
  /** Does this process run syncs? */
  isLeading(): boolean;
  /**
   * Syncs under way, or due now. A sandbox flight is quiet when this is 0 and no event is
   * undelivered.
   */
  pendingCount(): number;
  readonly controller: Pick<
    Controller,
    'phaseCounts' | 'unavailableKinds' | 'queue' | 'informers' | 'quarantinedCount' | 'entryCounts'
  >;
  /** Who holds the lease, as last seen; undefined without election. */
  holder(): string | undefined;
  /** New settings in place: interval, timeout, pause, the user's config. */
  configure(config: Partial<OperatorConfig>): void;
  /**
   * No new syncs; waits for those under way (at most 30 s, then their signal is aborted), then ends
   * watches and releases the lease.
   */
  stop(): Promise<void>;
}

export function startOperator(options: OperatorOptions): Operator {
  const { scheduler, clock, random, log, identity = 'autopilot' } = options;
  const validated = (settings: OperatorConfig): OperatorConfig => ({
    ...settings,
    config: validateUserConfig(scheduler.config, settings.config),
  });
  let config = validated({ ...DEFAULT_CONFIG, leaderElection: false, ...options.config });
  const { trace = untraced, onEvent } = options;
  const warnings = createThrottledWarnings(log, clock);
  const observer = combineObservers(
    options.observer ?? {},
    { event: logEvents(log) },
    warnings,
    onEvent === undefined ? {} : { event: onEvent },
  );
  const stopping = new AbortController();
  let leaderElector: LeaderElector | undefined;
  let isLeading = false;
  const fence = config.leaderElection
    ? createWriteFence(options.api, () => leaderElector)
    : undefined;
  const fencedApi = fence?.api ?? options.api;
  const api = tracedApi(fencedApi, trace);
  const eventRecorder = createEventRecorder({
    // Without spans: an Event is sent whenever there is time, and belongs to no sync.
    api: fencedApi,
    clock,
    operatorName: scheduler.operatorName,
    instance: identity,
    isBusy: () => controller.queue.depth.changed + controller.queue.depth.due > 0,
    onResult: (result) => observer.eventHandled(result),
  });
  const queryMetrics =
    options.queryMetrics ??
    createPrometheusClient(
      () => config.metrics,
      (warning) => warnings.prometheusWarned(warning),
    );
  const controller = new Controller({
    scheduler,
    api,
    clock,
    random,
    log,
    observer,
    trace,
    recordEvent: eventRecorder.record,
    watchNamespaces: config.watchNamespaces,
    maxConcurrentReconciles: config.maxConcurrentReconciles,
    mayWrite: () => fence === undefined || leaderElector?.mayWrite() === true,
    settings: () => config,
    metricsQueriesFor: (resource, signal) =>
      createMetricsQueries(scheduler.queries, resource.metadata.namespace, queryMetrics, signal),
  });

  const lost = Promise.withResolvers<void>();

  /** Campaigns; resolves after the first look at the lease. */
  async function startElection(): Promise<void> {
    const namespace = config.leaderElectionNamespace;
    if (namespace === undefined) {
      throw new Error(
        'leader election needs a namespace: set leaderElectionNamespace, or enableLeaderElection: false',
      );
    }
    const key = { namespace, name: leaseName(scheduler.operatorName, config.watchNamespaces) };
    const lease = `${namespace}/${key.name}`;
    const onNewLeader = (holder: string): void =>
      log.info('another process holds the lease: this one stands by', { lease, holder });
    const onError = (error: string): void =>
      log.warn('the lease cannot be read or written', { lease, error });
    const elector = startLeaderElector(
      { api: options.api, clock, random, key, identity, onNewLeader, onError },
      stopping.signal,
    );
    leaderElector = elector;
    void elector.acquired.then(() => log.info('the lease is won', { lease, identity }));
    void elector.lost.then(() => {
      isLeading = false;
      controller.abort();
      log.error('the lease is lost: no more writes', { lease });
      lost.resolve();
    });
    await elector.firstAttempt;
  }

  function startLeading(): void {
    if (stopping.signal.aborted) {
      return;
    }
    isLeading = true;
    controller.start(options.deferredResources);
  }

  async function start(): Promise<void> {
    if (config.leaderElection) {
      await startElection();
    }
    await controller.startInformers();
    if (leaderElector === undefined) {
      return startLeading();
    }
    // Not awaited: a standby is ready as soon as its caches are filled.
    void leaderElector.acquired
      .then((at) => controller.waitUntilCaughtUp(at))
      .then(startLeading)
      .catch((error: Error) => {
        if (!stopping.signal.aborted) {
          log.error('could not begin to lead', { error: error.message });
        }
      });
  }

  const ready = start();
  ready.catch(() => undefined);
  return {
    ready,
    lost: lost.promise,
    isLeading: () => isLeading,
    pendingCount: () => controller.pendingCount(),
    controller,
    holder: () => leaderElector?.holder(),
    configure(changes) {
      const paused = config.paused;
      config = validated({ ...config, ...changes });
      if (paused !== config.paused && isLeading) {
        controller.enqueueAll();
      }
    },
    async stop() {
      await controller.stop(DRAIN_TIMEOUT_MS);
      await eventRecorder.stop();
      await fence?.writesSettled();
      stopping.abort(new Error('the operator is stopping'));
      await leaderElector?.release();
      isLeading = false;
    },
  };
}
