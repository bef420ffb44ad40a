/**
 * Scenarios from the samples of a project: each resource is created, edited as far as another
 * sample shows how, and deleted.
 */
import type { Scheduler } from 'autopilot-runtime';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { Scenario, ScenarioStep } from '../exploration/index.ts';
import { create, patch, remove, quiesce } from '../exploration/index.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import type { Sample } from './load-project.ts';

export function sampleScenarios(
  { resource }: Scheduler,
  samples: readonly Sample[],
): readonly Scenario[] {
  const isResource = ({ apiVersion, kind }: ObjectManifest): boolean =>
    kind === resource.kind && apiVersion === apiVersionOf(resource);
  const resources = samples.flatMap(({ file, objects }) =>
    objects.filter(isResource).map((object) => ({ file, object })),
  );
  const surroundings = samples.flatMap(({ objects }) =>
    objects.filter((object) => !isResource(object)),
  );
  return resources.map(({ file, object }, index) => {
    const editSource = resources[(index + 1) % resources.length]?.object;
    const { name, namespace } = object.metadata;
    const edit: readonly ScenarioStep[] =
      editSource === undefined || editSource === object
        ? []
        : [
            patch(
              object.kind,
              name,
              { spec: mergePatchBetween(object['spec'], editSource['spec']) },
              namespace,
            ),
            quiesce(),
          ];
    const title =
      resources.filter((one) => one.file === file).length > 1 ? `${file} ${name}` : file;
    return {
      name: title,
      objects: surroundings,
      steps: [create(object), quiesce(), ...edit, remove(object.kind, name, namespace)],
    };
  });
}

/** The merge patch from one spec to another: fields that the other lacks go. */
function mergePatchBetween(from: unknown, to: unknown): object {
  const removed = Object.keys((from ?? {}) as object).filter(
    (name) => !(name in ((to ?? {}) as object)),
  );
  return {
    ...(to as object | undefined),
    ...Object.fromEntries(removed.map((name) => [name, null])),
  };
}
