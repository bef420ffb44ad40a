/** The public surface of the runtime: what generated projects and workers import. */
export { run } from './operator/run.ts';
export { parseDuration } from './api/duration.ts';
export { timeUntil } from './api/time-until.ts';
export { defineScheduler } from './api/scheduler.ts';
export type {
  Duration,
  FinalizerDefinition,
  InputDefinition,
  OutputDefinition,
  PhaseDefinition,
  QueryDefinition,
  Scheduler,
} from './api/scheduler.ts';
export { claimFields } from './api/field-claim.ts';
export type { FieldPathElement, ClaimedField, FieldClaim } from './api/field-claim.ts';
export { notImplemented, PermanentError, RetryLater } from './api/worker.ts';
export type {
  AnyFinalizer,
  AnyWorker,
  BaseContext,
  BaseResult,
  DeepReadonly,
  FinalizeResult,
  InputView,
  LabelSelector,
  Logger,
  OutputObject,
  ReadOptions,
} from './api/worker.ts';
export type { KubeObject, ObjectMeta, ResourceType } from './client/object.ts';
export type { MetricsQueries, MetricsQuery, QueryResult } from './queries/query-types.ts';
export type {
  EmbeddedResource,
  Int32,
  Int64,
  IntOrString,
  Quantity,
  Timestamp,
} from './api/spec-types.ts';
