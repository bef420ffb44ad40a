/**
 * The structural subset of OpenAPI v3 that a CustomResourceDefinition takes
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 */

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly fieldPath?: string;
  readonly [keyword: string]: unknown;
}

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
  /** Values only: no types, descriptions or defaults inside. */
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

/** Anything at all, objects with fields of any name. */
export function openObjectSchema(): StructuralSchema {
  return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

/** The keywords of a schema in the order in which people read them, at every level. */
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
