/**
 * CustomResourceDefinitions of other projects: choosing the one that a customParameter means, and
 * what follows from it.
 */
import type { StructuralSchema } from '../util/structural-schema.ts';

/** The CRD that an entry of `customParameters` asks for. */
export interface CrdRequest {
  /** Name in inputs and outputs: the entry's `lowerName`. */
  readonly name: string;
  /** Path of a file relative to the project's folder, or `cluster`. */
  readonly crd: string;
  /** Kind in Pascal case. */
  readonly kind: string;
  /** API group. Default: any. */
  readonly group?: string;
  /** API version. Default: the newest version that the CRD serves. */
  readonly version?: string;
}

/** The part of a CRD that generated code needs, for one version. */
export interface CrdKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly schema: StructuralSchema;
}

/** A CustomResourceDefinition as far as the generator reads it. */
export interface ForeignCrd {
  readonly kind: 'CustomResourceDefinition';
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions?: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
      readonly subresources?: object;
    }[];
  };
}

/** A CRD with the place where it was read: `crds/all.yaml:12:1`, or the name of the source. */
export interface PlacedCrd {
  readonly crd: ForeignCrd;
  readonly place: string;
}

/**
 * The one CRD that a request means.
 * @param where source of the CRDs for the error message: a file, or `the cluster`
 * @throws Error when no CRD or more than one matches, or when the CRD cannot be used
 */
export function chooseCrd(
  crds: readonly PlacedCrd[],
  { kind, group, version }: CrdRequest,
  where: string,
): ForeignCrd {
  const ofKind = crds.filter(({ crd }) => crd.spec.names.kind === kind);
  if (ofKind.length === 0) {
    const kinds = listNames(crds.map(({ crd }) => crd.spec.names.kind));
    throw new Error(
      `${where} has no CustomResourceDefinition of the kind ${kind} (its kinds: ${kinds})`,
    );
  }
  const matching = ofKind.filter(({ crd }) => group === undefined || crd.spec.group === group);
  const [first] = matching;
  if (first === undefined) {
    const groups = listNames(ofKind.map(({ crd }) => crd.spec.group));
    throw new Error(`${where} has no kind ${kind} in the group '${group}' (its groups: ${groups})`);
  }
  if (matching.some(({ crd }) => crd.spec.group !== first.crd.spec.group)) {
    const groups = listNames(matching.map(({ crd }) => crd.spec.group));
    throw new Error(
      `${where} has several kinds called ${kind}: choose one with apiGroup (${groups})`,
    );
  }
  return usableCrd(first, kind, version);
}

/** @throws Error when Kubernetes does not serve the CRD, or not in the version */
function usableCrd({ crd, place }: PlacedCrd, kind: string, version?: string): ForeignCrd {
  if (crd.apiVersion !== 'apiextensions.k8s.io/v1') {
    throw new Error(
      `${place} has the CRD of ${kind} as ${crd.apiVersion}, which Kubernetes no longer serves: use one of apiextensions.k8s.io/v1`,
    );
  }
  const served = servedVersions(crd);
  if (version !== undefined && !served.includes(version)) {
    throw new Error(
      `${place} has no version '${version}' of ${kind} (its versions: ${listNames(served)})`,
    );
  }
  if (served.length === 0) {
    throw new Error(`${place} serves no version of ${kind}`);
  }
  return crd;
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? 'none' : [...new Set(names)].sort().join(', ');
}

/**
 * What generated code needs of one version of a CRD.
 * @param version default: the newest version that is served
 */
export function crdKindOf(crd: ForeignCrd, version = servedVersions(crd).at(-1) ?? ''): CrdKind {
  const { group, names, scope, versions = [] } = crd.spec;
  return {
    group,
    version,
    plural: names.plural,
    scope: scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    schema: versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema ?? {},
  };
}

/**
 * A CRD without the metadata and status that a cluster adds, so that the committed copy changes
 * only when the definition does.
 */
export function trimCrd({ apiVersion, kind, metadata, spec }: ForeignCrd): ForeignCrd {
  const versions = (spec.versions ?? []).map(({ name, served, storage, schema, subresources }) => ({
    name,
    served,
    storage,
    ...(schema && { schema }),
    ...(subresources && { subresources }),
  }));
  const { names, group, scope } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    spec: { group, names: { kind: names.kind, plural: names.plural }, scope, versions },
  };
}

/**
 * Served versions in ascending version priority: names that are not Kubernetes versions, then
 * `v1alpha1`, `v1beta1`, `v1`, `v2`, `v10`. See "Version priority" in
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
 */
function servedVersions(crd: ForeignCrd): string[] {
  return (crd.spec.versions ?? [])
    .filter((version) => version.served)
    .map(({ name }) => name)
    .sort(compareVersions);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)];
  const different = left.findIndex((part, index) => part !== right[index]);
  if (different !== -1) {
    return (left[different] ?? 0) - (right[different] ?? 0);
  }
  return a < b ? 1 : -1;
}

const STAGE_RANK: Readonly<Record<string, number>> = { alpha: 0, beta: 1, stable: 2 };

/** Stage, major and minor number. Names that are not Kubernetes versions rank lowest. */
function versionRank(name: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
  if (match === null) {
    return [-1, 0, 0];
  }
  const [, major, stage = 'stable', minor = ''] = match;
  return [STAGE_RANK[stage] ?? 0, Number(major), Number(minor)];
}
