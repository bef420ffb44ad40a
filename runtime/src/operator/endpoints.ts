/**
 * The HTTP endpoints `/metrics`, `/healthz` and `/readyz` on one port. `/readyz` understands what
 * Kubernetes' components understand: `?verbose`, `?exclude=name` and `/readyz/name`.
 *
 * `/healthz` always responds with 200. The liveness probe fails when the event loop is blocked and
 * nothing responds.
 *
 * With `access`, `/metrics` needs a bearer token. The other paths never do: the kubelet has none.
 *
 * Responses of `/metrics` are shared for a second. `connection-limit.ts` limits what clients can
 * cost.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { systemClock } from '../util/clock.ts';
import { createLimitedServer } from './connection-limit.ts';
import type { CheckAccess } from './metrics-access.ts';

/** Time for which one text of `/metrics` is the response to every request, in milliseconds. */
const SHARED_TEXT_MS = 1_000;

/** One check of `/readyz`. */
export interface ReadinessCheck {
  /** Name in the output, in `?exclude=` and in `/readyz/name`. */
  readonly name: string;
  /** Whether a problem is only shown, so that the replica stays ready. Default: false. */
  readonly isWarning?: boolean;
  /** @returns why the check fails; undefined when it passes. */
  run(): string | undefined;
}

/** Options of `serveEndpoints`. */
export interface EndpointsOptions {
  /** Address to listen on: `:9091` or `127.0.0.1:9091`. */
  readonly address: string;
  /** The response of `/metrics`. */
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  /** The checks of `/readyz`. */
  readonly ready: readonly ReadinessCheck[];
  /** Decides who may read `/metrics`. Default: everyone. */
  readonly access?: CheckAccess;
}

/** A listening server. */
export interface Endpoints {
  /** The port, also when `:0` was given. */
  readonly port: number;
  /** Closes the server and all connections. */
  close(): Promise<void>;
}

/**
 * Serves the endpoints. Resolves when the server listens.
 *
 * @throws Error when the address is not `host:port` or is in use.
 */
export function serveEndpoints(options: EndpointsOptions): Promise<Endpoints> {
  const match = /^(.*):(\d+)$/.exec(options.address);
  if (match === null) {
    throw new Error(`metricsAddr '${options.address}' is not an address; write it like :9091`);
  }
  const shared = { ...options, metrics: { ...options.metrics, render: sharedText(options) } };
  const server = createLimitedServer((request, response) => {
    void handleRequest(request, shared, response).catch((error: Error) =>
      respondText(response, 500, error.message),
    );
  });
  const [, host = '', port] = match;
  const hostOption = host === '' ? {} : { host: host.replace(/^\[|\]$/g, '') };
  return new Promise((resolve, reject) => {
    server.on('error', (error) =>
      reject(new Error(`cannot listen on ${options.address}: ${error.message}`, { cause: error })),
    );
    server.listen({ port: Number(port), ...hostOption }, () =>
      resolve({ port: portOf(server), close: () => closeServer(server) }),
    );
  });
}

/** Renders the metrics at most once a second: a scrape costs the event loop several ms. */
function sharedText({ metrics }: EndpointsOptions): () => Promise<Buffer> {
  let text: Promise<Buffer> | undefined;
  let renderedAt = 0;
  return () => {
    if (text === undefined || systemClock.monotonic() - renderedAt >= SHARED_TEXT_MS) {
      renderedAt = systemClock.monotonic();
      text = metrics.render().then((rendered) => Buffer.from(rendered));
    }
    return text;
  };
}

/** The options, with metrics that are shared between requests. */
interface SharedOptions extends Pick<EndpointsOptions, 'ready' | 'access'> {
  readonly metrics: { readonly contentType: string; render(): Promise<Buffer> };
}

async function handleRequest(
  request: IncomingMessage,
  options: SharedOptions,
  response: ServerResponse,
): Promise<void> {
  // Scanners request `//`, which is not a URL: respond with 404 as for `/`.
  const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/');
  const [, root, name] = url.pathname.split('/');
  if (root === 'readyz') {
    const excluded = url.searchParams.getAll('exclude');
    const checks = options.ready.filter(
      (check) => !excluded.includes(check.name) && (name === undefined || name === check.name),
    );
    if (name === undefined || checks.length > 0) {
      return respondReadiness(checks, url.searchParams.has('verbose'), response);
    }
  }
  switch (url.pathname) {
    case '/metrics':
      return respondMetrics(request, options, response);
    case '/healthz':
      return respondText(response, 200, 'ok');
    default:
      return respondText(response, 404, 'not found; served are /metrics, /healthz and /readyz');
  }
}

async function respondMetrics(
  request: IncomingMessage,
  { metrics, access }: SharedOptions,
  response: ServerResponse,
): Promise<void> {
  const decision = await access?.(request.headers.authorization);
  if (decision?.allowed === false) {
    if (decision.status === 401) {
      response.setHeader('www-authenticate', 'Bearer');
    }
    return respondText(response, decision.status, decision.reason);
  }
  const text = await metrics.render();
  response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
}

function respondReadiness(
  checks: readonly ReadinessCheck[],
  verbose: boolean,
  response: ServerResponse,
): void {
  const results = checks.map((check) => ({
    name: check.name,
    isWarning: check.isWarning === true,
    reason: check.run(),
  }));
  const isReady = results.every(({ reason, isWarning }) => reason === undefined || isWarning);
  if (isReady && !verbose) {
    return respondText(response, 200, 'ok');
  }
  const lines = results.map(({ name, reason, isWarning }) => {
    if (reason === undefined) {
      return `[+]${name} ok`;
    }
    return isWarning ? `[!]${name} warning: ${reason}` : `[-]${name} failed: ${reason}`;
  });
  const summary = `readyz check ${isReady ? 'passed' : 'failed'}`;
  respondText(response, isReady ? 200 : 503, [...lines, summary].join('\n'));
}

function respondText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
