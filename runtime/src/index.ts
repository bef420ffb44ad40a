/** The public surface of the runtime: what generated projects and workers import. */
export { run } from './operator/run.ts';
export { parseDuration } from './duration.ts';
export { remaining } from './pace.ts';
export { defineScheduler } from './scheduler.ts';
export type {
  Duration,
  FinalizerDefinition,
  InputDefinition,
  OutputDefinition,
  PhaseDefinition,
  QueryDefinition,
  Scheduler,
} from './scheduler.ts';
export { shared } from './shared.ts';
export type { FieldStep, SharedField, SharedOutput } from './shared.ts';
export { notImplemented, PermanentError, RetryLater } from './worker.ts';
export type {
  AnyFinalizer,
  AnyWorker,
  BaseContext,
  BaseResult,
  DeepReadonly,
  FinalizeResult,
  InputView,
  LabelSelector,
  Log,
  OutputObject,
  ReadOptions,
} from './worker.ts';
export type { KubeObject, ObjectMeta, ResourceType } from './kube/object.ts';
export type { Metrics, Query, QueryAnswer } from './queries/types.ts';
export type { EmbeddedResource, Int32, Int64, IntOrString, Quantity, Timestamp } from './spec.ts';
