/**
 * An in-memory Kubernetes cluster, a clock that moves when told to, and what tests of an operator
 * need beside them.
 */
export { Cluster } from './cluster/cluster.ts';
export type { ClusterOptions } from './cluster/cluster.ts';
export { policyRulesFrom, withPolicyRules } from './cluster/rbac.ts';
export type { PolicyRule, PolicyRules } from './cluster/rbac.ts';
export type { UncheckedRule } from './cluster/validation-rules.ts';
export { serveApi } from './api-server/serve-api.ts';
export type { ApiServer } from './api-server/serve-api.ts';
export { seededRandom, VirtualClock } from './virtual-clock.ts';
export { workerContext } from './testing/worker-context.ts';
export { startDevCluster } from './testing/dev-cluster.ts';
export type { DevCluster } from './testing/dev-cluster.ts';
export type { WorkerContextOptions, PartialObject } from './testing/worker-context.ts';
export { startSandbox } from './testing/sandbox.ts';
export type { Sandbox, ObjectManifest, SandboxOptions, SandboxObject } from './testing/sandbox.ts';
export { deployments } from './simulators/deployments.ts';
export type { DeploymentObject, RolloutState } from './simulators/deployments.ts';
export { prometheus } from './simulators/prometheus.ts';
export type {
  SimulatedQueryResult,
  QueryHandlers,
  QueryParameters,
} from './simulators/prometheus.ts';
export type {
  QueryMetrics,
  RunningSimulator,
  Simulator,
  SimulatorContext,
} from './simulators/simulator.ts';
export { observedTraffic, traffic } from './simulators/traffic.ts';
export type { ObservedTraffic, TrafficOptions } from './simulators/traffic.ts';
