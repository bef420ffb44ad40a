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

/** PromQL of one operator's series. */
interface OperatorQueries {
  readonly kind: string;
  /** Label matchers of the series of this operator's controller. */
  readonly labels: string;
  /** Rate of a counter, summed by labels. */
  rate(metric: string, by: string, legend: string, more?: string): PanelQuery;
  /** 50th and 99th percentile of a histogram. */
  quantiles(histogram: string): readonly PanelQuery[];
}

function query(expr: string, legend: string): PanelQuery {
  return { expr, legend };
}

function operatorQueries({ kind, singular }: Model): OperatorQueries {
  const labels = `${POD_LABELS},controller="${singular}"`;
  return {
    kind,
    labels,
    rate: (metric, by, legend, more = '') =>
      query(`sum by (${by}) (rate(${metric}{${labels}${more}}${RATE}))`, legend),
    quantiles: (histogram) =>
      [0.5, 0.99].map((share) => {
        const buckets = `sum by (le) (rate(${histogram}_bucket{${labels}}${RATE}))`;
        return query(`histogram_quantile(${share}, ${buckets})`, `p${share * 100}`);
      }),
  };
}

function panel(
  settings: Pick<DashboardPanel, 'title' | 'unit' | 'width' | 'description'>,
  ...queries: readonly PanelQuery[]
): DashboardPanel {
  return { ...settings, type: 'timeseries', queries };
}

function dashboardRows(model: Model): readonly (readonly [string, readonly DashboardPanel[]])[] {
  const queries = operatorQueries(model);
  return [
    ['Phases', phasePanels(queries)],
    ['Reconciles', reconcilePanels(queries)],
    ['Queue and outputs', queuePanels(queries)],
    ['API server and process', processPanels(queries)],
  ];
}

function phasePanels(queries: OperatorQueries): readonly DashboardPanel[] {
  return [
    {
      ...panel(
        {
          title: `${queries.kind}s by phase`,
          unit: 'short',
          width: 8,
          description: 'Number of resources in each phase.',
        },
        query(`max by (phase) (autopilot_phase_resources{${queries.labels}})`, '{{phase}}'),
      ),
      stacked: true,
    },
    panel(
      { title: 'Phase transitions', unit: 'ops', width: 8, description: 'Transitions per second.' },
      queries.rate('autopilot_phase_transitions_total', 'from, to', '{{from}} → {{to}}'),
    ),
    panel(
      {
        title: 'Longest time in a phase',
        unit: 's',
        width: 8,
        description: 'Age of the resource that entered its phase first.',
      },
      query(`max by (phase) (autopilot_phase_oldest_seconds{${queries.labels}})`, '{{phase}}'),
    ),
  ];
}

function reconcilePanels(queries: OperatorQueries): readonly DashboardPanel[] {
  return [
    panel(
      {
        title: 'Reconciles by result',
        unit: 'ops',
        width: 6,
        description: 'Reconciles per second.',
      },
      queries.rate('controller_runtime_reconcile_total', 'result', '{{result}}'),
    ),
    panel(
      {
        title: 'Reconcile duration',
        unit: 's',
        width: 6,
        description: 'Includes the worker and all writes. 50th and 99th percentile.',
      },
      ...queries.quantiles('controller_runtime_reconcile_time_seconds'),
    ),
    panel(
      {
        title: 'Failed reconciles by phase',
        unit: 'ops',
        width: 6,
        description: 'Failed reconciles per second.',
      },
      queries.rate('autopilot_phase_reconciles_total', 'phase', '{{phase}}', ',result="error"'),
    ),
    panel(
      {
        title: 'Stalled, quarantined, contested',
        unit: 'short',
        width: 6,
        description:
          'Stalled: the operator does not retry. Quarantined: the worker did not stop after its timeout. Contested: another client keeps setting an object back.',
      },
      query(
        `max by (phase) (autopilot_stalled_resources{${queries.labels}})`,
        'stalled in {{phase}}',
      ),
      query(`max(autopilot_quarantined_resources{${queries.labels}})`, 'quarantined'),
      query(`max(autopilot_contested_objects{${queries.labels}})`, 'contested objects'),
    ),
  ];
}

function queuePanels(queries: OperatorQueries): readonly DashboardPanel[] {
  return [
    panel(
      {
        title: 'Work queue',
        unit: 'short',
        width: 6,
        description:
          'Queued resources, running reconciles, and the limit of concurrent reconciles.',
      },
      query(
        `sum by (priority) (workqueue_depth{${queries.labels}})`,
        'waiting, priority {{priority}}',
      ),
      query(`sum(controller_runtime_active_workers{${queries.labels}})`, 'running'),
      query(`max(controller_runtime_max_concurrent_reconciles{${queries.labels}})`, 'limit'),
    ),
    panel(
      {
        title: 'Time in the work queue',
        unit: 's',
        width: 6,
        description: 'Time from enqueue to the start of the reconcile. 50th and 99th percentile.',
      },
      ...queries.quantiles('workqueue_queue_duration_seconds'),
    ),
    panel(
      { title: 'Enqueues by cause', unit: 'ops', width: 6, description: 'Enqueues per second.' },
      queries.rate('autopilot_enqueues_total', 'cause', '{{cause}}'),
    ),
    panel(
      {
        title: 'Outputs',
        unit: 'ops',
        width: 6,
        description: 'Outputs created, updated, pruned or unchanged (no request), per second.',
      },
      queries.rate('autopilot_outputs_total', 'kind, action', '{{kind}} {{action}}'),
    ),
  ];
}

function processPanels(queries: OperatorQueries): readonly DashboardPanel[] {
  return [
    {
      ...panel(
        {
          title: 'Leader',
          unit: 'short',
          width: 3,
          description: '1: one Pod is the leader. 0: no resource is reconciled.',
        },
        query(`sum(leader_election_master_status{${POD_LABELS}})`, 'leader'),
      ),
      type: 'stat',
    },
    panel(
      {
        title: 'Age of the last watch event',
        unit: 's',
        width: 6,
        description:
          'Time since the last event of a watch. The API server sends a bookmark every minute.',
      },
      query(
        `max by (kind) (autopilot_watch_last_event_age_seconds{${queries.labels}})`,
        '{{kind}}',
      ),
    ),
    panel(
      {
        title: 'API requests',
        unit: 'ops',
        width: 6,
        description: 'Requests by method and status code, per second.',
      },
      query(
        `sum by (method, code) (rate(rest_client_requests_total{${POD_LABELS}}${RATE}))`,
        '{{method}} {{code}}',
      ),
    ),
    panel(
      { title: 'Memory', unit: 'bytes', width: 5, description: 'Resident memory per Pod.' },
      query(`process_resident_memory_bytes{${POD_LABELS}}`, '{{pod}}'),
    ),
    panel(
      { title: 'CPU', unit: 'short', width: 4, description: 'CPU cores per Pod.' },
      query(`rate(process_cpu_seconds_total{${POD_LABELS}}${RATE})`, '{{pod}}'),
    ),
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
