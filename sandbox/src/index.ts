/**
 * An in-memory Kubernetes cluster, a clock that moves when told to, and what tests of an operator need beside them.
 */
export { Cluster } from './cluster/cluster.ts';
export type { ClusterOptions } from './cluster/cluster.ts';
export { seeded, VirtualClock } from './clock.ts';
export { context } from './kit/context.ts';
export type { ContextOptions, Sketch } from './kit/context.ts';
export { fly } from './kit/fly.ts';
export type { Flight, FlightObject, FlightOptions, FlownObject } from './kit/fly.ts';
