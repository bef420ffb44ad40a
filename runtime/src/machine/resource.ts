/** The operator's own kind, as the machine reads it, and the status it writes. */
import type { KubeObject } from '../kube/object.ts';
import type { PhaseDefinition, Scheduler } from '../scheduler.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** Ours; every other field of status belongs to the user's StatusInfo. */
export const OUR_STATUS_FIELDS = ['phase', 'observedGeneration', 'conditions', 'autopilot'] as const;

export interface Status {
  readonly phase?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly autopilot?: { readonly phaseStartedAt?: string; readonly lastStep?: string; readonly history?: readonly HistoryEntry[] };
}

/** The last transitions, newest first, at most ten. */
export interface HistoryEntry {
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly reason: string;
}

export function statusOf(resource: KubeObject): Status {
  return (resource.status ?? {}) as Status;
}

export function initialPhase(scheduler: Scheduler): PhaseDefinition {
  const phase = scheduler.phases.find((candidate) => candidate.initial);
  if (phase === undefined) throw new Error('the scheduler has no initial phase');
  return phase;
}

/** The phase a resource is in, through `formerly`; undefined when status names one that does not exist. */
export function phaseOf(scheduler: Scheduler, resource: KubeObject): PhaseDefinition | undefined {
  const name = statusOf(resource).phase;
  if (name === undefined || name === '') return initialPhase(scheduler);
  return scheduler.phases.find((phase) => phase.name === name) ?? scheduler.phases.find((phase) => phase.formerly?.includes(name));
}

export function isReady(phase: PhaseDefinition): boolean {
  return phase.ready ?? phase.final ?? false;
}
