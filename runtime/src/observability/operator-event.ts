/** What the operator did to resources and objects, as data. */
import type { Logger } from '../api/worker.ts';

/** Name and namespace of an object. */
export interface EventKey {
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  /** Name of the object. */
  readonly name: string;
}

/** A transition, a written object or a failure. Tests read them in `Sandbox.events`. */
export type OperatorEvent = TransitionEvent | OutputEvent | LoopingEvent | ReconcileFailedEvent;

/** A resource went to another phase. */
export interface TransitionEvent {
  /** Tells the kinds of events apart. */
  readonly type: 'transition';
  /** The resource. */
  readonly resource: EventKey;
  /** The phase before. An empty string for a new resource. */
  readonly from: string;
  /** The phase after. */
  readonly to: string;
}

/** An object was written. An object that is already as desired causes no event. */
export interface OutputEvent {
  /** Tells the kinds of events apart. */
  readonly type: 'output';
  /** The resource whose worker wants the object. */
  readonly resource: EventKey;
  /**
   * What was done. `edited` and `restored` are about claimed fields of an object that the resource
   * does not own.
   */
  readonly action: 'created' | 'updated' | 'pruned' | 'edited' | 'restored';
  /** Kind of the object. */
  readonly kind: string;
  /** The object. */
  readonly object: EventKey;
}

/** A resource changes phases too fast, and is slowed down. */
export interface LoopingEvent {
  /** Tells the kinds of events apart. */
  readonly type: 'looping';
  /** The resource. */
  readonly resource: EventKey;
  /** The phase of the resource. */
  readonly phase: string;
}

/** A reconcile failed. `RetryLater` is not a failure. */
export interface ReconcileFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: 'reconcileFailed';
  /** The resource. */
  readonly resource: EventKey;
  /** The phase of the resource. */
  readonly phase: string;
  /** Message of the error. */
  readonly message: string;
}

/**
 * Logs transitions at `info`, written objects at `debug` and loops at `warn`. The reconciler itself
 * logs failures.
 */
export function logEvents(log: Logger): (event: OperatorEvent) => void {
  return (event) => {
    const resource = formatKey(event.resource);
    switch (event.type) {
      case 'transition':
        return log.info('transition', { resource, from: event.from, to: event.to });
      case 'output': {
        const { action, kind, object } = event;
        return log.debug(action, { resource, kind, object: formatKey(object) });
      }
      case 'looping':
        return log.warn('looping', { resource, phase: event.phase });
      case 'reconcileFailed':
        return undefined;
      default:
        return event satisfies never;
    }
  };
}

function formatKey({ namespace, name }: EventKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
