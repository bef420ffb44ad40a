/**
 * Prometheus metrics: the names of controller-runtime, so that existing dashboards work, and `autopilot_*` for each phase. No label
 * grows with the number of resources.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Observer } from './observer.ts';

/** controller-runtime's buckets (pkg/internal/controller/metrics). */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10,
  15, 20, 25, 30, 40, 50, 60,
];

export interface MetricsSources {
  readonly controller: string;
  readonly phases: readonly string[];
  readonly maxConcurrentSyncs: number;
  leading(): boolean;
  resourcesByPhase(): ReadonlyMap<string, number>;
  queueDepth(): number;
}

export interface OperatorMetrics {
  readonly observer: Observer;
  readonly contentType: string;
  text(): Promise<string>;
}

export function operatorMetrics(sources: MetricsSources): OperatorMetrics {
  const { controller } = sources;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const syncs = new Counter({ name: 'controller_runtime_reconcile_total', help: 'Syncs by result.', labelNames: ['controller', 'result'], registers });
  const errors = new Counter({ name: 'controller_runtime_reconcile_errors_total', help: 'Syncs that failed.', labelNames: ['controller'], registers });
  const seconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time of a sync.',
    labelNames: ['controller'],
    buckets: RECONCILE_BUCKETS,
    registers,
  });
  const active = new Gauge({ name: 'controller_runtime_active_workers', help: 'Syncs under way.', labelNames: ['controller'], registers });
  const limit = new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Most syncs under way at once.',
    labelNames: ['controller'],
    registers,
  });
  const phaseSyncs = new Counter({
    name: 'autopilot_phase_syncs_total',
    help: 'Syncs by phase and result.',
    labelNames: ['controller', 'phase', 'result'],
    registers,
  });
  const transitions = new Counter({
    name: 'autopilot_phase_transitions_total',
    help: 'Moves between phases.',
    labelNames: ['controller', 'from', 'to'],
    registers,
  });
  const outputs = new Counter({ name: 'autopilot_outputs_total', help: 'Objects written.', labelNames: ['controller', 'kind', 'action'], registers });
  const looping = new Counter({
    name: 'autopilot_phase_loops_total',
    help: 'Resources that began to change phases faster than twice around in ten seconds.',
    labelNames: ['controller', 'phase'],
    registers,
  });
  const relists = new Counter({ name: 'autopilot_relists_total', help: 'Lists after the first one.', labelNames: ['controller', 'kind'], registers });
  const missed = new Counter({
    name: 'autopilot_relist_missed_total',
    help: 'Changes that a relist found and the watch had not told; should stay 0.',
    labelNames: ['controller', 'kind'],
    registers,
  });
  const watchFailures = new Counter({
    name: 'autopilot_watch_failures_total',
    help: 'Lists and watches that broke.',
    labelNames: ['controller', 'kind'],
    registers,
  });
  new Gauge({
    name: 'autopilot_phase_resources',
    help: 'Resources in each phase.',
    labelNames: ['controller', 'phase'],
    registers,
    collect() {
      for (const [phase, count] of sources.resourcesByPhase()) this.set({ controller, phase }, count);
    },
  });
  new Gauge({
    name: 'workqueue_depth',
    help: 'Resources queued, waiting or under way.',
    labelNames: ['name', 'controller'],
    registers,
    collect() {
      this.set({ name: controller, controller }, sources.queueDepth());
    },
  });
  new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process runs syncs.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: controller }, sources.leading() ? 1 : 0);
    },
  });
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) syncs.inc({ controller, result }, 0);
  errors.inc({ controller }, 0);
  active.set({ controller }, 0);
  limit.set({ controller }, sources.maxConcurrentSyncs);
  for (const phase of sources.phases) for (const result of ['success', 'error', 'requeue', 'requeue_after']) phaseSyncs.inc({ controller, phase, result }, 0);

  const observer: Observer = {
    syncStarted: () => active.inc({ controller }),
    syncEnded(phase, result, time) {
      active.dec({ controller });
      syncs.inc({ controller, result });
      phaseSyncs.inc({ controller, phase, result });
      if (result === 'error') errors.inc({ controller });
      seconds.observe({ controller }, time);
    },
    event(event) {
      if (event.type === 'transition') transitions.inc({ controller, from: event.from, to: event.to });
      if (event.type === 'looping') looping.inc({ controller, phase: event.phase });
      if (event.type === 'output') outputs.inc({ controller, kind: event.kind, action: event.action });
    },
    relisted(kind, relist) {
      relists.inc({ controller, kind });
      missed.inc({ controller, kind }, relist.missed);
    },
    watchRestarted() {},
    watchFailed: (kind) => watchFailures.inc({ controller, kind }),
  };
  return { observer, contentType: registry.contentType, text: () => registry.metrics() };
}
