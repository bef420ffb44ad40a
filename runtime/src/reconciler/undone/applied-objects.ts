/**
 * The objects that were applied: in memory for every output, in status for an output whose
 * `whenUndone` is not `repair`.
 */
import type { OutputDefinition } from '../../api/scheduler.ts';
import type { ObjectKey } from '../../client/object.ts';
import { keyString } from '../../client/object.ts';
import type { DesiredObject } from '../outputs/desired-object.ts';
import type { AppliedRecord } from '../resource-status.ts';
import { statusOf } from '../resource-status.ts';
import type { WriteContext } from '../reconcile-context.ts';
import type { UndoneState } from './repair-records.ts';
import { undoneIdOf } from './undo-guard.ts';

/** Collects the objects of one reconcile. */
export class AppliedObjects {
  readonly #state: UndoneState;
  readonly #applied = new Map<string, DesiredObject>();

  constructor(state: UndoneState) {
    this.#state = state;
  }

  add(desired: DesiredObject): void {
    this.#applied.set(idOf(desired), desired);
  }

  /** Replaces the objects of the last reconcile. An object that was refused keeps its entry. */
  save(desiredObjects: readonly DesiredObject[]): void {
    for (const desired of desiredObjects) {
      const id = idOf(desired);
      const before = this.#state.applied.get(id);
      if (!this.#applied.has(id) && before !== undefined) {
        this.#applied.set(id, before);
      }
    }
    for (const id of this.#state.applied.keys()) {
      if (!this.#applied.has(id)) {
        this.#state.records.delete(id);
      }
    }
    this.#state.applied = this.#applied;
  }
}

/** Was the object applied exactly as it is desired now, by this process or an earlier one? */
export function wasApplied(
  { resource, state }: Pick<WriteContext, 'resource' | 'state'>,
  { name, type }: OutputDefinition,
  key: ObjectKey,
  hash: string,
): boolean {
  const { applied: recorded = [] } = statusOf(resource).autopilot ?? {};
  return (
    state.undone.applied.get(undoneIdOf(type, key))?.hash === hash ||
    recorded.some(
      (entry) => entry.output === name && entry.object === keyString(key) && entry.hash === hash,
    )
  );
}

/** What status records, so that a new process recognises a deletion. */
export function appliedRecords({ applied }: UndoneState): readonly AppliedRecord[] {
  return [...applied.values()]
    .filter(({ output }) => (output.whenUndone ?? 'repair') !== 'repair')
    .map(({ output, key, hash }) => ({ output: output.name, object: keyString(key), hash }));
}

function idOf({ output, key }: DesiredObject): string {
  return undoneIdOf(output.type, key);
}
