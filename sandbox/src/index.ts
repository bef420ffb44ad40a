/**
 * An in-memory Kubernetes cluster, a clock that moves when told to, and what tests of an operator
 * need beside them.
 */
export { Cluster } from './cluster/cluster.ts';
export type { ClusterOptions } from './cluster/cluster.ts';
export { rightsFrom, withRights } from './cluster/rights.ts';
export type { PolicyRule, Rights } from './cluster/rights.ts';
export type { UncheckedRule } from './cluster/rules.ts';
export { openDoor } from './door/door.ts';
export type { Door } from './door/door.ts';
export { seeded, VirtualClock } from './clock.ts';
export { context } from './kit/context.ts';
export { devCluster } from './kit/dev.ts';
export type { DevCluster } from './kit/dev.ts';
export type { ContextOptions, Sketch } from './kit/context.ts';
export { fly } from './kit/fly.ts';
export type { Flight, FlightObject, FlightOptions, FlownObject } from './kit/fly.ts';
export { deployments } from './simulators/deployments.ts';
export type { DeploymentObject, Rollout } from './simulators/deployments.ts';
export { prometheus } from './simulators/prometheus.ts';
export type { Answer, Answers, QueryParameters } from './simulators/prometheus.ts';
export type { Ask, Simulation, Simulator, World } from './simulators/simulator.ts';
export { arrivals, traffic } from './simulators/traffic.ts';
export type { Arrivals, TrafficOptions } from './simulators/traffic.ts';
