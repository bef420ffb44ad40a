/**
 * Exploration: one operator, one scenario, and every fault at every site where it can occur. The
 * same scenario, seed and faults make the same run.
 *
 * @packageDocumentation
 */
export { explore, runScenario, replay } from './explore.ts';
export type {
  Exploration,
  ExplorationProgress,
  ExploreOptions,
  Finding,
  LaunchRun,
  RunScenarioOptions,
} from './explore.ts';
export { FAULTS, FAULT_KINDS, formatToken, parseToken, scenarioSlug } from './fault.ts';
export type { Fault, FaultKind, FaultSiteType, IgnoredFault, ReplayToken } from './fault.ts';
export type { FaultSite, FaultSites } from './fault-sites.ts';
export type { PlanStage } from './fault-plan.ts';
export type { Violation } from './invariants.ts';
export type { ComparableState } from './comparable-state.ts';
export type { QuiescentState } from './quiescence.ts';
export {
  actWhen,
  approve,
  create,
  isScenario,
  patch,
  quiesce,
  remove,
  scenario,
  wait,
} from './scenario.ts';
export type {
  ApprovedPhase,
  ClusterChange,
  ClusterSnapshot,
  Scenario,
  ScenarioStep,
} from './scenario.ts';
export { formatTrace } from './run-trace.ts';
export type { TraceEntry } from './run-trace.ts';
export type { RunningOperator } from './operator-process.ts';
export type { OperatorUnderTest } from './replicas.ts';
export type { RunResult } from './scenario-run.ts';
