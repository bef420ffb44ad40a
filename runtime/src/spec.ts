/** Types for src/spec.ts of a project that say more than TypeScript's own: they become formats of the CRD's schema. */

/** A whole number of 32 bits. @format int32 */
export type Int32 = number;

/** A whole number of 64 bits (JavaScript holds 53 of them exactly). @format int64 */
export type Int64 = number;

/** `500m`, `1Gi`, `2`: a Kubernetes quantity, as a number or a text. */
export type Quantity = number | string;

/** A port by number or name, a count or a percentage. */
export type IntOrString = number | string;
