/**
 * `autopilot-runtime/generated`: what the files in src/generated of a project import, and the stubs
 * of workers that are not written yet.
 *
 * Workers, tests and main.ts import from `autopilot-runtime`. The generator and the runtime of one
 * version belong together: this entry point may change between versions, and `autopilot generate`
 * then rewrites the files that use it.
 */
export { defineScheduler } from './api/scheduler.ts';
export type {
  FinalizerDefinition,
  InputDefinition,
  OutputDefinition,
  PhaseDefinition,
  QueryDefinition,
  Scheduler,
} from './api/scheduler.ts';
export type { ConfigSchema } from './api/config-schema.ts';
export type { FieldClaim } from './api/field-claim.ts';
export type { Duration } from './api/spec-types.ts';
export { notImplemented } from './api/worker.ts';
export type {
  AnyContext,
  AnyFinalizer,
  AnyOutputs,
  AnyResult,
  AnyWorker,
  BaseContext,
  BaseResult,
  DeepReadonly,
  FinalizeResult,
  InputView,
  OutputObject,
  UndoneChange,
} from './api/worker.ts';
export type { KubeObject, ObjectMeta, ResourceType } from './client/object.ts';
export type { QueryResult } from './api/metrics-queries.ts';
