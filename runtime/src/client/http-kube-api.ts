/**
 * `KubeApi` over HTTP: raw JSON, no models, so that fields of newer servers survive.
 */
import type { Dispatcher } from 'undici';
import type {
  ApplyOptions,
  DeleteOptions,
  KubeApi,
  KubeList,
  ListOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kube-api.ts';
import { ConnectionError } from './errors.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';
import { apiVersionOf } from './object.ts';
import type { Connection, UrlParameters, StatusBody, HttpRequest } from './http-transport.ts';
import { apiErrorOf, failureInBody, toConnectionError, HttpTransport } from './http-transport.ts';

export type { Connection, Credentials, TlsOptions } from './http-transport.ts';

/**
 * Time without data after which a watch is closed, in milliseconds. The API server sends a bookmark
 * about once a minute. The reflector's own timeout is shorter; this one also covers the lease
 * watch.
 */
const WATCH_SILENCE_MS = 130_000;
/** Number of characters of an unreadable line of a watch that a message quotes. */
const MAX_QUOTED_LINE = 200;

/** A client that can check once more whether a write is allowed, at the moment it is sent. */
export interface GuardableKubeApi extends KubeApi {
  /**
   * The same client with a check before each write. Absent when the client has no socket of its
   * own.
   *
   * @param check throws to refuse the write. Called immediately before the request is handed to its
   * socket.
   */
  withWriteCheck?(check: () => void): KubeApi;
}

/** A KubeApi over HTTP, with a check before each write and a way to close its connections. */
export interface HttpKubeApi extends KubeApi, GuardableKubeApi {
  withWriteCheck(check: () => void): KubeApi;
  /**
   * Why the API server is unavailable: the last request had no response, or a 5xx above 500.
   * Undefined when it is available.
   */
  readonly unavailableReason: string | undefined;
  /** Ends all connections; open watches break. */
  close(): Promise<void>;
}

/** Creates a KubeApi over HTTP. Requests are sent when a method is called, not before. */
export function createHttpKubeApi(connection: Connection): HttpKubeApi {
  const httpTransport = new HttpTransport(connection);
  const apiWithCheck = (check: () => void): KubeApi =>
    kubeApiOver((request, signal) => httpTransport.open(request, check, signal));
  return {
    ...apiWithCheck(() => undefined),
    withWriteCheck: apiWithCheck,
    get unavailableReason() {
      return httpTransport.unavailableReason;
    },
    close: () => httpTransport.close(),
  };
}

type OpenRequest = (request: HttpRequest, signal?: AbortSignal) => Promise<Dispatcher.ResponseData>;

/**
 * The methods of `KubeApi` over one way to send. They need no `this`: callers copy the object with
 * spread.
 */
function kubeApiOver(open: OpenRequest): KubeApi {
  const call = async (request: HttpRequest, signal?: AbortSignal): Promise<KubeObject> =>
    (await readJson(open, request, signal)) as KubeObject;
  return {
    list: async (type, options, signal) =>
      listFrom(type, (await readJson(open, listRequest(type, options), signal)) as RawList),
    watch: (type, options, signal) => watchEvents(open, type, options, signal),
    get: async (type, key, signal) => call({ method: 'GET', path: objectPath(type, key) }, signal),
    create: async (type, object, options, signal) =>
      call(createRequest(type, object, options), signal),
    replace: async (type, object, options, signal) =>
      call(replaceRequest(type, object, options), signal),
    apply: async (type, object, options, signal) =>
      call(applyRequest(type, object, options), signal),
    // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
    patch: async (type, key, patch, options, signal) =>
      call(patchRequest(type, key, patch, options), signal),
    delete: async (type, key, options, signal) => {
      await call(deleteRequest(type, key, options), signal);
    },
  };
}

async function readJson(
  open: OpenRequest,
  request: HttpRequest,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const response = await open(request, signal);
  try {
    const body = await response.body.json();
    const failure = failureInBody(body);
    if (failure !== undefined) {
      throw failure;
    }
    return body;
  } catch (error) {
    throw toConnectionError(error, `${request.method} ${request.path}`, signal);
  }
}

async function* watchEvents(
  open: OpenRequest,
  type: ResourceType,
  options: WatchOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  const request = watchRequest(type, options);
  const response = await open(request, signal);
  try {
    for await (const line of readLines(response.body)) {
      yield watchEventOf(parseWatchLine(line));
    }
  } catch (error) {
    throw toConnectionError(error, `watch ${request.path}`, signal);
  }
}

function listRequest(type: ResourceType, options: ListOptions = {}): HttpRequest {
  const { namespace, labelSelector, fieldSelector, limit, continue: token } = options;
  return {
    method: 'GET',
    path: collectionPath(type, namespace),
    query: { labelSelector, fieldSelector, limit, continue: token },
  };
}

function watchRequest(type: ResourceType, options: WatchOptions): HttpRequest {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = options;
  return {
    method: 'GET',
    path: collectionPath(type, namespace),
    query: {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector,
      fieldSelector,
      resourceVersion,
      timeoutSeconds,
    },
    bodyTimeout: WATCH_SILENCE_MS,
  };
}

function createRequest(
  type: ResourceType,
  object: KubeObject,
  options: WriteOptions | undefined,
): HttpRequest {
  return {
    method: 'POST',
    path: collectionPath(type, object.metadata.namespace),
    query: writeParameters(options),
    body: object,
  };
}

function replaceRequest(
  type: ResourceType,
  object: KubeObject,
  options: WriteOptions | undefined,
): HttpRequest {
  return {
    method: 'PUT',
    path: objectPath(type, object.metadata, options),
    query: writeParameters(options),
    body: object,
  };
}

function applyRequest(type: ResourceType, object: KubeObject, options: ApplyOptions): HttpRequest {
  return {
    method: 'PATCH',
    path: objectPath(type, object.metadata, options),
    query: { ...writeParameters(options), force: options.force === true },
    body: object,
    contentType: 'application/apply-patch+yaml',
  };
}

function patchRequest(
  type: ResourceType,
  key: ObjectKey,
  patch: Patch,
  options: WriteOptions | undefined,
): HttpRequest {
  return {
    method: 'PATCH',
    path: objectPath(type, key, options),
    query: writeParameters(options),
    body: patch.body,
    contentType: `application/${patch.type === 'json' ? 'json-patch' : 'merge-patch'}+json`,
  };
}

function deleteRequest(
  type: ResourceType,
  key: ObjectKey,
  options: DeleteOptions = {},
): HttpRequest {
  const { preconditions, propagationPolicy = 'Background' } = options;
  return {
    method: 'DELETE',
    path: objectPath(type, key),
    body: {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy,
      ...(preconditions && { preconditions }),
    },
  };
}

function writeParameters(options: WriteOptions | undefined): UrlParameters {
  return {
    fieldManager: options?.fieldManager,
    dryRun: options?.dryRun === true ? 'All' : undefined,
    fieldValidation: 'Strict',
  };
}

function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return `${root}${type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${type.plural}`;
}

function objectPath(type: ResourceType, key: ObjectKey, options?: WriteOptions): string {
  return `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}${options?.subresource === undefined ? '' : `/${options.subresource}`}`;
}

interface RawList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

/** @throws ConnectionError when a proxy or another server has answered something else */
function listFrom(type: ResourceType, list: RawList | null): KubeList {
  if (list?.metadata === undefined || !Array.isArray(list.items ?? [])) {
    throw new ConnectionError(`the response to the list of ${type.plural} is no list`);
  }
  const items = (list.items ?? []).map((item): KubeObject => ({
    ...item,
    apiVersion: apiVersionOf(type),
    kind: type.kind,
  }));
  const { resourceVersion = '', continue: next } = list.metadata;
  return {
    resourceVersion,
    items,
    ...(next === undefined || next === '' ? {} : { continue: next }),
  };
}

interface RawWatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Omit<KubeObject, 'metadata'> &
    StatusBody & { readonly metadata?: Partial<KubeObject['metadata']> };
}

/**
 * Reads a line of a watch.
 *
 * @throws ApiError when the line is a Status, or no event. The API server has answered then, so the
 * failure counts against the version of the watch, as a broken connection does not.
 */
function parseWatchLine(line: string): RawWatchEvent {
  const noEvent = `the watch brought a line that is no event: ${line.slice(0, MAX_QUOTED_LINE)}`;
  let event: Partial<RawWatchEvent> | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw apiErrorOf({ message: noEvent });
  }
  const failure = failureInBody(event);
  if (failure !== undefined) {
    throw failure;
  }
  if (event?.type === undefined || typeof event.object !== 'object' || event.object === null) {
    throw apiErrorOf({ message: noEvent });
  }
  return event as RawWatchEvent;
}

function watchEventOf({ type, object }: RawWatchEvent): WatchEvent {
  switch (type) {
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata?.resourceVersion ?? '' };
    case 'ERROR':
      throw apiErrorOf({ ...object, message: object.message ?? 'watch failed' });
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (object.metadata?.name === undefined) {
        throw apiErrorOf({
          message: `the watch brought the event ${type} of an object without a name`,
        });
      }
      return { type, object: object as KubeObject };
    default:
      throw apiErrorOf({
        message: `the watch brought an event of the unknown type ${String(type)}`,
      });
  }
}

/** Whole lines of a body. An incomplete last line means that the connection broke. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let end: number;
    while ((end = rest.indexOf('\n')) >= 0) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line.trim() !== '') {
        yield line;
      }
    }
  }
  if (rest.trim() !== '') {
    throw new ConnectionError('the watch ended within an event');
  }
}
