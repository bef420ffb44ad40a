/** Watches over HTTP: one JSON object a line, until the client goes. */
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

/** @throws ApiError before the first line only; later ones are told in band */
export async function serveWatch(
  cluster: Cluster,
  request: ApiRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { resource, query } = request;
  if (resource === undefined) {
    return;
  }
  const kind = findKind(cluster, resource);
  const { limit: _, continue: __, ...selectors } = listOptions(request, resource.namespace);
  const selector =
    resource.name === undefined
      ? selectors
      : { ...selectors, fieldSelector: `metadata.name=${resource.name}` };
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const from = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents') === 'true';
  const options: WatchOptions = {
    ...selector,
    resourceVersion: from === '' || initial ? '0' : from,
    ...(seconds > 0 && { timeoutSeconds: seconds }),
  };
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  const write = (line: object): void => void response.write(`${JSON.stringify(line)}\n`);
  // What is there at once is told before the end of the initial events.
  let initialEventsLeft = initial ? (await cluster.api.list(kind, selector)).items.length : -1;
  const sendHeaders = (): void => {
    if (response.headersSent) {
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
  };
  const sendInitialEventsEnd = (): void =>
    write({
      type: 'BOOKMARK',
      object: createBookmark(kind, String(cluster.version), { [INITIAL_EVENTS_END]: 'true' }),
    });
  try {
    const events = cluster.api.watch(kind, options, signal)[Symbol.asyncIterator]();
    let next = events.next();
    // A version that is too old is told with the status of the answer; a watch that has nothing to
    // say yet is open all the same.
    await Promise.race([next, new Promise<void>((resolve) => void setImmediate(resolve))]);
    sendHeaders();
    if (initialEventsLeft === 0) {
      sendInitialEventsEnd();
    }
    for (;;) {
      const { done, value } = await next;
      if (done === true) {
        break;
      }
      if (value.type !== 'BOOKMARK' || bookmarks) {
        write(watchLine(cluster, kind, request, value));
      }
      if (initialEventsLeft > 0 && --initialEventsLeft === 0) {
        sendInitialEventsEnd();
      }
      next = events.next();
    }
    response.end();
  } catch (error) {
    if (signal.aborted) {
      return void response.end();
    }
    if (!response.headersSent) {
      throw error;
    }
    write({ type: 'ERROR', object: failureResponse(error).body });
    response.end();
  }
}

function watchLine(cluster: Cluster, kind: Kind, request: ApiRequest, event: WatchEvent): object {
  if (event.type === 'BOOKMARK') {
    return { type: 'BOOKMARK', object: createBookmark(kind, event.resourceVersion) };
  }
  return {
    type: event.type,
    object: wantsTable(request) ? tableOf(cluster, kind, request, [event.object]) : event.object,
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
