/**
 * CustomResourceDefinitions of other people, from YAML or JSON: which of them is meant, and what
 * follows from it.
 */
import { parseAllDocuments } from 'yaml';
import type { StructuralSchema } from '../util/structural-schema.ts';

/** What a customParameter says about the CRD that it wants. */
export interface CrdRequest {
  /** lowerName. */
  readonly name: string;
  /** Path from the project's folder, or `cluster`. */
  readonly crd: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
}

/** What follows from the CRD. */
export interface CrdKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly schema: StructuralSchema;
}

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
    }[];
  };
}

/**
 * All CRDs in a text of one or more documents; lists are taken apart, other objects left out.
 * @throws Error when it is no YAML
 */
export function parseCrds(text: string, file: string): ForeignCrd[] {
  const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false });
  if (!Array.isArray(documents)) {
    return [];
  }
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) {
    throw new Error(`${file} is no YAML: ${error.message.split('\n')[0] ?? ''}`);
  }
  return documents.flatMap((document) => listItems(document.toJS() as unknown)).filter(isCrd);
}

function listItems(object: unknown): readonly unknown[] {
  const items = (object as { items?: unknown } | null)?.items;
  return Array.isArray(items) ? (items as unknown[]) : [object];
}

function isCrd(object: unknown): object is ForeignCrd {
  return (object as Partial<ForeignCrd> | null)?.kind === 'CustomResourceDefinition';
}

/**
 * @param where for the message: the file, or `the cluster` @returns a sentence when it is not there
 * or not the only one
 */
export function chooseCrd(
  crds: readonly ForeignCrd[],
  { kind, group, version }: CrdRequest,
  where: string,
): ForeignCrd | string {
  const ofKind = crds.filter((crd) => crd.spec.names.kind === kind);
  const fitting = ofKind.filter((crd) => group === undefined || crd.spec.group === group);
  const [crd, other] = fitting;
  const list = (names: readonly string[]): string =>
    names.length === 0 ? 'none' : [...new Set(names)].sort().join(', ');
  if (ofKind.length === 0) {
    return `${where} has no CustomResourceDefinition of the kind ${kind} (its kinds: ${list(crds.map((one) => one.spec.names.kind))})`;
  }
  if (crd === undefined) {
    return `${where} has no kind ${kind} in the group '${group}' (its groups: ${list(ofKind.map((one) => one.spec.group))})`;
  }
  if (other !== undefined && other.spec.group !== crd.spec.group) {
    return `${where} has several kinds called ${kind}: say with apiGroup which one (${list(fitting.map((one) => one.spec.group))})`;
  }
  if (crd.apiVersion !== 'apiextensions.k8s.io/v1') {
    return `${where} has the kind ${kind} as ${crd.apiVersion}, which Kubernetes no longer takes: apiextensions.k8s.io/v1 is needed`;
  }
  const served = servedVersions(crd);
  if (version !== undefined && !served.includes(version)) {
    return `${where} has no version '${version}' of ${kind} (its versions: ${list(served)})`;
  }
  return served.length === 0 ? `${where} has no version of ${kind} that is served` : crd;
}

/** @param version default: the newest one that is served */
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

/** Only what matters here, so that the kept file does not change with what a cluster notes down. */
export function trimCrd({ apiVersion, kind, metadata, spec }: ForeignCrd): ForeignCrd {
  const versions = (spec.versions ?? []).map(({ name, served, storage, schema }) => ({
    name,
    served,
    storage,
    ...(schema && { schema }),
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
 * Oldest first, in the order of
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
 */
function servedVersions(crd: ForeignCrd): string[] {
  const served = (crd.spec.versions ?? [])
    .filter((version) => version.served)
    .map(({ name }) => name);
  const rank = (name: string): readonly number[] => {
    const [, major = '', stage, minor = ''] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name) ?? [];
    return major === ''
      ? [-1, 0, 0]
      : [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)];
  };
  return served.sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((part, index) => part !== right[index]);
    return at === -1 ? (a < b ? 1 : -1) : (left[at] ?? 0) - (right[at] ?? 0);
  });
}
