/**
 * The errors of `KubeApi`. Compare them with the functions below and not with `instanceof`: a
 * process may load this module twice.
 */
import { isRecord } from '../util/json.ts';

/** The Status object of a failed request. */
export interface ApiStatus {
  /** HTTP status. */
  readonly code: number;
  /** Machine-readable reason: NotFound, AlreadyExists, Conflict, Invalid, Expired … */
  readonly reason: string;
  /** Message for people. */
  readonly message: string;
  /** Details, such as the invalid fields. */
  readonly details?: unknown;
  /** Seconds to wait before a retry, from Retry-After or details.retryAfterSeconds. */
  readonly retryAfterSeconds?: number;
}

/** The API server responded with a failure. */
export class ApiError extends Error {
  /** Name by which the functions below recognize the error. */
  override readonly name = 'ApiError';
  /** The Status of the response. */
  readonly status: ApiStatus;
  constructor(status: ApiStatus) {
    super(status.message);
    this.status = status;
  }
}

/** No response arrived: refused, reset or timed out. A write may have been made. */
export class ConnectionError extends Error {
  /** Name by which the functions below recognize the error. */
  override readonly name = 'ConnectionError';
}

/** Whether an error is an `ApiError`. */
export function isApiError(error: unknown): error is ApiError {
  return (
    error instanceof Error &&
    error.name === 'ApiError' &&
    isRecord((error as Partial<ApiError>).status)
  );
}

/** Whether an error is an `ApiError` with one of these HTTP statuses. */
export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return isApiError(error) && codes.includes(error.status.code);
}

/** Whether an error is an `ApiError` with one of these reasons. */
export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return isApiError(error) && reasons.includes(error.status.reason);
}

/**
 * The delay that the API server asks for, in milliseconds; 0 when it asks for none.
 *
 * @param maxMs greatest delay. A proxy that asks for a day must not stop the operator for a day.
 */
export function retryDelayMs(error: unknown, maxMs: number): number {
  const seconds = isApiError(error) ? (error.status.retryAfterSeconds ?? 0) : 0;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, maxMs) : 0;
}

/** The message of a thrown value, which need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error is a `ConnectionError`. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConnectionError';
}
