/**
 * Types for src/spec.ts that say more than TypeScript's own. `autopilot generate` writes formats
 * and patterns of the CRD from them.
 */

/** A whole number of 32 bits (`format: int32`). */
export type Int32 = number;

/** A whole number of 64 bits (`format: int64`). JavaScript holds 53 of them exactly. */
export type Int64 = number;

/** A Kubernetes quantity, as a number or a string: `2`, `500m`, `1Gi`. */
export type Quantity = number | string;

/** A number or a string: a port by number or name, a count or a percentage. */
export type IntOrString = number | string;

/**
 * A length of time as Go writes it: numbers with units, such as `500ms`, `10s`, `1m30s` or `2h`.
 * Units are `ms`, `s`, `m` and `h`. Decimals are allowed: `1.5s`.
 */
export type Duration = string;

/** A time as an RFC 3339 string: `2026-11-24T10:00:00Z`. */
export type Timestamp = string;

/** A whole Kubernetes object of any kind. The API server checks apiVersion, kind and metadata. */
export interface EmbeddedResource {
  /** Group and version: `apps/v1`, or `v1` for the core group. */
  readonly apiVersion: string;
  /** Kind in CamelCase: `Deployment`. */
  readonly kind: string;
  /** Name, namespace, labels and annotations. */
  readonly metadata?: object;
  /** `spec` and all other fields. */
  readonly [field: string]: unknown;
}
