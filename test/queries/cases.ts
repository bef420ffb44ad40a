/**
 * What the built-in queries answer to what a mesh counts: written once, put to promtool as PromQL
 * and to a real Prometheus through the runtime's client. Each case has a workload of its own, so
 * that all of them live in one Prometheus.
 */
import { builtInQueries, defineQuery } from '../../generators/lib/kinds/prometheus-queries.ts';
import type { QueryDefinition } from '../../runtime/src/api/scheduler.ts';
import type { QueryParameters, QueryResult } from '../../runtime/src/api/metrics-queries.ts';

/** A counter that grows evenly. */
export interface Series {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly perSecond: number;
  /** Seconds between two samples. */
  readonly every: number;
}

export interface Case {
  readonly promise: string;
  readonly query: QueryDefinition;
  readonly parameters: QueryParameters;
  readonly series: readonly Series[];
  readonly answer: QueryResult;
}

export const SCRAPE_S = 15;
const NAMESPACE = 'shop';

const definitions = new Map(
  [
    ...builtInQueries,
    defineQuery(
      'requests-by-code',
      'sum by (response_code) (rate(istio_requests_total{destination_workload="{{ .Name }}"}[{{ .Interval }}]))',
      ['Name', 'Interval'],
    ),
    defineQuery(
      'requests-of-many',
      'sum(rate(istio_requests_total{destination_workload=~"{{ .Name }}"}[{{ .Interval }}]))',
      ['Name', 'Interval'],
    ),
    defineQuery(
      'plain-ratio',
      'sum(rate(istio_requests_total{destination_workload="{{ .Name }}",response_code="200"}[{{ .Interval }}])) / sum(rate(istio_requests_total{destination_workload="{{ .Name }}"}[{{ .Interval }}]))',
      ['Name', 'Interval'],
    ),
  ].map(({ method, template, parameters, choices }): [string, QueryDefinition] => {
    const defaults = Object.fromEntries(
      Object.entries(choices ?? {}).map(([name, [first]]) => [name, first ?? '']),
    );
    return [method, { name: method, template, parameters, defaults }];
  }),
);

type Labels = Readonly<Record<string, string>>;
type Writer = (workload: string) => readonly Series[];

const value = (number: number): QueryResult => ({ type: 'value', value: number });
const noData: QueryResult = { type: 'noData' };
const notANumber: QueryResult = { type: 'notANumber' };

/** Requests of a workload per second, as Istio's proxies count them. */
function requests(code: string, perSecond: number, more: Labels = {}, every = SCRAPE_S): Writer {
  return (workload) => [
    {
      metric: 'istio_requests_total',
      labels: {
        reporter: 'destination',
        destination_workload_namespace: NAMESPACE,
        destination_workload: workload,
        response_code: code,
        grpc_response_status: '',
        response_flags: '-',
        ...more,
      },
      perSecond,
      every,
    },
  ];
}

/** Connections that ended per second, as ztunnel counts them. */
function closed(flags: string, perSecond: number, reporter = 'destination'): Writer {
  return (workload) => [
    {
      metric: 'istio_tcp_connections_closed_total',
      labels: {
        reporter,
        destination_workload_namespace: NAMESPACE,
        destination_workload: workload,
        request_protocol: 'tcp',
        response_flags: flags,
      },
      perSecond,
      every: SCRAPE_S,
    },
  ];
}

/** Requests per second below each bound of a histogram. */
function buckets(
  metric: string,
  labels: (workload: string) => Labels,
  perSecond: Readonly<Record<string, number>>,
): Writer {
  return (workload) =>
    Object.entries(perSecond).map(([le, each]) => ({
      metric,
      labels: { ...labels(workload), le },
      perSecond: each,
      every: SCRAPE_S,
    }));
}
const durations = (perSecond: Readonly<Record<string, number>>): Writer =>
  buckets(
    'istio_request_duration_milliseconds_bucket',
    (workload) => ({
      reporter: 'destination',
      destination_workload_namespace: NAMESPACE,
      destination_workload: workload,
    }),
    perSecond,
  );
const envoyDurations = (perSecond: Readonly<Record<string, number>>): Writer =>
  buckets(
    'envoy_cluster_upstream_rq_time_bucket',
    (workload) => ({ namespace: NAMESPACE, pod: `${workload}-6d4cf56db6-zx8kq` }),
    perSecond,
  );

/** Requests of a Pod per second, as Envoy counts them. */
function envoy(
  code: string,
  perSecond: number,
  pod: (workload: string) => string = (workload) => `${workload}-6d4cf56db6-zx8kq`,
): Writer {
  return (workload) => [
    {
      metric: 'envoy_cluster_upstream_rq',
      labels: { namespace: NAMESPACE, pod: pod(workload), envoy_response_code: code },
      perSecond,
      every: SCRAPE_S,
    },
  ];
}

/** A workload beside the one asked about. */
function beside(suffix: string, writer: Writer): Writer {
  return (workload) => writer(workload + suffix);
}

const EVERY_MINUTE = 60;

const table: readonly (readonly [
  promise: string,
  method: string,
  answer: QueryResult,
  writers: readonly Writer[],
  parameters?: QueryParameters,
])[] = [
  ['success rate: no series is no data', 'istioSuccessRate', noData, []],
  [
    'success rate: constant counters are no data',
    'istioSuccessRate',
    noData,
    [requests('200', 0), requests('500', 0)],
  ],
  [
    'success rate: only 5xx, ever, is 0 and not silence',
    'istioSuccessRate',
    value(0),
    [requests('500', 1)],
  ],
  [
    'success rate: 5xx beside a constant 2xx series is 0',
    'istioSuccessRate',
    value(0),
    [requests('500', 1), requests('200', 0)],
  ],
  [
    'success rate: 99 of 100',
    'istioSuccessRate',
    value(99),
    [requests('200', 9.9), requests('503', 0.1)],
  ],
  ['success rate: all well', 'istioSuccessRate', value(100), [requests('200', 10)]],
  [
    'success rate: 4xx is the client’s fault',
    'istioSuccessRate',
    value(100),
    [requests('200', 1), requests('404', 1)],
  ],
  [
    'success rate: a client that gave up (code 0) is no success',
    'istioSuccessRate',
    value(0),
    [requests('0', 1)],
  ],
  [
    'success rate: half of the clients gave up',
    'istioSuccessRate',
    value(50),
    [requests('200', 1), requests('0', 1)],
  ],
  [
    'success rate: gRPC UNAVAILABLE is no success although its HTTP status is 200',
    'istioSuccessRate',
    value(75),
    [
      requests('200', 3, { grpc_response_status: '0' }),
      requests('200', 1, { grpc_response_status: '14' }),
    ],
  ],
  [
    'success rate: gRPC NOT_FOUND is the client’s fault',
    'istioSuccessRate',
    value(100),
    [
      requests('200', 1, { grpc_response_status: '5' }),
      requests('200', 1, { grpc_response_status: '0' }),
    ],
  ],
  [
    'success rate: an interval with one sample in it is no data',
    'istioSuccessRate',
    noData,
    [requests('200', 1, {}, EVERY_MINUTE)],
  ],
  [
    'success rate: an interval of two scrapes and more is enough',
    'istioSuccessRate',
    value(100),
    [requests('200', 1, {}, EVERY_MINUTE)],
    { interval: '3m' },
  ],
  [
    'success rate: another workload whose name begins alike is another one',
    'istioSuccessRate',
    noData,
    [beside('-primary', requests('200', 1))],
  ],
  [
    'success rate: a workload of that name in another namespace is another one',
    'istioSuccessRate',
    noData,
    [requests('200', 1, { destination_workload_namespace: 'elsewhere' })],
  ],
  [
    'success rate: what a second proxy reports of the same requests is not counted twice',
    'istioSuccessRate',
    value(50),
    [requests('200', 1), requests('500', 1), requests('200', 5, { reporter: 'source' })],
  ],
  [
    'success rate: the client’s side, where asked for (requests that never arrived)',
    'istioSuccessRate',
    value(25),
    [
      requests('200', 1),
      requests('200', 1, { reporter: 'source' }),
      requests('503', 3, { reporter: 'source', response_flags: 'UF' }),
    ],
    { reporter: 'source' },
  ],
  [
    'success rate: the waypoint’s, in an ambient mesh',
    'istioSuccessRate',
    value(90),
    [requests('200', 9, { reporter: 'waypoint' }), requests('500', 1, { reporter: 'waypoint' })],
    { reporter: 'waypoint' },
  ],
  [
    'success rate: waypoint metrics are no data to whoever asks for the server’s',
    'istioSuccessRate',
    noData,
    [requests('200', 9, { reporter: 'waypoint' })],
  ],
  [
    'success rate: several clients are one answer',
    'istioSuccessRate',
    value(50),
    [requests('200', 1, { source_app: 'a' }), requests('500', 1, { source_app: 'b' })],
  ],

  ['request count: no series is 0', 'istioRequestCount', value(0), []],
  ['request count: constant counters are 0', 'istioRequestCount', value(0), [requests('200', 0)]],
  [
    'request count: failures are requests',
    'istioRequestCount',
    value(120),
    [requests('200', 1), requests('500', 1)],
  ],

  ['p99: no series is no data', 'istioRequestDuration', noData, []],
  [
    'p99: no traffic is no data',
    'istioRequestDuration',
    noData,
    [durations({ 25: 0, 50: 0, '+Inf': 0 })],
  ],
  [
    'p99: all at about 30 ms',
    'istioRequestDuration',
    value(0.04975),
    [durations({ 25: 0, 50: 1, '+Inf': 1 })],
  ],
  [
    'p99: all beyond the last bucket is infinite, not that bucket’s bound',
    'istioRequestDuration',
    value(Infinity),
    [durations({ 25: 0, 50: 0, '+Inf': 1 })],
  ],
  [
    'p99: 2 % beyond the last bucket is infinite',
    'istioRequestDuration',
    value(Infinity),
    [durations({ 25: 0, 50: 0.98, '+Inf': 1 })],
  ],
  [
    'p99: half a percent beyond the last bucket is not',
    'istioRequestDuration',
    value(0.0498743718592965),
    [durations({ 25: 0, 50: 0.995, '+Inf': 1 })],
  ],

  ['connections: no series is no data', 'istioTcpSuccessRate', noData, []],
  ['connections: none that ended is no data', 'istioTcpSuccessRate', noData, [closed('-', 0)]],
  [
    'connections: only failures, ever, are 0',
    'istioTcpSuccessRate',
    value(0),
    [closed('CONNECT', 1)],
  ],
  [
    'connections: refused by policy, or without a server',
    'istioTcpSuccessRate',
    value(50),
    [closed('-', 2), closed('DENY', 1), closed('CONNECT', 1)],
  ],
  [
    'connections: the client’s side, where asked for',
    'istioTcpSuccessRate',
    value(0),
    [closed('-', 2), closed('CONNECT', 1, 'source')],
    { reporter: 'source' },
  ],
  ['connection count: none is 0', 'istioTcpConnectionCount', value(0), []],
  [
    'connection count: failures are connections',
    'istioTcpConnectionCount',
    value(120),
    [closed('-', 1), closed('DENY', 1)],
  ],

  ['Envoy: no series is no data', 'envoySuccessRate', noData, []],
  ['Envoy: only 5xx, ever, is 0', 'envoySuccessRate', value(0), [envoy('503', 1)]],
  ['Envoy: 99 of 100', 'envoySuccessRate', value(99), [envoy('200', 9.9), envoy('503', 0.1)]],
  [
    'Envoy: Pods of a workload whose name begins alike are not counted',
    'envoySuccessRate',
    value(100),
    [
      envoy('200', 1),
      envoy('503', 9, (workload) => `${workload}-canary-6d4cf56db6-zx8kq`),
      envoy('503', 9, (workload) => `${workload}-canary-0`),
    ],
  ],
  [
    'Envoy: Pods of StatefulSets and DaemonSets',
    'envoySuccessRate',
    value(50),
    [envoy('200', 1, (name) => `${name}-0`), envoy('503', 1, (name) => `${name}-zx8kq`)],
  ],
  [
    'Envoy p99: no traffic is no data',
    'envoyRequestDuration',
    noData,
    [envoyDurations({ 25: 0, 50: 0, '+Inf': 0 })],
  ],
  [
    'Envoy p99: all at about 30 ms',
    'envoyRequestDuration',
    value(0.04975),
    [envoyDurations({ 25: 0, 50: 1, '+Inf': 1 })],
  ],

  [
    'a query of one’s own that lacks a sum says how many series it yields',
    'requestsByCode',
    { type: 'severalSeries', count: 2 },
    [requests('200', 1), requests('500', 1)],
  ],
  [
    'a query of one’s own that divides by nothing is not a number',
    'plainRatio',
    notANumber,
    [requests('200', 0)],
  ],
  [
    'a name is never a pattern, also after =~',
    'requestsOfMany',
    noData,
    [beside('x', requests('200', 1))],
    { name: 'case.*' },
  ],
];

export const cases: readonly Case[] = table.map(
  ([promise, method, answer, writers, parameters = {}], index) => {
    const workload = `case-${index}-`.padEnd(10, 'x');
    const definition = definitions.get(method);
    if (definition === undefined) {
      throw new Error(`there is no query ${method}`);
    }
    return {
      promise,
      query: definition,
      parameters: { namespace: NAMESPACE, name: workload, interval: '1m', ...parameters },
      series: writers.flatMap((write) => write(workload)),
      answer,
    };
  },
);

/** The series in the notation of PromQL and the exposition formats. */
export function seriesName({ metric, labels }: Series): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
  return `${metric}{${pairs.join(',')}}`;
}
