/**
 * The kinds that the cluster serves: those of a real API server with the CRDs of Istio and the
 * Gateway API (`served-kinds.ts`), and the CRDs that tests create.
 */
import type { KubeObject, ResourceType } from 'autopilot-runtime/internal';
import { apiVersionOf } from 'autopilot-runtime/internal';
import type { PrinterColumn, DefinitionSpec } from './custom-resource-definition.ts';
import { memoize } from './frozen-json.ts';
import type { ScalePaths } from './scale.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { SERVED_KINDS } from './served-kinds.ts';
import type { Shape } from './merge-shape.ts';
import { METADATA_SHAPE, mergeShapeOf } from './merge-shape.ts';

/** A built-in kind, as `served-kinds.ts` lists it. */
export interface ServedKind extends ResourceType {
  /** True: a CustomResourceDefinition defines the kind. */
  readonly custom?: true;
  /** True: the kind has the status subresource. */
  readonly status?: true;
  /** Merge rules of the fields beside metadata. */
  readonly shape?: Shape;
}

/** A kind that the cluster serves, in one version. */
export interface Kind extends ServedKind {
  readonly shape: Shape;
  /** Whether the API server increments metadata.generation with each change of the spec. */
  readonly generation: boolean;
  /** Schema of a CRD's version. Undefined for the kinds of `served-kinds.ts`: no validation. */
  readonly schema?: StructuralSchema;
  readonly scale?: ScalePaths;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly columns?: readonly PrinterColumn[];
}

/** Built-in kinds whose registry strategy sets metadata.generation. */
const KINDS_WITH_GENERATION = new Set([
  'pods',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'replicationcontrollers',
  'jobs',
  'cronjobs',
  'ingresses',
  'networkpolicies',
  'poddisruptionbudgets',
  'customresourcedefinitions',
]);

const KINDS_WITH_SCALE = new Set([
  'deployments',
  'replicasets',
  'statefulsets',
  'replicationcontrollers',
]);

/** Shared by all clusters, because built-in kinds do not change. */
let builtInKindsCache: readonly (readonly [string, Kind])[] | undefined;

function createBuiltInKinds(): readonly (readonly [string, Kind])[] {
  builtInKindsCache ??= SERVED_KINDS.map((served): readonly [string, Kind] => [
    kindPath(served),
    {
      ...served,
      shape: withMetadataShape(served.shape),
      generation: served.custom === true || KINDS_WITH_GENERATION.has(served.plural),
      ...(KINDS_WITH_SCALE.has(served.plural) && {
        scale: { spec: '.spec.replicas', status: '.status.replicas' },
      }),
    },
  ]);
  return builtInKindsCache;
}

/** The kinds that a cluster serves. */
export class KindRegistry {
  readonly #kinds = new Map<string, Kind>(createBuiltInKinds());

  all(): Iterable<Kind> {
    return this.#kinds.values();
  }

  find(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): Kind | undefined {
    return this.#kinds.get(kindPath(type));
  }

  /** The kind of an object. Undefined: the kind is not served. */
  ofObject({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Kind | undefined {
    for (const one of this.#kinds.values()) {
      if (one.kind === kind && apiVersionOf(one) === apiVersion) {
        return one;
      }
    }
    return undefined;
  }

  /** The first kind with this name. The core group and stable versions come first. */
  byName(kind: string): Kind | undefined {
    const found = [...this.#kinds.values()].filter((one) => one.kind === kind);
    return found.find(({ version }) => /^v\d+$/.test(version)) ?? found[0];
  }

  /** Serves the kinds of a CustomResourceDefinition, and returns them. */
  addDefinition(definition: KubeObject): readonly Kind[] {
    for (const { kind, served } of kindsOfDefinition(definition.spec as DefinitionSpec)) {
      if (served) {
        this.#kinds.set(kindPath(kind), kind);
      } else {
        this.#kinds.delete(kindPath(kind));
      }
    }
    return this.ofDefinition(definition);
  }

  /** The kinds of a CustomResourceDefinition, one for each served version. */
  ofDefinition({ spec }: KubeObject): readonly Kind[] {
    const { group, names } = spec as DefinitionSpec;
    return [...this.#kinds.values()].filter(
      (kind) => kind.group === group && kind.plural === names.plural,
    );
  }

  /** Stops serving the kinds of a CustomResourceDefinition, and returns them. */
  removeDefinition(definition: KubeObject): readonly Kind[] {
    const removed = this.ofDefinition(definition);
    for (const kind of removed) {
      this.#kinds.delete(kindPath(kind));
    }
    return removed;
  }
}

/** The kind of each version of a definition, and whether the version is served. */
const kindsOfDefinition = memoize(
  ({
    group,
    scope,
    names,
    versions,
  }: DefinitionSpec): readonly { readonly kind: Kind; readonly served: boolean }[] =>
    versions.map(
      ({ name: version, served, schema, subresources, additionalPrinterColumns: columns }) => {
        const { metadata: _, ...properties } = schema?.openAPIV3Schema?.properties ?? {};
        const whole: StructuralSchema = { ...schema?.openAPIV3Schema, properties };
        const scale = subresources?.scale;
        const kind: Kind = {
          group,
          version,
          kind: names.kind,
          plural: names.plural,
          namespaced: scope === 'Namespaced',
          custom: true,
          generation: true,
          ...(subresources?.status !== undefined && { status: true }),
          ...(scale !== undefined && {
            scale: {
              spec: scale.specReplicasPath,
              status: scale.statusReplicasPath,
              ...(scale.labelSelectorPath !== undefined && { selector: scale.labelSelectorPath }),
            },
          }),
          ...(names.shortNames !== undefined && { shortNames: names.shortNames }),
          ...(names.categories !== undefined && { categories: names.categories }),
          ...(columns !== undefined && { columns }),
          shape: withMetadataShape(mergeShapeOf(whole)),
          schema: whole,
        };
        return { kind, served };
      },
    ),
);

function kindPath({
  group,
  version,
  plural,
}: Pick<ResourceType, 'group' | 'version' | 'plural'>): string {
  return `${group}/${version}/${plural}`;
}

function withMetadataShape(shape: Shape | undefined): Shape {
  return { ...shape, fields: { ...shape?.fields, metadata: METADATA_SHAPE } };
}
