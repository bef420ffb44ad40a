/** A whole project from its model: pure, and the same bytes for the same input. */
import type { Model, ProjectFile } from '../model/model.ts';
import { OPERATOR_SCHEMA_FILE, operatorConfigJsonSchema } from '../model/operator-config.ts';
import { SCHEMA_FILE } from '../model/project-text.ts';
import { projectJsonSchema } from '../docs/yaml-reference.ts';
import { renderGeneratedFiles } from '../code/generated-types.ts';
import { renderLifecycle } from './render/lifecycle.ts';
import { renderPackageJson } from './render/package-json.ts';
import type { RuntimeDependencies } from './render/package-json.ts';
import { renderTests } from './render/tests.ts';
import { renderUserFiles } from './render/user-files.ts';
import { renderChart } from './render/chart.ts';

export interface RenderInput {
  readonly crd: object;
  /** Schema of the user's `config:`, when src/spec.ts has an interface <Kind>Config. */
  readonly config?: object;
  /** Text of autopilot-operator.yaml. */
  readonly operatorConfig: string;
  /** Text of examples/<kind>.yaml, when there is one. */
  readonly sample?: string | undefined;
  readonly dependency: RuntimeDependencies;
  /** Packed runtime and sandbox to carry along. */
  readonly vendor: readonly ProjectFile[];
}

/**
 * What editors complete and check by while somebody types; the first line of the file itself leads
 * to it.
 */
function editorSchema(path: string, schema: object): ProjectFile {
  return { path, content: `${JSON.stringify(schema, null, 2)}\n`, ownership: 'generated' };
}

export function renderProject(model: Model, input: RenderInput): ProjectFile[] {
  return [
    ...renderUserFiles(model),
    ...renderLifecycle(model, input.vendor.length > 0 ? 'vendor' : 'registry'),
    ...renderTests(model),
    ...renderPackageJson(model, input.dependency),
    ...renderGeneratedFiles(model, input.crd, input.config),
    ...renderChart(model, input),
    editorSchema(SCHEMA_FILE, projectJsonSchema(model.customParameters)),
    editorSchema(OPERATOR_SCHEMA_FILE, {
      ...operatorConfigJsonSchema(input.config),
      title: 'autopilot-operator.yaml',
    }),
    ...input.vendor,
  ];
}
