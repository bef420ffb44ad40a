/**
 * Every metric of an operator. `docs/reference/metrics.md` is written from this file.
 *
 * Metrics without the prefix `autopilot_` have the names, labels and buckets of controller-runtime,
 * its work queue and client-go, so that existing dashboards and alerts work. No label grows with
 * the number of resources.
 */

/** One metric. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  /** Text of the HELP line: what is measured, with its unit. */
  readonly help: string;
  /** Names of the labels. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in seconds. */
  readonly buckets?: readonly number[];
}

/** Buckets of controller-runtime (pkg/internal/controller/metrics). */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** Buckets of the work queue (pkg/internal/metrics/workqueue): 10 ns to 1000 s. */
const QUEUE_BUCKETS = Array.from({ length: 12 }, (_, index) => Number(`1e${index - 8}`));
const PHASE_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 604_800];

type DefinitionOf<Type extends MetricDefinition['type']> = MetricDefinition & {
  readonly type: Type;
};

const counter = (
  name: string,
  help: string,
  ...labels: readonly string[]
): DefinitionOf<'counter'> => ({
  type: 'counter',
  name,
  help,
  labels,
});
const gauge = (
  name: string,
  help: string,
  ...labels: readonly string[]
): DefinitionOf<'gauge'> => ({
  type: 'gauge',
  name,
  help,
  labels,
});
const histogram = (
  name: string,
  help: string,
  buckets: readonly number[],
  ...labels: readonly string[]
): DefinitionOf<'histogram'> => ({
  type: 'histogram',
  name,
  help,
  labels,
  buckets,
});

/** The metrics of an operator with their help texts, the source of docs/reference/metrics.md. */
export const METRIC_DEFINITIONS = {
  reconciles: counter(
    'controller_runtime_reconcile_total',
    'Reconciles by result: success, error, requeue, requeue_after.',
    'controller',
    'result',
  ),
  reconcileErrors: counter(
    'controller_runtime_reconcile_errors_total',
    'Reconciles that failed.',
    'controller',
  ),
  terminalErrors: counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Reconciles that ended with the condition Stalled, because no retry can help.',
    'controller',
  ),
  reconcilePanics: counter(
    'controller_runtime_reconcile_panics_total',
    'Always 0; worker exceptions are counted in controller_runtime_reconcile_errors_total.',
    'controller',
  ),
  reconcileTimeouts: counter(
    'controller_runtime_reconcile_timeouts_total',
    'Reconciles whose worker exceeded its timeout.',
    'controller',
  ),
  reconcileSeconds: histogram(
    'controller_runtime_reconcile_time_seconds',
    'Duration of a reconcile in seconds.',
    RECONCILE_BUCKETS,
    'controller',
  ),
  activeReconciles: gauge(
    'controller_runtime_active_workers',
    'Reconciles that are running.',
    'controller',
  ),
  maxConcurrentReconciles: gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Maximum of reconciles at once.',
    'controller',
  ),

  queueDepth: gauge(
    'workqueue_depth',
    'Resources that wait for a reconcile. Priority 0: enqueued by a change. Priority -100: enqueued by a timer.',
    'name',
    'controller',
    'priority',
  ),
  queueAdds: counter('workqueue_adds_total', 'Additions to the work queue.', 'name', 'controller'),
  queueRetries: counter(
    'workqueue_retries_total',
    'Retries with backoff after a failed reconcile.',
    'name',
    'controller',
  ),
  queueSeconds: histogram(
    'workqueue_queue_duration_seconds',
    'Seconds that a resource waits in the work queue before its reconcile starts.',
    QUEUE_BUCKETS,
    'name',
    'controller',
  ),
  workSeconds: histogram(
    'workqueue_work_duration_seconds',
    'Duration of a reconcile in seconds, as the work queue measures it.',
    QUEUE_BUCKETS,
    'name',
    'controller',
  ),
  unfinished: gauge(
    'workqueue_unfinished_work_seconds',
    'Sum of the seconds that the running reconciles have taken so far.',
    'name',
    'controller',
  ),
  longest: gauge(
    'workqueue_longest_running_processor_seconds',
    'Seconds that the longest running reconcile has taken so far.',
    'name',
    'controller',
  ),

  requests: counter(
    'rest_client_requests_total',
    'Requests to the API server by status code. Code <error>: no response.',
    'code',
    'method',
    'host',
  ),
  leading: gauge(
    'leader_election_master_status',
    '1 while this replica is the leader and reconciles, 0 otherwise.',
    'name',
  ),
  configRefused: gauge(
    'autopilot_config_reload_failed',
    '1 while the configuration file is refused or missing, so that earlier settings apply. 0 otherwise.',
    'controller',
  ),

  phaseResources: gauge(
    'autopilot_phase_resources',
    'Number of resources in each phase.',
    'controller',
    'phase',
  ),
  stalled: gauge(
    'autopilot_stalled_resources',
    'Number of resources with the condition Stalled, because no retry can help.',
    'controller',
    'phase',
  ),
  phaseOldest: gauge(
    'autopilot_phase_oldest_seconds',
    'Seconds since the longest-staying resource entered the phase.',
    'controller',
    'phase',
  ),
  phaseSeconds: histogram(
    'autopilot_phase_seconds',
    'Seconds that a resource stayed in the phase, measured when it leaves.',
    PHASE_BUCKETS,
    'controller',
    'phase',
  ),
  phaseReconciles: counter(
    'autopilot_phase_reconciles_total',
    'Reconciles by phase and result.',
    'controller',
    'phase',
    'result',
  ),
  transitions: counter(
    'autopilot_phase_transitions_total',
    'Transitions between phases.',
    'controller',
    'from',
    'to',
  ),
  loops: counter(
    'autopilot_phase_loops_total',
    'Resources that started to change phases too fast, and whose transitions are delayed.',
    'controller',
    'phase',
  ),
  outputs: counter(
    'autopilot_outputs_total',
    'Objects of outputs by action: created, updated, pruned, edited or restored (field claims), unchanged (no request).',
    'controller',
    'kind',
    'action',
  ),
  repairs: counter(
    'autopilot_repairs_total',
    'Objects of outputs, and objects with claimed fields, that were set again because another client had changed or deleted them.',
    'controller',
    'kind',
  ),
  contested: gauge(
    'autopilot_contested_objects',
    'Number of objects that other clients set back again and again, or that are given up (whenUndone: giveUp).',
    'controller',
  ),
  enqueues: counter(
    'autopilot_enqueues_total',
    'Enqueued resources by cause.',
    'controller',
    'cause',
  ),
  quarantined: gauge(
    'autopilot_quarantined_resources',
    'Number of resources that are not reconciled because their worker did not end after its signal was aborted.',
    'controller',
  ),
  relists: counter(
    'autopilot_relists_total',
    'Lists of a kind after the initial list.',
    'controller',
    'kind',
  ),
  missed: counter(
    'autopilot_relist_missed_total',
    'Changes that a list found and that the watch had missed. Should stay 0.',
    'controller',
    'kind',
  ),
  watchRestarts: counter(
    'autopilot_watch_restarts_total',
    'Watches that were opened again, after a timeout or a failure.',
    'controller',
    'kind',
  ),
  polls: counter(
    'autopilot_polls_total',
    'Lists of a kind that can be listed and not watched. Such a kind is listed every 30 seconds.',
    'controller',
    'kind',
  ),
  watchFailures: counter(
    'autopilot_watch_failures_total',
    'Lists and watches that failed.',
    'controller',
    'kind',
  ),
  watchAge: gauge(
    'autopilot_watch_last_event_age_seconds',
    'Seconds since the last event of a watch. Bookmarks arrive about every minute.',
    'controller',
    'kind',
  ),
  cached: gauge(
    'autopilot_cached_objects',
    'Number of objects in the informers.',
    'controller',
    'kind',
  ),
  unavailable: gauge(
    'autopilot_kind_unavailable',
    '1 while the API server refuses to list a kind or does not serve it, 0 otherwise.',
    'controller',
    'kind',
  ),
  events: counter(
    'autopilot_events_total',
    'Kubernetes Events by result: sent, failed, dropped under load.',
    'controller',
    'result',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** @returns the text of docs/reference/metrics.md. */
export function renderMetricsPage(): string {
  const code = (text: string): string => `\`${text}\``;
  const rows = Object.values(METRIC_DEFINITIONS).map(
    ({ name, type, labels, help }: MetricDefinition) =>
      `| ${code(name)} | ${type} | ${labels.map(code).join(', ')} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    '<!-- Made by scripts/reference.ts from runtime/src/observability/metric-definitions.ts. Do not edit. -->',
    '',
    'The operator serves these metrics at `/metrics` on `metricsAddr`.',
    '',
    '- Metrics without the prefix `autopilot_` have the names, labels and buckets of controller-runtime, its work queue and client-go.',
    '  Dashboards and alerts made for controllers work.',
    '- `controller` is the kind of the resource in lower case.',
    '- No label grows with the number of resources.',
    '- Series whose labels are known in advance start at 0.',
    '- `process_*` and `nodejs_*` are the default metrics of prom-client.',
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
