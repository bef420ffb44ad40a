/**
 * `autopilot-runtime`: what workers, src/spec.ts, src/main.ts and tests of a project import.
 *
 * Routes of Istio and of the Gateway API are in `autopilot-runtime/mesh`. Generated files import
 * from `autopilot-runtime/generated`.
 */
export { run } from './operator/run.ts';
export type { OperatorConfig } from './operator/config.ts';
export type { OperatorOptions } from './operator/start.ts';
export type {
  EventKey,
  LoopingEvent,
  OperatorEvent,
  OutputEvent,
  ReconcileFailedEvent,
  TransitionEvent,
} from './observability/operator-event.ts';
export type { Scheduler } from './api/scheduler.ts';
export { parseDuration, timeUntil } from './api/duration.ts';
export type { StepTimes } from './api/duration.ts';
export { claimFields } from './api/field-claim.ts';
export type { ClaimedField, FieldClaim, FieldPathElement } from './api/field-claim.ts';
export { PermanentError, RetryLater } from './api/worker.ts';
export type {
  InputView,
  Logger,
  ReadOptions,
  StatusInfoPatch,
  UndoneChange,
} from './api/worker.ts';
export type {
  Duration,
  EmbeddedResource,
  Int32,
  Int64,
  IntOrString,
  Quantity,
  Timestamp,
} from './api/spec-types.ts';
export type * from './client/kube-api.ts';
export type { LabelSelector } from './client/label-selector.ts';
export type { KubeObject, ObjectMeta, ResourceType } from './client/object.ts';
export type { MetricsQueries, MetricsQuery, QueryResult } from './api/metrics-queries.ts';
