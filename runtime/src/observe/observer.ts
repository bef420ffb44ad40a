/** What the layers tell about themselves; metrics and demos listen. All methods must be cheap and must not throw. */
import type { OperatorEvent } from './event.ts';

export type SyncResult = 'success' | 'error' | 'requeue_after' | 'requeue';

export interface Observer {
  syncStarted(): void;
  syncEnded(phase: string, result: SyncResult, seconds: number): void;
  event(event: OperatorEvent): void;
  /** A list after the first: what it changed, and how much of that the watch should have told before. */
  relisted(kind: string, relist: { readonly changed: number; readonly missed: number }): void;
  watchRestarted(kind: string): void;
  watchFailed(kind: string, error: unknown): void;
}

/** One observer that tells many. */
export function observers(...all: readonly Observer[]): Observer {
  return {
    syncStarted: () => all.forEach((one) => one.syncStarted()),
    syncEnded: (...told) => all.forEach((one) => one.syncEnded(...told)),
    event: (told) => all.forEach((one) => one.event(told)),
    relisted: (...told) => all.forEach((one) => one.relisted(...told)),
    watchRestarted: (...told) => all.forEach((one) => one.watchRestarted(...told)),
    watchFailed: (...told) => all.forEach((one) => one.watchFailed(...told)),
  };
}

export function eventObserver(onEvent: (event: OperatorEvent) => void): Observer {
  return { syncStarted() {}, syncEnded() {}, event: onEvent, relisted() {}, watchRestarted() {}, watchFailed() {} };
}
