/**
 * Structural schemas: the subset of OpenAPI v3 in a CustomResourceDefinition. See "Specifying a
 * structural schema" in
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */

/** An entry of `x-kubernetes-validations`: a rule in CEL. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly fieldPath?: string;
  readonly [keyword: string]: unknown;
}

/** A structural schema, or a part of one. */
export interface StructuralSchema {
  title?: string;
  description?: string;
  type?: string;
  format?: string;
  nullable?: boolean;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema | boolean;
  items?: StructuralSchema;
  /** Restricts values only: types, descriptions and defaults are not allowed inside. */
  oneOf?: StructuralSchema[];
  anyOf?: StructuralSchema[];
  allOf?: StructuralSchema[];
  not?: StructuralSchema;
  'x-kubernetes-validations'?: ValidationRule[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
}

/** Schema of an object with any fields, which the API server keeps. */
export function openObjectSchema(): StructuralSchema {
  return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

/** Sorts the keywords of a schema at each level: description and type first, fields last. */
export function orderKeywords(schema: StructuralSchema): StructuralSchema {
  const known = schema as Record<string, unknown>;
  const keys = Object.keys(known).sort(
    (a, b) => keywordRank(a) - keywordRank(b) || (a < b ? -1 : 1),
  );
  return Object.fromEntries(
    keys.map((key) => [key, orderMember(key, known[key])]),
  ) as StructuralSchema;
}

const FIRST_KEYWORDS = ['description', 'type', 'format', 'nullable', 'default', 'enum'];
const LAST_KEYWORDS = ['required', 'properties', 'additionalProperties', 'items'];

function keywordRank(key: string): number {
  if (FIRST_KEYWORDS.includes(key)) {
    return FIRST_KEYWORDS.indexOf(key);
  }
  return LAST_KEYWORDS.includes(key) ? 100 + LAST_KEYWORDS.indexOf(key) : 50;
}

function orderMember(key: string, value: unknown): unknown {
  if (key === 'properties') {
    return Object.fromEntries(
      Object.entries(value as Record<string, StructuralSchema>).map(([name, inner]) => [
        name,
        orderKeywords(inner),
      ]),
    );
  }
  if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) {
    return orderKeywords(value as StructuralSchema);
  }
  return value;
}
