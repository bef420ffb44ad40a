/**
 * Limits what clients can cost an HTTP server. Any Pod that reaches the port may be a client, and a
 * kubelet must always get a response.
 */
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Most connections at once. */
const MAX_CONNECTIONS = 128;

/** Milliseconds in which a request, with its header, must have arrived. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Milliseconds without traffic after which a connection is closed. */
const SILENCE_MS = 10_000;

/** Most bytes of a header: enough for a bearer token. */
const MAX_HEADER_BYTES = 8_192;

/**
 * Creates an HTTP server for GET and HEAD requests that no client can occupy:
 *
 * - A connection has one request at a time. A client that sends a further request before it has its
 *   response loses the connection.
 * - A header has at most 8 KiB, and must arrive within 5 s.
 * - There are at most 128 connections. For a further one, the address with the most connections
 *   loses its oldest one.
 */
export function createLimitedServer(handle: RequestListener): Server {
  const server = createServer({
    connectionsCheckingInterval: 1_000,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.setTimeout(SILENCE_MS);
  limitConnections(server);
  const answering = new WeakMap<Socket, ServerResponse>();
  server.on('request', (request, response) => {
    const { socket } = request;
    if (socket.destroyed || answering.has(socket)) {
      socket.destroy();
      return;
    }
    answering.set(socket, response);
    response.on('finish', () => answering.delete(socket));
    if (request.method === 'GET' || request.method === 'HEAD') {
      handle(request, response);
    } else {
      response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
    }
  });
  return server;
}

/** Closes the oldest connection of the busiest address when there are too many. */
function limitConnections(server: Server): void {
  // A Set keeps the order in which the connections arrived.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (sockets.size > MAX_CONNECTIONS) {
      const oldest = oldestOfBusiestAddress(sockets);
      sockets.delete(oldest);
      oldest.destroy();
    }
  });
}

function oldestOfBusiestAddress(sockets: ReadonlySet<Socket>): Socket {
  const byAddress = Map.groupBy(sockets, ({ remoteAddress }) => remoteAddress);
  const [busiest] = [...byAddress.values()].toSorted((a, b) => b.length - a.length);
  return busiest?.[0] as Socket;
}
