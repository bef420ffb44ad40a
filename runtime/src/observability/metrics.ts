/**
 * Collects the metrics of `metric-definitions.ts`: counters from an observer, gauges from a
 * snapshot of the operator at each scrape.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricDefinition } from './metric-definitions.ts';
import { METRIC_DEFINITIONS } from './metric-definitions.ts';
import type { Observer } from './observer.ts';
import { ENQUEUE_CAUSES } from '../workqueue/work-queue.ts';
import { NOOP_OBSERVER } from './observer.ts';

/** State of the operator at a scrape. */
export interface OperatorSnapshot {
  /** Whether this replica reconciles. */
  readonly leading: boolean;
  /** Whether the configuration file is refused or missing, so that earlier settings apply. */
  readonly configRefused: boolean;
  /** Resources by phase. */
  readonly phases: ReadonlyMap<
    string,
    { readonly resources: number; readonly stalled: number; readonly oldestMs: number }
  >;
  /** Number of resources that are quarantined. */
  readonly quarantined: number;
  /** Number of contested objects. */
  readonly contested: number;
  /** The work queue. */
  readonly queue: {
    /** Number of keys that a change has enqueued. */
    readonly changed: number;
    /** Number of keys that a timer has enqueued. */
    readonly due: number;
    /** Time that each running reconcile has taken so far. */
    readonly unfinishedMs: readonly number[];
  };
  /** The informers. A kind may have several. */
  readonly kinds: readonly InformerSnapshot[];
}

/** State of one informer at a scrape. */
export interface InformerSnapshot {
  readonly kind: string;
  /** Number of objects. */
  readonly size: number;
  /** Undefined before the first event. */
  readonly secondsSinceLastEvent: number | undefined;
  /** Whether the API server refuses to list the kind or does not serve it. */
  readonly unavailable: boolean;
}

/** What the metrics are about. */
export interface MetricsSources {
  /** Name of the operator. */
  readonly operator: string;
  /** Label `controller`: the kind of the resource in lower case. */
  readonly controller: string;
  /** Names of all phases. */
  readonly phases: readonly string[];
  /** Kinds that are watched or written. */
  readonly kinds: readonly string[];
  /** Kinds that are written. */
  readonly outputs: readonly string[];
  /** Maximum of reconciles at once. */
  readonly maxConcurrentReconciles: number;
  /** Takes the state of the operator. Undefined before the operator is started. */
  snapshot(): OperatorSnapshot | undefined;
}

/** The metrics of a process. */
export interface OperatorMetrics {
  /** Counts what the operator reports. */
  readonly observer: Observer;
  /** Counts a response of the API server: `Connection.onResponse`. */
  responseReceived(host: string, method: string, code: string): void;
  /** Content type of `/metrics`. */
  readonly contentType: string;
  /** @returns the body of `/metrics`. */
  render(): Promise<string>;
}

const RESULT_LABELS = ['success', 'error', 'requeue', 'requeue_after'] as const;
const OUTPUT_ACTIONS = ['created', 'updated', 'pruned', 'unchanged'] as const;
const EVENT_RESULTS = ['sent', 'failed', 'dropped'] as const;

/** Creates the metrics of a process. */
export function createOperatorMetrics(sources: MetricsSources): OperatorMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = createInstruments(registry);
  initializeSeries(instruments, sources);
  return {
    observer: createObserver(instruments, sources),
    responseReceived: (host, method, code) =>
      instruments.counters.requests.inc({ code, method, host }),
    contentType: registry.contentType,
    render() {
      const snapshot = sources.snapshot();
      if (snapshot !== undefined) {
        updateGauges(instruments, sources, snapshot);
      }
      return registry.metrics();
    },
  };
}

/** Starts the series whose labels are known at 0: `increase()` of a new series would be wrong. */
function initializeSeries(instruments: Instruments, sources: MetricsSources): void {
  const { counters, gauges, histograms } = instruments;
  const { controller, phases, kinds, outputs, maxConcurrentReconciles } = sources;
  const queue = { name: controller, controller };
  const { reconcileErrors, terminalErrors, reconcilePanics, reconcileTimeouts } = counters;
  for (const counter of [reconcileErrors, terminalErrors, reconcilePanics, reconcileTimeouts]) {
    counter.inc({ controller }, 0);
  }
  for (const result of RESULT_LABELS) {
    counters.reconciles.inc({ controller, result }, 0);
  }
  counters.queueAdds.inc(queue, 0);
  counters.queueRetries.inc(queue, 0);
  histograms.queueSeconds.zero(queue);
  histograms.workSeconds.zero(queue);
  histograms.reconcileSeconds.zero({ controller });
  gauges.activeReconciles.set({ controller }, 0);
  gauges.maxConcurrentReconciles.set({ controller }, maxConcurrentReconciles);
  for (const phase of phases) {
    for (const result of RESULT_LABELS) {
      counters.phaseReconciles.inc({ controller, phase, result }, 0);
    }
    counters.loops.inc({ controller, phase }, 0);
    histograms.phaseSeconds.zero({ controller, phase });
  }
  for (const cause of ENQUEUE_CAUSES) {
    counters.enqueues.inc({ controller, cause }, 0);
  }
  const { relists, missed, polls, watchRestarts, watchFailures } = counters;
  for (const kind of kinds) {
    for (const counter of [relists, missed, polls, watchRestarts, watchFailures]) {
      counter.inc({ controller, kind }, 0);
    }
  }
  for (const kind of outputs) {
    counters.repairs.inc({ controller, kind }, 0);
    for (const action of OUTPUT_ACTIONS) {
      counters.outputs.inc({ controller, kind, action }, 0);
    }
  }
  for (const result of EVENT_RESULTS) {
    counters.events.inc({ controller, result }, 0);
  }
}

function updateGauges(
  { gauges }: Instruments,
  { controller, operator }: MetricsSources,
  snapshot: OperatorSnapshot,
): void {
  gauges.leading.set({ name: operator }, snapshot.leading ? 1 : 0);
  gauges.configRefused.set({ controller }, snapshot.configRefused ? 1 : 0);
  gauges.quarantined.set({ controller }, snapshot.quarantined);
  gauges.contested.set({ controller }, snapshot.contested);
  for (const gauge of [gauges.phaseResources, gauges.stalled, gauges.phaseOldest]) {
    gauge.reset();
  }
  for (const [phase, { resources, stalled, oldestMs }] of snapshot.phases) {
    gauges.phaseResources.set({ controller, phase }, resources);
    gauges.stalled.set({ controller, phase }, stalled);
    gauges.phaseOldest.set({ controller, phase }, oldestMs / 1000);
  }
  const queue = { name: controller, controller };
  const { changed, due, unfinishedMs } = snapshot.queue;
  gauges.queueDepth.set({ ...queue, priority: '0' }, changed);
  gauges.queueDepth.set({ ...queue, priority: '-100' }, due);
  const unfinishedSeconds = unfinishedMs.map((ms) => ms / 1000);
  gauges.unfinished.set(queue, sum(unfinishedSeconds));
  gauges.longest.set(queue, Math.max(0, ...unfinishedSeconds));
  for (const gauge of [gauges.cached, gauges.watchAge, gauges.unavailable]) {
    gauge.reset();
  }
  // A kind may have several informers: the sum of their objects, the worst of their states.
  for (const [kind, informers] of Map.groupBy(snapshot.kinds, (informer) => informer.kind)) {
    const isUnavailable = informers.some(({ unavailable }) => unavailable);
    const ages = informers.flatMap(({ secondsSinceLastEvent }) => secondsSinceLastEvent ?? []);
    gauges.cached.set({ controller, kind }, sum(informers.map(({ size }) => size)));
    gauges.unavailable.set({ controller, kind }, isUnavailable ? 1 : 0);
    if (ages.length > 0) {
      gauges.watchAge.set({ controller, kind }, Math.max(...ages));
    }
  }
}

function createObserver(
  { counters, gauges, histograms }: Instruments,
  { controller }: MetricsSources,
): Observer {
  const queue = { name: controller, controller };
  return {
    ...NOOP_OBSERVER,
    reconcileStarted: () => gauges.activeReconciles.inc({ controller }),
    reconcileEnded(phase, result, seconds, errorType) {
      gauges.activeReconciles.dec({ controller });
      counters.reconciles.inc({ controller, result });
      counters.phaseReconciles.inc({ controller, phase, result });
      if (result === 'error') {
        counters.reconcileErrors.inc({ controller });
      }
      if (errorType === 'stalled') {
        counters.terminalErrors.inc({ controller });
      }
      if (errorType === 'timeout') {
        counters.reconcileTimeouts.inc({ controller });
      }
      histograms.reconcileSeconds.observe({ controller }, seconds);
    },
    event(event) {
      if (event.type === 'transition') {
        counters.transitions.inc({ controller, from: event.from, to: event.to });
      }
      if (event.type === 'output') {
        counters.outputs.inc({ controller, kind: event.kind, action: event.action });
      }
      if (event.type === 'looping') {
        counters.loops.inc({ controller, phase: event.phase });
      }
    },
    phaseLeft: (phase, seconds) => histograms.phaseSeconds.observe({ controller, phase }, seconds),
    outputUnchanged: (kind) => counters.outputs.inc({ controller, kind, action: 'unchanged' }),
    outputRepaired: (kind) => counters.repairs.inc({ controller, kind }),
    enqueued: (cause) => counters.enqueues.inc({ controller, cause }),
    relisted(kind, { missed }) {
      counters.relists.inc({ controller, kind });
      counters.missed.inc({ controller, kind }, missed);
    },
    watchRestarted: (kind) => counters.watchRestarts.inc({ controller, kind }),
    watchUnsupported: (kind) => counters.polls.inc({ controller, kind }),
    watchFailed: (kind) => counters.watchFailures.inc({ controller, kind }),
    eventHandled: (result) => counters.events.inc({ controller, result }),
    queueAdded: () => counters.queueAdds.inc(queue),
    queueBegan: (ms) => histograms.queueSeconds.observe(queue, ms / 1000),
    queueEnded: (ms) => histograms.workSeconds.observe(queue, ms / 1000),
    queueRetried: () => counters.queueRetries.inc(queue),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Instruments of one type, by the name of their definition. */
type InstrumentsOf<Type extends MetricDefinition['type'], Made> = {
  readonly [
    Name in keyof Definitions as Definitions[Name]['type'] extends Type ? Name : never
  ]: Made;
};

type Definitions = typeof METRIC_DEFINITIONS;

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
