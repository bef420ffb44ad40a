/** A CustomResourceDefinition -> a TypeScript interface, for kinds that phases read and write. */
import { docComment, GENERATED_HEADER, quoteString } from '../util/typescript-text.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';

/**
 * The text of a module that exports the interface `I<Kind>`: everything but apiVersion, kind and
 * metadata, as the API server stores it
 * (a field with a default is there when its parent is). Without an index signature at the top,
 * which would swallow the named fields.
 * @param from where the CRD is from, for the heading
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
  const described = schema.description === undefined ? '' : docComment(schema.description);
  return `${GENERATED_HEADER.replace('autopilot.yaml', from)}\n\n${described}export interface I${kind} ${renderMembers({ properties, ...(schema.required && { required: schema.required }) }, '')}\n`;
}

/** The type of a value. */
export function typeScriptType(schema: StructuralSchema, indent = ''): string {
  const type = plainType(schema, indent);
  return schema.nullable === true && type !== 'unknown' ? `${type} | null` : type;
}

function plainType(schema: StructuralSchema, indent: string): string {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return 'number | string';
  }
  const values = (schema.enum ?? []).filter((value) => value !== null);
  if (
    values.length > 0 &&
    values.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
  ) {
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
    case 'array': {
      const { items = {} } = schema;
      const union =
        items.nullable === true ||
        items.enum !== undefined ||
        items['x-kubernetes-int-or-string'] === true;
      return union ? `(${typeScriptType(items, indent)})[]` : `${typeScriptType(items, indent)}[]`;
    }
    case 'object':
      return objectType(schema, indent);
    default:
      return schema.properties === undefined ? 'unknown' : objectType(schema, indent);
  }
}

const EMBEDDED_FIELDS: Readonly<Record<string, StructuralSchema>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

function objectType(schema: StructuralSchema, indent: string): string {
  if (schema['x-kubernetes-embedded-resource'] === true) {
    return renderMembers(
      {
        ...schema,
        properties: { ...EMBEDDED_FIELDS, ...schema.properties },
        required: ['apiVersion', 'kind', ...(schema.required ?? [])],
      },
      indent,
    );
  }
  if (Object.keys(schema.properties ?? {}).length > 0) {
    return renderMembers(schema, indent);
  }
  return `{ [name: string]: ${typeof schema.additionalProperties === 'object' ? typeScriptType(schema.additionalProperties, indent) : 'unknown'} }`;
}

function renderMembers(schema: StructuralSchema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const there = (schema.required ?? []).includes(name) || member.default !== undefined;
    const described =
      member.description === undefined || member.description.trim() === ''
        ? ''
        : docComment(member.description, inner);
    return `${described}${inner}${/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoteString(name)}${there ? '' : '?'}: ${typeScriptType(member, inner)};\n`;
  });
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    schema.additionalProperties !== undefined;
  if (open) {
    lines.push(`${inner}[name: string]: unknown;\n`);
  }
  return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
}
