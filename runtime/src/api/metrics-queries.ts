/**
 * Queries against Prometheus, as workers see them. A result is a union and never a bare number, so
 * that missing data cannot be taken for a value.
 */

/** The result of one query. */
export type QueryResult =
  /** The query yielded one number. */
  | {
      readonly type: 'value';
      /** The number; it may be infinite. */
      readonly value: number;
    }
  /** The query yielded no series: nothing was counted, or no series has these labels. */
  | { readonly type: 'noData' }
  /** The query yielded NaN, for example a rate divided by a rate of 0. */
  | { readonly type: 'notANumber' }
  /** The query yielded more than one series; it lacks an aggregation such as `sum`. */
  | {
      readonly type: 'severalSeries';
      /** Number of series. */
      readonly count: number;
    };

/** Values for the placeholders of a query, by the placeholder's name (in any case). */
export type QueryParameters = Readonly<Record<string, string | number | undefined>>;

/**
 * Runs one query for the resource of the reconcile. Parameters are escaped for the place in the
 * template. The parameter `namespace` defaults to the resource's namespace.
 *
 * @throws Error when Prometheus cannot be reached or refuses the query; PermanentError when a
 * parameter is missing or does not fit the template.
 */
export type MetricsQuery = (parameters?: QueryParameters) => Promise<QueryResult>;

/** The queries of a phase by name: `context.metrics`. */
export type MetricsQueries = Readonly<Record<string, MetricsQuery>>;
