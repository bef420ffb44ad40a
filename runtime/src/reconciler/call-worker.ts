/** Calls a worker, or the finalizer: with a frozen context, and not for longer than it may take. */
import { deepFreeze } from '../cache/store.ts';
import type { Clock } from '../clock.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import { withFields } from '../observe/log.ts';
import type { Uses } from '../scheduler.ts';
import type { AnyContext } from '../worker.ts';
import { PermanentError } from '../worker.ts';
import { Stuck } from './errors.ts';
import type { Reading } from './inputs.ts';
import { inputViews } from './inputs.ts';
import type { SyncPorts } from './ports.ts';

/** After its signal is aborted, a worker has this long before its slot is taken away. */
const GRACE_MS = 5_000;

export interface Call<Result> {
  readonly uses: Uses;
  /** Name of the phase, for the worker's log. */
  readonly phase: string;
  readonly resource: KubeObject;
  readonly phaseStartedAt: number | undefined;
  readonly lastStep: number | undefined;
  readonly timeoutMs: number;
  readonly run: (context: AnyContext) => Promise<Result> | Result;
}

/**
 * The result, frozen and a copy: what the worker does to it later has no effect.
 * @throws what the worker throws, Stuck when it does not end in time, or why it may not be called
 * any more.
 */
export async function call<Result>(
  { uses, resource, run, timeoutMs, ...request }: Call<Result>,
  ports: SyncPorts,
  reading: Reading,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted();
  // By hand, and not by AbortSignal.any: that one remembers every signal it ever made beside a
  // long-lived one until they are collected.
  const end = new AbortController();
  const limit = end.signal;
  const now = new Date(ports.clock.now());
  const context: AnyContext = Object.freeze({
    resource,
    inputs: inputViews(uses, resource, reading, (input) => ports.informers.ofInput(input)),
    ...(uses.metrics === true && { metrics: ports.metricsFor(resource, limit) }),
    config: deepFreeze(ports.settings().config),
    log: withFields(ports.log, { resource: keyString(keyOf(resource)), phase: request.phase }),
    signal: limit,
    now,
    phaseStartedAt: new Date(request.phaseStartedAt ?? now),
    lastStep: request.lastStep === undefined ? undefined : new Date(request.lastStep),
  });
  const running = (async () => run(context))();
  return copyOf(await within(running, timeoutMs, ports.clock, end, signal), uses);
}

function copyOf<Result>(result: Result, { title }: Uses): Result {
  try {
    return deepFreeze(structuredClone(result));
  } catch (error) {
    throw new PermanentError(
      `${title} returned something that is no plain data: ${(error as Error).message}`,
    );
  }
}

function within<Result>(
  running: Promise<Result>,
  ms: number,
  clock: Clock,
  end: AbortController,
  signal: AbortSignal,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (message: string): void => {
      const grace = clock.after(GRACE_MS, () =>
        reject(
          new Stuck(
            message,
            running.catch(() => undefined),
          ),
        ),
      );
      running.catch(() => undefined).finally(() => grace.cancel());
    };
    const timer = clock.after(ms, () => {
      end.abort(new Error(`the worker took longer than ${ms / 1000} s`));
      giveUp(
        `the worker took longer than ${ms / 1000} s and did not end when it was told to; this resource waits until it does`,
      );
    });
    const stopped = (): void => {
      end.abort(signal.reason);
      giveUp('the worker did not end at shutdown');
    };
    signal.addEventListener('abort', stopped, { once: true });
    running.then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', stopped);
    });
  });
}
