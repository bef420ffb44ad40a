/** Answers of metrics queries: never a bare number, so that silence cannot be taken for success. */

export type QueryResult =
  | { readonly type: 'value'; readonly value: number }
  /** No series: nothing was counted, or nothing has these labels. */
  | { readonly type: 'noData' }
  | { readonly type: 'notANumber' }
  /** The query lacks a `sum` or the like. */
  | { readonly type: 'severalSeries'; readonly count: number };

export type QueryParameters = Readonly<Record<string, string | number | undefined>>;

/**
 * One method per query. Parameters are escaped for where they stand; `namespace` defaults to the
 * resource's.
 */
export type MetricsQuery = (parameters?: QueryParameters) => Promise<QueryResult>;

export type MetricsQueries = Readonly<Record<string, MetricsQuery>>;

/** How Prometheus is reached. */
export interface PrometheusSettings {
  /**
   * `http://prometheus.istio-system:9090`; a path is kept. Undefined: there is none, and every
   * question fails.
   */
  readonly address: string | undefined;
  /** Read again for each question: tokens are rotated. */
  readonly bearerTokenFile?: string;
  /** Certificates that sign the server's, instead of Node's own. */
  readonly caFile?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
