/**
 * The way between operators and the API server, with a door for each process. Each request carries
 * the name of its door in its user agent, so
 * that the API server's audit log says which process it came from.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { Agent, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RequestFaultType, RequestKind, RequestFault } from './request-faults.ts';
import { WATCH_FAULTS, requestKind } from './request-faults.ts';

const MAX_DELAY_MS = 1_500;
/** A watch goes wrong after at most so many lines. */
const MAX_LINES = 8;

export interface FaultyProxy {
  /** A door for one process. @returns its address */
  open(name: string): Promise<string>;
  setFaults(faults: readonly RequestFault[]): void;
  /** Ends all watches that are open, so that they are opened anew in the weather of now. */
  breakWatches(): void;
  /** No more faults. Sockets that hang stay open, or are reset. */
  stopFaults(hanging: 'stay' | 'reset'): void;
  /** Faults so far. */
  readonly injected: Readonly<Partial<Record<RequestFaultType, number>>>;
  close(): Promise<void>;
}

export function startFaultyProxy(server: string, random: () => number): FaultyProxy {
  const upstream = new URL(server);
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const doors: Server[] = [];
  const hanging = new Set<IncomingMessage['socket']>();
  const watches = new Set<IncomingMessage['socket']>();
  const injected: Partial<Record<RequestFaultType, number>> = {};
  let weather: readonly { readonly of: RequestFault; times: number }[] = [];

  const count = (fault: RequestFaultType): void =>
    void (injected[fault] = (injected[fault] ?? 0) + 1);
  const choose = (kind: RequestKind, door: string): RequestFaultType | undefined => {
    for (const one of weather) {
      const { fault, kinds, probability, maxCount = Infinity, fromProcess = door } = one.of;
      if (
        !kinds.includes(kind) ||
        fromProcess !== door ||
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
    door: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const kind = requestKind(method, new URL(url, server));
    const fault = choose(kind, door);
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
        'user-agent': `${headers['user-agent'] ?? ''} from ${door}`,
        ...(body.length > 0 && { 'content-length': body.length }),
      },
    });
    out.on('error', () => reset(request));
    // Whoever gives a request up closes its connection; one that was lost on the way stays lost.
    response.on(
      'close',
      () => void (response.writableFinished || fault === 'no answer' || out.destroy()),
    );
    out.on('response', (answer) => {
      answer.on('error', () => reset(request));
      if (fault === 'lost answer') {
        answer.resume().on('end', () => reset(request));
      } else if (fault === 'no answer') {
        answer.resume().on('end', () => hang(request.socket));
      } else if (fault === 'half answer') {
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

  /** Passes some lines of a watch on, then does to it what the fault says. */
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
        if (left-- > 0 || weather.length === 0) {
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
      const door = createServer(
        (request, response) => void serve(name, request, response).catch(() => reset(request)),
      );
      doors.push(door);
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
    },
    setFaults: (next) => void (weather = next.map((of) => ({ of, times: 0 }))),
    breakWatches() {
      for (const socket of watches) {
        socket.resetAndDestroy();
      }
    },
    stopFaults(what) {
      weather = [];
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
        doors.map((door) => {
          const closed = new Promise((resolve) => door.close(resolve));
          door.closeAllConnections();
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
    message: 'a fault of the way to the API server',
  };
}

function refuse(response: ServerResponse, code: number, reason: string): void {
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(code === 429 && { 'retry-after': '1' }),
  });
  response.end(JSON.stringify(failure(code, reason)));
}
