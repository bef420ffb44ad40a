/**
 * `KubeApi` over HTTP/1.1: raw JSON, one shared agent. HTTP/2 stays off because a stopped peer is not noticed there.
 *
 * A watch that brings nothing for `INACTIVITY_MS` is taken for dead: the server sends a bookmark about each minute.
 */
import { Agent, request as send } from 'undici';
import type { Dispatcher } from 'undici';
import type { ApplyOptions, DeleteOptions, KubeApi, KubeList, ListOptions, Patch, WatchEvent, WatchOptions, WriteOptions } from './api.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import { apiVersionOf } from './object.ts';

const INACTIVITY_MS = 120_000;
const ANSWER_MS = 30_000;

/** Where the API server is and how to prove who we are. Asked before every request: tokens and certificates rotate. */
export interface Connection {
  readonly server: string;
  credentials(): Promise<Credentials>;
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

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly bodyTimeout?: number;
}

export interface HttpKubeApi extends KubeApi {
  /** Ends all connections; open watches break. */
  close(): Promise<void>;
}

export function httpKubeApi(connection: Connection): HttpKubeApi {
  const agents = new AgentCache();

  async function open(request: Request, signal?: AbortSignal): Promise<Dispatcher.ResponseData> {
    signal?.throwIfAborted();
    const { headers, tls } = await connection.credentials();
    const url = new URL(connection.server.replace(/\/$/, '') + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    try {
      const response = await send(url, {
        method: request.method,
        dispatcher: agents.for(tls),
        headers: {
          accept: 'application/json',
          ...headers,
          ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        headersTimeout: ANSWER_MS,
        bodyTimeout: request.bodyTimeout ?? ANSWER_MS,
        ...(signal === undefined ? {} : { signal }),
      });
      if (response.statusCode >= 400) throw await failureOf(response, request);
      return response;
    } catch (error) {
      throw asConnectionError(error, `${request.method} ${request.path}`, signal);
    }
  }

  async function call(request: Request, signal?: AbortSignal): Promise<unknown> {
    const response = await open(request, signal);
    try {
      return await response.body.json();
    } catch (error) {
      throw asConnectionError(error, `${request.method} ${request.path}`, signal);
    }
  }

  const write = (options: WriteOptions | undefined): Query => ({
    fieldManager: options?.fieldManager,
    dryRun: options?.dryRun === true ? 'All' : undefined,
    fieldValidation: 'Strict',
  });

  return {
    async list(type, options: ListOptions = {}, signal): Promise<KubeList> {
      const { labelSelector, fieldSelector, limit, continue: token } = options;
      const answer = (await call(
        { method: 'GET', path: collectionPath(type, options.namespace), query: { labelSelector, fieldSelector, limit, continue: token } },
        signal,
      )) as {
        metadata: { resourceVersion: string; continue?: string };
        items?: KubeObject[] | null;
      };
      const items = (answer.items ?? []).map((item): KubeObject => ({ ...item, apiVersion: apiVersionOf(type), kind: type.kind }));
      const next = answer.metadata.continue;
      return { resourceVersion: answer.metadata.resourceVersion, items, ...(next === undefined || next === '' ? {} : { continue: next }) };
    },

    async *watch(type, options: WatchOptions, signal): AsyncGenerator<WatchEvent> {
      const { labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = options;
      const query = { watch: true, allowWatchBookmarks: true, labelSelector, fieldSelector, resourceVersion, timeoutSeconds };
      const path = collectionPath(type, options.namespace);
      const response = await open({ method: 'GET', path, query, bodyTimeout: INACTIVITY_MS }, signal);
      try {
        for await (const line of lines(response.body)) yield watchEventOf(JSON.parse(line) as RawWatchEvent);
      } catch (error) {
        throw asConnectionError(error, `watch ${path}`, signal);
      }
    },

    get: async (type, key, signal) => (await call({ method: 'GET', path: objectPath(type, key) }, signal)) as KubeObject,

    create: async (type, object, options, signal) =>
      (await call({ method: 'POST', path: collectionPath(type, object.metadata.namespace), query: write(options), body: object }, signal)) as KubeObject,

    replace: async (type, object, options, signal) =>
      (await call({ method: 'PUT', path: objectPath(type, object.metadata, options), query: write(options), body: object }, signal)) as KubeObject,

    apply: async (type, object, options: ApplyOptions, signal) =>
      (await call(
        {
          method: 'PATCH',
          path: objectPath(type, object.metadata, options),
          query: { ...write(options), force: options.force === true },
          body: object,
          contentType: 'application/apply-patch+yaml',
        },
        signal,
      )) as KubeObject,

    patch: async (type, key, patch: Patch, options, signal) =>
      (await call(
        {
          method: 'PATCH',
          path: objectPath(type, key, options),
          query: write(options),
          body: patch.body,
          contentType: `application/${patch.type === 'json' ? 'json-patch' : 'merge-patch'}+json`,
        },
        signal,
      )) as KubeObject,

    async delete(type, key, options: DeleteOptions = {}, signal): Promise<void> {
      const { preconditions, propagationPolicy = 'Background' } = options;
      await call(
        {
          method: 'DELETE',
          path: objectPath(type, key),
          body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy, ...(preconditions && { preconditions }) },
        },
        signal,
      );
    },

    close: () => agents.close(),
  };
}

/** One agent per TLS material: rotating a certificate opens a new one and lets the old one drain. */
class AgentCache {
  #key = '';
  #agent: Agent | undefined;

  for(tls: TlsOptions): Agent {
    const key = JSON.stringify(tls);
    if (this.#agent === undefined || key !== this.#key) {
      void this.#agent?.close();
      this.#key = key;
      this.#agent = new Agent({ allowH2: false, connect: { ...tls, timeout: 10_000 }, keepAliveTimeout: 30_000 });
    }
    return this.#agent;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#agent = undefined;
  }
}

function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return `${root}${type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${type.plural}`;
}

function objectPath(type: ResourceType, key: ObjectKey, options?: WriteOptions): string {
  return `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}${options?.subresource === undefined ? '' : `/${options.subresource}`}`;
}

async function failureOf(response: Dispatcher.ResponseData, request: Request): Promise<ApiError> {
  const text = await response.body.text();
  const retryAfter = Number(response.headers['retry-after']);
  const retry = Number.isFinite(retryAfter) && retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {};
  const status = parseStatus(text);
  return new ApiError({
    reason: status?.reason ?? '',
    message: status?.message ?? `${request.method} ${request.path}: HTTP ${response.statusCode} ${text.slice(0, 200)}`,
    ...(status?.details === undefined ? {} : { details: status.details }),
    ...retry,
    code: response.statusCode,
  });
}

interface RawStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
}

function parseStatus(text: string): RawStatus | undefined {
  try {
    const value = JSON.parse(text) as RawStatus;
    return value.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

function asConnectionError(error: unknown, what: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof ApiError || error instanceof ConnectionError) return error;
  return new ConnectionError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

interface RawWatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject & RawStatus;
}

function watchEventOf(event: RawWatchEvent): WatchEvent {
  switch (event.type) {
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' };
    case 'ERROR':
      throw new ApiError({ code: event.object.code ?? 500, reason: event.object.reason ?? '', message: event.object.message ?? 'watch failed' });
    default:
      return { type: event.type, object: event.object };
  }
}

/** Whole lines of a body. A half line at the end means that the connection broke. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let end: number;
    while ((end = rest.indexOf('\n')) >= 0) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line.trim() !== '') yield line;
    }
  }
  if (rest.trim() !== '') throw new ConnectionError('the watch ended within an event');
}
