/** A whole project from its model: pure, and the same bytes for the same input. */
import type { Model, ProjectFile } from '../model.ts';
import { OPERATOR_SCHEMA_FILE, operatorConfigJsonSchema } from '../operator-config.ts';
import { SCHEMA_FILE } from '../project-text.ts';
import { projectJsonSchema } from '../reference.ts';
import { renderGenerated } from './generated.ts';
import { renderLifecycle } from './lifecycle.ts';
import { renderManifest } from './manifest.ts';
import type { RuntimeDependency } from './manifest.ts';
import { renderTests } from './tests.ts';
import { renderYours } from './yours.ts';
import { renderChart } from './chart.ts';

export interface RenderInput {
  readonly crd: object;
  /** Schema of the user's `config:`, when src/spec.ts has an interface <Kind>Config. */
  readonly config?: object;
  /** Text of autopilot-operator.yaml. */
  readonly operatorConfig: string;
  /** Text of examples/<kind>.yaml, when there is one. */
  readonly sample?: string | undefined;
  readonly dependency: RuntimeDependency;
  /** Packed runtime and sandbox to carry along. */
  readonly vendor: readonly ProjectFile[];
}

/** What editors complete and check by while somebody types; the first line of the file itself leads to it. */
function editorSchema(path: string, schema: object): ProjectFile {
  return { path, content: `${JSON.stringify(schema, null, 2)}\n`, ownership: 'ours' };
}

export function render(model: Model, input: RenderInput): ProjectFile[] {
  return [
    ...renderYours(model),
    ...renderLifecycle(model, input.vendor.length > 0 ? 'vendor' : 'registry'),
    ...renderTests(model),
    ...renderManifest(model, input.dependency),
    ...renderGenerated(model, input.crd, input.config),
    ...renderChart(model, input),
    editorSchema(SCHEMA_FILE, projectJsonSchema(model.customParameters)),
    editorSchema(OPERATOR_SCHEMA_FILE, { ...operatorConfigJsonSchema(input.config), title: 'autopilot-operator.yaml' }),
    ...input.vendor,
  ];
}
