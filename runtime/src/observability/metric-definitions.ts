/**
 * Every metric of an operator: its name, what it says, its labels. No label grows with the number
 * of resources. Names without
 * `autopilot_` are those of controller-runtime, its work queue and client-go, so that existing
 * dashboards and alerts work.
 * docs/reference/metrics.md is written from this.
 */

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** controller-runtime's buckets (pkg/internal/controller/metrics). */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** The work queue's (pkg/internal/metrics/workqueue): 10 ns to 1000 s. */
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

export const METRIC_DEFINITIONS = {
  reconciles: counter(
    'controller_runtime_reconcile_total',
    'Syncs by result: success, error, requeue, requeue_after.',
    'controller',
    'result',
  ),
  reconcileErrors: counter(
    'controller_runtime_reconcile_errors_total',
    'Syncs that failed.',
    'controller',
  ),
  terminalErrors: counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Syncs that ended Stalled: no retry can help.',
    'controller',
  ),
  reconcilePanics: counter(
    'controller_runtime_reconcile_panics_total',
    'Always 0: an error that a worker throws is an error of the sync.',
    'controller',
  ),
  reconcileTimeouts: counter(
    'controller_runtime_reconcile_timeouts_total',
    'Workers that did not end in their time.',
    'controller',
  ),
  reconcileSeconds: histogram(
    'controller_runtime_reconcile_time_seconds',
    'Time of a sync.',
    RECONCILE_BUCKETS,
    'controller',
  ),
  activeReconciles: gauge('controller_runtime_active_workers', 'Syncs under way.', 'controller'),
  maxConcurrentReconciles: gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Most syncs under way at once.',
    'controller',
  ),

  queueDepth: gauge(
    'workqueue_depth',
    'Resources that are ready for a sync; priority 0: changed, -100: only due.',
    'name',
    'controller',
    'priority',
  ),
  queueAdds: counter('workqueue_adds_total', 'Additions to the queue.', 'name', 'controller'),
  queueRetries: counter(
    'workqueue_retries_total',
    'Resources that come again with backoff.',
    'name',
    'controller',
  ),
  queueSeconds: histogram(
    'workqueue_queue_duration_seconds',
    'Time from ready to the begin of the sync.',
    QUEUE_BUCKETS,
    'name',
    'controller',
  ),
  workSeconds: histogram(
    'workqueue_work_duration_seconds',
    'Time of a sync, as the queue sees it.',
    QUEUE_BUCKETS,
    'name',
    'controller',
  ),
  unfinished: gauge(
    'workqueue_unfinished_work_seconds',
    'Sum of the time that syncs under way have taken so far.',
    'name',
    'controller',
  ),
  longest: gauge(
    'workqueue_longest_running_processor_seconds',
    'Time that the longest sync under way has taken so far.',
    'name',
    'controller',
  ),

  requests: counter(
    'rest_client_requests_total',
    'Requests to the API server by status code; <error>: no answer.',
    'code',
    'method',
    'host',
  ),
  leading: gauge('leader_election_master_status', '1 while this process runs syncs.', 'name'),

  phaseResources: gauge(
    'autopilot_phase_resources',
    'Resources in each phase.',
    'controller',
    'phase',
  ),
  stalled: gauge(
    'autopilot_stalled_resources',
    'Resources that are Stalled: no retry can help.',
    'controller',
    'phase',
  ),
  phaseOldest: gauge(
    'autopilot_phase_oldest_seconds',
    'How long the resource that is longest in a phase has been there.',
    'controller',
    'phase',
  ),
  phaseSeconds: histogram(
    'autopilot_phase_seconds',
    'How long resources were in a phase, seen when they leave it.',
    PHASE_BUCKETS,
    'controller',
    'phase',
  ),
  phaseReconciles: counter(
    'autopilot_phase_reconciles_total',
    'Syncs by phase and result.',
    'controller',
    'phase',
    'result',
  ),
  transitions: counter(
    'autopilot_phase_transitions_total',
    'Moves between phases.',
    'controller',
    'from',
    'to',
  ),
  loops: counter(
    'autopilot_phase_loops_total',
    'Resources that were slowed down because they changed phases too fast.',
    'controller',
    'phase',
  ),
  outputs: counter(
    'autopilot_outputs_total',
    'Outputs: created, updated, pruned, or unchanged (no request).',
    'controller',
    'kind',
    'action',
  ),
  enqueues: counter(
    'autopilot_enqueues_total',
    'Why resources were looked at.',
    'controller',
    'cause',
  ),
  quarantined: gauge(
    'autopilot_quarantined_resources',
    'Resources whose worker did not end when it was told to.',
    'controller',
  ),
  relists: counter('autopilot_relists_total', 'Lists after the first one.', 'controller', 'kind'),
  missed: counter(
    'autopilot_relist_missed_total',
    'Changes that a list found and the watch should have told before: should stay 0.',
    'controller',
    'kind',
  ),
  watchRestarts: counter(
    'autopilot_watch_restarts_total',
    'Watches that were opened again, after their time or a failure.',
    'controller',
    'kind',
  ),
  watchFailures: counter(
    'autopilot_watch_failures_total',
    'Lists and watches that broke.',
    'controller',
    'kind',
  ),
  watchAge: gauge(
    'autopilot_watch_last_event_age_seconds',
    'Time since a watch last brought something; bookmarks come each minute.',
    'controller',
    'kind',
  ),
  cached: gauge('autopilot_cached_objects', 'Objects in the caches.', 'controller', 'kind'),
  unavailable: gauge(
    'autopilot_kind_unavailable',
    '1 while the API server refuses to list a kind, or does not know it.',
    'controller',
    'kind',
  ),
  events: counter(
    'autopilot_events_total',
    'Kubernetes Events that were sent, failed, or were dropped.',
    'controller',
    'result',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The reference page. */
export function renderMetricsPage(): string {
  const rows = Object.values(METRIC_DEFINITIONS).map(
    ({ name, type, labels, help }: MetricDefinition) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    'Served at `/metrics` on `metricsAddr`. Written from `runtime/src/observability/metric-definitions.ts`; do not edit.',
    '',
    'Names without `autopilot_` are those of controller-runtime, its work queue and client-go, with the same labels and buckets: dashboards and',
    'alerts made for controllers work. `controller` is the kind of the resource in lower case. No label grows with the number of resources.',
    'All series whose labels are known in advance begin at 0. `process_*` and `nodejs_*` are those of prom-client.',
    '',
    '| name | type | labels | says |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
