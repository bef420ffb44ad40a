/** What a flight is judged by when it rests or has ended, beside its end. Pure. */
import type { Scheduler } from 'autopilot-runtime/internal';
import { parseDuration } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { hasClockJump } from './fault.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';

interface ResourceStatus {
  readonly phase?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly autopilot?: { readonly history?: readonly { readonly reason: string }[] };
}

function listStatuses(
  snapshot: ClusterSnapshot,
  { resource }: Scheduler,
): readonly ResourceStatus[] {
  return snapshot.list(resource.kind).map(({ status }) => (status ?? {}) as ResourceStatus);
}

/**
 * Why a resource is stuck, if one is: stalled, or in a phase whose worker throws. A final phase
 * that is not ready is no such reason, nor is
 * a worker that is not written yet.
 */
export function findStalledResource(
  snapshot: ClusterSnapshot,
  scheduler: Scheduler,
): string | undefined {
  for (const { phase, conditions = [] } of listStatuses(snapshot, scheduler)) {
    const found = conditions.find(
      ({ type, reason }) => type === 'Stalled' && reason !== phase && reason !== 'NotImplemented',
    );
    if (found !== undefined) {
      return `${phase ?? ''}: ${found.message}`;
    }
    const failing = conditions.find(
      ({ type, reason }) => type === 'Ready' && reason === 'WorkerError',
    );
    if (failing !== undefined) {
      return `${phase ?? ''} fails whenever it is called: ${failing.message}`;
    }
  }
  return undefined;
}

/**
 * A wall clock that jumped may let the timeout of a phase come early or late: such an end is a good
 * one.
 */
export function isClockJumpTimeout(
  snapshot: ClusterSnapshot,
  scheduler: Scheduler,
  faults: readonly Fault[],
): boolean {
  return (
    hasClockJump(faults) &&
    listStatuses(snapshot, scheduler).some(
      ({ autopilot }) => autopilot?.history?.some(({ reason }) => reason === 'Timeout') === true,
    )
  );
}

/**
 * Work is bounded: faults cost retries, but no hot loop, and no output is applied again for
 * nothing. Promise and detail of what is broken.
 */
export function findExcessWrites(
  { writes, needlessWrites }: { readonly writes: number; readonly needlessWrites: number },
  faults: number,
  baseline: number | undefined,
): readonly (readonly [invariant: string, detail: string])[] {
  const maxWrites = baseline === undefined ? Infinity : baseline * 2 + 30 * (faults + 1);
  return [
    ...(needlessWrites > 3 * faults
      ? [['no write is made without need', `${needlessWrites} writes changed nothing`] as const]
      : []),
    ...(writes > maxWrites
      ? [['work is bounded', `${writes} writes; the baseline run needs ${baseline}`] as const]
      : []),
  ];
}

/**
 * The least time between two steps, by phase. None while there is nothing to compare with, or the
 * clock jumps.
 */
export function minStepIntervalsOf(
  { minStepInterval = {} }: Scenario,
  baseline: ReadonlyMap<string, number> | undefined,
  faults: readonly Fault[],
): ReadonlyMap<string, number> | undefined {
  if (baseline === undefined || hasClockJump(faults)) {
    return undefined;
  }
  const given = Object.entries(minStepInterval).map(([phase, duration]): [string, number] => [
    phase,
    parseDuration(duration),
  ]);
  return new Map([
    ...[...baseline].map(([phase, gap]): [string, number] => [phase, gap / 2]),
    ...given,
  ]);
}
