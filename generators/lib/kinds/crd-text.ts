/**
 * CustomResourceDefinitions in YAML or JSON, as people have them: with other objects around, in
 * lists, next to patches of kustomize, or in a template of Helm that must be rendered first.
 */
import { parseKubernetesYaml } from '../util/kubernetes-yaml.ts';
import type { KubernetesDocument } from '../util/kubernetes-yaml.ts';
import type { ForeignCrd, PlacedCrd } from './foreign-crd.ts';

/** What a string says about CRDs. */
export interface CrdText {
  readonly crds: readonly PlacedCrd[];
  /** CRDs without the names of their kind, such as patches of kustomize. */
  readonly patches: readonly CrdPatch[];
}

/** A CRD of which only a part is there. */
interface CrdPatch {
  readonly name: string;
  readonly place: string;
}

/**
 * All CRDs in a string of one or more YAML documents. Lists (`kind: List`) are unpacked, objects of
 * other kinds are left out.
 *
 * @param file name of the file for places
 * @throws Error with file, line and column when the string is not valid YAML
 */
export function parseCrds(text: string, file: string): CrdText {
  const placed = readDocuments(text, file).flatMap(({ value, line, column }) =>
    listItems(value)
      .filter(isDefinition)
      .map((crd) => ({ crd, place: `${file}:${line}:${column}` })),
  );
  return {
    crds: placed.filter((one): one is PlacedCrd => isWhole(one.crd)),
    patches: placed
      .filter(({ crd }) => !isWhole(crd))
      .map(({ crd, place }) => ({ name: crd.metadata?.name ?? 'without a name', place })),
  };
}

/**
 * @throws Error that says what a patch of a CRD is, when the text has nothing else
 */
export function refusePatches({ crds, patches }: CrdText): void {
  const [patch] = patches;
  if (crds.length === 0 && patch !== undefined) {
    throw new Error(
      `${patch.place}: the CustomResourceDefinition ${patch.name} has no group, names and versions, so it is a patch: name the file of the whole CRD, or write it with 'kubectl kustomize FOLDER > crds/NAME.yaml'`,
    );
  }
}

function readDocuments(text: string, file: string): readonly KubernetesDocument[] {
  try {
    return parseKubernetesYaml(text, { repeatedKeys: true });
  } catch (error) {
    const template = /^.*\{\{.*$/m.exec(text);
    if (template === null) {
      throw new Error(`${file}:${(error as Error).message}`, { cause: error });
    }
    const line = text.slice(0, template.index).split('\n').length;
    throw new Error(
      `${file}:${line}:1: '${template[0].trim()}' is of a template of Helm, which is no YAML yet: name the rendered file, 'helm template CHART --include-crds > crds/NAME.yaml'`,
      { cause: error },
    );
  }
}

function listItems(object: unknown): readonly unknown[] {
  const items = (object as { items?: unknown } | null)?.items;
  return Array.isArray(items) ? (items as unknown[]) : [object];
}

/** A CRD as it may be written: any part can be missing. */
interface WrittenCrd {
  readonly kind: 'CustomResourceDefinition';
  readonly apiVersion?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec?: Partial<ForeignCrd['spec']>;
}

function isDefinition(object: unknown): object is WrittenCrd {
  return (object as Partial<ForeignCrd> | null)?.kind === 'CustomResourceDefinition';
}

function isWhole({ metadata, spec }: WrittenCrd): boolean {
  const { group, names, versions = [] } = spec ?? {};
  const texts = [metadata?.name, group, names?.kind, names?.plural];
  return texts.every((text) => typeof text === 'string') && Array.isArray(versions);
}
