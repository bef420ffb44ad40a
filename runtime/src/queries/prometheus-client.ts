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
import { systemClock } from '../util/clock.ts';
import { fillTemplate } from './query-template.ts';

/** Numbers of characters of a response that are read and shown in a message. */
const MAX_READ_LENGTH = 2_000;
const MAX_QUOTED_LENGTH = 200;

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
  /** Files with values of headers, by name of the header. Read for each query. */
  readonly headerFiles?: Readonly<Record<string, string>>;
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
    const { address, bearerTokenFile, caFile, headers, headerFiles = {}, timeoutMs } = settings();
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
    const allHeaders = {
      ...withLowerCaseNames(headers),
      ...withLowerCaseNames(await readHeaderFiles(headerFiles)),
      ...basicAuthorization(url),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const secrets = [...Object.values(allHeaders), token ?? '', decodedPart(url.password)];
    const limit = new AbortController();
    const timer = systemClock.after(timeoutMs, () => limit.abort());
    try {
      const response = await request(url, {
        headers: allHeaders,
        signal: AbortSignal.any([signal, limit.signal]),
        // The limit of the query is the only one.
        headersTimeout: 0,
        bodyTimeout: 0,
        ...(dispatcher && { dispatcher }),
      });
      return await readResponse(response, { url, secrets, warn });
    } catch (error) {
      if (signal.aborted || error instanceof PrometheusRefusal) {
        throw error;
      }
      const reason = limit.signal.aborted
        ? `it did not answer within ${timeoutMs} ms`
        : failureReason(error as Error);
      throw new Error(`Prometheus at ${url.origin} cannot be asked: ${reason}`, { cause: error });
    } finally {
      timer.cancel();
    }
  };
}

/** Names in one case: otherwise a header that is given twice would be sent twice. */
function withLowerCaseNames(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

async function readHeaderFiles(
  files: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const headers = Object.entries(files).map(async ([name, file]): Promise<[string, string]> => {
    const field = `metrics.headerFiles.${name}`;
    const value = (await readConfiguredFile(file, field)).trim();
    if (/[\r\n\0]/.test(value)) {
      throw new Error(`${field} must be a file with one line`);
    }
    return [name, value];
  });
  return Object.fromEntries(await Promise.all(headers));
}

/** The user and password of an address: undici leaves them out. */
function basicAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') {
    return {};
  }
  const pair = `${decodedPart(username)}:${decodedPart(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A part of a URL without its percent-encoding. A `%` that encodes nothing stays as it is. */
function decodedPart(part: string): string {
  return part.replace(/(%[\dA-Fa-f]{2})+/g, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

class PrometheusRefusal extends Error {}

interface PrometheusBody {
  readonly status?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: PrometheusData | null;
}

interface ResponseReading {
  readonly url: URL;
  /** Texts that no message may show. */
  readonly secrets: readonly string[];
  readonly warn: (warning: string) => void;
}

async function readResponse(
  response: Dispatcher.ResponseData,
  { url, secrets, warn }: ResponseReading,
): Promise<QueryResult> {
  const text = await response.body.text();
  const body = parseBody(text);
  if (body?.status === undefined) {
    throw new PrometheusRefusal(
      `${url.origin} does not answer as Prometheus does (HTTP ${response.statusCode}): see metrics.address${quoteResponse(text, secrets)}`,
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

function parseBody(text: string): PrometheusBody | undefined {
  try {
    return (JSON.parse(text) as PrometheusBody | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The begin of a response on one line, without the secrets that the request carried. */
function quoteResponse(text: string, secrets: readonly string[]): string {
  let shown = text.slice(0, MAX_READ_LENGTH);
  // `Bearer abc` may be shown as `Bearer [hidden]`: the secret is the last word.
  for (const secret of secrets.map((value) => value.split(' ').at(-1) ?? '')) {
    if (secret !== '') {
      shown = shown.replaceAll(secret, '[hidden]');
    }
  }
  const line = shown.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line === '') {
    return '';
  }
  const quoted = line.length > MAX_QUOTED_LENGTH ? `${line.slice(0, MAX_QUOTED_LENGTH)}…` : line;
  return `. Its response: '${quoted}'`;
}

/** One series of a vector. A histogram has no `value`. */
export interface VectorElement {
  /** Time in seconds, and the value as a string. */
  readonly value?: readonly [number, string];
}

/** The `data` of a successful response of the Prometheus query API. */
export type PrometheusData =
  | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
  | {
      readonly resultType: 'vector';
      readonly result: readonly VectorElement[];
    }
  | { readonly resultType: 'matrix' | 'string'; readonly result: unknown };

/** @throws Error when the query does not yield one number, such as a matrix or a histogram. */
export function parseResult(data: PrometheusData): QueryResult {
  switch (data.resultType) {
    case 'scalar':
      return parseSample(data.result);
    case 'vector': {
      if (!Array.isArray(data.result)) {
        throw notOneNumber(`the vector ${JSON.stringify(data.result)}`);
      }
      const [first, ...others] = data.result as readonly (VectorElement | null)[];
      if (first === undefined) {
        return { type: 'noData' };
      }
      if (first?.value === undefined) {
        throw notOneNumber(first === null ? 'the element null' : 'a histogram');
      }
      return others.length > 0
        ? { type: 'severalSeries', count: others.length + 1 }
        : parseSample(first.value);
    }
    default:
      throw notOneNumber(`a ${data.resultType}`);
  }
}

const SPECIAL_NUMBERS = new Map([
  ['+Inf', Infinity],
  ['-Inf', -Infinity],
  ['NaN', NaN],
]);
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** @param sample time and value; the value of Prometheus is always a string. */
function parseSample(sample: unknown): QueryResult {
  if (!Array.isArray(sample) || sample.length !== 2) {
    throw notOneNumber(`the sample ${JSON.stringify(sample)}`);
  }
  const text: unknown = sample[1];
  const special = SPECIAL_NUMBERS.get(text as string);
  if (special === undefined && (typeof text !== 'string' || !NUMBER.test(text))) {
    throw notOneNumber(`the value ${JSON.stringify(text)}`);
  }
  const value = special ?? Number(text);
  return Number.isNaN(value) ? { type: 'notANumber' } : { type: 'value', value };
}

function notOneNumber(found: string): Error {
  return new Error(`the query yields ${found}; it must yield one number`);
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
