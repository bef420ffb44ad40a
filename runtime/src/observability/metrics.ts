/**
 * The metrics of `definitions.ts`, fed by an observer and, at each scrape, by what the operator is
 * now.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricDefinition } from './metric-definitions.ts';
import { METRIC_DEFINITIONS } from './metric-definitions.ts';
import type { Observer } from './observer.ts';
import { NOOP_OBSERVER, ENQUEUE_CAUSES } from './observer.ts';

/** What a scrape asks. */
export interface OperatorSnapshot {
  readonly leading: boolean;
  readonly phases: ReadonlyMap<
    string,
    { readonly resources: number; readonly stalled: number; readonly oldestMs: number }
  >;
  readonly quarantined: number;
  readonly queue: {
    readonly changed: number;
    readonly due: number;
    readonly unfinishedMs: readonly number[];
  };
  readonly kinds: readonly {
    readonly kind: string;
    readonly size: number;
    readonly secondsSinceLastEvent: number | undefined;
    readonly unavailable: boolean;
  }[];
}

export interface MetricsSources {
  readonly operator: string;
  readonly controller: string;
  readonly phases: readonly string[];
  /** Kinds that are watched, and those that are written. */
  readonly kinds: readonly string[];
  readonly outputs: readonly string[];
  readonly maxConcurrentReconciles: number;
  /** Undefined before the operator is there. */
  snapshot(): OperatorSnapshot | undefined;
}

export interface OperatorMetrics {
  readonly observer: Observer;
  /** An answer of the API server: `Connection.onResponse`. */
  responseReceived(host: string, method: string, code: string): void;
  readonly contentType: string;
  render(): Promise<string>;
}

const RESULT_LABELS = ['success', 'error', 'requeue', 'requeue_after'] as const;

export function createOperatorMetrics(sources: MetricsSources): OperatorMetrics {
  const { controller, operator, phases, kinds, outputs } = sources;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counters: c, gauges: g, histograms: h } = createInstruments(registry);
  const queue = { name: controller, controller };

  for (const result of RESULT_LABELS) {
    c.reconciles.inc({ controller, result }, 0);
  }
  for (const counter of [
    c.reconcileErrors,
    c.terminalErrors,
    c.reconcilePanics,
    c.reconcileTimeouts,
  ]) {
    counter.inc({ controller }, 0);
  }
  for (const counter of [c.queueAdds, c.queueRetries]) {
    counter.inc(queue, 0);
  }
  for (const histogram of [h.queueSeconds, h.workSeconds]) {
    histogram.zero(queue);
  }
  h.reconcileSeconds.zero({ controller });
  g.activeReconciles.set({ controller }, 0);
  g.maxConcurrentReconciles.set({ controller }, sources.maxConcurrentReconciles);
  for (const phase of phases) {
    for (const result of RESULT_LABELS) {
      c.phaseReconciles.inc({ controller, phase, result }, 0);
    }
    c.loops.inc({ controller, phase }, 0);
    h.phaseSeconds.zero({ controller, phase });
  }
  for (const cause of ENQUEUE_CAUSES) {
    c.enqueues.inc({ controller, cause }, 0);
  }
  for (const kind of kinds) {
    for (const counter of [c.relists, c.missed, c.watchRestarts, c.watchFailures]) {
      counter.inc({ controller, kind }, 0);
    }
  }
  for (const kind of outputs) {
    for (const action of ['created', 'updated', 'pruned', 'unchanged']) {
      c.outputs.inc({ controller, kind, action }, 0);
    }
  }
  for (const result of ['sent', 'failed', 'dropped']) {
    c.events.inc({ controller, result }, 0);
  }

  function refresh(): void {
    const now = sources.snapshot();
    if (now === undefined) {
      return;
    }
    g.leading.set({ name: operator }, now.leading ? 1 : 0);
    g.quarantined.set({ controller }, now.quarantined);
    for (const gauge of [g.phaseResources, g.stalled, g.phaseOldest]) {
      gauge.reset();
    }
    for (const [phase, { resources, stalled, oldestMs }] of now.phases) {
      g.phaseResources.set({ controller, phase }, resources);
      g.stalled.set({ controller, phase }, stalled);
      g.phaseOldest.set({ controller, phase }, oldestMs / 1000);
    }
    g.queueDepth.set({ ...queue, priority: '0' }, now.queue.changed);
    g.queueDepth.set({ ...queue, priority: '-100' }, now.queue.due);
    const seconds = now.queue.unfinishedMs.map((ms) => ms / 1000);
    g.unfinished.set(
      queue,
      seconds.reduce((sum, one) => sum + one, 0),
    );
    g.longest.set(queue, Math.max(0, ...seconds));
    for (const gauge of [g.cached, g.watchAge, g.unavailable]) {
      gauge.reset();
    }
    // A kind may have several caches: the sum of what they hold, the worst of how they stand.
    for (const [kind, caches] of Map.groupBy(now.kinds, (cache) => cache.kind)) {
      g.cached.set(
        { controller, kind },
        caches.reduce((sum, { size }) => sum + size, 0),
      );
      g.unavailable.set(
        { controller, kind },
        caches.some(({ unavailable }) => unavailable) ? 1 : 0,
      );
      const ages = caches.flatMap(({ secondsSinceLastEvent }) => secondsSinceLastEvent ?? []);
      if (ages.length > 0) {
        g.watchAge.set({ controller, kind }, Math.max(...ages));
      }
    }
  }

  const observer: Observer = {
    ...NOOP_OBSERVER,
    reconcileStarted: () => g.activeReconciles.inc({ controller }),
    reconcileEnded(phase, result, time, errorType) {
      g.activeReconciles.dec({ controller });
      c.reconciles.inc({ controller, result });
      c.phaseReconciles.inc({ controller, phase, result });
      if (result === 'error') {
        c.reconcileErrors.inc({ controller });
      }
      if (errorType === 'stalled') {
        c.terminalErrors.inc({ controller });
      }
      if (errorType === 'timeout') {
        c.reconcileTimeouts.inc({ controller });
      }
      h.reconcileSeconds.observe({ controller }, time);
    },
    event(event) {
      if (event.type === 'transition') {
        c.transitions.inc({ controller, from: event.from, to: event.to });
      }
      if (event.type === 'output') {
        c.outputs.inc({ controller, kind: event.kind, action: event.action });
      }
    },
    phaseLeft: (phase, seconds) => h.phaseSeconds.observe({ controller, phase }, seconds),
    outputUnchanged: (kind) => c.outputs.inc({ controller, kind, action: 'unchanged' }),
    enqueued: (cause) => c.enqueues.inc({ controller, cause }),
    relisted(kind, { missed }) {
      c.relists.inc({ controller, kind });
      c.missed.inc({ controller, kind }, missed);
    },
    watchRestarted: (kind) => c.watchRestarts.inc({ controller, kind }),
    watchFailed: (kind) => c.watchFailures.inc({ controller, kind }),
    eventHandled: (result) => c.events.inc({ controller, result }),
    queueAdded: () => c.queueAdds.inc(queue),
    queueBegan: (ms) => h.queueSeconds.observe(queue, ms / 1000),
    queueEnded: (ms) => h.workSeconds.observe(queue, ms / 1000),
    queueRetried: () => c.queueRetries.inc(queue),
  };
  return {
    observer,
    responseReceived: (host, method, code) => c.requests.inc({ code, method, host }),
    contentType: registry.contentType,
    render() {
      refresh();
      return registry.metrics();
    },
  };
}

/** Each definition as the kind of thing that it is; asking for another kind does not compile. */
type InstrumentsOf<Type extends MetricDefinition['type'], Made> = {
  readonly [
    Name in keyof typeof METRIC_DEFINITIONS as (typeof METRIC_DEFINITIONS)[Name]['type'] extends Type
      ? Name
      : never
  ]: Made;
};

interface Instruments {
  readonly counters: InstrumentsOf<'counter', Counter>;
  readonly gauges: InstrumentsOf<'gauge', Gauge>;
  readonly histograms: InstrumentsOf<'histogram', Histogram>;
}

function createInstruments(registry: Registry): Instruments {
  const counters: Record<string, Counter> = {};
  const gauges: Record<string, Gauge> = {};
  const histograms: Record<string, Histogram> = {};
  for (const [key, { type, name, help, labels, buckets = [] }] of Object.entries(
    METRIC_DEFINITIONS,
  ) as readonly [string, MetricDefinition][]) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') {
      counters[key] = new Counter(options);
    } else if (type === 'gauge') {
      gauges[key] = new Gauge(options);
    } else {
      histograms[key] = new Histogram({ ...options, buckets: [...buckets] });
    }
  }
  return { counters, gauges, histograms } as unknown as Instruments;
}
