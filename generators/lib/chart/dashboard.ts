/** The Grafana dashboard of an operator, from a table of its panels. Plain JSON that Grafana 9 and newer read. */
import type { Model } from '../model.ts';

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly type: 'timeseries' | 'stat';
  readonly unit: 'short' | 's' | 'ops' | 'percentunit' | 'bytes';
  /** Of 24 columns. */
  readonly width: number;
  readonly stacked?: true;
  readonly queries: readonly Query[];
}

/** Labels of every series of the operator, by the dashboard's variables. */
const PODS = 'namespace=~"$namespace",pod=~"$pod"';

export function dashboard(model: Model): object {
  const own = `${PODS},controller="${model.singular}"`;
  const quantile = (share: number, histogram: string): Query => ({
    expr: `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket{${own}}[$__rate_interval])))`,
    legend: `p${share * 100}`,
  });
  const rows: readonly (readonly [string, readonly Panel[]])[] = [
    [
      'Phases',
      [
        {
          title: `${model.kind}s by phase`,
          description: 'Resources in each phase over time.',
          type: 'timeseries',
          unit: 'short',
          width: 12,
          stacked: true,
          queries: [{ expr: `max by (phase) (autopilot_phase_resources{${own}})`, legend: '{{phase}}' }],
        },
        {
          title: 'Moves between phases',
          description: 'Transitions per second.',
          type: 'timeseries',
          unit: 'ops',
          width: 12,
          queries: [{ expr: `sum by (from, to) (rate(autopilot_phase_transitions_total{${own}}[$__rate_interval]))`, legend: '{{from}} → {{to}}' }],
        },
      ],
    ],
    [
      'Syncs',
      [
        {
          title: 'Syncs by result',
          description: 'Per second.',
          type: 'timeseries',
          unit: 'ops',
          width: 8,
          queries: [{ expr: `sum by (result) (rate(controller_runtime_reconcile_total{${own}}[$__rate_interval]))`, legend: '{{result}}' }],
        },
        {
          title: 'Time of a sync',
          description: 'From start to end, the worker and the writes included.',
          type: 'timeseries',
          unit: 's',
          width: 8,
          queries: [quantile(0.5, 'controller_runtime_reconcile_time_seconds'), quantile(0.99, 'controller_runtime_reconcile_time_seconds')],
        },
        {
          title: 'Failed syncs by phase',
          description: 'Per second.',
          type: 'timeseries',
          unit: 'ops',
          width: 8,
          queries: [{ expr: `sum by (phase) (rate(autopilot_phase_syncs_total{${own},result="error"}[$__rate_interval]))`, legend: '{{phase}}' }],
        },
      ],
    ],
    [
      'Queue and outputs',
      [
        {
          title: 'Queue',
          description: 'Resources queued, waiting or under way; and how many syncs run at once of those that may.',
          type: 'timeseries',
          unit: 'short',
          width: 12,
          queries: [
            { expr: `sum(workqueue_depth{${own}})`, legend: 'queued' },
            { expr: `sum(controller_runtime_active_workers{${own}})`, legend: 'under way' },
            { expr: `max(controller_runtime_max_concurrent_reconciles{${own}})`, legend: 'most at once' },
          ],
        },
        {
          title: 'Outputs written',
          description: 'Objects created, updated and pruned per second.',
          type: 'timeseries',
          unit: 'ops',
          width: 12,
          queries: [{ expr: `sum by (kind, action) (rate(autopilot_outputs_total{${own}}[$__rate_interval]))`, legend: '{{kind}} {{action}}' }],
        },
      ],
    ],
    [
      'Process',
      [
        {
          title: 'Leader',
          description: '1: a process runs syncs.',
          type: 'stat',
          unit: 'short',
          width: 4,
          queries: [{ expr: `sum(leader_election_master_status{${PODS}})`, legend: 'leader' }],
        },
        {
          title: 'Watches that broke',
          description: 'Lists and watches that failed, per second.',
          type: 'timeseries',
          unit: 'ops',
          width: 8,
          queries: [{ expr: `sum(rate(autopilot_watch_failures_total{${own}}[$__rate_interval])) or vector(0)`, legend: 'failures' }],
        },
        {
          title: 'Memory',
          description: 'Resident memory of each Pod.',
          type: 'timeseries',
          unit: 'bytes',
          width: 6,
          queries: [{ expr: `process_resident_memory_bytes{${PODS}}`, legend: '{{pod}}' }],
        },
        {
          title: 'CPU',
          description: 'Cores in use by each Pod.',
          type: 'timeseries',
          unit: 'short',
          width: 6,
          queries: [{ expr: `rate(process_cpu_seconds_total{${PODS}}[$__rate_interval])`, legend: '{{pod}}' }],
        },
      ],
    ],
  ];
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
        variable('namespace', `label_values(controller_runtime_reconcile_total{controller="${model.singular}"}, namespace)`),
        variable('pod', `label_values(controller_runtime_reconcile_total{controller="${model.singular}",namespace=~"$namespace"}, pod)`),
      ],
    },
    panels: placed(rows),
  };
}

function variable(name: string, query: string): object {
  return { name, type: 'query', datasource: { type: 'prometheus', uid: '${datasource}' }, query, definition: query, refresh: 2, includeAll: true, multi: true };
}

/** Rows of panels under their headings, left to right. */
function placed(rows: readonly (readonly [string, readonly Panel[]])[]): object[] {
  const panels: object[] = [];
  rows.forEach(([title, row], index) => {
    const top = index * 9;
    panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos: { x: 0, y: top, w: 24, h: 1 } });
    let x = 0;
    for (const { title: name, description, type, unit, width, stacked, queries } of row) {
      panels.push({
        id: panels.length + 1,
        type,
        title: name,
        description,
        gridPos: { x, y: top + 1, w: width, h: 8 },
        datasource: { type: 'prometheus', uid: '${datasource}' },
        fieldConfig: { defaults: { unit, min: 0, custom: stacked ? { fillOpacity: 30, stacking: { mode: 'normal' } } : {} }, overrides: [] },
        targets: queries.map(({ expr, legend }, at) => ({ refId: String.fromCharCode(65 + at), expr, legendFormat: legend })),
      });
      x += width;
    }
  });
  return panels;
}
