/** Responses, and failures in the API server's words. */
import { isApiError } from 'autopilot-runtime/internal';

/** A response to one request. */
export interface ApiResponse {
  readonly code: number;
  readonly body: unknown;
  readonly contentType?: string;
  /** Warning headers, which clients print. */
  readonly warnings?: readonly string[];
}

/** The Status object of a failure. */
export function failureResponse(error: unknown): ApiResponse {
  const { code, reason, message, details } = isApiError(error)
    ? error.status
    : {
        code: 500,
        reason: 'InternalError',
        message: String(error instanceof Error ? error.message : error),
        details: undefined,
      };
  if (code === 404 && reason === '') {
    return { code, body: `${message}\n`, contentType: 'text/plain; charset=utf-8' };
  }
  return {
    code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details !== undefined && { details }),
      code,
    },
  };
}
