/**
 * src/spec.ts -> JSON Schema, through ts-json-schema-generator. It brings its own TypeScript; this is the only file that knows it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JsonSchema } from './structural.ts';

/**
 * What src/spec.ts may import from autopilot-runtime, for the schema only: the project's packages need not be installed to generate.
 */
const RUNTIME_TYPES = `
export type Duration = string;
/** @asType integer @format int32 */
export type Int32 = number;
/** @asType integer @format int64 */
export type Int64 = number;
export type Quantity = number | string;
export type IntOrString = number | string;
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; readonly values?: readonly string[] }[];
}
`;

/**
 * The schemas of the exported types of one file, without references.
 * @throws Error that names the file, the type and the reason.
 */
export async function schemasOf(specFile: string, types: readonly string[]): Promise<ReadonlyMap<string, JsonSchema>> {
  const { createGenerator } = await import('ts-json-schema-generator');
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-schema-'));
  try {
    const runtime = join(folder, 'autopilot-runtime.d.ts');
    const tsconfig = join(folder, 'tsconfig.json');
    writeFileSync(runtime, RUNTIME_TYPES);
    const compilerOptions = {
      strict: true,
      target: 'es2022',
      module: 'esnext',
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      paths: { 'autopilot-runtime': [runtime] },
      rootDir: dirname(dirname(specFile)),
    };
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: [specFile, runtime] }));
    const generator = createGenerator({
      path: specFile,
      tsconfig,
      expose: 'none',
      topRef: false,
      skipTypeCheck: true,
      jsDoc: 'extended',
      additionalProperties: true,
      extraTags: [
        'x-kubernetes-validations',
        'x-kubernetes-list-type',
        'x-kubernetes-list-map-keys',
        'x-kubernetes-preserve-unknown-fields',
        'x-kubernetes-embedded-resource',
      ],
    });
    return new Map(types.map((type) => [type, schemaOf(generator, type, specFile)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function schemaOf(generator: { createSchema(type: string): unknown }, type: string, specFile: string): JsonSchema {
  try {
    return generator.createSchema(type) as JsonSchema;
  } catch (error) {
    throw new Error(`${specFile}: no schema can be made of the interface ${type}: ${(error as Error).message}`, { cause: error });
  }
}
