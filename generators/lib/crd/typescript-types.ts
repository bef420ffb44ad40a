/** TypeScript interfaces from the schemas of CRDs, for custom kinds that phases use. */
import { docComment, formatKey, GENERATED_HEADER, quoteString } from '../util/typescript-text.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';

/**
 * Source of a module that exports the interface `I<Kind>`, with all fields except apiVersion, kind
 * and metadata. The interface describes stored objects: a field with a default is always present.
 * A schema that names no fields and keeps unknown ones gives fields of type unknown. Beside named
 * fields there is no index signature, because it would widen their types.
 * @param from file of the CRD, for the first line of the module
 */
export function renderInterfaceModule(
  kind: string,
  schema: StructuralSchema,
  from: string,
): string {
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    ...properties
  } = schema.properties ?? {};
  const header = GENERATED_HEADER.replace('autopilot.yaml', from);
  const description = schema.description === undefined ? '' : docComment(schema.description);
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const fields = renderFields(
    {
      properties,
      ...(schema.required && { required: schema.required }),
      ...(isOpen && Object.keys(properties).length === 0 && OPEN),
    },
    '',
  );
  return `${header}\n\n${description}export interface I${kind} ${fields}\n`;
}

const OPEN: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true };

/**
 * TypeScript type of a value.
 * @param indent indentation of the line that the type begins on. Default: none.
 */
export function typeScriptType(schema: StructuralSchema, indent = ''): string {
  const type = plainType(schema, indent);
  return schema.nullable === true && type !== 'unknown' ? `${type} | null` : type;
}

function plainType(schema: StructuralSchema, indent: string): string {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return 'number | string';
  }
  const values = (schema.enum ?? []).filter((value) => value !== null);
  const isScalar = (value: unknown): boolean =>
    ['string', 'number', 'boolean'].includes(typeof value);
  if (values.length > 0 && values.every(isScalar)) {
    return values
      .map((value) => (typeof value === 'string' ? quoteString(value) : JSON.stringify(value)))
      .join(' | ');
  }
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'number':
      return schema.type;
    case 'integer':
      return 'number';
    case 'array':
      return arrayType(schema.items ?? {}, indent);
    case 'object':
      return objectType(schema, indent);
    default:
      return schema.properties === undefined ? 'unknown' : objectType(schema, indent);
  }
}

function arrayType(items: StructuralSchema, indent: string): string {
  const type = typeScriptType(items, indent);
  const isUnion =
    items.nullable === true ||
    items.enum !== undefined ||
    items['x-kubernetes-int-or-string'] === true;
  return isUnion ? `(${type})[]` : `${type}[]`;
}

/** Fields of each Kubernetes object, which the schema of an embedded resource leaves out. */
const EMBEDDED_FIELDS: Readonly<Record<string, StructuralSchema>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

function objectType(schema: StructuralSchema, indent: string): string {
  if (schema['x-kubernetes-embedded-resource'] === true) {
    return renderFields(
      {
        ...schema,
        properties: { ...EMBEDDED_FIELDS, ...schema.properties },
        required: ['apiVersion', 'kind', ...(schema.required ?? [])],
      },
      indent,
    );
  }
  if (Object.keys(schema.properties ?? {}).length > 0) {
    return renderFields(schema, indent);
  }
  const { additionalProperties } = schema;
  const entries =
    typeof additionalProperties === 'object'
      ? typeScriptType(additionalProperties, indent)
      : 'unknown';
  return `{ [name: string]: ${entries} }`;
}

function renderFields(schema: StructuralSchema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const isPresent = (schema.required ?? []).includes(name) || field.default !== undefined;
    const description = field.description?.trim() ?? '';
    const comment = description === '' ? '' : docComment(description, inner);
    const key = `${formatKey(name)}${isPresent ? '' : '?'}`;
    return `${comment}${inner}${key}: ${typeScriptType(field, inner)};\n`;
  });
  const isOpen =
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    schema.additionalProperties !== undefined;
  if (isOpen) {
    lines.push(`${inner}[name: string]: unknown;\n`);
  }
  return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
}
