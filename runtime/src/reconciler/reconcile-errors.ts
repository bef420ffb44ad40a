/** How a sync can fail besides its worker's own errors. Told apart by `name`. */
import { isApiError } from '../client/errors.ts';
import { PermanentError } from '../api/worker.ts';

/** An object, or a field of it, is somebody else's. */
export class OutputConflict extends Error {
  override readonly name = 'OutputConflict';
}

/** The API server refused an output (webhook, quota, dying namespace …). */
export class OutputRefused extends Error {
  override readonly name = 'OutputRefused';
}

/**
 * The cache was behind: sync again from the fresh copy. `cause`: what it would be if that is not
 * so.
 */
export class StaleCache extends Error {
  override readonly name = 'StaleCache';
}

/**
 * What is wrong when the fresh copy does not help: it was no late news, but somebody's answer (a
 * webhook or a quota may say 409 too).
 */
export function persistentError({ cause, message }: Error): Error {
  return cause instanceof Error ? cause : new OutputRefused(message);
}

/** A worker did not end when it was told to: nothing of its resource may run until it has. */
export class StuckWorker extends Error {
  override readonly name = 'StuckWorker';
  readonly running: Promise<unknown>;
  constructor(message: string, running: Promise<unknown>) {
    super(message);
    this.running = running;
  }
}

/** @param what the object, for the message: `Service default/web`. */
export function toOutputRefused(error: unknown, objectName: string): unknown {
  if (
    !isApiError(error) ||
    error.status.code >= 500 ||
    error.status.code === 429 ||
    error.status.code === 401
  ) {
    return error;
  }
  return new OutputRefused(`${objectName} was refused: ${error.message}`, { cause: error });
}

/**
 * Not made because its namespace is being deleted, and all that is in it (the NamespaceLifecycle
 * admission says so by this cause).
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

/** Nobody knows whether the write was done: no answer came, or one that does not tell. */
export function mayHaveBeenWritten(error: unknown): boolean {
  return !isApiError(error) || error.status.code >= 500 || error.status.code === 408;
}

/**
 * Milliseconds for which the server wants no further request (429 of priority and fairness, 503); 0
 * when it says nothing.
 */
export function requestedDelayMs(error: unknown): number {
  const response = error instanceof OutputRefused ? error.cause : error;
  return isApiError(response) ? (response.status.retryAfterSeconds ?? 0) * 1000 : 0;
}

/** Also of another copy of this package. */
export function isPermanentError(error: unknown): boolean {
  return (
    error instanceof PermanentError || (error instanceof Error && error.name === 'PermanentError')
  );
}
