/** CustomResourceDefinitions that a cluster needs before an operator starts in it. */
import type { ResourceType, Scheduler } from 'autopilot-runtime';
import { allWorkerDefinitions } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';

/** Definitions that a project provides. */
export interface ProjectDefinitions {
  /** The definition of the operator's kind. Default: one that accepts any spec and status. */
  readonly crd?: object;
  /** Definitions of the project's other kinds. Default: none. */
  readonly foreignCrds?: readonly object[];
  /** Objects that are created next. A definition among them counts as provided. Default: none. */
  readonly objects?: readonly KubeManifest[];
}

/** The part of an object that tells a definition. */
interface KubeManifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/**
 * The definitions to create: those of the project, and for each other declared kind that the
 * cluster does not serve one that accepts every object. An optional kind stays missing.
 */
export function definitionsFor(
  cluster: Cluster,
  scheduler: Scheduler,
  { crd = permissiveCrd(scheduler.resource), foreignCrds = [], objects = [] }: ProjectDefinitions,
): readonly object[] {
  const provided = [crd, ...foreignCrds];
  const later = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const known = new Set([...provided, ...later].map(nameOfDefinition));
  const missing = declaredTypes(scheduler).filter((type) => {
    const name = definitionName(type);
    const isMissing = !known.has(name) && !cluster.serves(type);
    known.add(name);
    return isMissing;
  });
  return [...provided, ...missing.map(permissiveCrd)];
}

function declaredTypes(scheduler: Scheduler): readonly ResourceType[] {
  return allWorkerDefinitions(scheduler).flatMap(({ inputs, outputs }) =>
    [...inputs, ...outputs].filter(({ optional }) => optional !== true).map(({ type }) => type),
  );
}

function definitionName({ group, plural }: Pick<ResourceType, 'group' | 'plural'>): string {
  return `${plural}.${group}`;
}

function nameOfDefinition(definition: object): string {
  return (definition as { readonly metadata: { readonly name: string } }).metadata.name;
}

/** A CustomResourceDefinition of a kind that accepts every object. */
export function permissiveCrd({ group, version, kind, plural, namespaced }: ResourceType): object {
  const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: definitionName({ group, plural }) },
    spec: {
      group,
      names: { kind, plural },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              ...anyObject,
              properties: { spec: anyObject, status: anyObject },
            },
          },
          subresources: { status: {} },
        },
      ],
    },
  };
}
