/**
 * Which sync the running code belongs to, across awaits: log lines carry it, and the watchdog names
 * it when nothing else can.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface CurrentReconcile {
  /** `namespace/name` of the resource. */
  readonly resource: string;
  readonly phase: string;
  /** Of this sync, in this process. */
  readonly reconcileId: string;
}

/** Where the watchdog's thread finds `currentReconcile` while the main thread does not answer. */
export const CURRENT_RECONCILE = Symbol.for('autopilot.currentReconcile');

const storage = new AsyncLocalStorage<CurrentReconcile>();
const running = new Set<CurrentReconcile>();

export function runInReconcile<T>(reconcile: CurrentReconcile, run: () => Promise<T>): Promise<T> {
  running.add(reconcile);
  return storage.run(reconcile, run).finally(() => running.delete(reconcile));
}

export function currentReconcile(): CurrentReconcile | undefined {
  return storage.getStore();
}

export function runningReconciles(): readonly CurrentReconcile[] {
  return [...running];
}

(globalThis as Record<symbol, unknown>)[CURRENT_RECONCILE] = () => ({
  current: currentReconcile(),
  running: runningReconciles(),
});
