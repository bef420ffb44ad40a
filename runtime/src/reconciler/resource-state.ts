/**
 * The resource state: what the process keeps about one resource between reconciles. A restart loses
 * it, so nothing that must survive is kept here.
 */

import type { UndoneState } from './undone/repair-records.ts';
import { newUndoneState } from './undone/repair-records.ts';

/** State of one resource, changed by the reconciler and the controller. */
export interface ResourceState {
  /** uid of the resource. A resource created again under the same name gets a new state. */
  readonly uid: string | undefined;
  /** `stallFingerprintOf` when a worker threw a PermanentError. Undefined: not stalled. */
  stallFingerprint: string | undefined;
  /** A worker of this resource did not stop in time and still runs. */
  isQuarantined: boolean;
  /** Consecutive reconciles whose outputs were refused. */
  consecutiveRefusals: number;
  /** Consecutive reconciles whose writes the API server throttled. */
  consecutiveThrottles: number;
  /** Consecutive conflicts. */
  consecutiveConflicts: number;
  /** Monotonic times in milliseconds of the transitions within LOOP_WINDOW_MS, oldest first. */
  recentTransitions: readonly number[];
  /**
   * uid of a resource whose last finalizer this process removed, or that the API server no longer
   * has. Until the DELETED event arrives the cache still has the resource; no further write may be
   * made for it.
   */
  goneUid: string | undefined;
  /**
   * The next reconcile reads the resource from the API server first, because the cache may be
   * outdated: a write of the resource got no response, or another client (for example the garbage
   * collector) deleted an output of it.
   */
  mustReread: boolean;
  /**
   * The last status that the API server stored in another form than it was sent, because of
   * defaults of the CRD. Sending it again would store the same.
   */
  normalizedStatus: { readonly sentHash: string; readonly storedHash: string } | undefined;
  /** Too many transitions were made, and no reconcile has stayed in its phase since. */
  isLooping: boolean;
  /** Objects that other clients have set back. */
  readonly undone: UndoneState;
  /** The worker blocked the previous process and is not called yet. */
  deferral: Deferral | undefined;
}

/** A delay of the worker of one resource. */
export interface Deferral {
  /** Message of the condition. */
  readonly message: string;
  /** Monotonic time in milliseconds at which the worker may be called. */
  readonly until: number;
  /**
   * `stallFingerprintOf` at the start. Another fingerprint ends the deferral: another worker is
   * called, or the same worker with another spec.
   */
  readonly stallFingerprint: string;
}

/** The state of a resource that this process has not reconciled yet. */
export function newResourceState(uid: string | undefined): ResourceState {
  return {
    uid,
    stallFingerprint: undefined,
    isQuarantined: false,
    consecutiveRefusals: 0,
    consecutiveThrottles: 0,
    consecutiveConflicts: 0,
    recentTransitions: [],
    goneUid: undefined,
    mustReread: false,
    normalizedStatus: undefined,
    isLooping: false,
    undone: newUndoneState(),
    deferral: undefined,
  };
}

/** Window in milliseconds within which transitions are counted. */
export const LOOP_WINDOW_MS = 10_000;

/**
 * Would one more transition be too many? The limit is twice the number of phases within the window.
 *
 * @param now monotonic time in milliseconds
 */
export function exceedsLoopLimit(state: ResourceState, now: number, phases: number): boolean {
  return state.isLooping || transitionsInWindow(state, now).length + 1 > 2 * phases;
}

/**
 * After this many consecutive conflicts the cause is not a stale cache, because each reconcile
 * started from a fresh object.
 */
const MAX_CONSECUTIVE_CONFLICTS = 10;

/** Counts a conflict. @returns true: retry immediately; false: treat it as a failure */
export function recordConflict(state: ResourceState): boolean {
  state.consecutiveConflicts += 1;
  return state.consecutiveConflicts < MAX_CONSECUTIVE_CONFLICTS;
}

/** Counts a transition. @param now monotonic time in milliseconds */
export function recordTransition(state: ResourceState, now: number): void {
  state.recentTransitions = [...transitionsInWindow(state, now), now];
  resetConsecutiveCounts(state);
}

/** The resource stayed in its phase: it does not loop. */
export function recordStay(state: ResourceState): void {
  state.recentTransitions = [];
  state.isLooping = false;
  resetConsecutiveCounts(state);
}

function resetConsecutiveCounts(state: ResourceState): void {
  state.consecutiveRefusals = 0;
  state.consecutiveConflicts = 0;
  state.consecutiveThrottles = 0;
}

function transitionsInWindow(state: ResourceState, now: number): readonly number[] {
  return state.recentTransitions.filter((time) => time > now - LOOP_WINDOW_MS);
}
