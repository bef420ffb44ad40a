/** Observes the calls of workers: each call is a fault site, and the invariants are checked. */
import type { Scheduler } from 'autopilot-runtime';
import type { AnyContext, AnyResult } from 'autopilot-runtime/internal';
import type { Fault } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { DeterminismGuard } from './determinism-guard.ts';
import type { OperatorProcess } from './operator-process.ts';
import { neverSettle } from './operator-process.ts';
import { objectName } from './run-trace.ts';

/** Longer than every worker timeout and its grace period. */
const LONGER_THAN_TIMEOUT_MS = 600_000;
/** Longer than the grace period of 5 s after a worker's signal is aborted. */
const AFTER_GRACE_MS = 10_000;
/** Longer than the duration of a lease. */
const LEASE_UNREACHABLE_MS = 40_000;
const FROZEN_MS = 30_000;
const WATCH_DELAY_MS = 5_000;

type CalledContext = Pick<AnyContext, 'resource' | 'signal'>;
type WorkerOf<C, R> = (context: C) => R | Promise<R>;

/** @returns the scheduler for one process, in which every worker and the finalizer is observed. */
export function observeWorkers(
  scheduler: Scheduler,
  process: OperatorProcess,
  runContext: RunContext,
  guard: DeterminismGuard,
): Scheduler {
  const observer = new WorkerObserver(process, runContext, guard);
  const { phases, finalizer } = scheduler;
  return {
    ...scheduler,
    phases: phases.map((phase) =>
      phase.worker === undefined
        ? phase
        : { ...phase, worker: observer.observe(phase.name, phase.worker) },
    ),
    ...(finalizer !== undefined && {
      finalizer: { ...finalizer, finalize: observer.observe('the finalizer', finalizer.finalize) },
    }),
  };
}

class WorkerObserver {
  readonly #process: OperatorProcess;
  readonly #runContext: RunContext;
  readonly #guard: DeterminismGuard;

  constructor(process: OperatorProcess, runContext: RunContext, guard: DeterminismGuard) {
    this.#process = process;
    this.#runContext = runContext;
    this.#guard = guard;
  }

  /** @param name phase of the worker, or `the finalizer`. */
  observe<C extends CalledContext, R>(
    name: string,
    worker: WorkerOf<C, R>,
  ): (context: C) => Promise<R> {
    return async (context) => {
      if (!this.#process.isAlive) {
        return neverSettle();
      }
      const { trace, invariantChecker } = this.#runContext;
      const { resource, signal } = context;
      const fault = this.#runContext.visitSite('call', `calls ${name}`);
      const call = invariantChecker.recordCall(this.#process, name, resource, signal);
      trace.add(
        this.#process.name,
        `calls ${name} for ${objectName(resource)}`,
        fault && FAULTS[fault.kind].description,
      );
      try {
        const result = await this.#callWithFault(fault, context, () =>
          this.#callGuarded(name, worker, context),
        );
        await this.#process.waitUntilRunning();
        trace.add(this.#process.name, `${name} returns ${formatResult(result)}`);
        return result;
      } catch (error) {
        await this.#process.waitUntilRunning();
        trace.add(this.#process.name, `${name} throws ${formatError(error)}`);
        throw error;
      } finally {
        call.returned();
      }
    };
  }

  async #callGuarded<C, R>(name: string, worker: WorkerOf<C, R>, context: C): Promise<R> {
    const { eventLoop } = this.#runContext;
    eventLoop.activeWorkers++;
    try {
      return await this.#guard.run(name, () => worker(context));
    } finally {
      eventLoop.activeWorkers--;
    }
  }

  async #callWithFault<R>(
    fault: Fault | undefined,
    { signal }: CalledContext,
    call: () => Promise<R>,
  ): Promise<R> {
    const { eventLoop } = this.#runContext;
    switch (fault?.kind) {
      case 'throws':
        throw new Error('something that the worker needs does not work');
      case 'worker-timeout':
        await eventLoop.delayForFault(LONGER_THAN_TIMEOUT_MS, signal);
        return call();
      case 'stuck': {
        const result = await call();
        await eventLoop.delayForFault(LONGER_THAN_TIMEOUT_MS, signal).catch(() => undefined);
        await eventLoop.delayForFault(AFTER_GRACE_MS);
        return result;
      }
      case 'lease-lost': {
        this.#runContext.delayOtherWatches(this.#process, WATCH_DELAY_MS);
        this.#process.leaseUnreachable = true;
        const result = await call();
        await eventLoop.delayForFault(LEASE_UNREACHABLE_MS);
        this.#process.leaseUnreachable = false;
        return result;
      }
      case 'frozen':
        this.#process.freezeUntil(eventLoop.delayForFault(FROZEN_MS));
        return call();
      default:
        return call();
    }
  }
}

function formatError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Formats the result of a worker or of the finalizer for the trace. */
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
  const written = Object.entries(outputs).map(([name, objects]) => {
    const names = (objects ?? []).map(({ metadata }) => metadata?.name).join(' ');
    return `${name} ${names || '(none)'}`;
  });
  return [
    next ?? (done === true ? 'done' : 'not done'),
    ...written,
    ...(step === true ? ['a step'] : []),
    ...(requeueAfter === undefined ? [] : [`again in ${requeueAfter}`]),
  ].join(', ');
}
