/**
 * The built-in metrics queries: the original's four, on the metric names and labels that Istio and Envoy export today.
 * Placeholders are filled with escaped label values by the runtime; `namespace` defaults to the resource's own.
 *
 * They answer nothing (not 0, not NaN) without traffic: the divisor is dropped where it is 0, and a workload that only fails
 * counts as 0 % although it has no successful series.
 */
import { camelCase, lowerFirst } from './naming.ts';
import type { ModelQuery } from './model.ts';

const ISTIO = 'reporter="destination",destination_workload_namespace="{{ .Namespace }}",destination_workload="{{ .Name }}"';
const ENVOY = 'namespace="{{ .Namespace }}",pod=~"{{ .Name }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)?"';

/** Percent of requests that succeeded. `failed` is the matcher of the response codes that did not. */
function successRate(metric: string, labels: string, succeeded: string): string {
  return `(sum(rate(${metric}{${labels},${succeeded}}[{{ .Interval }}])) or vector(0)) / (sum(rate(${metric}{${labels}}[{{ .Interval }}])) > 0) * 100`;
}

function percentile99(metric: string, labels: string): string {
  return `histogram_quantile(0.99, sum(rate(${metric}{${labels}}[{{ .Interval }}])) by (le))`;
}

const builtIns: readonly { name: string; template: string }[] = [
  { name: 'istio-success-rate', template: successRate('istio_requests_total', ISTIO, 'response_code!~"5..|0"') },
  // Istio exports milliseconds now; the answer stays in seconds, as it was.
  { name: 'istio-request-duration', template: `${percentile99('istio_request_duration_milliseconds_bucket', ISTIO)} / 1000` },
  { name: 'envoy-success-rate', template: successRate('envoy_cluster_upstream_rq', ENVOY, 'envoy_response_code!~"5.."') },
  { name: 'envoy-request-duration', template: `${percentile99('envoy_cluster_upstream_rq_time_bucket', ENVOY)} / 1000` },
];

export const builtInQueries: readonly ModelQuery[] = builtIns.map(({ name, template }) => query(name, template, ['Namespace', 'Name', 'Interval']));

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
