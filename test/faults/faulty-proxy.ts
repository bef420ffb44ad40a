/**
 * A proxy between operators and the API server that injects faults. Each process has an address of
 * its own. The proxy adds the name of the process to the user agent, so that the audit log of the
 * API server names the process of each request.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { Agent, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RequestFaultType, RequestKind, RequestFault } from './request-faults.ts';
import { WATCH_FAULTS, requestKind } from './request-faults.ts';

const MAX_DELAY_MS = 1_500;
/** Maximum number of lines of a watch before its fault. */
const MAX_LINES = 8;

export interface FaultyProxy {
  /** Opens an address for one process. @returns the URL */
  open(name: string): Promise<string>;
  setFaults(faults: readonly RequestFault[]): void;
  /** Resets all open watches, so that the next ones meet the present faults. */
  breakWatches(): void;
  /** Stops the faults. Hanging sockets stay open or are reset. */
  stopFaults(hanging: 'stay' | 'reset'): void;
  /** Number of injected faults, by type. */
  readonly injected: Readonly<Partial<Record<RequestFaultType, number>>>;
  close(): Promise<void>;
}

export function startFaultyProxy(apiServer: string, random: () => number): FaultyProxy {
  const upstream = new URL(apiServer);
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const servers: Server[] = [];
  const hanging = new Set<IncomingMessage['socket']>();
  const watches = new Set<IncomingMessage['socket']>();
  const injected: Partial<Record<RequestFaultType, number>> = {};
  let activeFaults: readonly { readonly of: RequestFault; times: number }[] = [];

  const count = (fault: RequestFaultType): void =>
    void (injected[fault] = (injected[fault] ?? 0) + 1);
  const choose = (kind: RequestKind, process: string): RequestFaultType | undefined => {
    for (const one of activeFaults) {
      const { fault, kinds, probability, maxCount = Infinity, fromProcess = process } = one.of;
      if (
        !kinds.includes(kind) ||
        fromProcess !== process ||
        one.times >= maxCount ||
        random() >= probability
      ) {
        continue;
      }
      one.times++;
      return fault;
    }
    return undefined;
  };
  const remember = (
    set: Set<IncomingMessage['socket']>,
    socket: IncomingMessage['socket'],
  ): void => {
    set.add(socket);
    socket.once('close', () => set.delete(socket));
  };
  const hang = (socket: IncomingMessage['socket']): void => remember(hanging, socket);
  const reset = ({ socket }: IncomingMessage): void => void socket.resetAndDestroy();

  async function serve(
    process: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const kind = requestKind(method, new URL(url, apiServer));
    const fault = choose(kind, process);
    if (kind === 'watch') {
      remember(watches, request.socket);
    }
    const body = Buffer.concat(await request.toArray());
    if (fault !== undefined && !WATCH_FAULTS.includes(fault)) {
      count(fault);
    }
    if (fault === 'reset') {
      return reset(request);
    }
    if (fault === 'stall') {
      return hang(request.socket);
    }
    if (fault === 'busy') {
      return refuse(response, 429, 'TooManyRequests');
    }
    if (fault === 'error') {
      return refuse(response, 500, 'InternalError');
    }
    if (fault === 'delay') {
      await pause(random() * MAX_DELAY_MS);
    }
    const {
      host: _,
      connection: __,
      'content-length': ___,
      'transfer-encoding': ____,
      ...headers
    } = request.headers;
    const out = forward({
      agent,
      method,
      hostname: upstream.hostname,
      port: upstream.port,
      path: url,
      headers: {
        ...headers,
        'user-agent': `${headers['user-agent'] ?? ''} from ${process}`,
        ...(body.length > 0 && { 'content-length': body.length }),
      },
    });
    out.on('error', () => reset(request));
    // A client that gives up closes its connection. A lost response stays lost.
    response.on(
      'close',
      () => void (response.writableFinished || fault === 'no response' || out.destroy()),
    );
    out.on('response', (answer) => {
      answer.on('error', () => reset(request));
      if (fault === 'lost response') {
        answer.resume().on('end', () => reset(request));
      } else if (fault === 'no response') {
        answer.resume().on('end', () => hang(request.socket));
      } else if (fault === 'half response') {
        void answer.toArray().then(
          (chunks) => {
            const text = Buffer.concat(chunks);
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            response.write(text.subarray(0, Math.floor(text.length / 2)), () => reset(request));
          },
          () => reset(request),
        );
      } else {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        if (fault !== undefined && WATCH_FAULTS.includes(fault)) {
          spoil(fault, answer, request, response);
        } else {
          answer.pipe(response);
        }
      }
    });
    out.end(body);
  }

  /** Passes on some lines of a watch, then injects the fault. */
  function spoil(
    fault: RequestFaultType,
    answer: IncomingMessage,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    let left = Math.floor(random() * MAX_LINES);
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('end', () => response.end());
    answer.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (left-- > 0 || activeFaults.length === 0) {
          response.write(`${line}\n`);
          continue;
        }
        count(fault);
        answer.removeAllListeners('data').removeAllListeners('end').destroy();
        if (fault === 'half line') {
          response.write(line.slice(0, Math.ceil(line.length / 2)), () => reset(request));
        } else if (fault === 'closed') {
          response.end();
        } else if (fault === 'gone') {
          response.end(`${JSON.stringify({ type: 'ERROR', object: failure(410, 'Expired') })}\n`);
        } else {
          hang(request.socket);
        }
        return;
      }
    });
  }

  return {
    async open(name) {
      const server = createServer(
        (request, response) => void serve(name, request, response).catch(() => reset(request)),
      );
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    setFaults: (next) => void (activeFaults = next.map((of) => ({ of, times: 0 }))),
    breakWatches() {
      for (const socket of watches) {
        socket.resetAndDestroy();
      }
    },
    stopFaults(what) {
      activeFaults = [];
      if (what === 'reset') {
        for (const socket of hanging) {
          socket.resetAndDestroy();
        }
      }
    },
    injected,
    async close() {
      agent.destroy();
      await Promise.all(
        servers.map((server) => {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

function failure(code: number, reason: string): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    code,
    reason,
    message: 'an injected fault of the proxy',
  };
}

function refuse(response: ServerResponse, code: number, reason: string): void {
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(code === 429 && { 'retry-after': '1' }),
  });
  response.end(JSON.stringify(failure(code, reason)));
}
