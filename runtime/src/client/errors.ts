/**
 * What can go wrong at the API server, as two kinds of error told apart by `name` (two copies of
 * this module must agree).
 */

export interface ApiStatus {
  readonly code: number;
  /**
   * The machine-readable reason of the Status object: NotFound, AlreadyExists, Conflict, Invalid,
   * Expired …
   */
  readonly reason: string;
  readonly message: string;
  readonly details?: unknown;
  /** From Retry-After or details.retryAfterSeconds. */
  readonly retryAfterSeconds?: number;
}

/** The API server answered with a failure. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ApiStatus;
  constructor(status: ApiStatus) {
    super(status.message);
    this.status = status;
  }
}

/** No answer came: refused, reset, timed out. A write may have been done. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === 'ApiError' && 'status' in error;
}

/** True for an `ApiError` with this HTTP status. */
export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return isApiError(error) && codes.includes(error.status.code);
}

/** Of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isConnectionError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConnectionError';
}
