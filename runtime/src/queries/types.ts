/** Answers of metrics queries: never a bare number, so that silence cannot be taken for success. */

export type QueryAnswer =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'noData' }
  | { readonly kind: 'notANumber' }
  | { readonly kind: 'severalSeries'; readonly count: number };

/** One method per query. Parameters are escaped as label values; `namespace` defaults to the resource's. */
export type Query = (parameters: Readonly<Record<string, string>>) => Promise<QueryAnswer>;

export type Metrics = Readonly<Record<string, Query>>;
