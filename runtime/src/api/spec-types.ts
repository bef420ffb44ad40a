/**
 * Types for src/spec.ts of a project that say more than TypeScript's own: generate makes formats
 * and patterns of the CRD from them.
 */

/** A whole number of 32 bits. */
export type Int32 = number;

/** A whole number of 64 bits (JavaScript holds 53 of them exactly). */
export type Int64 = number;

/** `500m`, `1Gi`, `2`: a Kubernetes quantity, as a number or a text. */
export type Quantity = number | string;

/** A port by number or name, a count or a percentage. */
export type IntOrString = number | string;

/** `500ms`, `10s`, `1m30s`, `2h`. */
export type Duration = string;

/** A time as text: `2026-11-24T10:00:00Z`. */
export type Timestamp = string;

/** A whole Kubernetes object of any kind. */
export interface EmbeddedResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: object;
  readonly [field: string]: unknown;
}
