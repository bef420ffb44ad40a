/** Compiles a piece of TypeScript to a CRD, as `autopilot generate` does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCrd } from '../../generators/lib/crd/build-crd.ts';
import type { StructuralSchema } from '../../generators/lib/util/structural-schema.ts';
import { requireModel } from '../../generators/lib/model/load.ts';

const IMPORTS =
  "import type { Duration, EmbeddedResource, Int32, Int64, IntOrString, LabelSelector, Quantity, Timestamp } from 'autopilot-runtime';";

export interface CompiledCrd {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: Readonly<Record<string, unknown>>;
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      readonly additionalPrinterColumns: readonly {
        readonly name: string;
        readonly type: string;
        readonly jsonPath: string;
        readonly priority?: number;
      }[];
      readonly subresources: object;
    }[];
  };
}

/**
 * @param types declares FeatureSpec. An empty FeatureStatusInfo is added unless it is declared. The
 * first line of the string is line 2 of the file.
 * @throws Error whose message has `spec.ts:LINE:COLUMN: …` for each problem
 */
export function compileCrd(types: string, group = 'features.test'): CompiledCrd {
  // Inside of the repository, so that the compiler finds its packages.
  const folder = mkdtempSync(join(import.meta.dirname, '.spec-'));
  const file = join(folder, 'spec.ts');
  const model = requireModel(
    `{kind: Feature, apiVersion: ${group}/v1, phases: [{name: A, initial: true}, {name: B, final: true}]}`,
    'autopilot.yaml',
  );
  try {
    writeFileSync(
      file,
      `${IMPORTS}\n${types}\n${types.includes('FeatureStatusInfo') ? '' : 'export interface FeatureStatusInfo {}\n'}`,
    );
    return buildCrd(model, file) as CompiledCrd;
  } catch (error) {
    throw new Error((error as Error).message.replaceAll(`${folder}/`, ''), { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function specSchema(types: string): StructuralSchema {
  return compileCrd(types).spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};
}
