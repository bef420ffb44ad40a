/**
 * JSON Schemas for kubeconform, from the OpenAPI that a real API server serves: one file for each
 * kind, strict about unknown fields.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../realparts/index.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

/**
 * @param folder gets `<kind>-<group>-<version>.json`, all in small letters, as kubeconform asks for
 * them
 */
export async function writeSchemas(plane: ControlPlane, folder: string): Promise<void> {
  const { paths } = JSON.parse(await plane.kubectl(['get', '--raw', '/openapi/v3'])) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
    if (!/^apis?\//.test(path)) {
      continue;
    }
    const { components } = JSON.parse(await plane.kubectl(['get', '--raw', serverRelativeURL])) as {
      components?: { schemas?: Record<string, Schema> };
    };
    const schemas = Object.fromEntries(
      Object.entries(components?.schemas ?? {}).map(([name, schema]) => [
        name,
        strict(schema) as Schema,
      ]),
    );
    for (const [name, schema] of Object.entries(schemas)) {
      for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
        writeFileSync(
          // kubeconform takes the version for the group of the core kinds.
          join(folder, `${kind}-${group === '' ? version : group}-${version}.json`.toLowerCase()),
          JSON.stringify({ $ref: `#/components/schemas/${name}`, components: { schemas } }),
        );
      }
    }
  }
}

function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(strict);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const inside = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'default' ? value : strict(value)]),
  );
  const open = 'additionalProperties' in inside || 'x-kubernetes-preserve-unknown-fields' in inside;
  return inside['type'] === 'object' && inside['properties'] !== undefined && !open
    ? { ...inside, additionalProperties: false }
    : inside;
}
