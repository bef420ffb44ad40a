/**
 * `/metrics`, `/healthz`, `/readyz` on one port, in the text form that Kubernetes' own components
 * use (`?verbose`, `?exclude=name`,
 * `/readyz/name`). `/healthz` fails only by not answering: when the event loop is blocked.
 */
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';

export interface ReadinessCheck {
  readonly name: string;
  /** Undefined when well, else the reason. */
  run(): string | undefined;
}

export interface EndpointsOptions {
  /** `:9091` or `127.0.0.1:9091`. */
  readonly address: string;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly ready: readonly ReadinessCheck[];
}

/** Resolves when it listens. @throws Error when the address is not `host:port` or is taken. */
export function serveEndpoints(
  options: EndpointsOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const match = /^(.*):(\d+)$/.exec(options.address);
  if (match === null) {
    throw new Error(`metricsAddr '${options.address}' is not an address; write it like :9091`);
  }
  const server = createServer((request, response) => {
    // Scanners ask for `//`, which is no path: what cannot be read is not found.
    const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/');
    void handleRequest(url, options, response).catch((error: Error) =>
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error.message}\n`),
    );
  });
  const host = match[1] ?? '';
  return new Promise((resolve, reject) => {
    server.on('error', (error) =>
      reject(new Error(`cannot listen on ${options.address}: ${error.message}`, { cause: error })),
    );
    server.listen(
      { port: Number(match[2]), ...(host === '' ? {} : { host: host.replace(/^\[|\]$/g, '') }) },
      () => resolve({ port: portOf(server), close: () => closeServer(server) }),
    );
  });
}

async function handleRequest(
  url: URL,
  options: EndpointsOptions,
  response: ServerResponse,
): Promise<void> {
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
    case '/metrics': {
      const text = await options.metrics.render();
      response.writeHead(200, { 'content-type': options.metrics.contentType }).end(text);
      return;
    }
    case '/healthz':
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      return;
    default:
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end('not found: /metrics, /healthz, /readyz\n');
  }
}

function respondReadiness(
  checks: readonly ReadinessCheck[],
  verbose: boolean,
  response: ServerResponse,
): void {
  const results = checks.map((check) => ({ name: check.name, reason: check.run() }));
  const isReady = results.every(({ reason }) => reason === undefined);
  const lines = results.map(({ name, reason }) =>
    reason === undefined ? `[+]${name} ok` : `[-]${name} failed: ${reason}`,
  );
  const body =
    isReady && !verbose
      ? 'ok\n'
      : `${[...lines, `readyz check ${isReady ? 'passed' : 'failed'}`].join('\n')}\n`;
  response.writeHead(isReady ? 200 : 503, { 'content-type': 'text/plain' }).end(body);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
