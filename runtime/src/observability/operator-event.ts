/** What happened to resources, as data. */
import type { Logger } from '../api/worker.ts';

export interface EventKey {
  readonly namespace?: string;
  readonly name: string;
}

export type OperatorEvent =
  | {
      readonly type: 'transition';
      readonly resource: EventKey;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly type: 'output';
      readonly resource: EventKey;
      /** `edited` and `restored` are fields of an object that stays somebody else's. */
      readonly action: 'created' | 'updated' | 'pruned' | 'edited' | 'restored';
      readonly kind: string;
      readonly object: EventKey;
    }
  /** The resource changes phases faster than it should. */
  | { readonly type: 'looping'; readonly resource: EventKey; readonly phase: string }
  | {
      readonly type: 'reconcileFailed';
      readonly resource: EventKey;
      readonly phase: string;
      readonly message: string;
    };

/**
 * Says it in the log: what a person wants to follow at `info`, each object that was written at
 * `debug`.
 */
export function logEvents(log: Logger): (event: OperatorEvent) => void {
  const formatKey = ({ namespace, name }: EventKey): string =>
    namespace === undefined ? name : `${namespace}/${name}`;
  return (event) => {
    const resource = formatKey(event.resource);
    if (event.type === 'transition') {
      log.info('transition', { resource, from: event.from, to: event.to });
    } else if (event.type === 'output') {
      log.debug(event.action, { resource, kind: event.kind, object: formatKey(event.object) });
    } else if (event.type === 'looping') {
      log.warn('looping', { resource, phase: event.phase });
    }
  };
}
