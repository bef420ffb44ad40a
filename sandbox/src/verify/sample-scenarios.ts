/**
 * Makes scenarios from the samples of a project. Each resource is created, edited and deleted. The
 * edit gives it the spec of the next sample.
 */
import type { Scheduler } from 'autopilot-runtime';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { Scenario, ScenarioStep } from '../exploration/index.ts';
import { create, patch, remove, quiesce } from '../exploration/index.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import type { Sample } from './load-project.ts';

/**
 * @param samples all objects of other kinds exist in each scenario before the operator starts.
 * @returns one scenario for each resource. Its name is the file, with the resource's name if the
 * file has several resources.
 */
export function sampleScenarios(
  { resource }: Scheduler,
  samples: readonly Sample[],
): readonly Scenario[] {
  const isResource = ({ apiVersion, kind }: ObjectManifest): boolean =>
    kind === resource.kind && apiVersion === apiVersionOf(resource);
  const resources = samples.flatMap(({ file, objects }) =>
    objects.filter(isResource).map((object) => ({ file, object })),
  );
  const otherObjects = samples.flatMap(({ objects }) =>
    objects.filter((object) => !isResource(object)),
  );
  return resources.map(({ file, object }, index) => {
    const nextSample = resources[(index + 1) % resources.length]?.object;
    const { name, namespace } = object.metadata;
    const isOnlyOneOfFile = resources.filter((one) => one.file === file).length === 1;
    return {
      name: isOnlyOneOfFile ? file : `${file} ${name}`,
      objects: otherObjects,
      steps: [
        create(object),
        quiesce(),
        ...editSteps(object, nextSample),
        remove(object.kind, name, namespace),
      ],
    };
  });
}

/** Steps that give a resource the spec of another sample. None if there is no other sample. */
function editSteps(
  object: ObjectManifest,
  other: ObjectManifest | undefined,
): readonly ScenarioStep[] {
  if (other === undefined || other === object) {
    return [];
  }
  const { name, namespace } = object.metadata;
  const body = { spec: mergePatchBetween(object['spec'], other['spec']) };
  return [patch(object.kind, name, body, namespace), quiesce()];
}

/** The merge patch from one spec to another. It removes fields that the other does not have. */
function mergePatchBetween(from: unknown, to: unknown): object {
  const removed = Object.keys((from ?? {}) as object).filter(
    (name) => !(name in ((to ?? {}) as object)),
  );
  return {
    ...(to as object | undefined),
    ...Object.fromEntries(removed.map((name) => [name, null])),
  };
}
