/** The status after a reconcile. */
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { KubeObject } from '../client/object.ts';
import type { ConditionContent, Situation } from './conditions.ts';
import { conditionsOf } from './conditions.ts';
import type {
  AppliedRecord,
  AutopilotStatus,
  HistoryEntry,
  PendingApproval,
} from './resource-status.ts';
import { phaseTimes } from './phase.ts';
import { RUNTIME_STATUS_FIELDS, statusOf } from './resource-status.ts';

const MAX_HISTORY = 10;

/** What a reconcile changes in status. */
export interface StatusUpdate {
  /** The phase afterwards. */
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  /** Conditions that do not depend on how the reconcile ended. Default: none. */
  readonly notices?: readonly ConditionContent[];
  /** Why the phase changes, for the history. Default: `Worker`. */
  readonly reason?: string;
  /** Changes of the user's fields, merged by top-level field; null removes a field. */
  readonly statusInfo?: Readonly<Record<string, unknown>> | undefined;
  /** True: `lastStep` becomes now. */
  readonly step?: boolean | undefined;
  /** The user's finalizer function was called, and its outputs are applied. */
  readonly finalizerCalled?: boolean;
  /** The reconcile has acted on this generation, so observedGeneration follows. */
  readonly isGenerationHandled: boolean;
  /** The transition that awaits an approval. Null: none any more. Absent: as before. */
  readonly pendingApproval?: PendingApproval | null;
  /** The objects to recognise a deletion of. Absent: as before. */
  readonly applied?: readonly AppliedRecord[];
  /** A value of the approve annotation that was used. */
  readonly approved?: string;
}

/** The whole status after the update. A condition that keeps its status keeps its time. */
export function nextStatus(
  resource: KubeObject,
  update: StatusUpdate,
  now: Date,
): Record<string, unknown> {
  const old = statusOf(resource);
  const { phase, situation, notices } = update;
  const { generation = 0 } = resource.metadata;
  return {
    ...mergeStatusInfo(userStatusFields(resource), update.statusInfo ?? {}),
    phase: phase.name,
    observedGeneration: nextObservedGeneration(old.observedGeneration, generation, update),
    conditions: conditionsOf({
      old: old.conditions ?? [],
      phase,
      situation,
      ...(notices !== undefined && { notices }),
      generation,
      at: formatWholeSeconds(now.getTime()),
    }),
    autopilot: autopilotStatusOf(resource, update, now),
  };
}

/** The stored value stays until a reconcile has acted on the generation. -1: never reconciled. */
function nextObservedGeneration(
  stored: number | undefined,
  generation: number,
  { isGenerationHandled }: StatusUpdate,
): number {
  return isGenerationHandled || stored === undefined || stored < 0 ? generation : stored;
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

/** The fields of status that belong to the user's StatusInfo. */
function userStatusFields(resource: KubeObject): Record<string, unknown> {
  const runtimeFields: readonly string[] = RUNTIME_STATUS_FIELDS;
  return Object.fromEntries(
    Object.entries((resource.status ?? {}) as Record<string, unknown>).filter(
      ([name]) => !runtimeFields.includes(name),
    ),
  );
}

function autopilotStatusOf(resource: KubeObject, update: StatusUpdate, now: Date): AutopilotStatus {
  const previous = statusOf(resource).autopilot ?? {};
  const isEntering = entersPhase(resource, update);
  const isPaused = update.situation.type === 'paused';
  const history = nextHistory(resource, update, now);
  const lastStep = nextLastStep(resource, update, now);
  const pendingApproval = nextPendingApproval(previous, update, isEntering);
  const approved = update.approved ?? previous.approved;
  const applied = update.applied ?? previous.applied ?? [];
  const finalizerStartedAt =
    previous.finalizerStartedAt ??
    (update.finalizerCalled === true ? now.toISOString() : undefined);
  return {
    phaseStartedAt: nextPhaseStart(resource, update, now),
    ...(lastStep !== undefined && { lastStep: new Date(lastStep).toISOString() }),
    ...(finalizerStartedAt !== undefined && { finalizerStartedAt }),
    ...(history.length > 0 && { history }),
    ...(isPaused && { pausedAt: previous.pausedAt ?? now.toISOString() }),
    ...(pendingApproval !== undefined && { pendingApproval }),
    ...(approved !== undefined && { approved }),
    ...(applied.length > 0 && { applied }),
  };
}

/** A rename by `formerly` is no transition. */
function entersPhase(resource: KubeObject, { phase }: StatusUpdate): boolean {
  const { phase: stored } = statusOf(resource);
  return stored !== phase.name && !(phase.formerly?.includes(stored ?? '') ?? false);
}

function nextHistory(
  resource: KubeObject,
  update: StatusUpdate,
  now: Date,
): readonly HistoryEntry[] {
  const { phase: from, autopilot = {} } = statusOf(resource);
  const { history = [] } = autopilot;
  if (from === undefined || !entersPhase(resource, update)) {
    return history.slice(0, MAX_HISTORY);
  }
  const at = formatWholeSeconds(now.getTime());
  const entry = { from, to: update.phase.name, at, reason: update.reason ?? 'Worker' };
  return [entry, ...history].slice(0, MAX_HISTORY);
}

function nextPhaseStart(resource: KubeObject, update: StatusUpdate, now: Date): string {
  const { phaseStartedAt } = timesAfter(resource, update, now);
  const start = entersPhase(resource, update) ? undefined : phaseStartedAt;
  return formatTime(start ?? now.getTime());
}

/** Milliseconds since 1970. Undefined: no step in this phase. */
function nextLastStep(resource: KubeObject, update: StatusUpdate, now: Date): number | undefined {
  // A new resource is in the initial phase already, although its status is empty.
  const isFirst = !statusOf(resource).phase && update.phase.initial === true;
  if (entersPhase(resource, update) && !isFirst) {
    return undefined;
  }
  return update.step === true ? now.getTime() : timesAfter(resource, update, now).lastStep;
}

/** While the resource is paused the stored times stay; when it resumes they move by the pause. */
function timesAfter(
  resource: KubeObject,
  { situation }: StatusUpdate,
  now: Date,
): ReturnType<typeof phaseTimes> {
  const old = statusOf(resource);
  const isPaused = situation.type === 'paused';
  const pausedNow = { autopilot: { ...old.autopilot, pausedAt: now.toISOString() } };
  return phaseTimes(isPaused ? pausedNow : old, now.getTime());
}

/** A pending approval ends when the resource enters a phase. */
function nextPendingApproval(
  previous: AutopilotStatus,
  { pendingApproval }: StatusUpdate,
  isEntering: boolean,
): PendingApproval | undefined {
  if (pendingApproval !== undefined) {
    return pendingApproval ?? undefined;
  }
  return isEntering ? undefined : previous.pendingApproval;
}

/** RFC 3339 with milliseconds: a timeout counts them. Whole seconds are written without any. */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** metav1.Time has whole seconds. */
function formatWholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
