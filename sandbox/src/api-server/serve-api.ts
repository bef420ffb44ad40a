/**
 * An HTTP door to an in-memory cluster: what kubectl and other clients of the Kubernetes API need
 * to see it as a cluster.
 *
 * Discovery, OpenAPI v3, all verbs, watches, Tables. It listens on 127.0.0.1 only and asks nobody
 * who they are.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '../cluster/cluster.ts';
import { badRequest, notServed } from '../cluster/errors.ts';
import type { Answer } from './answer.ts';
import { failure } from './answer.ts';
import { discovered } from './discovery.ts';
import { openApi } from './openapi.ts';
import type { Request, Resource } from './request.ts';
import { requestOf } from './request.ts';
import { answerVerb } from './verbs.ts';
import { answerWatch } from './watching.ts';

export interface Door {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The text of a kubeconfig file that leads here. */
  readonly kubeconfig: string;
  /** Ends open watches and listens no longer. */
  close(): Promise<void>;
}

/** @param options.port default: a free one. */
export async function openDoor(
  cluster: Cluster,
  options: { readonly port?: number } = {},
): Promise<Door> {
  const ending = new AbortController();
  const server = createServer(
    (incoming, response) => void serve(cluster, incoming, response, ending.signal),
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
      await ended(server);
    },
  };
}

async function ended(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function serve(
  cluster: Cluster,
  incoming: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const request = await requestOf(incoming);
    if (
      request.resource !== undefined &&
      request.method === 'GET' &&
      request.query.get('watch') === 'true'
    ) {
      await answerWatch(cluster, request, response, AbortSignal.any([gone.signal, ending]));
    } else {
      send(response, await answer(cluster, request));
    }
  } catch (error) {
    if (!response.headersSent) {
      send(response, failure(error));
    } else {
      response.destroy();
    }
  }
}

async function answer(cluster: Cluster, request: Request): Promise<Answer> {
  if (!isLocal(request.host)) {
    throw badRequest(
      `this cluster is for this machine: open it as 127.0.0.1, not as ${request.host}`,
    );
  }
  if (request.resource !== undefined) {
    const answered = await answerVerb(cluster, request, request.resource);
    return request.method === 'GET'
      ? answered
      : { ...answered, warnings: warningsOf(cluster, request.resource) };
  }
  const found = discovered(cluster, request) ?? openApi(cluster, request);
  if (found === undefined) {
    throw notServed();
  }
  return found;
}

/** Rules that nobody has checked are said with every write of their kind. */
function warningsOf(cluster: Cluster, { group, plural }: Resource): readonly string[] {
  const kinds = new Set(
    [...cluster.kinds()]
      .filter((one) => one.group === group && one.plural === plural)
      .map(({ kind }) => kind),
  );
  return cluster.unchecked.flatMap(({ kind, place, rule, why }) =>
    kinds.has(kind) ? [`${place}: the rule ${rule} is not checked: ${why}`] : [],
  );
}

/** A page in a browser that has a name of its own lead to 127.0.0.1 gets nothing. */
function isLocal(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
}

function send(
  response: ServerResponse,
  { code, body, contentType = 'application/json', warnings = [] }: Answer,
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  for (const warning of warnings) {
    response.appendHeader('warning', `299 - ${JSON.stringify(warning.replaceAll(/[^ -~]/g, '?'))}`);
  }
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function kubeconfigOf(server: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    // Some clients take http only when they are told not to look at certificates.
    clusters: [{ name: 'sandbox', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'sandbox', user: {} }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox' } }],
    'current-context': 'sandbox',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
