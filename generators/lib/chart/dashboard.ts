/** The Grafana dashboard of an operator, for Grafana 9 and newer. Each panel is a table row. */
import type { Model } from '../model/model.ts';

interface PanelQuery {
  readonly expr: string;
  readonly legend: string;
}

interface DashboardPanel {
  readonly title: string;
  readonly description: string;
  readonly type: 'timeseries' | 'stat';
  readonly unit: 'short' | 's' | 'ops' | 'percentunit' | 'bytes';
  /** Width in columns; a row has 24. */
  readonly width: number;
  readonly stacked?: true;
  readonly queries: readonly PanelQuery[];
}

/** Label matchers of every series, with the variables of the dashboard. */
const POD_LABELS = 'namespace=~"$namespace",pod=~"$pod"';

const RATE = '[$__rate_interval]';

function dashboardRows(model: Model): readonly (readonly [string, readonly DashboardPanel[]])[] {
  const own = `${POD_LABELS},controller="${model.singular}"`;
  const query = (expr: string, legend: string): PanelQuery => ({ expr, legend });
  const rate = (metric: string, by: string, legend: string, more = ''): PanelQuery =>
    query(`sum by (${by}) (rate(${metric}{${own}${more}}${RATE}))`, legend);
  const quantiles = (histogram: string): readonly PanelQuery[] =>
    [0.5, 0.99].map((share) =>
      query(
        `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket{${own}}${RATE})))`,
        `p${share * 100}`,
      ),
    );
  const panel = (
    title: string,
    unit: DashboardPanel['unit'],
    width: number,
    description: string,
    ...queries: readonly PanelQuery[]
  ): DashboardPanel => ({
    title,
    description,
    type: 'timeseries',
    unit,
    width,
    queries,
  });
  return [
    [
      'Phases',
      [
        {
          ...panel(
            `${model.kind}s by phase`,
            'short',
            8,
            'Number of resources in each phase.',
            query(`max by (phase) (autopilot_phase_resources{${own}})`, '{{phase}}'),
          ),
          stacked: true,
        },
        panel(
          'Phase transitions',
          'ops',
          8,
          'Transitions per second.',
          rate('autopilot_phase_transitions_total', 'from, to', '{{from}} → {{to}}'),
        ),
        panel(
          'Longest time in a phase',
          's',
          8,
          'Age of the resource that entered its phase first.',
          query(`max by (phase) (autopilot_phase_oldest_seconds{${own}})`, '{{phase}}'),
        ),
      ],
    ],
    [
      'Reconciles',
      [
        panel(
          'Reconciles by result',
          'ops',
          6,
          'Reconciles per second.',
          rate('controller_runtime_reconcile_total', 'result', '{{result}}'),
        ),
        panel(
          'Reconcile duration',
          's',
          6,
          'Includes the worker and all writes. 50th and 99th percentile.',
          ...quantiles('controller_runtime_reconcile_time_seconds'),
        ),
        panel(
          'Failed reconciles by phase',
          'ops',
          6,
          'Failed reconciles per second.',
          rate('autopilot_phase_reconciles_total', 'phase', '{{phase}}', ',result="error"'),
        ),
        panel(
          'Stalled and quarantined',
          'short',
          6,
          'Stalled: the operator does not retry. Quarantined: the worker did not stop after its timeout.',
          query(`max by (phase) (autopilot_stalled_resources{${own}})`, 'stalled in {{phase}}'),
          query(`max(autopilot_quarantined_resources{${own}})`, 'quarantined'),
        ),
      ],
    ],
    [
      'Queue and outputs',
      [
        panel(
          'Work queue',
          'short',
          6,
          'Queued resources, running reconciles, and the limit of concurrent reconciles.',
          query(`sum by (priority) (workqueue_depth{${own}})`, 'waiting, priority {{priority}}'),
          query(`sum(controller_runtime_active_workers{${own}})`, 'running'),
          query(`max(controller_runtime_max_concurrent_reconciles{${own}})`, 'limit'),
        ),
        panel(
          'Time in the work queue',
          's',
          6,
          'Time from enqueue to the start of the reconcile. 50th and 99th percentile.',
          ...quantiles('workqueue_queue_duration_seconds'),
        ),
        panel(
          'Enqueues by cause',
          'ops',
          6,
          'Enqueues per second.',
          rate('autopilot_enqueues_total', 'cause', '{{cause}}'),
        ),
        panel(
          'Outputs',
          'ops',
          6,
          'Outputs created, updated, pruned or unchanged (no request), per second.',
          rate('autopilot_outputs_total', 'kind, action', '{{kind}} {{action}}'),
        ),
      ],
    ],
    [
      'API server and process',
      [
        {
          ...panel(
            'Leader',
            'short',
            3,
            '1: one Pod is the leader. 0: no resource is reconciled.',
            query(`sum(leader_election_master_status{${POD_LABELS}})`, 'leader'),
          ),
          type: 'stat',
        },
        panel(
          'Age of the last watch event',
          's',
          6,
          'Time since the last event of a watch. The API server sends a bookmark every minute.',
          query(`max by (kind) (autopilot_watch_last_event_age_seconds{${own}})`, '{{kind}}'),
        ),
        panel(
          'API requests',
          'ops',
          6,
          'Requests by method and status code, per second.',
          query(
            `sum by (method, code) (rate(rest_client_requests_total{${POD_LABELS}}${RATE}))`,
            '{{method}} {{code}}',
          ),
        ),
        panel(
          'Memory',
          'bytes',
          5,
          'Resident memory per Pod.',
          query(`process_resident_memory_bytes{${POD_LABELS}}`, '{{pod}}'),
        ),
        panel(
          'CPU',
          'short',
          4,
          'CPU cores per Pod.',
          query(`rate(process_cpu_seconds_total{${POD_LABELS}}${RATE})`, '{{pod}}'),
        ),
      ],
    ],
  ];
}

/** The dashboard as Grafana imports it, with variables for data source, namespace and Pod. */
export function buildDashboard(model: Model): object {
  return {
    title: model.operatorName,
    uid: model.operatorName.slice(0, 40),
    tags: ['autopilot', model.singular],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        dashboardVariable(
          'namespace',
          `label_values(controller_runtime_reconcile_total{controller="${model.singular}"}, namespace)`,
        ),
        dashboardVariable(
          'pod',
          `label_values(controller_runtime_reconcile_total{controller="${model.singular}",namespace=~"$namespace"}, pod)`,
        ),
      ],
    },
    panels: layOutPanels(dashboardRows(model)),
  };
}

function dashboardVariable(name: string, query: string): object {
  return {
    name,
    type: 'query',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query,
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
  };
}

/** Places each row of panels under its heading, from left to right. */
function layOutPanels(rows: readonly (readonly [string, readonly DashboardPanel[]])[]): object[] {
  const panels: object[] = [];
  rows.forEach(([title, row], index) => {
    const top = index * 9;
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y: top, w: 24, h: 1 },
    });
    let x = 0;
    for (const { title: name, description, type, unit, width, stacked, queries } of row) {
      panels.push({
        id: panels.length + 1,
        type,
        title: name,
        description,
        gridPos: { x, y: top + 1, w: width, h: 8 },
        datasource: { type: 'prometheus', uid: '${datasource}' },
        fieldConfig: {
          defaults: {
            unit,
            min: 0,
            custom: stacked ? { fillOpacity: 30, stacking: { mode: 'normal' } } : {},
          },
          overrides: [],
        },
        targets: queries.map(({ expr, legend }, at) => ({
          refId: String.fromCharCode(65 + at),
          expr,
          legendFormat: legend,
        })),
      });
      x += width;
    }
  });
  return panels;
}
