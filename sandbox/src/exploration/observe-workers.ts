/**
 * Calls of workers: each is a place for faults, and the oracle hears of its beginning and its end.
 */
import type { AnyContext, AnyResult, Scheduler } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { DeterminismGuard } from './determinism-guard.ts';
import type { OperatorProcess } from './operator-process.ts';
import { neverSettle } from './operator-process.ts';
import { objectName } from './run-trace.ts';

/**
 * Longer than any worker may take, its grace included: then a held worker goes on whatever happens.
 */
const LONGER_THAN_TIMEOUT_MS = 600_000;
/** Grace is 5 s: this is long after it. */
const AFTER_GRACE_MS = 10_000;
/** Longer than a lease lasts. */
const LEASE_UNREACHABLE_MS = 40_000;
const FROZEN_MS = 30_000;
const WATCH_DELAY_MS = 5_000;

type CalledContext = Pick<AnyContext, 'resource' | 'signal'>;

/** The scheduler of one process, with every worker under observation. */
export function observeWorkers(
  scheduler: Scheduler,
  process: OperatorProcess,
  runContext: RunContext,
  guard: DeterminismGuard,
): Scheduler {
  const { phases, finalizer } = scheduler;
  return {
    ...scheduler,
    phases: phases.map((phase) =>
      phase.worker === undefined
        ? phase
        : { ...phase, worker: observeWorker(phase.name, phase.worker) },
    ),
    ...(finalizer !== undefined && {
      finalizer: { ...finalizer, finalize: observeWorker('the finalizer', finalizer.finalize) },
    }),
  };

  function observeWorker<C extends CalledContext, R>(
    name: string,
    worker: (context: C) => R | Promise<R>,
  ): (context: C) => Promise<R> {
    return async (context) => {
      if (!process.isAlive) {
        return neverSettle();
      }
      const fault = runContext.visitSite('call', `calls ${name}`);
      const call = runContext.invariantChecker.recordCall(
        process,
        name,
        context.resource,
        context.signal,
      );
      runContext.trace.add(
        process.name,
        `calls ${name} for ${objectName(context.resource)}`,
        fault && FAULTS[fault.kind].description,
      );
      try {
        const result = await callWithFault(fault, context, () =>
          callGuarded(name, worker, context),
        );
        await process.waitUntilRunning();
        runContext.trace.add(process.name, `${name} returns ${formatResult(result)}`);
        return result;
      } catch (error) {
        await process.waitUntilRunning();
        runContext.trace.add(
          process.name,
          `${name} throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
        );
        throw error;
      } finally {
        call.returned();
      }
    };
  }

  async function callGuarded<C, R>(
    name: string,
    worker: (context: C) => R | Promise<R>,
    context: C,
  ): Promise<R> {
    runContext.eventLoop.activeWorkers++;
    try {
      return await guard.run(name, () => worker(context));
    } finally {
      runContext.eventLoop.activeWorkers--;
    }
  }

  async function callWithFault<R>(
    fault: Fault | undefined,
    context: CalledContext,
    call: () => Promise<R>,
  ): Promise<R> {
    switch (fault?.kind) {
      case 'throws':
        throw new Error('something that the worker needs does not work');
      case 'worker-timeout':
        await runContext.eventLoop.delayForFault(LONGER_THAN_TIMEOUT_MS, context.signal);
        return call();
      case 'stuck': {
        const result = await call();
        await runContext.eventLoop
          .delayForFault(LONGER_THAN_TIMEOUT_MS, context.signal)
          .catch(() => undefined);
        await runContext.eventLoop.delayForFault(AFTER_GRACE_MS);
        return result;
      }
      case 'lease-lost': {
        runContext.delayOtherWatches(process, WATCH_DELAY_MS);
        process.leaseUnreachable = true;
        const result = await call();
        await runContext.eventLoop.delayForFault(LEASE_UNREACHABLE_MS);
        process.leaseUnreachable = false;
        return result;
      }
      case 'frozen': {
        process.freezeUntil(runContext.eventLoop.delayForFault(FROZEN_MS));
        return call();
      }
      default:
        return call();
    }
  }
}

/** Of a worker or of the finalizer. */
function formatResult(result: unknown): string {
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
