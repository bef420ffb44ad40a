/**
 * The HTTP API of an in-memory cluster, for kubectl and other clients of the Kubernetes API.
 *
 * Served: discovery, OpenAPI v3, all verbs, watches, Tables.
 *
 * Caveats: requests are not authenticated. The server listens on 127.0.0.1 only.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '../cluster/cluster.ts';
import { badRequest, notServed } from '../cluster/api-errors.ts';
import type { ApiResponse } from './response.ts';
import { failureResponse } from './response.ts';
import { discoveryResponse } from './discovery.ts';
import { openApiResponse } from './openapi.ts';
import type { ApiRequest, ResourcePath } from './api-request.ts';
import { readRequest } from './api-request.ts';
import { handleVerb } from './verbs.ts';
import { serveWatch } from './serve-watch.ts';

/** A running HTTP API. */
export interface ApiServer {
  /** Base URL: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Content of a kubeconfig file for this server. */
  readonly kubeconfig: string;
  /** Ends open watches and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves a cluster over HTTP.
 * @param options.port TCP port. Default: a free one
 */
export async function serveApi(
  cluster: Cluster,
  options: { readonly port?: number } = {},
): Promise<ApiServer> {
  const ending = new AbortController();
  const server = createServer(
    (incoming, response) => void handleRequest(cluster, incoming, response, ending.signal),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    kubeconfig: kubeconfigOf(url),
    async close() {
      ending.abort();
      await closeHttpServer(server);
    },
  };
}

async function closeHttpServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function handleRequest(
  cluster: Cluster,
  incoming: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  const clientGone = new AbortController();
  response.on('close', () => clientGone.abort());
  try {
    const request = await readRequest(incoming);
    if (
      request.resource !== undefined &&
      request.method === 'GET' &&
      request.query.get('watch') === 'true'
    ) {
      await serveWatch(cluster, request, response, AbortSignal.any([clientGone.signal, ending]));
    } else {
      sendResponse(response, await respond(cluster, request));
    }
  } catch (error) {
    if (!response.headersSent) {
      sendResponse(response, failureResponse(error));
    } else {
      response.destroy();
    }
  }
}

async function respond(cluster: Cluster, request: ApiRequest): Promise<ApiResponse> {
  if (!isLocalHost(request.host)) {
    throw badRequest(
      `this cluster is for this machine: open it as 127.0.0.1, not as ${request.host}`,
    );
  }
  if (request.resource !== undefined) {
    const response = await handleVerb(cluster, request, request.resource);
    return request.method === 'GET'
      ? response
      : { ...response, warnings: uncheckedRuleWarnings(cluster, request.resource) };
  }
  const found = discoveryResponse(cluster, request) ?? openApiResponse(cluster, request);
  if (found === undefined) {
    throw notServed();
  }
  return found;
}

/** A write gets a warning for each rule of its kind that the sandbox cannot check. */
function uncheckedRuleWarnings(
  cluster: Cluster,
  { group, plural }: ResourcePath,
): readonly string[] {
  const kinds = new Set(
    [...cluster.kinds()]
      .filter((one) => one.group === group && one.plural === plural)
      .map(({ kind }) => kind),
  );
  return cluster.uncheckedRules.flatMap(({ kind, path, rule, reason }) =>
    kinds.has(kind) ? [`${path}: the rule ${rule} is not checked: ${reason}`] : [],
  );
}

/** Refuses other host names, so that a web page cannot reach the server by DNS rebinding. */
function isLocalHost(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
}

function sendResponse(
  response: ServerResponse,
  { code, body, contentType = 'application/json', warnings = [] }: ApiResponse,
): void {
  const content = typeof body === 'string' ? body : JSON.stringify(body);
  for (const warning of warnings) {
    response.appendHeader('warning', `299 - ${JSON.stringify(warning.replaceAll(/[^ -~]/g, '?'))}`);
  }
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
}

function kubeconfigOf(server: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    // Some clients accept http only with insecure-skip-tls-verify.
    clusters: [{ name: 'sandbox', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'sandbox', user: {} }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox' } }],
    'current-context': 'sandbox',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
