/**
 * An in-memory Kubernetes cluster with a virtual clock, for the tests of operators.
 *
 * - {@link startSandbox} runs an operator in the cluster, to test its phases together.
 * - {@link workerContext} creates the context of a worker, to test it as a plain function.
 * - {@link deployments}, {@link prometheus} and {@link traffic} simulate parts of a cluster.
 *
 * @packageDocumentation
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
export type { PartialObject, WorkerContextOptions } from './testing/worker-context.ts';
export { startDevCluster } from './testing/dev-cluster.ts';
export type { DevCluster } from './testing/dev-cluster.ts';
export { startSandbox } from './testing/sandbox.ts';
export type { ObjectManifest, Sandbox, SandboxObject, SandboxOptions } from './testing/sandbox.ts';
export { deployments } from './simulators/deployments.ts';
export type {
  DeploymentObject,
  DeploymentsOptions,
  DeploymentStatus,
  RolloutState,
} from './simulators/deployments.ts';
export { prometheus } from './simulators/prometheus.ts';
export type {
  QueryHandlers,
  QueryParameters,
  SimulatedQueryResult,
} from './simulators/prometheus.ts';
export type {
  QueryMetrics,
  RunningSimulator,
  Simulator,
  SimulatorContext,
} from './simulators/simulator.ts';
export { observedTraffic, traffic } from './simulators/traffic.ts';
export type { LostRequests } from './simulators/request-routing.ts';
export type { ObservedTraffic, TrafficOptions, TrafficSource } from './simulators/traffic.ts';
