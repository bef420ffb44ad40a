/**
 * Callbacks through which the layers report what they do. Metrics, warnings and demos implement
 * them.
 */
import type { EnqueueCause } from '../workqueue/work-queue.ts';
import type { OperatorEvent } from './operator-event.ts';

/** Result of a reconcile, as controller-runtime labels it. */
export type ResultLabel = 'success' | 'error' | 'requeue_after' | 'requeue';

/** Receives reports. Every method must be fast and must not throw. */
export interface Observer {
  /** A reconcile starts. */
  reconcileStarted(): void;
  /**
   * A reconcile ends.
   *
   * @param errorType of a failed reconcile: `stalled` when no retry can help, `timeout` when the
   * worker did not end in time.
   */
  reconcileEnded(
    phase: string,
    result: ResultLabel,
    seconds: number,
    errorType?: 'stalled' | 'timeout',
  ): void;
  /** A transition, a written object or a failure. */
  event(event: OperatorEvent): void;
  /** A resource leaves a phase after this time. */
  phaseLeft(phase: string, seconds: number): void;
  /** An output is already as desired: no request. */
  outputUnchanged(kind: string): void;
  /** An object was set again, because another client had changed or deleted it. */
  outputRepaired(kind: string): void;
  /** A resource is enqueued. */
  enqueued(cause: EnqueueCause): void;
  /**
   * A kind was listed again.
   *
   * @param relist the number of changes in the list, and how many of them the watch has missed.
   */
  relisted(kind: string, relist: { readonly changed: number; readonly missed: number }): void;
  /** A watch was opened again. */
  watchRestarted(kind: string): void;
  /** A list or a watch failed. */
  watchFailed(kind: string, error: unknown): void;
  /** A kind is listed every 30 seconds, because it can be listed and not watched. */
  watchUnsupported(kind: string, reason: string): void;
  /** A Kubernetes Event was sent, could not be sent, or was dropped under load. */
  eventHandled(result: 'sent' | 'failed' | 'dropped'): void;
  /** A key was added to the work queue. */
  queueAdded(): void;
  /** The processing of a key starts, after it was ready for this time. */
  queueBegan(waitedMs: number): void;
  /** The processing of a key ends. */
  queueEnded(tookMs: number): void;
  /** A key failed and is retried with backoff. */
  queueRetried(): void;
}

/** An observer that ignores everything. */
export const NOOP_OBSERVER: Observer = {
  reconcileStarted() {},
  reconcileEnded() {},
  event() {},
  phaseLeft() {},
  outputUnchanged() {},
  outputRepaired() {},
  enqueued() {},
  relisted() {},
  watchRestarted() {},
  watchFailed() {},
  watchUnsupported() {},
  eventHandled() {},
  queueAdded() {},
  queueBegan() {},
  queueEnded() {},
  queueRetried() {},
};

/** @returns an observer that passes each report to all of these, in order. */
export function combineObservers(...observers: readonly Partial<Observer>[]): Observer {
  const methods = Object.keys(NOOP_OBSERVER).map((name) => {
    const listeners = observers.flatMap(
      (observer) => observer[name as keyof Observer]?.bind(observer) ?? [],
    ) as readonly ((...values: readonly unknown[]) => void)[];
    return [
      name,
      (...values: readonly unknown[]) => listeners.forEach((listener) => listener(...values)),
    ];
  });
  return Object.fromEntries(methods) as Observer;
}
