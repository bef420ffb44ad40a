/**
 * The built-in metrics queries: the original's four on the metric names and labels that Istio and Envoy export today, and the number of
 * requests, which a rate does not tell. Placeholders are filled by the runtime; `namespace` is the resource's own unless said.
 *
 * Rates and durations answer nothing (not 0, not NaN, not 100) without traffic, and a workload that only fails counts as 0 % although
 * it has no successful series.
 */
import { camelCase, lowerFirst } from './naming.ts';
import type { ModelQuery } from './model.ts';

/** Who counted: the sidecar of the server, the sidecar or gateway of the client, or the waypoint of an ambient mesh. The first is taken unless said. */
const REPORTERS = ['destination', 'source', 'waypoint'] as const;
const ISTIO = 'reporter="{{ .Reporter }}",destination_workload_namespace="{{ .Namespace }}",destination_workload="{{ .Name }}"';
/**
 * Not the server's success: 5xx, no answer at all, and the gRPC statuses that stand for a 5xx (unknown, deadline exceeded,
 * unimplemented, internal, unavailable, data loss) although their HTTP status is 200.
 */
const ISTIO_SUCCEEDED = 'response_code!~"5..|0",grpc_response_status!~"2|4|12|13|14|15"';

/** Letters and digits of the names that Kubernetes generates: `web-canary-0` must not be taken for a Pod of `web`. */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
const ENVOY = `namespace="{{ .Namespace }}",pod=~"{{ .Name }}-((${RANDOM}+-)?${RANDOM}{5}|[0-9]+)"`;

/** Percent. The divisor is dropped where it is 0; a numerator without series is 0. */
function successRate(metric: string, labels: string, succeeded: string): string {
  return `(sum(rate(${metric}{${labels},${succeeded}}[{{ .Interval }}])) or vector(0)) / (sum(rate(${metric}{${labels}}[{{ .Interval }}])) > 0) * 100`;
}

/** Seconds, of a histogram in milliseconds. The comparison drops NaN. */
function percentile99(metric: string, labels: string): string {
  return `(histogram_quantile(0.99, sum(rate(${metric}{${labels}}[{{ .Interval }}])) by (le)) >= 0) / 1000`;
}

const builtIns: readonly { name: string; template: string }[] = [
  { name: 'istio-success-rate', template: successRate('istio_requests_total', ISTIO, ISTIO_SUCCEEDED) },
  { name: 'istio-request-duration', template: percentile99('istio_request_duration_milliseconds_bucket', ISTIO) },
  { name: 'istio-request-count', template: `sum(increase(istio_requests_total{${ISTIO}}[{{ .Interval }}])) or vector(0)` },
  { name: 'envoy-success-rate', template: successRate('envoy_cluster_upstream_rq', ENVOY, 'envoy_response_code!~"5..|0"') },
  { name: 'envoy-request-duration', template: percentile99('envoy_cluster_upstream_rq_time_bucket', ENVOY) },
];

export const builtInQueries: readonly ModelQuery[] = builtIns.map(({ name, template }) =>
  name.startsWith('istio')
    ? { ...query(name, template, ['Namespace', 'Name', 'Interval', 'Reporter']), choices: { reporter: REPORTERS } }
    : query(name, template, ['Namespace', 'Name', 'Interval']),
);

/** A query as workers call it: placeholders and parameters begin with a small letter, as TypeScript's names do. */
export function query(name: string, template: string, parameters: readonly string[]): ModelQuery {
  return {
    name,
    method: camelCase(name),
    template: template.replace(/\{\{\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g, (_, placeholder: string) => `{{ .${lowerFirst(placeholder)} }}`),
    parameters: parameters.map(lowerFirst),
  };
}

/** Placeholders of a template, each once. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(/\{\{\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g)].map((match) => match[1] ?? ''))];
}

/** TypeScript's type of a parameter, from where its placeholder stands: in quotes, as the range `[ ]`, or bare. */
export function parameterType({ template, choices }: ModelQuery, parameter: string): 'string' | 'Duration' | 'string | number' | readonly string[] {
  const chosen = choices?.[parameter];
  if (chosen !== undefined) return chosen;
  const places = template.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[[^\]]*\]|\{\{\s*\.\w+\s*\}\}/g) ?? [];
  const own = places.filter((place) => placeholdersOf(place).includes(parameter));
  if (own.some((place) => place.startsWith('['))) return 'Duration';
  return own.some((place) => place.startsWith('{{')) ? 'string | number' : 'string';
}
