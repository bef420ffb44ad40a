/** What one sync needs from the machine around it. */
import type { Informer } from '../cache/informer.ts';
import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import type { Observer } from '../observe/observer.ts';
import type { Metrics } from '../queries/types.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';
import type { Outputs } from './outputs.ts';
import type { Sharing } from './sharing.ts';

export interface SyncSettings {
  readonly workIntervalMs: number;
  readonly workerTimeoutMs: number;
  readonly paused: boolean;
  readonly config: unknown;
}

export interface Informers {
  ofInput(input: InputDefinition): Informer;
  /** Holds the live objects of an output. */
  ofOutput(output: OutputDefinition): Informer;
}

export interface SyncPorts {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: Observer;
  readonly primary: Informer;
  readonly informers: Informers;
  readonly outputs: Outputs;
  readonly sharing: Sharing;
  /** A Kubernetes Event about the resource: dropped under load, never awaited. */
  readonly record: Recorder;
  readonly settings: () => SyncSettings;
  readonly metricsFor: (resource: KubeObject, signal: AbortSignal) => Metrics;
}
