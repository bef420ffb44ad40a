/**
 * The one status PATCH of a sync: a merge patch of the difference, guarded by resourceVersion.
 * Pure.
 */
import type { KubeObject } from '../client/object.ts';
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { Situation } from './conditions.ts';
import { conditionsOf } from './conditions.ts';
import type { PendingApproval, HistoryEntry, AutopilotStatus } from './phase.ts';
import { RUNTIME_STATUS_FIELDS, phaseTimes, statusOf } from './phase.ts';

const MAX_HISTORY = 10;

export interface StatusUpdate {
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  /** Why the phase changed, for the history. */
  readonly reason?: string;
  readonly statusInfo?: Readonly<Record<string, unknown>> | undefined;
  readonly step?: boolean | undefined;
  /** The user's finalizer was called, and its outputs are applied. */
  readonly finalizerCalled?: boolean;
  /** Has the machine acted on this generation? Then observedGeneration follows. */
  readonly isGenerationHandled: boolean;
  /** The transition that a person is to approve; null: none any more; absent: as before. */
  readonly pendingApproval?: PendingApproval | null;
  /** A value of the approve annotation that was acted on. */
  readonly approved?: string;
}

/**
 * The whole status after the change. Times come from `now`; a condition that keeps its status keeps
 * its time.
 */
export function nextStatus(
  resource: KubeObject,
  change: StatusUpdate,
  now: Date,
): Record<string, unknown> {
  const old = statusOf(resource);
  const generation = resource.metadata.generation ?? 0;
  const wasHandled = (old.observedGeneration ?? -1) >= 0;
  return {
    ...mergeStatusInfo(userStatusFields(resource), change.statusInfo ?? {}),
    phase: change.phase.name,
    observedGeneration: change.isGenerationHandled
      ? generation
      : wasHandled
        ? old.observedGeneration
        : generation,
    conditions: conditionsOf(
      old.conditions ?? [],
      change.phase,
      change.situation,
      generation,
      formatWholeSeconds(now.getTime()),
    ),
    autopilot: autopilotStatusOf(resource, change, now),
  };
}

/** The stored fields with the worker's changes: null removes a field, an absent one stays. */
function mergeStatusInfo(
  stored: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const merged = Object.entries({ ...stored, ...Object.fromEntries(given) });
  return Object.fromEntries(merged.filter(([, value]) => value !== null));
}

/** The user's fields of status. */
export function userStatusFields(resource: KubeObject): Record<string, unknown> {
  const runtimeFields: readonly string[] = RUNTIME_STATUS_FIELDS;
  return Object.fromEntries(
    Object.entries((resource.status ?? {}) as Record<string, unknown>).filter(
      ([name]) => !runtimeFields.includes(name),
    ),
  );
}

function autopilotStatusOf(resource: KubeObject, change: StatusUpdate, now: Date): AutopilotStatus {
  const old = statusOf(resource);
  const previous = old.autopilot ?? {};
  const paused = change.situation.type === 'paused';
  const at = formatWholeSeconds(now.getTime());
  const entering =
    old.phase !== change.phase.name && !(change.phase.formerly?.includes(old.phase ?? '') ?? false);
  const entry: HistoryEntry | undefined =
    entering && old.phase !== undefined
      ? { from: old.phase, to: change.phase.name, at, reason: change.reason ?? 'Worker' }
      : undefined;
  const history = [...(entry === undefined ? [] : [entry]), ...(previous.history ?? [])].slice(
    0,
    MAX_HISTORY,
  );
  const times = phaseTimes(
    paused ? { autopilot: { ...previous, pausedAt: now.toISOString() } } : old,
    now.getTime(),
  );
  const started =
    entering || times.phaseStartedAt === undefined ? at : formatWholeSeconds(times.phaseStartedAt);
  const lastStep = change.step === true ? now.getTime() : entering ? undefined : times.lastStep;
  const keptApproval = entering ? undefined : previous.pendingApproval;
  const pendingApproval =
    change.pendingApproval === undefined ? keptApproval : (change.pendingApproval ?? undefined);
  const approved = change.approved ?? previous.approved;
  const finalizerStartedAt =
    previous.finalizerStartedAt ??
    (change.finalizerCalled === true ? now.toISOString() : undefined);
  return {
    phaseStartedAt: started,
    ...(lastStep !== undefined && { lastStep: new Date(lastStep).toISOString() }),
    ...(finalizerStartedAt !== undefined && { finalizerStartedAt }),
    ...(history.length > 0 && { history }),
    ...(paused && { pausedAt: previous.pausedAt ?? now.toISOString() }),
    ...(pendingApproval !== undefined && { pendingApproval }),
    ...(approved !== undefined && { approved }),
  };
}

/** metav1.Time has whole seconds. */
function formatWholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
