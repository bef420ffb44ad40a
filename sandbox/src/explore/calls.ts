/** Calls of workers: each is a place for faults, and the oracle hears of its beginning and its end. */
import type { AnyContext, AnyOutputs, AnyResult, FinalizeResult, Scheduler } from 'autopilot-runtime/ports';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Outside } from './outside.ts';
import type { Process } from './process.ts';
import { objectName } from './trace.ts';

type Call<Result> = (context: AnyContext) => Result | Promise<Result>;

/** Longer than any worker may take, its grace included: then a held worker goes on whatever happens. */
const LONGEST_MS = 600_000;
/** Grace is 5 s: this is long after it. */
const AFTER_GRACE_MS = 10_000;
/** Longer than a lease lasts. */
const CUT_OFF_MS = 40_000;
const FROZEN_MS = 30_000;
const LAG_MS = 5_000;

/** The scheduler of one process, with every worker under observation. */
export function observed(scheduler: Scheduler, process: Process, ground: Ground, outside: Outside): Scheduler {
  const { finalizer } = scheduler;
  return {
    ...scheduler,
    phases: scheduler.phases.map((phase) => (phase.worker === undefined ? phase : { ...phase, worker: watched(phase.name, phase.worker) })),
    ...(finalizer && { finalizer: { ...finalizer, finalize: watched('the finalizer', finalizer.finalize) } }),
  };

  /** @param name of the phase, or `the finalizer`. */
  function watched<Result extends AnyResult | FinalizeResult<AnyOutputs>>(name: string, worker: Call<Result>): (context: AnyContext) => Promise<Result> {
    return async (context) => {
      const fault = ground.place('call');
      const call = ground.oracle.called(process, name, context.resource, context.signal);
      ground.trace.add(process.name, `calls ${name} for ${objectName(context.resource)}`, fault && FAULTS[fault.kind].says);
      try {
        const result = await held(fault, context, () => run(name, worker, context));
        await process.awake();
        ground.trace.add(process.name, `${name} returns ${brief(result)}`);
        return result;
      } catch (error) {
        await process.awake();
        ground.trace.add(process.name, `${name} throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
        throw error;
      } finally {
        call.returned();
      }
    };
  }

  async function run<Result>(name: string, worker: Call<Result>, context: AnyContext): Promise<Result> {
    ground.busy++;
    try {
      return await outside.watch(name, async () => worker(context));
    } finally {
      ground.busy--;
    }
  }

  async function held<Result>(fault: Fault | undefined, context: AnyContext, call: () => Promise<Result>): Promise<Result> {
    switch (fault?.kind) {
      case 'throws':
        throw new Error('something that the worker needs does not work');
      case 'overtime':
        await ground.pass(LONGEST_MS, context.signal);
        return call();
      case 'stuck': {
        const result = await call();
        await ground.pass(LONGEST_MS, context.signal).catch(() => undefined);
        await ground.pass(AFTER_GRACE_MS);
        return result;
      }
      case 'lease-lost': {
        ground.lagOthers(process, LAG_MS);
        process.cutOff = true;
        const result = await call();
        await ground.pass(CUT_OFF_MS);
        process.cutOff = false;
        return result;
      }
      case 'frozen': {
        process.freeze(ground.pass(FROZEN_MS));
        return call();
      }
      default:
        return call();
    }
  }
}

function brief(result: AnyResult | FinalizeResult<AnyOutputs>): string {
  if (typeof result !== 'object' || result === null) return JSON.stringify(result);
  const { outputs = {}, requeueAfter } = result;
  const end = 'next' in result ? result.next : result.done ? 'done' : 'not done';
  const written = Object.entries(outputs).map(([name, objects]) => `${name} ${(objects ?? []).map(({ metadata }) => metadata?.name).join(' ') || '(none)'}`);
  return [
    end,
    ...written,
    ...('step' in result && result.step === true ? ['a step'] : []),
    ...(requeueAfter === undefined ? [] : [`again in ${requeueAfter}`]),
  ].join(', ');
}
