/**
 * What the layers tell about themselves; metrics and demos listen. All methods must be cheap and
 * must not throw.
 */
import type { OperatorEvent } from './operator-event.ts';

export type ResultLabel = 'success' | 'error' | 'requeue_after' | 'requeue';

/** Why a resource is looked at. */
export const ENQUEUE_CAUSES = [
  'start',
  'resource',
  'input',
  'output',
  'timer',
  'transition',
  'backoff',
  'released',
] as const;
export type EnqueueCause = (typeof ENQUEUE_CAUSES)[number];

export interface Observer {
  reconcileStarted(): void;
  /**
   * @param how set for an error: the worker said that no retry can help, or it did not end in its
   * time
   */
  reconcileEnded(
    phase: string,
    result: ResultLabel,
    seconds: number,
    errorType?: 'stalled' | 'timeout',
  ): void;
  event(event: OperatorEvent): void;
  /** A resource goes to another phase, after it was in this one for so long. */
  phaseLeft(phase: string, seconds: number): void;
  /** An output was as intended already: no request. */
  outputUnchanged(kind: string): void;
  enqueued(cause: EnqueueCause): void;
  /**
   * A list after the first: what it changed, and how much of that the watch should have told
   * before.
   */
  relisted(kind: string, relist: { readonly changed: number; readonly missed: number }): void;
  watchRestarted(kind: string): void;
  watchFailed(kind: string, error: unknown): void;
  /** A Kubernetes Event was sent, could not be sent, or was dropped because there were too many. */
  eventHandled(result: 'sent' | 'failed' | 'dropped'): void;
  /**
   * The queue: a key was added; a run began after the key was ready for so long, ended after it
   * took so long; a key failed and comes again.
   */
  queueAdded(): void;
  queueBegan(waitedMs: number): void;
  queueEnded(tookMs: number): void;
  queueRetried(): void;
}

export const NOOP_OBSERVER: Observer = {
  reconcileStarted() {},
  reconcileEnded() {},
  event() {},
  phaseLeft() {},
  outputUnchanged() {},
  enqueued() {},
  relisted() {},
  watchRestarted() {},
  watchFailed() {},
  eventHandled() {},
  queueAdded() {},
  queueBegan() {},
  queueEnded() {},
  queueRetried() {},
};

/** One observer that tells many; each hears what it has a method for. */
export function combineObservers(...all: readonly Partial<Observer>[]): Observer {
  const methods = Object.keys(NOOP_OBSERVER).map((name) => {
    const listeners = all.flatMap(
      (one) => one[name as keyof Observer]?.bind(one) ?? [],
    ) as readonly ((...values: readonly unknown[]) => void)[];
    return [
      name,
      (...values: readonly unknown[]) => listeners.forEach((listener) => listener(...values)),
    ];
  });
  return Object.fromEntries(methods) as Observer;
}
