/**
 * An operator behind its ports: the same start for the process (`run`) and for the sandbox.
 *
 * Order: caches, election, a look at how far the API server is, syncs. Stop: no new syncs, those under way, watches, the lease last.
 */
import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import { campaign, fenced } from '../kube/lease.ts';
import type { Election } from '../kube/lease.ts';
import { leaseName } from '../kube/names.ts';
import { recorder } from '../kube/recorder.ts';
import { Machine } from '../machine/machine.ts';
import type { OperatorEvent } from '../observe/event.ts';
import type { Observer } from '../observe/observer.ts';
import { eventObserver, observers } from '../observe/observer.ts';
import { metricsOf, prometheus } from '../queries/prometheus.ts';
import type { Ask } from '../queries/prometheus.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';
import { DEFAULT_CONFIG } from './config.ts';
import type { OperatorConfig } from './config.ts';

export type { OperatorConfig } from './config.ts';
export type { OperatorEvent } from '../observe/event.ts';

const DRAIN_MS = 30_000;

export interface OperatorOptions {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Over the defaults of `DEFAULT_CONFIG`; election is off unless it is asked for here. */
  readonly config?: Partial<OperatorConfig>;
  /** Name in the Lease and in Events; default: `autopilot`. */
  readonly identity?: string;
  readonly onEvent?: (event: OperatorEvent) => void;
  readonly observer?: Observer;
  /** Answers metrics queries; default: Prometheus as `config.metrics` says. */
  readonly ask?: Ask;
}

export interface Operator {
  /** Resolves when all caches are filled and syncs run (a standby: when caches are filled). Rejects when stopped before. */
  readonly ready: Promise<void>;
  /** Resolves when the lease was lost: the process must end. */
  readonly lost: Promise<void>;
  /** Does this process run syncs? */
  leading(): boolean;
  /** Syncs under way, or due now. A sandbox flight is quiet when this is 0 and no event is undelivered. */
  pending(): number;
  readonly machine: Pick<Machine, 'phases' | 'unavailable' | 'depth'>;
  /** New settings in place: interval, timeout, pause, the user's config. */
  configure(config: Partial<OperatorConfig>): void;
  /** No new syncs; waits for those under way (at most 30 s), then ends watches and releases the lease. */
  stop(): Promise<void>;
}

export function startOperator(options: OperatorOptions): Operator {
  const { scheduler, clock, random, log, identity = 'autopilot' } = options;
  let config: OperatorConfig = { ...DEFAULT_CONFIG, leaderElection: false, ...options.config };
  const observer = observers(
    ...(options.observer === undefined ? [] : [options.observer]),
    ...(options.onEvent === undefined ? [] : [eventObserver(options.onEvent)]),
  );
  const stopping = new AbortController();
  let election: Election | undefined;
  let leading = false;
  const api = config.leaderElection ? fenced(options.api, () => election?.valid() ?? false) : options.api;
  const ask =
    options.ask ??
    prometheus(
      () => config.metrics,
      (warning) => log.warn('Prometheus warns', { warning }),
    );
  const machine = new Machine({
    scheduler,
    api,
    clock,
    random,
    log,
    observer,
    record: recorder(api, clock, scheduler.operatorName, identity),
    watchNamespaces: config.watchNamespaces,
    maxConcurrentSyncs: config.maxConcurrentSyncs,
    settings: () => config,
    metricsFor: (resource, signal) => metricsOf(scheduler.queries, resource.metadata.namespace, ask, signal),
  });

  let lose = (): void => undefined;
  const lost = new Promise<void>((resolve) => (lose = resolve));

  async function lead(): Promise<void> {
    const namespace = config.leaderElectionNamespace;
    if (namespace === undefined) throw new Error('leader election needs a namespace: set leaderElectionNamespace, or enableLeaderElection: false');
    const key = { namespace, name: leaseName(scheduler.operatorName, config.watchNamespaces) };
    election = campaign({ api: options.api, clock, random, key, identity }, stopping.signal);
    void election.lost.then(() => {
      leading = false;
      machine.abort();
      log.error('the lease is lost: no more writes', { lease: `${namespace}/${key.name}` });
      lose();
    });
    await election.won;
    if (stopping.signal.aborted) return;
    log.info('the lease is won', { lease: `${namespace}/${key.name}`, identity });
  }

  async function start(): Promise<void> {
    await machine.watch();
    const run = async (): Promise<void> => {
      if (config.leaderElection) await lead();
      if (stopping.signal.aborted) return;
      leading = true;
      machine.start();
    };
    if (config.leaderElection) void run().catch((error: Error) => log.error(error.message));
    else await run();
  }

  const ready = start();
  ready.catch(() => undefined);
  return {
    ready,
    lost,
    leading: () => leading,
    pending: () => machine.pending(),
    machine,
    configure(changes) {
      const paused = config.paused;
      config = { ...config, ...changes };
      if (paused !== config.paused && leading) machine.wakeAll();
    },
    async stop() {
      await machine.stop(DRAIN_MS);
      stopping.abort(new Error('the operator is stopping'));
      await election?.release();
      leading = false;
    },
  };
}
