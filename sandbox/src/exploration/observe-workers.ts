/**
 * Calls of workers: each is a place for faults, and the oracle hears of its beginning and its end.
 */
import type { AnyContext, AnyResult, Scheduler } from 'autopilot-runtime/ports';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Outside } from './outside.ts';
import type { Process } from './process.ts';
import { never } from './process.ts';
import { objectName } from './trace.ts';

/**
 * Longer than any worker may take, its grace included: then a held worker goes on whatever happens.
 */
const LONGEST_MS = 600_000;
/** Grace is 5 s: this is long after it. */
const AFTER_GRACE_MS = 10_000;
/** Longer than a lease lasts. */
const CUT_OFF_MS = 40_000;
const FROZEN_MS = 30_000;
const LAG_MS = 5_000;

type Called = Pick<AnyContext, 'resource' | 'signal'>;

/** The scheduler of one process, with every worker under observation. */
export function observed(
  scheduler: Scheduler,
  process: Process,
  ground: Ground,
  outside: Outside,
): Scheduler {
  const { phases, finalizer } = scheduler;
  return {
    ...scheduler,
    phases: phases.map((phase) =>
      phase.worker === undefined ? phase : { ...phase, worker: watched(phase.name, phase.worker) },
    ),
    ...(finalizer !== undefined && {
      finalizer: { ...finalizer, finalize: watched('the finalizer', finalizer.finalize) },
    }),
  };

  function watched<C extends Called, R>(
    name: string,
    worker: (context: C) => R | Promise<R>,
  ): (context: C) => Promise<R> {
    return async (context) => {
      if (!process.alive) {
        return never();
      }
      const fault = ground.place('call', `calls ${name}`);
      const call = ground.oracle.called(process, name, context.resource, context.signal);
      ground.trace.add(
        process.name,
        `calls ${name} for ${objectName(context.resource)}`,
        fault && FAULTS[fault.kind].says,
      );
      try {
        const result = await held(fault, context, () => run(name, worker, context));
        await process.awake();
        ground.trace.add(process.name, `${name} returns ${brief(result)}`);
        return result;
      } catch (error) {
        await process.awake();
        ground.trace.add(
          process.name,
          `${name} throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
        );
        throw error;
      } finally {
        call.returned();
      }
    };
  }

  async function run<C, R>(
    name: string,
    worker: (context: C) => R | Promise<R>,
    context: C,
  ): Promise<R> {
    ground.course.busy++;
    try {
      return await outside.watch(name, () => worker(context));
    } finally {
      ground.course.busy--;
    }
  }

  async function held<R>(
    fault: Fault | undefined,
    context: Called,
    call: () => Promise<R>,
  ): Promise<R> {
    switch (fault?.kind) {
      case 'throws':
        throw new Error('something that the worker needs does not work');
      case 'overtime':
        await ground.course.pass(LONGEST_MS, context.signal);
        return call();
      case 'stuck': {
        const result = await call();
        await ground.course.pass(LONGEST_MS, context.signal).catch(() => undefined);
        await ground.course.pass(AFTER_GRACE_MS);
        return result;
      }
      case 'lease-lost': {
        ground.lagOthers(process, LAG_MS);
        process.cutOff = true;
        const result = await call();
        await ground.course.pass(CUT_OFF_MS);
        process.cutOff = false;
        return result;
      }
      case 'frozen': {
        process.freeze(ground.course.pass(FROZEN_MS));
        return call();
      }
      default:
        return call();
    }
  }
}

/** Of a worker or of the finalizer. */
function brief(result: unknown): string {
  if (typeof result !== 'object' || result === null) {
    return String(JSON.stringify(result));
  }
  const {
    next,
    done,
    outputs = {},
    requeueAfter,
    step,
  } = result as Partial<AnyResult> & { readonly done?: boolean };
  const written = Object.entries(outputs).map(
    ([name, objects]) =>
      `${name} ${(objects ?? []).map(({ metadata }) => metadata?.name).join(' ') || '(none)'}`,
  );
  return [
    next ?? (done === true ? 'done' : 'not done'),
    ...written,
    ...(step === true ? ['a step'] : []),
    ...(requeueAfter === undefined ? [] : [`again in ${requeueAfter}`]),
  ].join(', ');
}
