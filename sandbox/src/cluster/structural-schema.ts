/**
 * Structural schemas of CustomResourceDefinitions: unknown fields, nulls and defaults of an object
 * before its validation.
 */
import { freezeJson, isMap, setMember } from './frozen-json.ts';
import type { MergeSchema } from './merge-shape.ts';

/** A rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** An OpenAPI v3 schema, as far as CustomResourceDefinitions use it. */
export interface StructuralSchema extends MergeSchema {
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly oneOf?: readonly StructuralSchema[];
  readonly anyOf?: readonly StructuralSchema[];
  readonly allOf?: readonly StructuralSchema[];
  readonly not?: StructuralSchema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

/** Fields that every object has. */
const ENVELOPE = new Set(['apiVersion', 'kind', 'metadata']);
const OPEN_SCHEMA: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true };

/** The schema of a member. Undefined: the member is unknown. */
export function memberSchema(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) {
    return schema.properties[name];
  }
  if (typeof schema.additionalProperties === 'object') {
    return schema.additionalProperties;
  }
  return schema.additionalProperties === true ? OPEN_SCHEMA : undefined;
}

function isKnown(schema: StructuralSchema, name: string, path: string): boolean {
  return (
    memberSchema(schema, name) !== undefined ||
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    (ENVELOPE.has(name) && (path === '' || schema['x-kubernetes-embedded-resource'] === true))
  );
}

/** Paths of undeclared fields, for example `spec.colour`. */
export function unknownFields(
  value: unknown,
  schema: StructuralSchema,
  path = '',
): readonly string[] {
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? []
      : value.flatMap((item, index) =>
          unknownFields(item, schema.items ?? {}, `${path}[${index}]`),
        );
  }
  if (!isMap(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const memberPath = path === '' ? name : `${path}.${name}`;
    if (!isKnown(schema, name, path)) {
      return [memberPath];
    }
    const member = memberSchema(schema, name);
    return member === undefined ? [] : unknownFields(inner, member, memberPath);
  });
}

/** The value without undeclared fields; the same value when there are none. */
export function pruneUnknown(value: unknown, schema: StructuralSchema, path = ''): unknown {
  const isKept = (name: string): boolean => isKnown(schema, name, path);
  return mapMembers(value, schema, { path, isKept, change: pruneUnknown });
}

/** The value without nulls that are not allowed and have no default, as a request is decoded. */
export function withoutNulls(value: unknown, schema: StructuralSchema, path = ''): unknown {
  const isKept = (name: string, inner: unknown): boolean => {
    const member = inner === null ? memberSchema(schema, name) : undefined;
    return (
      member === undefined ||
      member.nullable === true ||
      member.default !== undefined ||
      member === OPEN_SCHEMA
    );
  };
  return mapMembers(value, schema, { path, isKept, change: withoutNulls });
}

interface MemberMapping {
  readonly path: string;
  readonly isKept: (name: string, value: unknown) => boolean;
  readonly change: (value: unknown, schema: StructuralSchema, path: string) => unknown;
}

/** The kept members, each changed by its own schema. Unchanged values are returned as they are. */
function mapMembers(
  value: unknown,
  schema: StructuralSchema,
  { path, isKept, change }: MemberMapping,
): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) {
      return value;
    }
    const next = (value as unknown[]).map((item) => change(item, items, `${path}[]`));
    return next.every((item, index) => item === value[index]) ? value : next;
  }
  if (!isMap(value)) {
    return value;
  }
  let next: Record<string, unknown> | undefined;
  for (const [name, inner] of Object.entries(value)) {
    const member = memberSchema(schema, name);
    if (!isKept(name, inner)) {
      delete (next ??= { ...value })[name];
    } else if (member !== undefined) {
      const changed = change(inner, member, path === '' ? name : `${path}.${name}`);
      if (changed !== inner) {
        setMember((next ??= { ...value }), name, changed);
      }
    }
  }
  return next ?? value;
}

/**
 * The value with defaults for absent fields. A parent that is absent stays absent. A null that is
 * not allowed counts as absent when the field has a default. The same value when nothing is added.
 */
export function withSchemaDefaults(value: unknown, schema: StructuralSchema): unknown {
  if (!isMap(value)) {
    return mapMembers(value, schema, KEEP_ALL);
  }
  let filled: Record<string, unknown> | undefined;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (
      inner.default !== undefined &&
      (value[name] === undefined || (value[name] === null && inner.nullable !== true))
    ) {
      (filled ??= { ...value })[name] = freezeJson(inner.default);
    }
  }
  return mapMembers(filled ?? value, schema, KEEP_ALL);
}

const KEEP_ALL: MemberMapping = { path: '', isKept: () => true, change: withSchemaDefaults };
