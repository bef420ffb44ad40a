/**
 * `autopilot-runtime/internal`: parts of the runtime for the sandbox of the same version and for
 * tests. Unstable: names and meanings change without notice.
 */
export type { Clock, Random, Timer } from './util/clock.ts';
export { sleep, systemClock } from './util/clock.ts';
export { deepFreeze } from './cache/store.ts';
export * from './client/kube-api.ts';
export * from './client/errors.ts';
export * from './client/object.ts';
export * from './client/well-known-names.ts';
export { matchesSelector, parseSelector, formatSelector } from './client/label-selector.ts';
export { connect } from './client/connect.ts';
export type { KubeConnection, ConnectOptions } from './client/connect.ts';
export { findWeightProblems } from './mesh/weights.ts';
export { locateField } from './reconciler/field-claims/field-path.ts';
export type { FieldPath } from './reconciler/field-claims/field-path.ts';
export { parseDuration } from './api/duration.ts';
export { NOOP_LOGGER } from './observability/logger.ts';
export { loadConfig } from './operator/config.ts';
export { startOperator } from './operator/start.ts';
export type { Operator, OperatorOptions } from './operator/start.ts';
export type { OperatorConfig } from './operator/config.ts';
export type { OperatorEvent } from './observability/operator-event.ts';
export { allWorkerDefinitions } from './api/scheduler.ts';
export type * from './api/scheduler.ts';
export type * from './api/worker.ts';
