import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import type { MetricDefinition } from '../../../runtime/src/observability/metric-definitions.ts';
import {
  METRIC_DEFINITIONS,
  renderMetricsPage,
} from '../../../runtime/src/observability/metric-definitions.ts';
import type {
  OperatorMetrics,
  OperatorSnapshot,
} from '../../../runtime/src/observability/metrics.ts';
import { createOperatorMetrics } from '../../../runtime/src/observability/metrics.ts';

describe('metrics', () => {
  const snapshot: OperatorSnapshot = {
    leading: true,
    configRefused: false,
    phases: new Map([
      ['A', { resources: 2, stalled: 1, oldestMs: 90_500 }],
      ['B', { resources: 0, stalled: 0, oldestMs: 0 }],
    ]),
    quarantined: 1,
    contested: 2,
    queue: { changed: 3, due: 4, unfinishedMs: [500, 1500] },
    kinds: [
      { kind: 'Drone', size: 2, secondsSinceLastEvent: 12, unavailable: false },
      { kind: 'Pod', size: 0, secondsSinceLastEvent: undefined, unavailable: true },
    ],
  };
  function make(now: OperatorSnapshot | undefined = snapshot): OperatorMetrics {
    return createOperatorMetrics({
      operator: 'drone-operator',
      controller: 'drone',
      phases: ['A', 'B'],
      kinds: ['Drone', 'Pod'],
      outputs: ['Service'],
      maxConcurrentReconciles: 10,
      snapshot: () => now,
    });
  }
  const lines = async (metrics: OperatorMetrics): Promise<readonly string[]> =>
    (await metrics.render()).split('\n').filter((line) => !line.startsWith('#'));

  it('start at 0 for every series whose labels are known', async () => {
    const text = await lines(make(undefined));
    expect(text).to.include.members([
      'controller_runtime_reconcile_total{controller="drone",result="requeue_after"} 0',
      'controller_runtime_reconcile_errors_total{controller="drone"} 0',
      'controller_runtime_terminal_reconcile_errors_total{controller="drone"} 0',
      'controller_runtime_reconcile_panics_total{controller="drone"} 0',
      'controller_runtime_reconcile_timeouts_total{controller="drone"} 0',
      'controller_runtime_reconcile_time_seconds_count{controller="drone"} 0',
      'controller_runtime_max_concurrent_reconciles{controller="drone"} 10',
      'workqueue_adds_total{name="drone",controller="drone"} 0',
      'workqueue_queue_duration_seconds_bucket{le="1e-8",name="drone",controller="drone"} 0',
      'workqueue_queue_duration_seconds_bucket{le="1000",name="drone",controller="drone"} 0',
      'autopilot_phase_seconds_count{controller="drone",phase="B"} 0',
      'autopilot_phase_reconciles_total{controller="drone",phase="A",result="error"} 0',
      'autopilot_relist_missed_total{controller="drone",kind="Pod"} 0',
      'autopilot_outputs_total{controller="drone",kind="Service",action="unchanged"} 0',
      'autopilot_enqueues_total{controller="drone",cause="input"} 0',
      'autopilot_events_total{controller="drone",result="dropped"} 0',
    ]);
  });

  it('show the current state at each scrape', async () => {
    expect(await lines(make())).to.include.members([
      'leader_election_master_status{name="drone-operator"} 1',
      'autopilot_phase_resources{controller="drone",phase="A"} 2',
      'autopilot_stalled_resources{controller="drone",phase="A"} 1',
      'autopilot_phase_oldest_seconds{controller="drone",phase="A"} 90.5',
      'autopilot_quarantined_resources{controller="drone"} 1',
      'workqueue_depth{name="drone",controller="drone",priority="0"} 3',
      'workqueue_depth{name="drone",controller="drone",priority="-100"} 4',
      'workqueue_unfinished_work_seconds{name="drone",controller="drone"} 2',
      'workqueue_longest_running_processor_seconds{name="drone",controller="drone"} 1.5',
      'autopilot_watch_last_event_age_seconds{controller="drone",kind="Drone"} 12',
      'autopilot_cached_objects{controller="drone",kind="Drone"} 2',
      'autopilot_kind_unavailable{controller="drone",kind="Pod"} 1',
    ]);
  });

  it('show the worst of several informers of one kind', async () => {
    const pod = { kind: 'Pod', size: 1, secondsSinceLastEvent: 5, unavailable: false };
    const kinds = [
      pod,
      { ...pod, secondsSinceLastEvent: 70, unavailable: true },
      { ...pod, secondsSinceLastEvent: undefined },
      pod,
    ];
    expect(await lines(make({ ...snapshot, kinds }))).to.include.members([
      'autopilot_watch_last_event_age_seconds{controller="drone",kind="Pod"} 70',
      'autopilot_cached_objects{controller="drone",kind="Pod"} 4',
      'autopilot_kind_unavailable{controller="drone",kind="Pod"} 1',
    ]);
  });

  it('show no resources in a phase that all resources have left', async () => {
    let phases: OperatorSnapshot['phases'] = new Map([
      ['unknown', { resources: 1, stalled: 1, oldestMs: 1_000 }],
    ]);
    const metrics = createOperatorMetrics({
      operator: 'drone-operator',
      controller: 'drone',
      phases: ['A'],
      kinds: [],
      outputs: [],
      maxConcurrentReconciles: 1,
      snapshot: () => ({ ...snapshot, phases }),
    });
    expect(
      (await lines(metrics)).find((line) => /^autopilot_phase_resources.*unknown/.test(line)),
    ).to.match(/ 1$/);
    phases = new Map();
    expect(
      (await lines(metrics)).filter((line) => /^autopilot_(phase|stalled)_.*unknown/.test(line)),
    ).to.deep.equal([]);
  });

  it('count what the operator reports', async () => {
    const metrics = make();
    const { observer } = metrics;
    observer.reconcileStarted();
    observer.reconcileEnded('A', 'error', 0.2, 'stalled');
    observer.event({ type: 'transition', resource: { name: 'one' }, from: 'A', to: 'B' });
    observer.event({ type: 'looping', resource: { name: 'one' }, phase: 'B' });
    observer.phaseLeft('A', 45);
    observer.outputUnchanged('Service');
    observer.relisted('Pod', { changed: 5, missed: 1 });
    observer.enqueued('timer');
    observer.queueBegan(100);
    metrics.responseReceived('10.0.0.1:443', 'PATCH', '409');
    expect(await lines(metrics)).to.include.members([
      'controller_runtime_active_workers{controller="drone"} 0',
      'controller_runtime_terminal_reconcile_errors_total{controller="drone"} 1',
      'autopilot_phase_reconciles_total{controller="drone",phase="A",result="error"} 1',
      'autopilot_phase_transitions_total{controller="drone",from="A",to="B"} 1',
      'autopilot_phase_loops_total{controller="drone",phase="B"} 1',
      'autopilot_phase_seconds_bucket{le="60",controller="drone",phase="A"} 1',
      'autopilot_outputs_total{controller="drone",kind="Service",action="unchanged"} 1',
      'autopilot_relists_total{controller="drone",kind="Pod"} 1',
      'autopilot_relist_missed_total{controller="drone",kind="Pod"} 1',
      'autopilot_enqueues_total{controller="drone",cause="timer"} 1',
      'workqueue_queue_duration_seconds_sum{name="drone",controller="drone"} 0.1',
      'rest_client_requests_total{code="409",method="PATCH",host="10.0.0.1:443"} 1',
    ]);
  });

  it('include the metrics of the process', async () => {
    expect((await make().render()).match(/^process_resident_memory_bytes \d+/m)).to.not.equal(null);
  });

  // @promise endpoints/metrics
  it('have no label that grows with the number of resources', () => {
    const all: readonly MetricDefinition[] = Object.values(METRIC_DEFINITIONS);
    const labels = new Set(all.flatMap((definition) => definition.labels));
    expect([...labels].sort()).to.deep.equal([
      'action',
      'cause',
      'code',
      'controller',
      'from',
      'host',
      'kind',
      'method',
      'name',
      'phase',
      'priority',
      'result',
      'to',
    ]);
  });

  // @promise endpoints/metrics
  it('are all on the reference page (node --conditions=autopilot-source scripts/reference.ts writes it)', () => {
    expect(
      readFileSync(resolve(import.meta.dirname, '../../../docs/reference/metrics.md'), 'utf8'),
    ).to.equal(renderMetricsPage());
  });
});
