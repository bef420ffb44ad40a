/**
 * What the machine remembers of one resource between syncs: nothing that a restart may not forget.
 */

export interface ResourceState {
  /** One that is made anew under the same name is another resource. */
  readonly uid: string | undefined;
  /** `stallFingerprintOf` at the time a worker said that no retry can help. */
  stallFingerprint: string | undefined;
  /** A worker of this resource did not end when told to, and still runs. */
  isQuarantined: boolean;
  /** Syncs in a row whose outputs were refused. */
  consecutiveRefusals: number;
  /** Syncs in a row after whose refused write the server wanted no other one for a time. */
  consecutiveThrottles: number;
  /** Conflicts in a row. */
  consecutiveConflicts: number;
  /** Monotonic times of the transitions within the last LOOP_WINDOW_MS, oldest first. */
  recentTransitions: readonly number[];
  /**
   * uid of the resource whose finalizer was removed as the last one. The API server answers that
   * with the version that it had, so the
   * cache knows nothing of it until the deletion is told; meanwhile nothing may be written for it
   * any more.
   */
  finalizerRemovedUid: string | undefined;
  /**
   * A write of the resource itself got no answer: the cache may be behind it, so the next sync
   * reads the resource first.
   */
  mustReread: boolean;
  /** From too many transitions until a sync stays in its phase. */
  isLooping: boolean;
  /** Its worker ended the last process, and is not called yet. */
  deferral: Deferral | undefined;
}

export interface Deferral {
  /** For its condition. */
  readonly message: string;
  /** Monotonic: when its worker is called again. */
  readonly until: number;
  /**
   * `stallFingerprintOf` at the start: another one ends the wait, because it is another worker that
   * is
   * called, or with something else.
   */
  readonly stallFingerprint: string;
}

export function newResourceState(uid: string | undefined): ResourceState {
  const nothing = {
    stallFingerprint: undefined,
    finalizerRemovedUid: undefined,
    deferral: undefined,
  };
  return {
    uid,
    ...nothing,
    isQuarantined: false,
    consecutiveRefusals: 0,
    consecutiveConflicts: 0,
    consecutiveThrottles: 0,
    recentTransitions: [],
    mustReread: false,
    isLooping: false,
  };
}

export const LOOP_WINDOW_MS = 10_000;

/**
 * More transitions in a short time than twice the number of phases. @param now monotonic, with one
 * more transition about to be made.
 */
export function exceedsLoopLimit(state: ResourceState, now: number, phases: number): boolean {
  return state.isLooping || transitionsInWindow(state, now).length + 1 > 2 * phases;
}

/** So many in a row, each from the fresh copy, are no late news any more. */
const MAX_CONSECUTIVE_CONFLICTS = 10;

/** One more conflict. @returns whether to try again at once */
export function recordConflict(state: ResourceState): boolean {
  state.consecutiveConflicts += 1;
  return state.consecutiveConflicts < MAX_CONSECUTIVE_CONFLICTS;
}

export function recordTransition(state: ResourceState, now: number): void {
  state.recentTransitions = [...transitionsInWindow(state, now), now];
  resetConsecutiveCounts(state);
}

export function recordStay(state: ResourceState): void {
  state.recentTransitions = [];
  state.isLooping = false;
  resetConsecutiveCounts(state);
}

/** Ends what is counted in a row. */
function resetConsecutiveCounts(state: ResourceState): void {
  state.consecutiveRefusals = 0;
  state.consecutiveConflicts = 0;
  state.consecutiveThrottles = 0;
}

function transitionsInWindow(state: ResourceState, now: number): readonly number[] {
  return state.recentTransitions.filter((time) => time > now - LOOP_WINDOW_MS);
}
