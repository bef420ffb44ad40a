/**
 * An operator behind its ports: the same start for the process (`run`) and for the sandbox.
 *
 * Start: a first look at the lease, caches, election, a look at how far the API server is, syncs. A
 * lease that nobody holds is won before
 * the caches are filled, so that they need no second look. Stop: no new syncs, those under way,
 * Events, watches, the lease last.
 */
import type { Clock, Random } from '../clock.ts';
import type { Election } from '../kube/campaign.ts';
import { campaign } from '../kube/campaign.ts';
import type { Guardable } from '../kube/fence.ts';
import { fenced } from '../kube/fence.ts';
import { leaseName } from '../kube/names.ts';
import { events } from '../kube/recorder.ts';
import type { HeldBack } from '../machine/machine.ts';
import { Machine } from '../machine/machine.ts';
import { logged } from '../observe/event.ts';
import type { OperatorEvent } from '../observe/event.ts';
import type { Observer } from '../observe/observer.ts';
import { observers } from '../observe/observer.ts';
import type { Trace } from '../observe/trace.ts';
import { tracedApi, untraced } from '../observe/trace.ts';
import { metricsOf, prometheus } from '../queries/prometheus.ts';
import type { Ask } from '../queries/prometheus.ts';
import type { Scheduler } from '../scheduler.ts';
import { userConfig } from '../user-config.ts';
import type { Log } from '../worker.ts';
import { DEFAULT_CONFIG } from './config.ts';
import type { OperatorConfig } from './config.ts';
import { troubles } from './troubles.ts';

export type { OperatorConfig } from './config.ts';
export type { OperatorEvent } from '../observe/event.ts';

/**
 * With the five seconds that a worker has after its signal it is less than the 45 that the chart
 * gives a Pod to end.
 */
const DRAIN_MS = 30_000;

export interface OperatorOptions {
  readonly scheduler: Scheduler;
  readonly api: Guardable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Over the defaults of `DEFAULT_CONFIG`; election is off unless it is asked for here. */
  readonly config?: Partial<OperatorConfig>;
  /** Name in the Lease and in Events; default: `autopilot`. */
  readonly identity?: string;
  readonly onEvent?: (event: OperatorEvent) => void;
  readonly observer?: Partial<Observer>;
  /** Spans; default: none. */
  readonly trace?: Trace;
  /** Resources whose worker blocked the last process: their first sync waits. */
  readonly heldBack?: readonly HeldBack[];
  /** Answers metrics queries; default: Prometheus as `config.metrics` says. */
  readonly ask?: Ask;
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
  leading(): boolean;
  /**
   * Syncs under way, or due now. A sandbox flight is quiet when this is 0 and no event is
   * undelivered.
   */
  pending(): number;
  readonly machine: Pick<
    Machine,
    'phases' | 'unavailable' | 'queue' | 'informers' | 'quarantined' | 'kept'
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
  const typed = (settings: OperatorConfig): OperatorConfig => ({
    ...settings,
    config: userConfig(scheduler.config, settings.config),
  });
  let config = typed({ ...DEFAULT_CONFIG, leaderElection: false, ...options.config });
  const { trace = untraced, onEvent } = options;
  const said = troubles(log, clock);
  const observer = observers(
    options.observer ?? {},
    { event: logged(log) },
    said,
    onEvent === undefined ? {} : { event: onEvent },
  );
  const stopping = new AbortController();
  let election: Election | undefined;
  let leading = false;
  const fence = config.leaderElection ? fenced(options.api, () => election) : undefined;
  const door = fence?.api ?? options.api;
  const api = tracedApi(door, trace);
  const told = events({
    // Without spans: an Event is sent whenever there is time, and belongs to no sync.
    api: door,
    clock,
    operatorName: scheduler.operatorName,
    instance: identity,
    busy: () => machine.queue.depth.changed + machine.queue.depth.due > 0,
    onEnd: (result) => observer.kubeEvent(result),
  });
  const ask =
    options.ask ??
    prometheus(
      () => config.metrics,
      (warning) => said.prometheusWarned(warning),
    );
  const machine = new Machine({
    scheduler,
    api,
    clock,
    random,
    log,
    observer,
    trace,
    record: told.record,
    watchNamespaces: config.watchNamespaces,
    maxConcurrentReconciles: config.maxConcurrentReconciles,
    mayWrite: () => fence === undefined || election?.valid() === true,
    settings: () => config,
    metricsFor: (resource, signal) =>
      metricsOf(scheduler.queries, resource.metadata.namespace, ask, signal),
  });

  const lost = Promise.withResolvers<void>();

  /** Campaigns; resolves after the first look at the lease. */
  async function run(): Promise<void> {
    const namespace = config.leaderElectionNamespace;
    if (namespace === undefined) {
      throw new Error(
        'leader election needs a namespace: set leaderElectionNamespace, or enableLeaderElection: false',
      );
    }
    const key = { namespace, name: leaseName(scheduler.operatorName, config.watchNamespaces) };
    const lease = `${namespace}/${key.name}`;
    const onHolder = (holder: string): void =>
      log.info('another process holds the lease: this one stands by', { lease, holder });
    const onTrouble = (error: string): void =>
      log.warn('the lease cannot be read or written', { lease, error });
    const running = campaign(
      { api: options.api, clock, random, key, identity, onHolder, onTrouble },
      stopping.signal,
    );
    election = running;
    void running.won.then(() => log.info('the lease is won', { lease, identity }));
    void running.lost.then(() => {
      leading = false;
      machine.abort();
      log.error('the lease is lost: no more writes', { lease });
      lost.resolve();
    });
    await running.looked;
  }

  function lead(): void {
    if (stopping.signal.aborted) {
      return;
    }
    leading = true;
    machine.start(options.heldBack);
  }

  async function start(): Promise<void> {
    if (config.leaderElection) {
      await run();
    }
    await machine.watch();
    if (election === undefined) {
      return lead();
    }
    // Not awaited: a standby is ready as soon as its caches are filled.
    void election.won
      .then((at) => machine.caughtUp(at))
      .then(lead)
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
    leading: () => leading,
    pending: () => machine.pending(),
    machine,
    holder: () => election?.holder(),
    configure(changes) {
      const paused = config.paused;
      config = typed({ ...config, ...changes });
      if (paused !== config.paused && leading) {
        machine.wakeAll();
      }
    },
    async stop() {
      await machine.stop(DRAIN_MS);
      await told.stop();
      await fence?.settled();
      stopping.abort(new Error('the operator is stopping'));
      await election?.release();
      leading = false;
    },
  };
}
