/**
 * What the process knows about objects that other clients set back: when the next repair is due,
 * and what to say about it. A new process starts without records and makes two repairs at once.
 */
import type { UndoneChange } from '../../api/worker.ts';
import type { DesiredObject } from '../outputs/desired-object.ts';

/** One object that another client has set back. */
export interface RepairRecord {
  /** What was found undone last: the object, or the claimed fields of it. */
  changes: readonly UndoneChange[];
  /** Monotonic time in milliseconds of the last write of the object. */
  lastWriteAt: number;
  /** Number of repairs since the object last rested. */
  repairs: number;
  /** Monotonic time in milliseconds. Undefined: the object is as desired. */
  undoneSince: number | undefined;
  /** The object is left as it is. */
  isGivenUp: boolean;
  /** The Event about the object is sent. */
  isReported: boolean;
}

/** The part of the resource state about undone changes. */
export interface UndoneState {
  /** The records, each under the id of its object. */
  readonly records: Map<string, RepairRecord>;
  /** The objects that the last reconcile wanted, by id. */
  applied: ReadonlyMap<string, DesiredObject>;
  /** Changes that were found since the last call of the worker. */
  untold: readonly UndoneChange[];
  /** The phase to enter, because an output says so in `whenUndone`. */
  goTo: string | undefined;
}

export function newUndoneState(): UndoneState {
  return { records: new Map(), applied: new Map(), untold: [], goTo: undefined };
}

/** Repairs that are made at once. */
const IMMEDIATE_REPAIRS = 2;
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** An object that has been as desired for this time rests: its repairs count from 0 again. */
const REST_MS = 300_000;

/** Milliseconds between the last write of an object and its next repair. */
export function repairDelayMs(repairs: number): number {
  return repairs < IMMEDIATE_REPAIRS
    ? 0
    : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (repairs - IMMEDIATE_REPAIRS));
}

/** Records that an object was found undone. @param now monotonic time in milliseconds */
export function recordUndone(
  state: UndoneState,
  id: string,
  changes: readonly UndoneChange[],
  now: number,
): RepairRecord {
  const known = state.records.get(id);
  const hasRested =
    known !== undefined && (known.undoneSince ?? now) - known.lastWriteAt >= REST_MS;
  const record: RepairRecord =
    known !== undefined && !hasRested
      ? known
      : {
          changes,
          lastWriteAt: -Infinity,
          repairs: 0,
          undoneSince: undefined,
          isGivenUp: false,
          isReported: false,
        };
  if (record.undoneSince === undefined) {
    record.changes = changes;
    state.untold = [...state.untold, ...changes];
  }
  record.undoneSince ??= now;
  state.records.set(id, record);
  return record;
}

/** Milliseconds until an undone object may be repaired. 0: now. */
export function msUntilRepair({ lastWriteAt, repairs }: RepairRecord, now: number): number {
  return Math.max(0, lastWriteAt + repairDelayMs(repairs) - now);
}

/** Records a write of an object. @param isRepair the worker wants the same as before */
export function recordWrite(state: UndoneState, id: string, now: number, isRepair: boolean): void {
  const record = state.records.get(id);
  if (record === undefined) {
    return;
  }
  record.lastWriteAt = now;
  record.repairs += isRepair ? 1 : 0;
  record.undoneSince = undefined;
  record.isGivenUp = false;
}

/** Records that an object is as desired. */
export function recordIntact(state: UndoneState, id: string): void {
  const record = state.records.get(id);
  if (record !== undefined) {
    record.undoneSince = undefined;
    record.isGivenUp = false;
  }
}

/** Is the object left as it is, or repaired with delays, until it rests? */
export function isContested(record: RepairRecord, now: number): boolean {
  const { isGivenUp, repairs, undoneSince, lastWriteAt } = record;
  const isDelayed = repairs >= IMMEDIATE_REPAIRS && undoneSince !== undefined;
  const wasDelayed = repairs > IMMEDIATE_REPAIRS && now - lastWriteAt < REST_MS;
  return isGivenUp || isDelayed || wasDelayed;
}

/** The contested objects. */
export function contestedRecords(state: UndoneState, now: number): readonly RepairRecord[] {
  return [...state.records.values()].filter((record) => isContested(record, now));
}

/** Milliseconds until a repair is due or an object has rested. Infinity: nothing is due. */
export function msUntilNextCheck(state: UndoneState, now: number): number {
  const due = contestedRecords(state, now)
    .filter(({ isGivenUp }) => !isGivenUp)
    .map((record) =>
      record.undoneSince === undefined
        ? record.lastWriteAt + REST_MS - now
        : msUntilRepair(record, now),
    );
  return Math.min(Infinity, ...due);
}

/** Everything to tell the worker: what is undone now, and what was found since its last call. */
export function undoneChangesToTell(state: UndoneState): readonly UndoneChange[] {
  const current = [...state.records.values()]
    .filter(({ undoneSince }) => undoneSince !== undefined)
    .flatMap(({ changes }) => changes);
  return [...new Set([...current, ...state.untold])];
}

/** One sentence about a contested object, for the condition and the Event. */
export function describeContest({ changes, isGivenUp }: RepairRecord): string {
  const [first] = changes;
  if (first === undefined) {
    return '';
  }
  const place = first.namespace === undefined ? first.name : `${first.namespace}/${first.name}`;
  const paths = changes.flatMap(({ path }) => path ?? []);
  const what = `${paths.length > 0 ? `${paths.join(', ')} of ` : ''}${first.kind} ${place}`;
  const client = first.by === undefined ? 'another client' : `'${first.by}'`;
  const verb = first.isDeleted === true ? 'was deleted' : 'was changed';
  return isGivenUp
    ? `${what} ${verb} by ${client} and is left so (whenUndone: giveUp)`
    : `${what} ${verb} by ${client} again and again; it is set again after growing delays, at most 1 min`;
}
