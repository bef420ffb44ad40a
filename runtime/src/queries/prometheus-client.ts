/**
 * Instant queries against Prometheus' HTTP API
 * (https://prometheus.io/docs/prometheus/latest/querying/api/). The result is a union, never a bare
 * number.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { MetricsQueries, MetricsQuery, QueryResult } from '../api/metrics-queries.ts';
import type { QueryDefinition } from '../api/scheduler.ts';
import { fillTemplate } from './query-template.ts';

/** How the operator reaches Prometheus (`metrics` in autopilot-operator.yaml). */
export interface PrometheusSettings {
  /**
   * Base URL such as `http://prometheus.istio-system:9090`. A path and a user with password are
   * kept. Undefined: no Prometheus is configured, and every query fails.
   */
  readonly address: string | undefined;
  /** File with a bearer token. Read for each query, because tokens are rotated. */
  readonly bearerTokenFile?: string;
  /** File with the CA certificates of the server, in place of Node's own. Read for each query. */
  readonly caFile?: string;
  /** Headers added to each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Limit for one query, in milliseconds. */
  readonly timeoutMs: number;
}

/** Runs PromQL. Rejects when Prometheus cannot be reached or refuses the query. */
export type QueryMetrics = (promql: string, signal: AbortSignal) => Promise<QueryResult>;

/**
 * Creates a client for instant queries.
 *
 * @param settings read for each query, so that changed settings apply at once.
 * @param warn called with each warning in a response, such as one about missing data.
 */
export function createPrometheusClient(
  settings: () => PrometheusSettings,
  warn: (warning: string) => void = () => undefined,
): QueryMetrics {
  const agentFor = cachedAgent();
  return async (promql, signal) => {
    const { address, bearerTokenFile, caFile, headers, timeoutMs } = settings();
    if (address === undefined) {
      throw new Error(
        'no Prometheus is configured: set metrics.address in autopilot-operator.yaml',
      );
    }
    const url = new URL(`${address.replace(/\/+$/, '')}/api/v1/query`);
    url.searchParams.set('query', promql);
    const token =
      bearerTokenFile === undefined
        ? undefined
        : (await readConfiguredFile(bearerTokenFile, 'metrics.bearerTokenFile')).trim();
    const dispatcher =
      caFile === undefined
        ? undefined
        : agentFor(await readConfiguredFile(caFile, 'metrics.caFile'));
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(url, {
        headers: {
          ...headers,
          ...basicAuthorization(url),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.any([signal, limit]),
        ...(dispatcher && { dispatcher }),
      });
      return await readResponse(response, url, warn);
    } catch (error) {
      if (signal.aborted || error instanceof PrometheusRefusal) {
        throw error;
      }
      const reason = limit.aborted
        ? `it did not answer within ${timeoutMs} ms`
        : failureReason(error as Error);
      throw new Error(`Prometheus at ${url.origin} cannot be asked: ${reason}`, { cause: error });
    }
  };
}

/** The user and password of an address: undici leaves them out. */
function basicAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') {
    return {};
  }
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

class PrometheusRefusal extends Error {}

interface PrometheusBody {
  readonly status?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: PrometheusData | null;
}

async function readResponse(
  response: Dispatcher.ResponseData,
  url: URL,
  warn: (warning: string) => void,
): Promise<QueryResult> {
  const body = (await response.body.json().catch((error: Error) => {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  })) as PrometheusBody | undefined;
  if (body?.status === undefined) {
    throw new PrometheusRefusal(
      `${url.origin} does not answer as Prometheus does (HTTP ${response.statusCode}): see metrics.address`,
    );
  }
  if (response.statusCode !== 200 || body.status !== 'success' || !body.data) {
    throw new PrometheusRefusal(
      `Prometheus at ${url.origin} refused the query (HTTP ${response.statusCode}): ${body.error ?? 'no reason given'}`,
    );
  }
  for (const warning of body.warnings ?? []) {
    warn(warning);
  }
  try {
    return parseResult(body.data);
  } catch (error) {
    throw new PrometheusRefusal((error as Error).message);
  }
}

/** The `data` of a successful response of the Prometheus query API. */
export type PrometheusData =
  | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
  | {
      readonly resultType: 'vector';
      readonly result: readonly { readonly value?: readonly [number, string] }[];
    }
  | { readonly resultType: 'matrix' | 'string'; readonly result: unknown };

/** @throws Error for a matrix, a string or a histogram: the query does not yield one number. */
export function parseResult(data: PrometheusData): QueryResult {
  switch (data.resultType) {
    case 'scalar':
      return parseNumber(data.result[1]);
    case 'vector': {
      const [first, ...others] = data.result;
      if (first === undefined) {
        return { type: 'noData' };
      }
      if (first.value === undefined) {
        throw new Error('the query yields a histogram; it must yield one number');
      }
      return others.length > 0
        ? { type: 'severalSeries', count: others.length + 1 }
        : parseNumber(first.value[1]);
    }
    default:
      throw new Error(`the query yields a ${data.resultType}; it must yield one number`);
  }
}

const INFINITIES = new Map([
  ['+Inf', Infinity],
  ['-Inf', -Infinity],
]);

function parseNumber(text: string): QueryResult {
  const value = INFINITIES.get(text) ?? Number(text);
  return Number.isNaN(value) ? { type: 'notANumber' } : { type: 'value', value };
}

/** The typed methods of `context.metrics` for one resource. */
export function createMetricsQueries(
  queries: readonly QueryDefinition[],
  namespace: string | undefined,
  queryMetrics: QueryMetrics,
  signal: AbortSignal,
): MetricsQueries {
  return Object.fromEntries(
    queries.map((query): [string, MetricsQuery] => [
      query.name,
      async (parameters = {}) =>
        queryMetrics(
          fillTemplate(query, { ...parameters, namespace: parameters['namespace'] ?? namespace }),
          signal,
        ),
    ]),
  );
}

/** One agent for as long as the certificates stay the same. */
function cachedAgent(): (ca: string) => Agent {
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

async function readConfiguredFile(file: string, field: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${field} cannot be read: ${error.message}`, { cause: error });
  });
}

function failureReason(error: Error): string {
  return error.message === ''
    ? ((error as NodeJS.ErrnoException).code ?? error.name)
    : error.message;
}
