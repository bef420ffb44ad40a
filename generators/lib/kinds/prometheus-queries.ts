/**
 * The built-in queries to Prometheus, on the metric names and labels that Istio and Envoy export.
 * Projects of 2019 had four of them. The number of requests was added, because a rate does not tell
 * it, and two queries about connections, for the part of an ambient mesh that has no waypoint and
 * therefore counts no requests.
 *
 * The runtime replaces the placeholders. The default of `namespace` is the resource's namespace.
 *
 * # Guarantees
 *
 * - Rates and durations have no result (not 0, NaN or 100) when there is no traffic.
 * - A workload whose requests all fail has a success rate of 0 %, although it has no series of
 *   successful requests.
 *
 * test/queries checks both against a real Prometheus.
 */
import { camelCase, lowerFirst } from '../util/naming.ts';

/** A query to Prometheus that workers call as a method of the input `metrics`. */
export interface ModelQuery {
  /** Name in autopilot.yaml, for example `istio-success-rate`. */
  readonly name: string;
  /** Method of `metrics`, for example `istioSuccessRate`. */
  readonly method: string;
  /** PromQL with placeholders such as `{{ .name }}`. */
  readonly template: string;
  /** Names of the placeholders, which begin with a small letter. */
  readonly parameters: readonly string[];
  /**
   * Allowed values of parameters that have a fixed choice. The first value is the default. Default:
   * any value.
   */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Proxies that count requests: the server's sidecar, the client's sidecar or gateway, or the
 * waypoint of an ambient mesh. The first is the default.
 */
const REPORTERS = ['destination', 'source', 'waypoint'] as const;

/** Proxies that count connections: ztunnel, and sidecars for traffic that is not HTTP. */
const TCP_REPORTERS = ['destination', 'source'] as const;

const ISTIO = [
  'reporter="{{ .Reporter }}"',
  'destination_workload_namespace="{{ .Namespace }}"',
  'destination_workload="{{ .Name }}"',
].join(',');

/**
 * Requests that succeeded. Failures are 5xx, requests without a response, and the gRPC statuses
 * that correspond to 5xx (unknown, deadline exceeded, unimplemented, internal, unavailable, data
 * loss), whose HTTP status is 200.
 */
const ISTIO_SUCCEEDED = 'response_code!~"5..|0",grpc_response_status!~"2|4|12|13|14|15"';

/**
 * Closed connections that succeeded. Only closed connections are counted, because ztunnel counts a
 * connection as opened before it knows the outcome. Each other flag names a failure: DENY, CONNECT,
 * TLS_FAILURE and others of ztunnel's src/proxy/metrics.rs, and Envoy's own in sidecars.
 */
const TCP_SUCCEEDED = 'response_flags="-"';

/**
 * Letters and digits of generated names in Kubernetes. With them the Pods of `web` can be told from
 * the Pod `web-canary-0`.
 */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
const ENVOY = `namespace="{{ .Namespace }}",pod=~"{{ .Name }}-((${RANDOM}+-)?${RANDOM}{5}|[0-9]+)"`;

/**
 * Success rate in percent. A divisor of 0 drops the result. A numerator without series counts as 0.
 */
function successRate(metric: string, labels: string, succeeded: string): string {
  const successes = `(sum(rate(${metric}{${labels},${succeeded}}[{{ .Interval }}])) or vector(0))`;
  const requests = `(sum(rate(${metric}{${labels}}[{{ .Interval }}])) > 0)`;
  return `${successes} / ${requests} * 100`;
}

/**
 * 99th percentile in seconds, from a histogram in milliseconds. The first comparison drops NaN. The
 * division yields infinity when the percentile is beyond the last finite bucket, where Prometheus
 * itself would return the bound of that bucket, however slow the requests were.
 */
function percentile99(metric: string, labels: string): string {
  const rate = (more: string): string =>
    `sum by (le) (rate(${metric}{${labels}${more}}[{{ .Interval }}]))`;
  const within = `(0.99 * sum(${rate(',le="+Inf"')}) <= bool max(${rate(',le!="+Inf"')}))`;
  return `(histogram_quantile(0.99, ${rate('')}) >= 0) / 1000 / ${within}`;
}

/** Number of requests, extrapolated to the whole interval. 0 when there is no series. */
function countRequests(metric: string, labels: string): string {
  return `sum(increase(${metric}{${labels}}[{{ .Interval }}])) or vector(0)`;
}

/** A placeholder such as `{{ .Name }}`. */
const PLACEHOLDER = /\{\{\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g;

const COMMON = ['Namespace', 'Name', 'Interval'];

/**
 * All built-in queries. To add a query, add one entry: validation, generated types and the
 * scheduler table follow from the entry.
 */
export const builtInQueries: readonly ModelQuery[] = [
  defineReportedQuery(
    'istio-success-rate',
    successRate('istio_requests_total', ISTIO, ISTIO_SUCCEEDED),
    REPORTERS,
  ),
  defineReportedQuery(
    'istio-request-duration',
    percentile99('istio_request_duration_milliseconds_bucket', ISTIO),
    REPORTERS,
  ),
  defineReportedQuery(
    'istio-request-count',
    countRequests('istio_requests_total', ISTIO),
    REPORTERS,
  ),
  defineReportedQuery(
    'istio-tcp-success-rate',
    successRate('istio_tcp_connections_closed_total', ISTIO, TCP_SUCCEEDED),
    TCP_REPORTERS,
  ),
  defineReportedQuery(
    'istio-tcp-connection-count',
    countRequests('istio_tcp_connections_closed_total', ISTIO),
    TCP_REPORTERS,
  ),
  defineQuery(
    'envoy-success-rate',
    successRate('envoy_cluster_upstream_rq', ENVOY, 'envoy_response_code!~"5..|0"'),
    COMMON,
  ),
  defineQuery(
    'envoy-request-duration',
    percentile99('envoy_cluster_upstream_rq_time_bucket', ENVOY),
    COMMON,
  ),
];

function defineReportedQuery(
  name: string,
  template: string,
  reporters: readonly string[],
): ModelQuery {
  return {
    ...defineQuery(name, template, [...COMMON, 'Reporter']),
    choices: { reporter: reporters },
  };
}

/**
 * A query as workers call it. Placeholders and parameters begin with a small letter, as names in
 * TypeScript do.
 * @param name words joined by dashes, for example `istio-success-rate`
 * @param template PromQL with placeholders such as `{{ .Name }}`
 * @param parameters names of the placeholders
 */
export function defineQuery(
  name: string,
  template: string,
  parameters: readonly string[],
): ModelQuery {
  return {
    name,
    method: camelCase(name),
    template: template.replace(
      PLACEHOLDER,
      (_, placeholder: string) => `{{ .${lowerFirst(placeholder)} }}`,
    ),
    parameters: parameters.map(lowerFirst),
  };
}

/** Names of the placeholders in a template, without duplicates. */
export function placeholdersOf(template: string): string[] {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  return [...new Set(names)];
}

/** Strings, ranges `[ ]` and bare placeholders of PromQL. */
const QUERY_PARTS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[[^\]]*\]|\{\{\s*\.\w+\s*\}\}/g;

/**
 * TypeScript type of a parameter, derived from the place of its placeholder: a range `[ ]` takes a
 * Duration, a quoted string takes a string, and a bare placeholder takes a string or a number.
 * @returns the allowed values when the parameter has a fixed choice
 */
export function queryParameterType(
  { template, choices }: ModelQuery,
  parameter: string,
): 'string' | 'Duration' | 'string | number' | readonly string[] {
  const allowed = choices?.[parameter];
  if (allowed !== undefined) {
    return allowed;
  }
  const parts = (template.match(QUERY_PARTS) ?? []).filter((part) =>
    placeholdersOf(part).includes(parameter),
  );
  if (parts.some((part) => part.startsWith('['))) {
    return 'Duration';
  }
  return parts.some((part) => part.startsWith('{{')) ? 'string | number' : 'string';
}
