/** Calls of workers: each is a place for faults, and the oracle hears of its beginning and its end. */
import type { AnyContext, AnyResult, AnyWorker, PhaseDefinition, Scheduler } from 'autopilot-runtime/ports';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Outside } from './outside.ts';
import type { Process } from './process.ts';
import { objectName } from './trace.ts';

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
  return { ...scheduler, phases: scheduler.phases.map((phase) => (phase.worker === undefined ? phase : { ...phase, worker: watched(phase, phase.worker) })) };

  function watched(phase: PhaseDefinition, worker: AnyWorker): AnyWorker {
    return async (context) => {
      const fault = ground.place('call');
      const call = ground.oracle.called(process, phase.name, context.resource, context.signal);
      ground.trace.add(process.name, `calls ${phase.name} for ${objectName(context.resource)}`, fault && FAULTS[fault.kind].says);
      try {
        const result = await held(fault, context, () => run(phase.name, worker, context));
        await process.awake();
        ground.trace.add(process.name, `${phase.name} returns ${brief(result)}`);
        return result;
      } catch (error) {
        await process.awake();
        ground.trace.add(process.name, `${phase.name} throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
        throw error;
      } finally {
        call.returned();
      }
    };
  }

  async function run(phase: string, worker: AnyWorker, context: AnyContext): Promise<AnyResult> {
    ground.busy++;
    try {
      return await outside.watch(phase, () => worker(context));
    } finally {
      ground.busy--;
    }
  }

  async function held(fault: Fault | undefined, context: AnyContext, call: () => Promise<AnyResult>): Promise<AnyResult> {
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

function brief(result: AnyResult): string {
  if (typeof result !== 'object' || result === null) return JSON.stringify(result);
  const { next, outputs = {}, requeueAfter, step } = result;
  const written = Object.entries(outputs).map(([name, objects]) => `${name} ${(objects ?? []).map(({ metadata }) => metadata?.name).join(' ') || '(none)'}`);
  return [next, ...written, ...(step === true ? ['a step'] : []), ...(requeueAfter === undefined ? [] : [`again in ${requeueAfter}`])].join(', ');
}
