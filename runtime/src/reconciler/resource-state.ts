/**
 * What the machine remembers of one resource between syncs: nothing that a restart may not forget.
 */

export interface Memory {
  /** One that is made anew under the same name is another resource. */
  readonly uid: string | undefined;
  /** `stallMark` at the time a worker said that no retry can help. */
  stalled: string | undefined;
  /** A worker of this resource did not end when told to, and still runs. */
  quarantined: boolean;
  /** Syncs in a row whose outputs were refused. */
  refusals: number;
  /** Syncs in a row after whose refused write the server wanted no other one for a time. */
  throttled: number;
  /** Conflicts in a row. */
  conflicts: number;
  /** Monotonic times of the transitions within the last LOOP_WINDOW_MS, oldest first. */
  transitions: readonly number[];
  /**
   * uid of the resource whose finalizer was removed as the last one. The API server answers that
   * with the version that it had, so the
   * cache knows nothing of it until the deletion is told; meanwhile nothing may be written for it
   * any more.
   */
  released: string | undefined;
  /**
   * A write of the resource itself got no answer: the cache may be behind it, so the next sync
   * reads the resource first.
   */
  doubtful: boolean;
  /** From too many transitions until a sync stays in its phase. */
  looping: boolean;
  /** Its worker ended the last process, and is not called yet. */
  blocked: Blocked | undefined;
}

export interface Blocked {
  /** For its condition. */
  readonly message: string;
  /** Monotonic: when its worker is called again. */
  readonly until: number;
  /**
   * `stallMark` at the start: another one ends the wait, because it is another worker that is
   * called, or with something else.
   */
  readonly mark: string;
}

export function newMemory(uid: string | undefined): Memory {
  const nothing = { stalled: undefined, released: undefined, blocked: undefined };
  return {
    uid,
    ...nothing,
    quarantined: false,
    refusals: 0,
    conflicts: 0,
    throttled: 0,
    transitions: [],
    doubtful: false,
    looping: false,
  };
}

export const LOOP_WINDOW_MS = 10_000;

/**
 * More transitions in a short time than twice the number of phases. @param now monotonic, with one
 * more transition about to be made.
 */
export function loops(memory: Memory, now: number, phases: number): boolean {
  return memory.looping || recent(memory, now).length + 1 > 2 * phases;
}

/** So many in a row, each from the fresh copy, are no late news any more. */
const CONFLICTS = 10;

/** One more conflict. @returns whether to try again at once */
export function conflicted(memory: Memory): boolean {
  memory.conflicts += 1;
  return memory.conflicts < CONFLICTS;
}

export function moved(memory: Memory, now: number): void {
  memory.transitions = [...recent(memory, now), now];
  succeeded(memory);
}

export function stayed(memory: Memory): void {
  memory.transitions = [];
  memory.looping = false;
  succeeded(memory);
}

/** Ends what is counted in a row. */
function succeeded(memory: Memory): void {
  memory.refusals = 0;
  memory.conflicts = 0;
  memory.throttled = 0;
}

function recent(memory: Memory, now: number): readonly number[] {
  return memory.transitions.filter((time) => time > now - LOOP_WINDOW_MS);
}
