/** The errors of a reconcile, and their classification. */
import { inspect } from 'node:util';
import { parseDuration } from '../api/duration.ts';
import type { RetryLater } from '../api/worker.ts';
import { PermanentError } from '../api/worker.ts';
import { isApiError, retryDelayMs } from '../client/errors.ts';
import { MIN_REQUEUE_MS } from './reconcile-result.ts';

/** Longest delay that the API server can ask for, in milliseconds: the longest backoff. */
const MAX_REQUESTED_DELAY_MS = 300_000;

/** An object or a field of it belongs to another client. */
export class OutputConflict extends Error {
  override readonly name = 'OutputConflict';
}

/** The API server refused an output: a webhook, a quota, a namespace that is being deleted. */
export class OutputRefused extends Error {
  override readonly name = 'OutputRefused';
}

/**
 * The cache was stale, so the reconcile repeats with the fresh object. `cause` is the error to
 * report when fresh objects do not resolve the conflict.
 */
export class StaleCache extends Error {
  override readonly name = 'StaleCache';
}

/** A worker did not stop after its signal was aborted. Its resource is quarantined meanwhile. */
export class StuckWorker extends Error {
  override readonly name = 'StuckWorker';
  /** Settles when the worker ends; never rejects. */
  readonly running: Promise<unknown>;
  constructor(message: string, running: Promise<unknown>) {
    super(message);
    this.running = running;
  }
}

interface FailureDetails {
  readonly error: Error;
  /** The reason of the condition and of the Event. */
  readonly reason: string;
}

/** An error of a reconcile, by what has to be done about it. */
export type Failure =
  /** The cache was stale: reconcile again. `persistent`: the error when that does not help. */
  | { readonly type: 'conflict'; readonly persistent: Error }
  /** RetryLater of the worker: not a failure. */
  | { readonly type: 'waiting'; readonly message: string; readonly delayMs: number }
  /** PermanentError: a retry cannot help. */
  | ({ readonly type: 'stalled' } & FailureDetails)
  /** The worker still runs: no further reconcile before `running` settles. */
  | ({ readonly type: 'stuck'; readonly running: Promise<unknown> } & FailureDetails)
  /** The API server asked for no further request within `retryAfterMs`. */
  | ({ readonly type: 'throttled'; readonly retryAfterMs: number } & FailureDetails)
  /** Any other error: retry with backoff. */
  | ({ readonly type: 'failing' } & FailureDetails);

/** Reasons of errors, by the name of the error. Default: `WorkerError`. */
const REASON_BY_ERROR_NAME: Readonly<Record<string, string>> = {
  OutputConflict: 'OutputConflict',
  OutputRefused: 'OutputRefused',
  ApiError: 'ApiError',
  ConnectionError: 'ApiError',
};

/**
 * Decides once what a thrown value means.
 *
 * @param thrown any value that a worker or the API threw
 */
export function classifyError(thrown: unknown): Failure {
  const error = toError(thrown);
  if (error instanceof StaleCache) {
    const { cause, message } = error;
    const persistent = cause instanceof Error ? cause : new OutputRefused(message);
    return { type: 'conflict', persistent };
  }
  if (error instanceof StuckWorker) {
    return { type: 'stuck', error, reason: 'Quarantined', running: error.running };
  }
  const delayMs = retryLaterDelayMs(error);
  if (delayMs !== undefined) {
    return { type: 'waiting', message: error.message, delayMs };
  }
  if (isPermanentError(error)) {
    return { type: 'stalled', error, reason: reasonOf(error) };
  }
  const reason = REASON_BY_ERROR_NAME[error.name] ?? 'WorkerError';
  const retryAfterMs = requestedDelayMs(error);
  return retryAfterMs > 0
    ? { type: 'throttled', error, reason, retryAfterMs }
    : { type: 'failing', error, reason };
}

/**
 * The one place where a thrown value becomes an error that can be logged and stored. A worker can
 * throw anything: no Error, or an Error whose message is an object or throws when it is read.
 */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error
      ? readableError(thrown)
      : new Error(`${inspect(thrown)} was thrown, which is not an Error`);
  } catch {
    return new Error('a value was thrown that cannot be inspected');
  }
}

/** The error itself, or an error in its place whose message, name and stack are strings. */
function readableError(error: Error): Error {
  const { message, name, stack } = error as Partial<Readonly<Record<keyof Error, unknown>>>;
  const isReadable = typeof message === 'string' && typeof name === 'string';
  if (isReadable && (stack === undefined || typeof stack === 'string')) {
    return error;
  }
  const text =
    typeof message === 'string' ? message : `an error with the message ${inspect(message)}`;
  return new Error(text, { cause: error });
}

/** The form of a condition's reason in metav1.Condition, and the length of an Event's reason. */
const REASON = /^[A-Za-z]([A-Za-z0-9_,:]{0,126}[A-Za-z0-9_])?$/;

/** The reason of a PermanentError. The API server refuses a status with another form of reason. */
function reasonOf({ reason }: { readonly reason: unknown }): string {
  return typeof reason === 'string' && REASON.test(reason) ? reason : 'PermanentError';
}

/** Recognised by name too: the error may come from another copy of this package. */
function isPermanentError(error: Error): error is PermanentError {
  return error instanceof PermanentError || error.name === 'PermanentError';
}

/**
 * The delay of a RetryLater in milliseconds, at least 100. Undefined: another error, or a delay
 * that is not a duration, which counts as an error of the worker.
 */
function retryLaterDelayMs(error: Error): number | undefined {
  if (error.name !== 'RetryLater') {
    return undefined;
  }
  try {
    return Math.max(MIN_REQUEUE_MS, parseDuration((error as RetryLater).delay));
  } catch {
    return undefined;
  }
}

/**
 * Wraps a refusal by the API server.
 *
 * @param objectName the object, for the message: `Service default/web`
 * @returns OutputRefused for a refusal; the same error for 401, 429, 5xx and lost connections
 */
export function toOutputRefused(error: unknown, objectName: string): unknown {
  if (!isApiError(error)) {
    return error;
  }
  const { code } = error.status;
  if (code >= 500 || code === 429 || code === 401) {
    return error;
  }
  return new OutputRefused(`${objectName} was refused: ${error.message}`, { cause: error });
}

/**
 * Was an object refused because its namespace is being deleted? The NamespaceLifecycle admission
 * plugin reports that by this cause.
 */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isApiError(error) || error.status.code !== 403) {
    return false;
  }
  const { causes = [] } = (error.status.details ?? {}) as {
    readonly causes?: readonly { readonly reason?: string }[];
  };
  return causes.some(({ reason }) => reason === 'NamespaceTerminating');
}

/** May the API server have done the write? True without a response, and for 408 and 5xx. */
export function mayHaveBeenWritten(error: unknown): boolean {
  return !isApiError(error) || error.status.code >= 500 || error.status.code === 408;
}

/**
 * Milliseconds for which the API server asks for no further request (`retryAfterSeconds` of a 429
 * by priority and fairness, or of a 503), up to 5 minutes. 0: no such request.
 */
export function requestedDelayMs(error: unknown): number {
  const response = error instanceof OutputRefused ? error.cause : error;
  return retryDelayMs(response, MAX_REQUESTED_DELAY_MS);
}
