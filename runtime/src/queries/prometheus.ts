/**
 * Instant queries against Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/). The answer is one of four
 * kinds, never a bare number.
 */
import { request } from 'undici';
import type { QueryDefinition } from '../scheduler.ts';
import type { Metrics, Query, QueryAnswer } from './types.ts';

const TIMEOUT_MS = 10_000;

/** Runs PromQL. Rejects when Prometheus cannot be reached or refuses the query. */
export type Ask = (promql: string, signal: AbortSignal) => Promise<QueryAnswer>;

/** @param server base address, `http://prometheus.istio-system:9090`. */
export function prometheus(server: string): Ask {
  return async (promql, signal) => {
    const url = new URL(`${server.replace(/\/$/, '')}/api/v1/query`);
    url.searchParams.set('query', promql);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await request(url, { signal: limit, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
    const body = (await response.body.json().catch(() => ({}))) as PrometheusBody;
    if (response.statusCode !== 200 || body.status !== 'success' || body.data === undefined)
      throw new Error(`Prometheus at ${url.origin} refused the query (HTTP ${response.statusCode}): ${body.error ?? 'no reason given'}`);
    return answerOf(body.data);
  };
}

interface PrometheusBody {
  readonly status?: string;
  readonly error?: string;
  readonly data?: PrometheusData;
}

export type PrometheusData =
  | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
  | { readonly resultType: 'vector'; readonly result: readonly { readonly value: readonly [number, string] }[] }
  | { readonly resultType: 'matrix' | 'string'; readonly result: unknown };

/** @throws Error for a matrix or a string: the query does not yield one number. */
export function answerOf(data: PrometheusData): QueryAnswer {
  switch (data.resultType) {
    case 'scalar':
      return numberOf(data.result[1]);
    case 'vector': {
      const [first, ...others] = data.result;
      if (first === undefined) return { kind: 'noData' };
      return others.length > 0 ? { kind: 'severalSeries', count: others.length + 1 } : numberOf(first.value[1]);
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
export function metricsOf(queries: readonly QueryDefinition[], namespace: string | undefined, ask: Ask, signal: AbortSignal): Metrics {
  return Object.fromEntries(
    queries.map((query): [string, Query] => [query.name, (parameters) => ask(render(query, { namespace: namespace ?? '', ...parameters }), signal)]),
  );
}

/**
 * Fills `{{ .Name }}` placeholders (case does not matter). Values are escaped for the double-quoted string they stand in; after `=~`
 * or `!~` as regular expressions too.
 * @throws Error when a placeholder has no value.
 */
export function render(query: QueryDefinition, parameters: Readonly<Record<string, string>>): string {
  const values = new Map(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]));
  return query.template.replace(/((?:=~|!~)\s*"[^"{}]*)?\{\{\s*\.?(\w+)\s*\}\}/g, (_, regex: string | undefined, name: string) => {
    const value = values.get(name.toLowerCase());
    if (value === undefined || value === '') throw new Error(`query ${query.name} needs the parameter ${name}`);
    const literal = regex === undefined ? value : value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    return `${regex ?? ''}${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}`;
  });
}
