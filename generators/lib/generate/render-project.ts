/** All files of a project from its model: pure, and the same bytes for the same input. */
import { projectJsonSchema } from '../model/editor-schema.ts';
import type { Model, ProjectFile } from '../model/model.ts';
import { OPERATOR_SCHEMA_FILE, operatorConfigJsonSchema } from '../model/operator-config.ts';
import { SCHEMA_FILE } from '../model/project-text.ts';
import { renderGeneratedFiles } from '../code/generated-files.ts';
import { renderChart } from './chart-files.ts';
import { renderTemplates } from './project-templates.ts';
import type { RuntimeDependencies } from './project-templates.ts';

/** What a project is rendered from beside its model. */
export interface RenderInput {
  /** The CustomResourceDefinition. */
  readonly crd: object;
  /** CRDs of other kinds, which customParameters name. Default: none. */
  readonly foreignCrds?: readonly object[];
  /** JSON schema of the user's `config:`; absent when src/spec.ts has no interface <Kind>Config. */
  readonly config?: object;
  /** Text of autopilot-operator.yaml. */
  readonly operatorConfig: string;
  /** Text of examples/<kind>.yaml, when the file exists. */
  readonly sample?: string | undefined;
  /**
   * apiVersion of the last generate. Where the present one differs, it replaces the former one in
   * user-owned files that began as templates. Default: the present one.
   */
  readonly lastApiVersion?: string | undefined;
  /** What package.json says for runtime and sandbox. */
  readonly dependency: RuntimeDependencies;
  /** Packed runtime and sandbox for the project's vendor/; empty with `--runtime registry`. */
  readonly vendor: readonly ProjectFile[];
}

/**
 * Renders every file of a project except autopilot.yaml. Each file comes from one of two sources: a
 * template (generators/templates, charts/operator) or code that computes it from the model.
 *
 * @returns the files with their owners, in no particular order
 */
export function renderProject(model: Model, input: RenderInput): ProjectFile[] {
  return [
    ...renderTemplates(model, input),
    ...renderGeneratedFiles(model, input),
    ...renderChart(model, input),
    editorSchema(SCHEMA_FILE, projectJsonSchema(model.customParameters)),
    editorSchema(OPERATOR_SCHEMA_FILE, {
      ...operatorConfigJsonSchema(input.config),
      title: 'autopilot-operator.yaml',
    }),
    ...input.vendor,
  ];
}

/** JSON schema that editors use for completion; the first line of the YAML file names it. */
function editorSchema(path: string, schema: object): ProjectFile {
  return { path, content: `${JSON.stringify(schema, null, 2)}\n`, ownership: 'generated' };
}
