/**
 * The one status PATCH of a sync: a merge patch of the difference, guarded by resourceVersion.
 * Pure.
 */
import type { KubeObject } from '../kube/object.ts';
import type { PhaseDefinition } from '../scheduler.ts';
import type { Situation } from './conditions.ts';
import { conditionsOf } from './conditions.ts';
import type { ApprovalHold, HistoryEntry, Notes } from './resource.ts';
import { OUR_STATUS_FIELDS, phaseTimes, statusOf } from './resource.ts';

const HISTORY = 10;

export interface StatusChange {
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  /** Why the phase changed, for the history. */
  readonly reason?: string;
  readonly statusInfo?: Readonly<Record<string, unknown>> | undefined;
  readonly step?: boolean | undefined;
  /** The user's finalizer was called, and its outputs are applied. */
  readonly finalizing?: boolean;
  /** Has the machine acted on this generation? Then observedGeneration follows. */
  readonly observed: boolean;
  /** The transition that a person is to approve; null: none any more; absent: as before. */
  readonly hold?: ApprovalHold | null;
  /** A value of the approve annotation that was acted on. */
  readonly approved?: string;
}

/**
 * The whole status after the change. Times come from `now`; a condition that keeps its status keeps
 * its time.
 */
export function nextStatus(
  resource: KubeObject,
  change: StatusChange,
  now: Date,
): Record<string, unknown> {
  const old = statusOf(resource);
  const generation = resource.metadata.generation ?? 0;
  const known = (old.observedGeneration ?? -1) >= 0;
  const info = change.statusInfo ?? userFields(resource);
  return {
    ...info,
    phase: change.phase.name,
    observedGeneration: change.observed ? generation : known ? old.observedGeneration : generation,
    conditions: conditionsOf(
      old.conditions ?? [],
      change.phase,
      change.situation,
      generation,
      seconds(now.getTime()),
    ),
    autopilot: notesOf(resource, change, now),
  };
}

/** The user's fields of status. */
export function userFields(resource: KubeObject): Record<string, unknown> {
  const ours: readonly string[] = OUR_STATUS_FIELDS;
  return Object.fromEntries(
    Object.entries((resource.status ?? {}) as Record<string, unknown>).filter(
      ([name]) => !ours.includes(name),
    ),
  );
}

function notesOf(resource: KubeObject, change: StatusChange, now: Date): Notes {
  const old = statusOf(resource);
  const notes = old.autopilot ?? {};
  const paused = change.situation.kind === 'paused';
  const at = seconds(now.getTime());
  const entering =
    old.phase !== change.phase.name && !(change.phase.formerly?.includes(old.phase ?? '') ?? false);
  const entry: HistoryEntry | undefined =
    entering && old.phase !== undefined
      ? { from: old.phase, to: change.phase.name, at, reason: change.reason ?? 'Worker' }
      : undefined;
  const history = [...(entry === undefined ? [] : [entry]), ...(notes.history ?? [])].slice(
    0,
    HISTORY,
  );
  const times = phaseTimes(
    paused ? { autopilot: { ...notes, pausedAt: now.toISOString() } } : old,
    now.getTime(),
  );
  const started =
    entering || times.phaseStartedAt === undefined ? at : seconds(times.phaseStartedAt);
  const lastStep = change.step === true ? now.getTime() : entering ? undefined : times.lastStep;
  const kept = entering ? undefined : notes.hold;
  const hold = change.hold === undefined ? kept : (change.hold ?? undefined);
  const approved = change.approved ?? notes.approved;
  const finalizerStartedAt =
    notes.finalizerStartedAt ?? (change.finalizing === true ? now.toISOString() : undefined);
  return {
    phaseStartedAt: started,
    ...(lastStep !== undefined && { lastStep: new Date(lastStep).toISOString() }),
    ...(finalizerStartedAt !== undefined && { finalizerStartedAt }),
    ...(history.length > 0 && { history }),
    ...(paused && { pausedAt: notes.pausedAt ?? now.toISOString() }),
    ...(hold !== undefined && { hold }),
    ...(approved !== undefined && { approved }),
  };
}

/** metav1.Time has whole seconds. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
