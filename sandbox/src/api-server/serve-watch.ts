/** Watches over HTTP: one JSON object a line, until the client closes the connection. */
import type { ServerResponse } from 'node:http';
import type { KubeObject, WatchEvent, WatchOptions } from 'autopilot-runtime/internal';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import { failureResponse } from './response.ts';
import type { ApiRequest } from './api-request.ts';
import { tableOf, wantsTable } from './table.ts';
import { findKind, listOptions } from './verbs.ts';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Streams a watch until the client goes or the watch ends.
 * @throws ApiError before the first line only; a later error is a line of type ERROR
 */
export async function serveWatch(
  cluster: Cluster,
  request: ApiRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (request.resource === undefined) {
    return;
  }
  const kind = findKind(cluster, request.resource);
  const stream = new WatchStream(cluster, kind, request, response);
  try {
    await stream.run(signal);
  } catch (error) {
    if (!signal.aborted) {
      if (!response.headersSent) {
        throw error;
      }
      stream.write({ type: 'ERROR', object: failureResponse(error).body });
    }
  }
  response.end();
}

function watchOptions(request: ApiRequest): WatchOptions {
  const { resource, query } = request;
  const { limit: _, continue: __, ...selectors } = listOptions(request, resource?.namespace);
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const from = query.get('resourceVersion') ?? '';
  return {
    ...selectors,
    ...(resource?.name !== undefined && { fieldSelector: `metadata.name=${resource.name}` }),
    resourceVersion: from === '' || wantsInitialEvents(request) ? '0' : from,
    ...(seconds > 0 && { timeoutSeconds: seconds }),
  };
}

function wantsInitialEvents({ query }: ApiRequest): boolean {
  return query.get('sendInitialEvents') === 'true';
}

/** One watch over HTTP: a JSON object a line. */
class WatchStream {
  readonly #cluster: Cluster;
  readonly #kind: Kind;
  readonly #request: ApiRequest;
  readonly #response: ServerResponse;

  constructor(cluster: Cluster, kind: Kind, request: ApiRequest, response: ServerResponse) {
    this.#cluster = cluster;
    this.#kind = kind;
    this.#request = request;
    this.#response = response;
  }

  write(line: object): void {
    this.#response.write(`${JSON.stringify(line)}\n`);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { api } = this.#cluster;
    const options = watchOptions(this.#request);
    const withBookmarks = this.#request.query.get('allowWatchBookmarks') === 'true';
    // Present objects are written before the bookmark that ends the initial events.
    let initialEventsLeft = wantsInitialEvents(this.#request)
      ? (await api.list(this.#kind, options)).items.length
      : -1;
    const events = api.watch(this.#kind, options, signal)[Symbol.asyncIterator]();
    let next = events.next();
    // A version that is too old must fail before the headers are sent. A watch without events yet
    // sends its headers all the same.
    await Promise.race([next, new Promise<void>((resolve) => void setImmediate(resolve))]);
    this.#sendHeaders();
    if (initialEventsLeft === 0) {
      this.#endInitialEvents();
    }
    for (;;) {
      const { done, value } = await next;
      if (done === true) {
        return;
      }
      if (value.type !== 'BOOKMARK' || withBookmarks) {
        this.write(watchLine(this.#cluster, this.#kind, this.#request, value));
      }
      if (initialEventsLeft > 0 && --initialEventsLeft === 0) {
        this.#endInitialEvents();
      }
      next = events.next();
    }
  }

  #sendHeaders(): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': 'application/json' });
      this.#response.flushHeaders();
    }
  }

  #endInitialEvents(): void {
    const version = String(this.#cluster.version);
    const annotations = { [INITIAL_EVENTS_END]: 'true' };
    this.write({ type: 'BOOKMARK', object: createBookmark(this.#kind, version, annotations) });
  }
}

function watchLine(cluster: Cluster, kind: Kind, request: ApiRequest, event: WatchEvent): object {
  if (event.type === 'BOOKMARK') {
    return { type: 'BOOKMARK', object: createBookmark(kind, event.resourceVersion) };
  }
  return {
    type: event.type,
    object: wantsTable(request)
      ? tableOf(cluster, kind, request, { items: [event.object] })
      : event.object,
  };
}

function createBookmark(
  kind: Kind,
  resourceVersion: string,
  annotations?: object,
): Pick<KubeObject, 'apiVersion' | 'kind'> {
  const metadata = {
    resourceVersion,
    creationTimestamp: null,
    ...(annotations !== undefined && { annotations }),
  };
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } as Pick<
    KubeObject,
    'apiVersion' | 'kind'
  >;
}
