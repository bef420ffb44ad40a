/** What a flight is judged by when it rests or has ended, beside its end. Pure. */
import type { Scheduler } from 'autopilot-runtime/ports';
import { parseDuration } from 'autopilot-runtime/ports';
import type { Fault } from './fault.ts';
import { jumps } from './fault.ts';
import type { Look, Scenario } from './scenario.ts';

interface Status {
  readonly phase?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly autopilot?: { readonly history?: readonly { readonly reason: string }[] };
}

function statusesIn(look: Look, { resource }: Scheduler): readonly Status[] {
  return look.list(resource.kind).map(({ status }) => (status ?? {}) as Status);
}

/**
 * Why a resource is stuck, if one is: stalled, or in a phase whose worker throws. A final phase
 * that is not ready is no such reason, nor is
 * a worker that is not written yet.
 */
export function stalled(look: Look, scheduler: Scheduler): string | undefined {
  for (const { phase, conditions = [] } of statusesIn(look, scheduler)) {
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
export function timedOut(look: Look, scheduler: Scheduler, faults: readonly Fault[]): boolean {
  return (
    jumps(faults) &&
    statusesIn(look, scheduler).some(
      ({ autopilot }) => autopilot?.history?.some(({ reason }) => reason === 'Timeout') === true,
    )
  );
}

/**
 * Work is bounded: faults cost retries, but no hot loop, and no output is applied again for
 * nothing. Promise and detail of what is broken.
 */
export function costly(
  { writes, needless }: { readonly writes: number; readonly needless: number },
  faults: number,
  quiet: number | undefined,
): readonly (readonly [promise: string, detail: string])[] {
  const most = quiet === undefined ? Infinity : quiet * 2 + 30 * (faults + 1);
  return [
    ...(needless > 3 * faults
      ? [['no write is made without need', `${needless} writes changed nothing`] as const]
      : []),
    ...(writes > most
      ? [['work is bounded', `${writes} writes; the flight without faults needs ${quiet}`] as const]
      : []),
  ];
}

/**
 * The least time between two steps, by phase. None while there is nothing to compare with, or the
 * clock jumps.
 */
export function paceOf(
  { pace = {} }: Scenario,
  quiet: ReadonlyMap<string, number> | undefined,
  faults: readonly Fault[],
): ReadonlyMap<string, number> | undefined {
  if (quiet === undefined || jumps(faults)) {
    return undefined;
  }
  const given = Object.entries(pace).map(([phase, duration]): [string, number] => [
    phase,
    parseDuration(duration),
  ]);
  return new Map([
    ...[...quiet].map(([phase, gap]): [string, number] => [phase, gap / 2]),
    ...given,
  ]);
}
