/** Exploration: one operator, one scenario, every fault that can stand in its way. */
export { explore, runScenario, replay } from './explore.ts';
export type {
  Exploration,
  ExploreOptions,
  Finding,
  RunScenarioOptions,
  LaunchRun,
  ExplorationProgress,
} from './explore.ts';
export { FAULTS, FAULT_KINDS, parseToken, scenarioSlug, formatToken } from './fault.ts';
export type { Fault, FaultKind, FaultSites, FaultSite, ReplayToken } from './fault.ts';
export type { Violation } from './invariants.ts';
export {
  approve,
  create,
  isScenario,
  patch,
  actWhen,
  remove,
  quiesce,
  scenario,
  wait,
} from './scenario.ts';
export type { ClusterChange, ClusterSnapshot, Scenario, ScenarioStep } from './scenario.ts';
export { formatTrace } from './run-trace.ts';
export type { TraceEntry } from './run-trace.ts';
export type { OperatorUnderTest } from './replicas.ts';
export type { RunResult } from './scenario-run.ts';
