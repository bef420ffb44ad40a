/** A whole project from its model: pure, and the same bytes for the same input. */
import type { Model, ProjectFile } from '../model.ts';
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

export function render(model: Model, input: RenderInput): ProjectFile[] {
  return [
    ...renderYours(model),
    ...renderLifecycle(model, input.vendor.length > 0 ? 'vendor' : 'registry'),
    ...renderTests(model),
    ...renderManifest(model, input.dependency),
    ...renderGenerated(model, input.crd, input.config),
    ...renderChart(model, input),
    { path: SCHEMA_FILE, content: `${JSON.stringify(projectJsonSchema(model.customParameters), null, 2)}\n`, ownership: 'ours' },
    ...input.vendor,
  ];
}
