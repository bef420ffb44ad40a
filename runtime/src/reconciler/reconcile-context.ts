/** The data of one reconcile, in place of parameter lists. */
import type { KubeObject } from '../client/object.ts';
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { ReadTracker } from './dependencies/read-tracker.ts';
import { initialPhase, msUntilTimeout, phaseOf } from './phase.ts';
import { statusOf } from './resource-status.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import type { ResourceState } from './resource-state.ts';

/** What the controller passes to a reconcile. */
export interface ReconcileRequest {
  /** The resource as the cache has it. */
  readonly resource: KubeObject;
  readonly deps: ReconcileDeps;
  readonly state: ResourceState;
  /** Records what the reconcile reads, for the dependency index. */
  readonly tracker: ReadTracker;
  /** Aborted when the drain timeout ends at shutdown, and immediately when the lease is lost. */
  readonly signal: AbortSignal;
}

/** A request with the phase of its resource. */
export interface ReconcileContext extends ReconcileRequest {
  /** Phase of the resource. A placeholder with the stored name when the name is unknown. */
  readonly phase: PhaseDefinition;
  /** False when `status.phase` names no phase of the scheduler. */
  readonly isPhaseKnown: boolean;
}

/** What a write of an output or of a field claim needs to know. */
export type WriteContext = Pick<ReconcileRequest, 'resource' | 'state' | 'tracker' | 'signal'>;

/** Builds the context of a request. Call it again when the resource has changed. */
export function createContext(request: ReconcileRequest): ReconcileContext {
  const { resource, deps } = request;
  const phase = phaseOf(deps.scheduler, resource);
  const placeholder = { ...initialPhase(deps.scheduler), name: statusOf(resource).phase ?? '' };
  return { ...request, phase: phase ?? placeholder, isPhaseKnown: phase !== undefined };
}

/** Milliseconds until the timeout of the phase, from now. Undefined: the phase has no timeout. */
export function timeLeftMs({ resource, phase, deps }: ReconcileContext): number | undefined {
  return msUntilTimeout(resource, phase, deps.clock.now());
}
