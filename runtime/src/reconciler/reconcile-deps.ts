/** What a reconcile needs from its controller: the same for all resources. */
import type { InputDefinition, OutputDefinition, Scheduler } from '../api/scheduler.ts';
import type { Logger } from '../api/worker.ts';
import type { Informer } from '../cache/informer.ts';
import type { RecordEvent } from '../client/event-recorder.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import type { Observer } from '../observability/observer.ts';
import type { MetricsQueries } from '../api/metrics-queries.ts';
import type { Clock, Random } from '../util/clock.ts';
import type { FieldClaims } from './field-claims/apply-claims.ts';
import type { OutputApplier } from './outputs/apply-outputs.ts';

/** The part of the operator's configuration that a reconcile reads; a reload changes it. */
export interface ReconcileSettings {
  /**
   * Default delay between two reconciles of a resource that stays in its phase, in milliseconds.
   */
  readonly workIntervalMs: number;
  /** Milliseconds until the signal of a worker is aborted. */
  readonly workerTimeoutMs: number;
  /** True: no worker is called for any resource. */
  readonly paused: boolean;
  /** The `config:` section, as workers get it. */
  readonly config: unknown;
}

/** Finds the shared informer of an input or of an output. */
export interface InformerLookup {
  forInput(input: InputDefinition): Informer;
  /** The informer that has the live objects of an output. */
  forOutput(output: OutputDefinition): Informer;
}

/** Dependencies of a reconcile. */
export interface ReconcileDeps {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: Observer;
  /** The informer of the operator's own kind. */
  readonly primary: Informer;
  readonly informers: InformerLookup;
  readonly outputs: OutputApplier;
  readonly fieldClaims: FieldClaims;
  /** Sends a Kubernetes Event about the resource. Never awaited; Events are dropped under load. */
  readonly recordEvent: RecordEvent;
  readonly settings: () => ReconcileSettings;
  readonly metricsQueriesFor: (resource: KubeObject, signal: AbortSignal) => MetricsQueries;
}
