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

/** What authenticates a request: headers, and TLS options of the connection. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: TlsOptions;
}

/** TLS options of a connection to the API server, as node:tls names them. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Parameters of a URL. Undefined ones are left out. */
export type UrlParameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** A request to the API server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: UrlParameters;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly bodyTimeout?: number;
}

/** Sends requests to one API server, and keeps track of whether it is available. */
export class HttpTransport {
  readonly #connection: Connection;
  readonly #server: string;
  readonly #agents: AgentCache;
  #unavailableReason: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#server = connection.server.replace(/\/$/, '');
    this.#agents = new AgentCache(connection.proxy);
  }

  /** See `HttpKubeApi`. */
  get unavailableReason(): string | undefined {
    return this.#unavailableReason;
  }

  /**
   * Sends a request and returns its response, whose status is below 400. A request that is refused
   * with a 401 is sent once more, with fresh credentials.
   *
   * @param check throws to refuse a write. Called immediately before the request is handed to its
   * socket.
   * @throws ApiError, ConnectionError, the signal's reason
   */
  async open(
    request: HttpRequest,
    check: () => void,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#attempt(request, check, false, signal);
    } catch (error) {
      if (!hasCode(error, 401)) {
        throw error;
      }
      return this.#attempt(request, check, true, signal);
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#agents.close();
  }

  async #attempt(
    request: HttpRequest,
    check: () => void,
    fresh: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    signal?.throwIfAborted();
    const credentials = await this.#readCredentials(fresh);
    const url = urlOf(this.#server, request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    // Nothing is awaited between this check and the socket.
    signal?.throwIfAborted();
    if (request.method !== 'GET') {
      check();
    }
    try {
      const response = await send(url, {
        ...this.#requestOptions(request, credentials, body),
        ...(signal === undefined ? {} : { signal }),
      });
      return await this.#acceptResponse(request, response);
    } catch (error) {
      const failure = toConnectionError(error, `${request.method} ${request.path}`, signal);
      this.#recordFailure(request, failure);
      throw failure;
    }
  }

  async #readCredentials(fresh: boolean): Promise<Credentials> {
    try {
      return await this.#connection.credentials(fresh);
    } catch (error) {
      const reason = `the credentials for the API server cannot be read: ${messageOf(error)}`;
      this.#unavailableReason = reason;
      throw new ConnectionError(reason, { cause: error });
    }
  }

  #requestOptions(
    request: HttpRequest,
    { headers, tls }: Credentials,
    body: string | undefined,
  ): SendOptions {
    const options = {
      method: request.method,
      dispatcher: this.#agents.for(tls),
      headersTimeout: RESPONSE_TIMEOUT_MS,
      bodyTimeout: request.bodyTimeout ?? RESPONSE_TIMEOUT_MS,
    };
    const allHeaders = {
      accept: 'application/json',
      'user-agent': this.#connection.userAgent ?? 'autopilot-runtime',
      ...headers,
    };
    if (body === undefined) {
      return { ...options, headers: allHeaders };
    }
    const contentType = request.contentType ?? 'application/json';
    return { ...options, headers: { ...allHeaders, 'content-type': contentType }, body };
  }

  /** Returns a response below 400, and throws an `ApiError` for others. */
  async #acceptResponse(
    request: HttpRequest,
    response: Dispatcher.ResponseData,
  ): Promise<Dispatcher.ResponseData> {
    this.#connection.onResponse?.(request.method, String(response.statusCode));
    if (response.statusCode <= 500) {
      this.#unavailableReason = undefined;
    }
    if (response.statusCode >= 400) {
      throw await readApiError(response, request);
    }
    return response;
  }

  /** Counts a request without a response, and remembers why the API server is unavailable. */
  #recordFailure(request: HttpRequest, failure: unknown): void {
    if (failure instanceof ConnectionError) {
      this.#connection.onResponse?.(request.method, '<error>');
      this.#unavailableReason = failure.message;
    }
    if (failure instanceof ApiError && failure.status.code > 500) {
      this.#unavailableReason = failure.message;
    }
  }
}

type SendOptions = NonNullable<Parameters<typeof send<null>>[1]>;

function urlOf(server: string, { path, query = {} }: HttpRequest): URL {
  const url = new URL(server + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      url.searchParams.set(name, String(value));
    }
  }
  return url;
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

/** The HTTP status of a reason, for a Status without a code. */
const CODE_BY_REASON: Readonly<Record<string, number>> = {
  Expired: 410,
  Gone: 410,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Invalid: 422,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
  Timeout: 504,
};

/** @param wait seconds that Retry-After says */
export function apiErrorOf(status: StatusBody, wait?: number): ApiError {
  const { reason = '', message = 'no reason given', details } = status;
  const code = status.code ?? CODE_BY_REASON[reason] ?? 500;
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

/** The body of a failed response: a Status, as far as it is read. */
export interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
}

/** The error that a body reports despite HTTP status 200; undefined when there is none. */
export function failureInBody(body: unknown): ApiError | undefined {
  const { kind, status, ...rest } = (body ?? {}) as StatusBody & { readonly status?: unknown };
  return kind === 'Status' && status === 'Failure' ? apiErrorOf(rest) : undefined;
}

function parseStatus(text: string): StatusBody | undefined {
  try {
    const value = JSON.parse(text) as StatusBody;
    return value.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A network error as a ConnectionError that names the request. */
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
