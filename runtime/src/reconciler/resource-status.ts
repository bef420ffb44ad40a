/**
 * The fields of status that the runtime writes, and the one place that reads them.
 *
 * Guarantee: whatever is stored, the fields have their types. Another client may write any value
 * into status, and the CRD may let it pass. An unreadable value counts as absent.
 */
import type { KubeObject } from '../client/object.ts';
import { isRecord } from '../util/json.ts';

/** A condition, as in metav1.Condition. */
export interface StatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

/** Fields of status that the runtime writes. All other fields belong to the user's StatusInfo. */
export const RUNTIME_STATUS_FIELDS = [
  'phase',
  'observedGeneration',
  'conditions',
  'autopilot',
] as const;

/** The runtime's part of status. */
export interface ResourceStatus {
  readonly phase?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly StatusCondition[];
  readonly autopilot?: AutopilotStatus;
}

/** `status.autopilot`: what the runtime needs at the next reconcile. Times are RFC 3339. */
export interface AutopilotStatus {
  /** When the resource entered its phase, later by the time for which it was paused. */
  readonly phaseStartedAt?: string;
  /** When a worker of this phase last returned `step: true`, later by the paused time. */
  readonly lastStep?: string;
  /**
   * When the user's finalizer function first returned. It becomes `phaseStartedAt` of its context.
   */
  readonly finalizerStartedAt?: string;
  readonly history?: readonly HistoryEntry[];
  /** When the resource was paused. The times of the phase stop until it is resumed. */
  readonly pausedAt?: string;
  /** The transition that awaits an approval. */
  readonly pendingApproval?: PendingApproval;
  /** Applied objects, so that their deletion is recognised. */
  readonly applied?: readonly AppliedRecord[];
  /** The last value of the approve annotation that was used. It is not used a second time. */
  readonly approved?: string;
}

/** An object that was applied for an output whose `whenUndone` is not `repair`. */
export interface AppliedRecord {
  /** Name of the output. */
  readonly output: string;
  /** `namespace/name` */
  readonly object: string;
  /** Hash of the desired object. */
  readonly hash: string;
}

/** A transition that awaits an approval. */
export interface PendingApproval {
  /** The phase to enter. */
  readonly phase: string;
  readonly token: string;
  /** Generation of the spec that the approval is for. */
  readonly generation: number;
}

/** One transition. `status.autopilot.history` has the last ten, newest first. */
export interface HistoryEntry {
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly reason: string;
}

/** Statuses that were read already. Objects of the caches are frozen, so they do not change. */
const READ = new WeakMap<object, ResourceStatus>();

/** The runtime's part of status; empty for a resource without status. */
export function statusOf({ status }: KubeObject): ResourceStatus {
  if (!isRecord(status)) {
    return {};
  }
  const known = READ.get(status);
  if (known !== undefined) {
    return known;
  }
  const read = readStatus(status);
  READ.set(status, read);
  return read;
}

/** Latest time of a Date in milliseconds since 1970, less the longest pause that is added to it. */
const LATEST_TIME_MS = Date.UTC(9999, 11, 31);

/**
 * @param time RFC 3339. Undefined counts as unreadable.
 * @returns milliseconds since 1970; undefined for a string that is no time
 */
export function parseTime(time: string | undefined): number | undefined {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Math.abs(ms) <= LATEST_TIME_MS ? ms : undefined;
}

function readStatus(status: Readonly<Record<string, unknown>>): ResourceStatus {
  return withoutAbsent({
    phase: stringOr(status['phase']),
    observedGeneration: numberOr(status['observedGeneration']),
    conditions: itemsOf(status['conditions'], CONDITION_FIELDS) as
      | readonly StatusCondition[]
      | undefined,
    autopilot: isRecord(status['autopilot']) ? readAutopilotStatus(status['autopilot']) : undefined,
  });
}

function readAutopilotStatus(stored: Readonly<Record<string, unknown>>): AutopilotStatus {
  return withoutAbsent({
    phaseStartedAt: timeOr(stored['phaseStartedAt']),
    lastStep: timeOr(stored['lastStep']),
    finalizerStartedAt: timeOr(stored['finalizerStartedAt']),
    history: itemsOf(stored['history'], HISTORY_FIELDS) as readonly HistoryEntry[] | undefined,
    pausedAt: timeOr(stored['pausedAt']),
    pendingApproval: pendingApprovalOr(stored['pendingApproval']),
    applied: itemsOf(stored['applied'], APPLIED_FIELDS) as readonly AppliedRecord[] | undefined,
    approved: stringOr(stored['approved']),
  });
}

const CONDITION_FIELDS = ['type', 'status'];
const APPLIED_FIELDS = ['output', 'object', 'hash'];
const HISTORY_FIELDS = ['from', 'to', 'at', 'reason'];

/** The items of a list that have these strings. Undefined: no list. */
function itemsOf(
  value: unknown,
  strings: readonly string[],
): readonly Readonly<Record<string, unknown>>[] | undefined {
  const isItem = (item: unknown): item is Record<string, unknown> =>
    isRecord(item) && strings.every((name) => typeof item[name] === 'string');
  return Array.isArray(value) ? value.filter(isItem) : undefined;
}

function pendingApprovalOr(value: unknown): PendingApproval | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const { phase, token, generation } = value;
  return typeof phase === 'string' && typeof token === 'string' && typeof generation === 'number'
    ? { phase, token, generation }
    : undefined;
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function timeOr(value: unknown): string | undefined {
  const text = stringOr(value);
  return parseTime(text) === undefined ? undefined : text;
}

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function withoutAbsent<T extends object>(fields: T): Present<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Present<T>;
}
