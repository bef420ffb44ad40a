/**
 * What the layers tell about themselves; metrics and demos listen. All methods must be cheap and
 * must not throw.
 */
import type { OperatorEvent } from './event.ts';

export type SyncResult = 'success' | 'error' | 'requeue_after' | 'requeue';

/** Why a resource is looked at. */
export const WAKE_CAUSES = [
  'start',
  'resource',
  'input',
  'output',
  'timer',
  'transition',
  'backoff',
  'released',
] as const;
export type WakeCause = (typeof WAKE_CAUSES)[number];

export interface Observer {
  syncStarted(): void;
  /**
   * @param how set for an error: the worker said that no retry can help, or it did not end in its
   * time
   */
  syncEnded(phase: string, result: SyncResult, seconds: number, how?: 'stalled' | 'timeout'): void;
  event(event: OperatorEvent): void;
  /** A resource goes to another phase, after it was in this one for so long. */
  phaseLeft(phase: string, seconds: number): void;
  /** An output was as intended already: no request. */
  outputUnchanged(kind: string): void;
  woken(cause: WakeCause): void;
  /**
   * A list after the first: what it changed, and how much of that the watch should have told
   * before.
   */
  relisted(kind: string, relist: { readonly changed: number; readonly missed: number }): void;
  watchRestarted(kind: string): void;
  watchFailed(kind: string, error: unknown): void;
  /** A Kubernetes Event was sent, could not be sent, or was dropped because there were too many. */
  kubeEvent(result: 'sent' | 'failed' | 'dropped'): void;
  /**
   * The queue: a key was added; a run began after the key was ready for so long, ended after it
   * took so long; a key failed and comes again.
   */
  queueAdded(): void;
  queueBegan(waitedMs: number): void;
  queueEnded(tookMs: number): void;
  queueRetried(): void;
}

export const SILENT: Observer = {
  syncStarted() {},
  syncEnded() {},
  event() {},
  phaseLeft() {},
  outputUnchanged() {},
  woken() {},
  relisted() {},
  watchRestarted() {},
  watchFailed() {},
  kubeEvent() {},
  queueAdded() {},
  queueBegan() {},
  queueEnded() {},
  queueRetried() {},
};

/** One observer that tells many; each hears what it has a method for. */
export function observers(...all: readonly Partial<Observer>[]): Observer {
  const telling = Object.keys(SILENT).map((name) => {
    const heard = all.flatMap((one) => one[name as keyof Observer]?.bind(one) ?? []) as readonly ((
      ...told: readonly unknown[]
    ) => void)[];
    return [name, (...told: readonly unknown[]) => heard.forEach((hear) => hear(...told))];
  });
  return Object.fromEntries(telling) as Observer;
}
