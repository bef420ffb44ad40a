/**
 * Writes of one reconcile that do not depend on each other: one refusal does not stop the others,
 * and all refusals are reported in one error.
 */
import { isApiError } from '../client/errors.ts';
import { OutputConflict, OutputRefused, requestedDelayMs, StaleCache } from './reconcile-errors.ts';

/** Runs writes one after the other and collects their refusals. */
export class Attempts {
  readonly #errors: Error[] = [];

  /** Has every write so far succeeded? */
  get allSucceeded(): boolean {
    return this.#errors.length === 0;
  }

  /**
   * Runs one write. The error is kept when other writes may still succeed.
   *
   * @throws every error after which no further write may be tried, together with those kept so far
   */
  async try(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.add(error);
    }
  }

  /** Keeps an error that was thrown before any write. @throws as `try` does */
  add(error: unknown): void {
    if (!(error instanceof Error)) {
      throw error;
    }
    if (!concernsOneObject(error)) {
      throw combineErrors(this.#errors, error);
    }
    this.#errors.push(error);
  }

  /** @throws the error that was kept; for several errors one that has all messages */
  throwIfRefused(): void {
    const last = this.#errors.at(-1);
    if (last !== undefined) {
      throw combineErrors(this.#errors.slice(0, -1), last);
    }
  }
}

/**
 * May the next write succeed? Not without a connection or with a refused token, and not within the
 * delay that the API server asked for. A webhook that cannot be reached is a 500 of one kind only.
 */
function concernsOneObject(error: Error): boolean {
  if (requestedDelayMs(error) > 0) {
    return false;
  }
  if (isApiError(error)) {
    return error.status.code !== 401 && error.status.code !== 429;
  }
  return (
    error instanceof OutputRefused || error instanceof OutputConflict || error instanceof StaleCache
  );
}

/**
 * One error with all messages. A stale cache among them repeats the reconcile, which reports the
 * others when fresh objects do not help. Else the error is of the type that all have, or a refusal.
 */
function combineErrors(earlier: readonly Error[], last: Error): Error {
  const errors = [...earlier, last];
  const stale = errors.find((error) => error instanceof StaleCache);
  const causes = errors.map(reportedError);
  const combined = combineRefusals(causes);
  return stale === undefined ? combined : new StaleCache(stale.message, { cause: combined });
}

function reportedError(error: Error): Error {
  return error instanceof StaleCache && error.cause instanceof Error ? error.cause : error;
}

function combineRefusals(errors: readonly Error[]): Error {
  const last = errors.at(-1);
  if (errors.length === 1 && last !== undefined) {
    return last;
  }
  const message = [...new Set(errors.map((error) => error.message))].join('; ');
  const isConflict = errors.every((error) => error instanceof OutputConflict);
  return isConflict
    ? new OutputConflict(message)
    : new OutputRefused(message, { cause: causeOf(last) });
}

/** The response behind a refusal: it has the delay that the API server asked for. */
function causeOf(error: Error | undefined): unknown {
  return error instanceof OutputRefused ? error.cause : error;
}
