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

export interface Schema {
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
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  /** Values only: no types, descriptions or defaults inside. */
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  not?: Schema;
  'x-kubernetes-validations'?: ValidationRule[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
}

/** Anything at all, objects with fields of any name. */
export function openObject(): Schema {
  return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

/** The keywords of a schema in the order in which people read them, at every level. */
export function ordered(schema: Schema): Schema {
  const known = schema as Record<string, unknown>;
  const keys = Object.keys(known).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(keys.map((key) => [key, orderedMember(key, known[key])])) as Schema;
}

const FIRST = ['description', 'type', 'format', 'nullable', 'default', 'enum'];
const LAST = ['required', 'properties', 'additionalProperties', 'items'];

function rank(key: string): number {
  if (FIRST.includes(key)) return FIRST.indexOf(key);
  return LAST.includes(key) ? 100 + LAST.indexOf(key) : 50;
}

function orderedMember(key: string, value: unknown): unknown {
  if (key === 'properties') return Object.fromEntries(Object.entries(value as Record<string, Schema>).map(([name, inner]) => [name, ordered(inner)]));
  if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) return ordered(value as Schema);
  return value;
}
