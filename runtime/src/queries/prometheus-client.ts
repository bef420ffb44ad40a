/**
 * Instant queries against Prometheus' HTTP API
 * (https://prometheus.io/docs/prometheus/latest/querying/api/). The answer is one of four
 * kinds, never a bare number.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { QueryDefinition } from '../scheduler.ts';
import { fill } from './template.ts';
import type { Metrics, MetricsAccess, Query, QueryAnswer } from './types.ts';

/** Runs PromQL. Rejects when Prometheus cannot be reached or refuses the query. */
export type Ask = (promql: string, signal: AbortSignal) => Promise<QueryAnswer>;

/**
 * @param access read for each question, so that changed settings count at once.
 * @param warn told what Prometheus says beside an answer, such as that a part of the data is
 * missing.
 */
export function prometheus(
  access: () => MetricsAccess,
  warn: (warning: string) => void = () => undefined,
): Ask {
  const trust = trusting();
  return async (promql, signal) => {
    const { address, bearerTokenFile, caFile, headers, timeoutMs } = access();
    if (address === undefined) {
      throw new Error(
        'there is no Prometheus to ask: set metrics.address in autopilot-operator.yaml',
      );
    }
    const url = new URL(`${address.replace(/\/+$/, '')}/api/v1/query`);
    url.searchParams.set('query', promql);
    const token =
      bearerTokenFile === undefined
        ? undefined
        : (await readNamed(bearerTokenFile, 'metrics.bearerTokenFile')).trim();
    const dispatcher =
      caFile === undefined ? undefined : trust(await readNamed(caFile, 'metrics.caFile'));
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(url, {
        headers: {
          ...headers,
          ...basic(url),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.any([signal, limit]),
        ...(dispatcher && { dispatcher }),
      });
      return await answered(response, url, warn);
    } catch (error) {
      if (signal.aborted || error instanceof Refused) {
        throw error;
      }
      const reason = limit.aborted
        ? `it did not answer within ${timeoutMs} ms`
        : reasonOf(error as Error);
      throw new Error(`Prometheus at ${url.origin} cannot be asked: ${reason}`, { cause: error });
    }
  };
}

/** The user and password of an address: undici leaves them out. */
function basic({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') {
    return {};
  }
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

class Refused extends Error {}

interface PrometheusBody {
  readonly status?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: PrometheusData | null;
}

async function answered(
  response: Dispatcher.ResponseData,
  url: URL,
  warn: (warning: string) => void,
): Promise<QueryAnswer> {
  const body = (await response.body.json().catch((error: Error) => {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  })) as PrometheusBody | undefined;
  if (body?.status === undefined) {
    throw new Refused(
      `${url.origin} does not answer as Prometheus does (HTTP ${response.statusCode}): see metrics.address`,
    );
  }
  if (response.statusCode !== 200 || body.status !== 'success' || !body.data) {
    throw new Refused(
      `Prometheus at ${url.origin} refused the query (HTTP ${response.statusCode}): ${body.error ?? 'no reason given'}`,
    );
  }
  for (const warning of body.warnings ?? []) {
    warn(warning);
  }
  try {
    return answerOf(body.data);
  } catch (error) {
    throw new Refused((error as Error).message);
  }
}

export type PrometheusData =
  | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
  | {
      readonly resultType: 'vector';
      readonly result: readonly { readonly value?: readonly [number, string] }[];
    }
  | { readonly resultType: 'matrix' | 'string'; readonly result: unknown };

/** @throws Error for a matrix, a string or a histogram: the query does not yield one number. */
export function answerOf(data: PrometheusData): QueryAnswer {
  switch (data.resultType) {
    case 'scalar':
      return numberOf(data.result[1]);
    case 'vector': {
      const [first, ...others] = data.result;
      if (first === undefined) {
        return { kind: 'noData' };
      }
      if (first.value === undefined) {
        throw new Error('the query yields a histogram; it must yield one number');
      }
      return others.length > 0
        ? { kind: 'severalSeries', count: others.length + 1 }
        : numberOf(first.value[1]);
    }
    default:
      throw new Error(`the query yields a ${data.resultType}; it must yield one number`);
  }
}

function numberOf(text: string): QueryAnswer {
  const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
  return Number.isNaN(value) ? { kind: 'notANumber' } : { kind: 'value', value };
}

/** The typed methods of `context.metrics` for one resource. */
export function metricsOf(
  queries: readonly QueryDefinition[],
  namespace: string | undefined,
  ask: Ask,
  signal: AbortSignal,
): Metrics {
  return Object.fromEntries(
    queries.map((query): [string, Query] => [
      query.name,
      async (parameters = {}) =>
        ask(
          fill(query, { ...parameters, namespace: parameters['namespace'] ?? namespace }),
          signal,
        ),
    ]),
  );
}

/** One agent for as long as the certificates stay the same. */
function trusting(): (ca: string) => Agent {
  let current: { readonly ca: string; readonly agent: Agent } | undefined;
  return (ca) => {
    if (current?.ca === ca) {
      return current.agent;
    }
    void current?.agent.close();
    current = { ca, agent: new Agent({ connect: { ca } }) };
    return current.agent;
  };
}

async function readNamed(file: string, field: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${field} cannot be read: ${error.message}`, { cause: error });
  });
}

function reasonOf(error: Error): string {
  return error.message === ''
    ? ((error as NodeJS.ErrnoException).code ?? error.name)
    : error.message;
}
