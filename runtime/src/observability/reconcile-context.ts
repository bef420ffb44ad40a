/**
 * The reconcile that the running code belongs to, across awaits. Log lines carry it, and the
 * watchdog reports it when the main thread does not respond.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Identifies a running reconcile. */
export interface CurrentReconcile {
  /** Resource as `namespace/name`. */
  readonly resource: string;
  /** Phase of the resource. */
  readonly phase: string;
  /** Number of the reconcile in this process. */
  readonly reconcileId: string;
}

/** Global symbol under which the watchdog's thread finds the reconciles of the main thread. */
export const CURRENT_RECONCILE = Symbol.for('autopilot.currentReconcile');

const storage = new AsyncLocalStorage<CurrentReconcile>();
const running = new Set<CurrentReconcile>();

/** Runs a function inside of a reconcile. */
export function runInReconcile<T>(reconcile: CurrentReconcile, run: () => Promise<T>): Promise<T> {
  running.add(reconcile);
  return storage.run(reconcile, run).finally(() => running.delete(reconcile));
}

/** @returns the reconcile of the calling code; undefined outside of reconciles. */
export function currentReconcile(): CurrentReconcile | undefined {
  return storage.getStore();
}

/** @returns all reconciles of this process. */
export function runningReconciles(): readonly CurrentReconcile[] {
  return [...running];
}

(globalThis as Record<symbol, unknown>)[CURRENT_RECONCILE] = () => ({
  current: currentReconcile(),
  running: runningReconciles(),
});
