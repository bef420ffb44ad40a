/**
 * The runtime's inside, for the sandbox of the same version and for tests. Unstable.
 */
export type { Clock, Random, Timer } from './clock.ts';
export { sleep, systemClock } from './clock.ts';
export { deepFreeze } from './cache/store.ts';
export * from './kube/api.ts';
export * from './kube/errors.ts';
export * from './kube/object.ts';
export * from './kube/names.ts';
export { matchesSelector, parseSelector, selectorString } from './kube/selector.ts';
export { connect } from './kube/connect.ts';
export type { Connected, ConnectOptions } from './kube/connect.ts';
export { parseDuration } from './duration.ts';
export { loadConfig } from './operator/config.ts';
export { startOperator } from './operator/start.ts';
export type { Operator, OperatorConfig, OperatorEvent, OperatorOptions } from './operator/start.ts';
export type * from './scheduler.ts';
export type * from './worker.ts';
