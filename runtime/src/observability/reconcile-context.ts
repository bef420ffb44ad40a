/**
 * Which sync the running code belongs to, across awaits: log lines carry it, and the watchdog names
 * it when nothing else can.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface CurrentSync {
  /** `namespace/name` of the resource. */
  readonly resource: string;
  readonly phase: string;
  /** Of this sync, in this process. */
  readonly sync: string;
}

/** Where the watchdog's thread finds `currentSync` while the main thread does not answer. */
export const CURRENT_SYNC = Symbol.for('autopilot.currentSync');

const storage = new AsyncLocalStorage<CurrentSync>();
const running = new Set<CurrentSync>();

export function during<T>(sync: CurrentSync, run: () => Promise<T>): Promise<T> {
  running.add(sync);
  return storage.run(sync, run).finally(() => running.delete(sync));
}

export function currentSync(): CurrentSync | undefined {
  return storage.getStore();
}

export function runningSyncs(): readonly CurrentSync[] {
  return [...running];
}

(globalThis as Record<symbol, unknown>)[CURRENT_SYNC] = () => ({
  current: currentSync(),
  running: runningSyncs(),
});
