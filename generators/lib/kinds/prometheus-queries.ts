/**
 * The built-in metrics queries: the original's four on the metric names and labels that Istio and
 * Envoy export today, the number of
 * requests, which a rate does not tell, and the same of connections, for the part of an ambient
 * mesh that has no waypoint and so counts no
 * requests. Placeholders are filled by the runtime; `namespace` is the resource's own unless said.
 *
 * Rates and durations answer nothing (not 0, not NaN, not 100) without traffic, and a workload that
 * only fails counts as 0 % although
 * it has no successful series. test/queries holds them to a real Prometheus, case by case.
 */
import { camelCase, lowerFirst } from '../util/naming.ts';
import type { ModelQuery } from '../model/model.ts';

/**
 * Who counted: the sidecar of the server, the sidecar or gateway of the client, or the waypoint of
 * an ambient mesh. The first is taken unless said.
 */
const REPORTERS = ['destination', 'source', 'waypoint'] as const;
/** ztunnel, and sidecars for what is not HTTP. */
const TCP_REPORTERS = ['destination', 'source'] as const;
const ISTIO =
  'reporter="{{ .Reporter }}",destination_workload_namespace="{{ .Namespace }}",destination_workload="{{ .Name }}"';
/**
 * Not the server's success: 5xx, no answer at all, and the gRPC statuses that stand for a 5xx
 * (unknown, deadline exceeded,
 * unimplemented, internal, unavailable, data loss) although their HTTP status is 200.
 */
const ISTIO_SUCCEEDED = 'response_code!~"5..|0",grpc_response_status!~"2|4|12|13|14|15"';

/**
 * Of connections that have ended; ztunnel counts each one as opened before it knows how it ends.
 * Every other flag says why it failed (DENY,
 * CONNECT, TLS_FAILURE … of ztunnel's src/proxy/metrics.rs; Envoy's own in sidecars).
 */
const TCP_SUCCEEDED = 'response_flags="-"';

/**
 * Letters and digits of the names that Kubernetes generates: `web-canary-0` must not be taken for a
 * Pod of `web`.
 */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
const ENVOY = `namespace="{{ .Namespace }}",pod=~"{{ .Name }}-((${RANDOM}+-)?${RANDOM}{5}|[0-9]+)"`;

/** Percent. The divisor is dropped where it is 0; a numerator without series is 0. */
function successRate(metric: string, labels: string, succeeded: string): string {
  return `(sum(rate(${metric}{${labels},${succeeded}}[{{ .Interval }}])) or vector(0)) / (sum(rate(${metric}{${labels}}[{{ .Interval }}])) > 0) * 100`;
}

/**
 * Seconds, of a histogram in milliseconds. The first comparison drops NaN. The division makes
 * infinity of a percentile that lies beyond
 * the last finite bucket: Prometheus answers that bucket's bound then, however slow the requests
 * were.
 */
function percentile99(metric: string, labels: string): string {
  const rate = (more: string): string =>
    `sum by (le) (rate(${metric}{${labels}${more}}[{{ .Interval }}]))`;
  const within = `(0.99 * sum(${rate(',le="+Inf"')}) <= bool max(${rate(',le!="+Inf"')}))`;
  return `(histogram_quantile(0.99, ${rate('')}) >= 0) / 1000 / ${within}`;
}

/** How many, extrapolated to the whole interval; 0 also where there is no series. */
function countRequests(metric: string, labels: string): string {
  return `sum(increase(${metric}{${labels}}[{{ .Interval }}])) or vector(0)`;
}

const COMMON = ['Namespace', 'Name', 'Interval'];

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

/**
 * A project's own query may take the place of the others, which older projects could not know of.
 */
export const ORIGINAL_QUERIES: ReadonlySet<string> = new Set([
  'istio-success-rate',
  'istio-request-duration',
  'envoy-success-rate',
  'envoy-request-duration',
]);

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
 * A query as workers call it: placeholders and parameters begin with a small letter, as
 * TypeScript's names do.
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
      /\{\{\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g,
      (_, placeholder: string) => `{{ .${lowerFirst(placeholder)} }}`,
    ),
    parameters: parameters.map(lowerFirst),
  };
}

/** Placeholders of a template, each once. */
export function placeholdersOf(template: string): string[] {
  return [
    ...new Set(
      [...template.matchAll(/\{\{\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g)].map(
        (match) => match[1] ?? '',
      ),
    ),
  ];
}

/**
 * TypeScript's type of a parameter, from where its placeholder stands: in quotes, as the range `[
 * ]`, or bare.
 */
export function queryParameterType(
  { template, choices }: ModelQuery,
  parameter: string,
): 'string' | 'Duration' | 'string | number' | readonly string[] {
  const chosen = choices?.[parameter];
  if (chosen !== undefined) {
    return chosen;
  }
  const places =
    template.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[[^\]]*\]|\{\{\s*\.\w+\s*\}\}/g) ??
    [];
  const own = places.filter((place) => placeholdersOf(place).includes(parameter));
  if (own.some((place) => place.startsWith('['))) {
    return 'Duration';
  }
  return own.some((place) => place.startsWith('{{')) ? 'string | number' : 'string';
}
