/**
 * Requests to the API server over HTTP/1.1, on one shared agent. HTTP/2 stays off because a stopped
 * peer is not noticed there. Every request has three time limits: to connect, to the response, and
 * between two chunks.
 */
import { Agent, ProxyAgent, request as send } from 'undici';
import type { Dispatcher } from 'undici';
import { ApiError, ConnectionError, hasCode, messageOf } from './errors.ts';

/** Limit until the response, and between two chunks of it, in milliseconds. */
const RESPONSE_TIMEOUT_MS = 30_000;
/** Limit for connecting, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Address of the API server, and credentials, which are read for every request. */
export interface Connection {
  readonly server: string;
  /** URL of the proxy that leads there. */
  readonly proxy?: string;
  /** @param fresh true: the API server refused the last credentials, so read them again. */
  credentials(fresh: boolean): Promise<Credentials>;
  readonly userAgent?: string;
  /**
   * Called for each request with its HTTP status, or `<error>` without a response, as client-go
   * counts them.
   */
  readonly onResponse?: (method: string, code: string) => void;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export type UrlParameters = Readonly<Record<string, string | number | boolean | undefined>>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: UrlParameters;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly bodyTimeout?: number;
}

export interface HttpTransport {
  /**
   * @param check refuses a write by throwing, in the moment it leaves. @throws ApiError,
   * ConnectionError, the signal's reason
   */
  open(
    request: HttpRequest,
    check: () => void,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData>;
  /** See `HttpKubeApi`. */
  readonly unavailableReason: string | undefined;
  close(): Promise<void>;
}

export function createHttpTransport(connection: Connection): HttpTransport {
  const agents = new AgentCache(connection.proxy);
  let unavailableReason: string | undefined;
  const server = connection.server.replace(/\/$/, '');

  async function credentials(fresh: boolean): Promise<Credentials> {
    try {
      return await connection.credentials(fresh);
    } catch (error) {
      unavailableReason = `the credentials for the API server cannot be read: ${messageOf(error)}`;
      throw new ConnectionError(unavailableReason, { cause: error });
    }
  }

  async function attempt(
    request: HttpRequest,
    check: () => void,
    fresh: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    signal?.throwIfAborted();
    const { headers, tls } = await credentials(fresh);
    const url = new URL(server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) {
        url.searchParams.set(name, String(value));
      }
    }
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    // Nothing is awaited between this check and the socket.
    signal?.throwIfAborted();
    if (request.method !== 'GET') {
      check();
    }
    try {
      const response = await send(url, {
        method: request.method,
        dispatcher: agents.for(tls),
        headers: {
          accept: 'application/json',
          'user-agent': connection.userAgent ?? 'autopilot-runtime',
          ...headers,
          ...(body === undefined
            ? {}
            : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        headersTimeout: RESPONSE_TIMEOUT_MS,
        bodyTimeout: request.bodyTimeout ?? RESPONSE_TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
      });
      connection.onResponse?.(request.method, String(response.statusCode));
      if (response.statusCode <= 500) {
        unavailableReason = undefined;
      }
      if (response.statusCode >= 400) {
        throw await readApiError(response, request);
      }
      return response;
    } catch (error) {
      const failure = toConnectionError(error, `${request.method} ${request.path}`, signal);
      if (failure instanceof ConnectionError) {
        connection.onResponse?.(request.method, '<error>');
      }
      if (
        failure instanceof ConnectionError ||
        (failure instanceof ApiError && failure.status.code > 500)
      ) {
        unavailableReason = failure.message;
      }
      throw failure;
    }
  }

  return {
    open: (request, check, signal) =>
      attempt(request, check, false, signal).catch((error: unknown) => {
        if (!hasCode(error, 401)) {
          throw error;
        }
        return attempt(request, check, true, signal);
      }),
    get unavailableReason() {
      return unavailableReason;
    },
    close: () => agents.close(),
  };
}

/**
 * One agent per TLS material: rotating a certificate opens a new one and lets the old one drain.
 */
class AgentCache {
  #tls: TlsOptions | undefined;
  #key = '';
  #agent: Dispatcher | undefined;
  readonly #proxy: string | undefined;

  constructor(proxy: string | undefined) {
    this.#proxy = proxy;
  }

  for(tls: TlsOptions): Dispatcher {
    if (this.#agent !== undefined && tls === this.#tls) {
      return this.#agent;
    }
    this.#tls = tls;
    const key = JSON.stringify(tls);
    if (this.#agent === undefined || key !== this.#key) {
      void this.#agent?.close();
      this.#key = key;
      const connect = { ...tls, timeout: CONNECT_TIMEOUT_MS };
      const options = { allowH2: false, keepAliveTimeout: 30_000 };
      this.#agent =
        this.#proxy === undefined
          ? new Agent({ ...options, connect })
          : new ProxyAgent({ ...options, uri: this.#proxy, requestTls: connect });
    }
    return this.#agent;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#agent = undefined;
  }
}

async function readApiError(
  response: Dispatcher.ResponseData,
  request: HttpRequest,
): Promise<ApiError> {
  const text = await response.body.text();
  const status = parseStatus(text) ?? {};
  const message =
    status.message ??
    `${request.method} ${request.path}: HTTP ${response.statusCode} ${text.slice(0, 200)}`;
  return apiErrorOf(
    { ...status, message, code: response.statusCode },
    parseRetryAfter(response.headers),
  );
}

/** @param wait seconds that Retry-After says */
export function apiErrorOf(
  { code = 500, reason = '', message = 'no reason given', details }: StatusBody,
  wait?: number,
): ApiError {
  const seconds =
    wait ??
    (details as { readonly retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  const retry = typeof seconds === 'number' && seconds > 0 ? { retryAfterSeconds: seconds } : {};
  return new ApiError({
    reason,
    message,
    ...(details === undefined ? {} : { details }),
    ...retry,
    code,
  });
}

/** Retry-After in seconds, or as a date, which counts from the server's own. */
function parseRetryAfter({
  'retry-after': after,
  date,
}: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  const seconds = Number.isNaN(Number(after))
    ? (Date.parse(String(after)) - Date.parse(String(date))) / 1000
    : Number(after);
  return seconds > 0 ? seconds : undefined;
}

export interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
}

function parseStatus(text: string): StatusBody | undefined {
  try {
    const value = JSON.parse(text) as StatusBody;
    return value.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

export function toConnectionError(
  error: unknown,
  what: string,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) {
    return signal.reason;
  }
  if (error instanceof ApiError || error instanceof ConnectionError) {
    return error;
  }
  return new ConnectionError(`${what}: ${messageOf(error)}`, { cause: error });
}
