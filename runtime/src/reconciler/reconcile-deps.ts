/** What one sync needs from the machine around it. */
import type { Informer } from '../cache/informer.ts';
import type { Clock, Random } from '../util/clock.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import type { RecordEvent } from '../client/event-recorder.ts';
import type { Observer } from '../observability/observer.ts';
import type { MetricsQueries } from '../api/metrics-queries.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../api/scheduler.ts';
import type { Logger } from '../api/worker.ts';
import type { OutputApplier } from './outputs/apply-outputs.ts';
import type { FieldClaims } from './field-claims/apply-claims.ts';

export interface ReconcileSettings {
  readonly workIntervalMs: number;
  readonly workerTimeoutMs: number;
  readonly paused: boolean;
  readonly config: unknown;
}

export interface InformerLookup {
  forInput(input: InputDefinition): Informer;
  /** Holds the live objects of an output. */
  forOutput(output: OutputDefinition): Informer;
}

export interface ReconcileDeps {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: Observer;
  readonly primary: Informer;
  readonly informers: InformerLookup;
  readonly outputs: OutputApplier;
  readonly fieldClaims: FieldClaims;
  /** A Kubernetes Event about the resource: dropped under load, never awaited. */
  readonly recordEvent: RecordEvent;
  readonly settings: () => ReconcileSettings;
  readonly metricsQueriesFor: (resource: KubeObject, signal: AbortSignal) => MetricsQueries;
}
