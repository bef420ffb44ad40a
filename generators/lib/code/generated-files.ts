/** The files of src/generated: computed from the model, not made from templates. */
import { renderInterfaceModule } from '../crd/typescript-types.ts';
import type { Model, ProjectFile } from '../model/model.ts';
import { renderKindTypes } from './kind-types.ts';
import { renderFinalizerTypes, renderPhaseTypes } from './phase-types.ts';
import { renderQueryTypes } from './query-types.ts';
import { renderResourceTypes } from './resource-types.ts';
import { hasMetrics, renderScheduler } from './scheduler.ts';

/** What the files of src/generated are rendered from beside the model. */
export interface GeneratedDefinitions {
  readonly crd: object;
  /** CRDs of other kinds, which customParameters name. Default: none. */
  readonly foreignCrds?: readonly object[];
  readonly config?: object;
}

/**
 * Renders the files of src/generated.
 *
 * @param definitions the CustomResourceDefinition, those of other kinds, and the JSON schema of the
 * user's `config:`, which is absent when src/spec.ts has no `<Kind>Config`
 */
export function renderGeneratedFiles(
  model: Model,
  { crd, foreignCrds = [], config }: GeneratedDefinitions,
): ProjectFile[] {
  const generated = (name: string, content: string): ProjectFile => ({
    path: `src/generated/${name}`,
    content,
    ownership: 'generated',
  });
  const { finalizer } = model;
  return [
    generated(`${model.kind.toLowerCase()}.ts`, renderResourceTypes(model, config !== undefined)),
    ...(model.kinds.length > 0 ? [generated('kinds.ts', renderKindTypes(model.kinds))] : []),
    ...model.kinds.flatMap(({ name, kind, schema }) =>
      schema
        ? [generated(`kinds/${name}.ts`, renderInterfaceModule(kind, schema.of, schema.from))]
        : [],
    ),
    ...(hasMetrics(model) ? [generated('queries.ts', renderQueryTypes(model))] : []),
    ...model.phases
      .filter((phase) => !phase.final)
      .map((phase) => generated(`${phase.file}.ts`, renderPhaseTypes(model, phase))),
    ...(finalizer ? [generated('finalizer.ts', renderFinalizerTypes(model, finalizer))] : []),
    generated('scheduler.ts', renderScheduler(model, config)),
    generated('crd.json', `${JSON.stringify(crd, null, 2)}\n`),
    ...(foreignCrds.length > 0
      ? [generated('foreign-crds.json', `${JSON.stringify(foreignCrds, null, 2)}\n`)]
      : []),
  ];
}
