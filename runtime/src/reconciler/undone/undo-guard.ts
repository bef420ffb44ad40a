/**
 * Decides what happens to an object that another client has set back: repair it, now or later,
 * leave it, or enter another phase.
 */
import type { Scheduler } from '../../api/scheduler.ts';
import type { UndoneChange } from '../../api/worker.ts';
import type { RecordEvent } from '../../client/event-recorder.ts';
import type { KubeApi } from '../../client/kube-api.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../client/object.ts';
import { keyString } from '../../client/object.ts';
import { statusFieldManager } from '../../client/well-known-names.ts';
import type { Observer } from '../../observability/observer.ts';
import type { Clock } from '../../util/clock.ts';
import { managedFieldsOf, ownersOf } from '../field-claims/field-ownership.ts';
import type { FieldPath } from '../field-claims/field-path.ts';
import { formatPath } from '../field-claims/field-path.ts';
import { fieldManagerOf } from '../outputs/prune-outputs.ts';
import type { WriteContext } from '../reconcile-context.ts';
import type { RepairRecord } from './repair-records.ts';
import {
  describeContest,
  isContested,
  msUntilRepair,
  recordIntact,
  recordUndone,
  recordWrite,
} from './repair-records.ts';

/** What the guard needs from its controller. */
export interface UndoGuardDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly observer: Pick<Observer, 'outputRepaired'>;
  readonly recordEvent: RecordEvent;
}

/** An object that is not as it was last written. */
export interface UndoneObject {
  readonly type: ResourceType;
  /** Default: `repair`. */
  readonly whenUndone?: string | undefined;
  readonly key: ObjectKey;
  /** Claimed fields that were changed. Absent: the object is an output. */
  readonly paths?: readonly FieldPath[];
  readonly isDeleted: boolean;
}

/** The id of an object in the records of a resource. */
export function undoneIdOf({ kind, group }: ResourceType, key: ObjectKey): string {
  return `${kind}.${group} ${keyString(key)}`;
}

/** Finds out who has set objects back, and decides about repairs. */
export class UndoGuard {
  readonly #deps: UndoGuardDeps;

  constructor(deps: UndoGuardDeps) {
    this.#deps = deps;
  }

  /** Records an undone object. The first time after each write, the API server is asked by whom. */
  async record(context: WriteContext, undone: UndoneObject): Promise<RepairRecord> {
    const { clock } = this.#deps;
    const state = context.state.undone;
    const id = undoneIdOf(undone.type, undone.key);
    const known = state.records.get(id);
    const changes =
      known?.undoneSince === undefined ? await this.#describe(context, undone) : known.changes;
    return recordUndone(state, id, changes, clock.monotonic());
  }

  /** May the object be written now? Else it stays as it is for now, or for good. */
  async mayRepair(context: WriteContext, undone: UndoneObject): Promise<boolean> {
    const record = await this.record(context, undone);
    const { whenUndone = 'repair' } = undone;
    const now = this.#deps.clock.monotonic();
    if (whenUndone === 'giveUp') {
      record.isGivenUp = true;
    } else if (whenUndone !== 'repair') {
      context.state.undone.goTo = whenUndone;
      return false;
    }
    if (isContested(record, now) && !record.isReported) {
      record.isReported = true;
      this.#deps.recordEvent(context.resource, 'Warning', 'Contested', describeContest(record));
    }
    return !record.isGivenUp && msUntilRepair(record, now) === 0;
  }

  /** Records a write of an object. */
  written({ state }: WriteContext, type: ResourceType, key: ObjectKey, isRepair: boolean): void {
    if (isRepair) {
      this.#deps.observer.outputRepaired(type.kind);
    }
    recordWrite(state.undone, undoneIdOf(type, key), this.#deps.clock.monotonic(), isRepair);
  }

  /** Records that an object is as desired. */
  intact({ state }: WriteContext, type: ResourceType, key: ObjectKey): void {
    recordIntact(state.undone, undoneIdOf(type, key));
  }

  async #describe(
    { resource, signal }: WriteContext,
    { type, key, paths, isDeleted }: UndoneObject,
  ): Promise<readonly UndoneChange[]> {
    const { api, scheduler } = this.#deps;
    const own = [statusFieldManager(scheduler.operatorName), fieldManagerOf(scheduler, resource)];
    const live = isDeleted ? undefined : await api.get(type, key, signal).catch(() => undefined);
    const change = { kind: type.kind, ...key, ...(isDeleted && { isDeleted }) };
    const lastWriter = live && lastWriterOf(live, own);
    if (paths === undefined) {
      return [{ ...change, ...(lastWriter !== undefined && { by: lastWriter }) }];
    }
    return paths.map((path) => {
      const by = (live && ownerOf(live, path, own)) ?? lastWriter;
      return { ...change, path: formatPath(path), ...(by !== undefined && { by }) };
    });
  }
}

/** Another field manager that owns the field. The manager of claims gives ownership back. */
function ownerOf(
  live: KubeObject,
  path: FieldPath,
  [claimManager = '']: readonly string[],
): string | undefined {
  return ownersOf(managedFieldsOf(live), path, claimManager)[0]?.manager;
}

interface ManagerEntry {
  readonly manager?: string;
  readonly time?: string;
  readonly subresource?: string;
}

/** The other field manager that wrote last, by managedFields. Writes of status do not count. */
function lastWriterOf({ metadata }: KubeObject, own: readonly string[]): string | undefined {
  const entries = (metadata.managedFields ?? []) as readonly ManagerEntry[];
  const writers = entries.filter(
    ({ manager = '', subresource }) => subresource === undefined && !own.includes(manager),
  );
  return writers.reduce<ManagerEntry | undefined>(
    (last, entry) => ((entry.time ?? '') >= (last?.time ?? '') ? entry : last),
    undefined,
  )?.manager;
}
