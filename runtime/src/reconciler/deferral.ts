/**
 * A resource whose worker blocked the event loop, so that the last process was ended: its worker is
 * called after everything else.
 */
import type { KubeObject } from '../kube/object.ts';
import type { Situation } from './conditions.ts';
import type { Memory } from './memory.ts';
import type { SyncPorts } from './ports.ts';
import { stallMark } from './resource.ts';

/** What a process leaves about the sync that blocked it says nothing any more when it is older. */
export const BLAMED_MS = 3_600_000;

export interface HeldBack {
  /** Said until the worker was called again. */
  readonly situation: Situation;
  /** Until then, in milliseconds. */
  readonly ms: number;
}

/**
 * Undefined: the worker may be called. A condition that cannot be written does not keep it from
 * being called after its time.
 */
export function heldBack(
  resource: KubeObject,
  { scheduler, clock }: SyncPorts,
  memory: Memory,
): HeldBack | undefined {
  const { blocked } = memory;
  if (blocked === undefined) {
    return undefined;
  }
  const ms = blocked.until - clock.monotonic();
  if (ms > 0 && blocked.mark === stallMark(resource, scheduler)) {
    return {
      situation: { kind: 'failing', reason: 'WorkerBlocked', message: blocked.message },
      ms,
    };
  }
  memory.blocked = undefined;
  return undefined;
}
